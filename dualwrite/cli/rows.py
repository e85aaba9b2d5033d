"""`dualwrite rows`: the dated rows of a map, as of a day, over a range, or all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project, SideWord, map_names
from dualwrite.cli.output import plural, print_json, print_line, print_table
from dualwrite.link import AppNames, Side

if TYPE_CHECKING:
    from dualwrite.operations.queries.rows import DatedRows, When


_COLUMNS = 6
"""So many fit beside each other."""


def rows(  # noqa: PLR0913, PLR0917 - one for each word of the command
    name: Annotated[
        str,
        typer.Argument(
            metavar="MAP", autocompletion=map_names, help="A map that says `effective:`."
        ),
    ],
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Rows valid then; a day, or a moment in UTC.",
            show_default="now",
        ),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Rows valid at any time from here.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Rows valid at any time up to here.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Past, present and future rows.")] = False,
    side: Annotated[SideWord, typer.Option(help="The side to read.")] = SideWord.FINOPS,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="COLUMN=VALUE", help="Only these rows; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 50,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all of the rows to a file."),
    ] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show the rows of a dated map: as of a day, over a range, or all.

    Read from the app as it is, in the map's columns. Nothing is written.

    \b
    Examples:
      dualwrite rows cds-postal-address-history-v2--msdyn-postaladdresses --as-of 2027-01-01
      dualwrite rows MAP --from 2026-01-01 --to 2026-12-31 --key LOCATIONID=L000001
      dualwrite rows MAP --all --side dataverse --csv history.csv
    """
    when = _when(as_of, first, last, every=every)
    keys = dict(_pair(text) for text in key or ())
    from dualwrite.operations.queries.rows import export_rows
    from dualwrite.operations.queries.rows import rows as look
    from dualwrite.operations.session import open_session

    read = Side(side.value)
    with open_session(project) as session:
        if csv_file is not None:
            written = export_rows(session, name, read, when, csv_file, keys=keys)
            if as_json:
                print_json(written.as_dict())
            else:
                print_line(f"{plural(written.rows, 'row')} written to {csv_file}.")
            return
        found = look(session, name, read, when, keys=keys, limit=limit)
    if as_json:
        print_json(found.as_dict())
    else:
        _print(found, session.link.names)


def _when(as_of: str | None, first: str | None, last: str | None, *, every: bool) -> When:
    from dualwrite.operations.queries.rows import Range

    ranged = first is not None or last is not None
    if (as_of is not None) + ranged + every > 1:
        msg = "--as-of, --from with --to, and --all leave each other out"
        raise typer.BadParameter(msg)
    if every:
        return None
    if not ranged:
        return "now" if as_of is None else _moment(as_of)
    low = dt.datetime(1000, 1, 1, tzinfo=dt.UTC) if first is None else _moment(first)
    high = dt.datetime(9999, 12, 30, tzinfo=dt.UTC) if last is None else _moment(last, end=True)
    if high < low:
        msg = f"the range ends ({last}) before it begins ({first})"
        raise typer.BadParameter(msg)
    return Range(low, high)


def _moment(text: str, *, end: bool = False) -> dt.datetime:
    """A day's first second, or its last; or a moment, in UTC where it says no zone."""
    try:
        if len(text) == len("2027-01-01"):
            clock = dt.time(23, 59, 59) if end else dt.time()
            return dt.datetime.combine(dt.date.fromisoformat(text), clock, dt.UTC)
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is neither a day (2027-01-01) nor a moment (2027-01-01T08:00:00Z)"
        raise typer.BadParameter(msg) from error
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _pair(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals or not column:
        msg = f"{text!r} is not COLUMN=VALUE"
        raise typer.BadParameter(msg)
    return column, value


def _print(found: DatedRows, apps: AppNames) -> None:
    if not found.rows:
        print_line(f"{found.map}: no row of {apps.of(found.side)} is valid then.")
        return
    # a person wants to see whose the row is and when it is valid; all columns are in --json
    some = [name for name in found.columns if any(row[name] is not None for row in found.rows)]
    shown = some[:_COLUMNS]
    print_table(shown, [[_cell(row[name]) for name in shown] for row in found.rows])
    if len(some) > len(shown):
        print_line(
            f"... and {plural(len(some) - len(shown), 'column')} more; --json and --csv have them."
        )
    if found.more:
        print_line("... and more; --limit shows them, --csv FILE writes them all.")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.removesuffix("T00:00:00+00:00").replace("+00:00", "Z")
