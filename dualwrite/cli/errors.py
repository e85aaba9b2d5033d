"""`dualwrite errors`: rows that were refused or wait, why, and what to do with them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import plural, print_json, print_table, say, stamp, wrapped
from dualwrite.errors import PermanentError
from dualwrite.link import load_link

if TYPE_CHECKING:
    from dualwrite.journal.records import Cause, HeldRow
    from dualwrite.journal.store import Journal

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

MapOption = Annotated[
    str | None, typer.Option("--map", metavar="NAME", help="Rows of this map only.")
]
_HEADS = (
    *("id", "kind", "map", "direction", "key"),
    *("cause", "column", "reason", "cure", "at", "row"),
)
"""The columns of the CSV file."""
Ids = Annotated[list[int], typer.Argument(metavar="ID", help="As dualwrite errors shows them.")]


class UnknownIdsError(PermanentError):
    """Ids were given that no held row has."""

    def __init__(self, *, ids: Sequence[int], untouched: str) -> None:
        self.ids = tuple(ids)
        listed = ", ".join(map(str, ids))
        which = "no row waits under the id" if len(ids) == 1 else "no rows wait under the ids"
        super().__init__(
            f"{which} {listed}. {untouched}\n  See the ids that there are: dualwrite errors"
        )


@app.callback()
def errors(
    ctx: typer.Context,
    map_name: MapOption = None,
    rule: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="Rows refused by this rule only, one by one."),
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write the rows, values and all, to a file."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows.")] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show rejected and parked rows, and why.

    Grouped by cause, or one by one with --rule.

    A rejected row broke a rule, or the other app refused it. A parked row waits for
    another row. Each has an id; correct the cause, then retry it, or discard it.

    \b
    Examples:
      dualwrite errors
      dualwrite errors --rule required --limit 20
      dualwrite errors --map customers-v3--accounts --csv rejected.csv
      dualwrite errors retry 12 13
      dualwrite errors discard 14
    """
    if ctx.invoked_subcommand is not None:
        return
    from dualwrite.journal.store import Journal

    with Journal.open(load_link(project).journal_url) as journal:
        if csv_file is not None:
            _export(journal, csv_file, map_name, rule, limit, as_json=as_json)
        elif as_json:
            rejected, parked = _rows(journal, map_name, rule, limit)
            print_json(
                {"rejected": _dicts(rejected, "rule"), "parked": _dicts(parked, "waits_for")}
            )
        elif rule is not None:
            _print_rows(journal.held.rejected(map_name, rule=rule, limit=limit or 50), rule)
        else:
            _print_causes(journal, journal.held.causes(map_name))


@app.command()
def retry(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="As dualwrite errors shows them.")
    ] = None,
    map_name: MapOption = None,
    every: Annotated[bool, typer.Option("--all", help="All rows that wait.")] = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Try held rows again, as they are now in their app.

    Say which: by id, all of a map, or all. What passes is written and waits no longer;
    what fails again stays, with the newest reason.

    \b
    Examples:
      dualwrite errors retry 12 13
      dualwrite errors retry --map customers-v3--accounts
      dualwrite errors retry --all
    """
    if not ids and map_name is None and not every:
        msg = "say which rows: ID..., --map NAME or --all"
        raise typer.BadParameter(msg)
    from dualwrite.sync.retry import retry as try_again
    from dualwrite.sync.session import open_session

    with open_session(project) as session:
        journal = session.journal
        if ids:
            _refuse_unknown(journal, ids, untouched="Nothing was tried.")
        rows = [
            *journal.held.rejected(map_name, ids=ids or None),
            *journal.held.parked(map_name, ids=ids or None),
        ]
        results = try_again(session, rows)
    if as_json:
        told = [
            {"map": r.map, "direction": r.direction, **r.counts.as_dict(), "gone": r.gone}
            for r in results
        ]
        print_json({"retried": told})
        return
    if not results:
        say("No row waits: nothing was tried.")
    for result in results:
        counts = result.counts
        say(
            f"{result.map}, {result.direction}:\n"
            f"  {counts.written:,} written, {counts.unchanged:,} equal already, "
            f"{counts.rejected:,} rejected again, {counts.parked:,} parked, {result.gone:,} gone"
        )


@app.command()
def discard(ids: Ids, project: Project = HERE, as_json: Json = False) -> None:
    """Forget held rows for good. The apps are not touched.

    A row that is still wrong comes back when it is read again.

    \b
    Example:
      dualwrite errors discard 12 13
    """
    from dualwrite.journal.store import Journal

    with Journal.open(load_link(project).journal_url) as journal:
        _refuse_unknown(journal, ids, untouched="Nothing was discarded.")
        gone = journal.held.discard(ids)
        journal.activity.log(
            None, "discard", f"{plural(gone, 'held row')} discarded", {"ids": sorted(ids)}
        )
    if as_json:
        print_json({"discarded": sorted(set(ids))})
    else:
        say(f"{plural(gone, 'row')} discarded.")


def _refuse_unknown(journal: Journal, ids: Iterable[int], *, untouched: str) -> None:
    wanted = set(ids)
    held = {
        row.id for row in (*journal.held.rejected(ids=wanted), *journal.held.parked(ids=wanted))
    }
    if unknown := sorted(wanted - held):
        raise UnknownIdsError(ids=unknown, untouched=untouched)


def _rows(
    journal: Journal, map_name: str | None, rule: str | None, limit: int | None
) -> tuple[list[HeldRow], list[HeldRow]]:
    rejected = journal.held.rejected(map_name, rule=rule, limit=limit)
    # A rule refuses; what is parked has none.
    parked = [] if rule is not None else journal.held.parked(map_name, limit=limit)
    return rejected, parked


def _dicts(rows: Iterable[HeldRow], cause: str) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "map": row.map,
            "direction": row.direction,
            "key": row.key,
            cause: row.cause,
            "reason": row.reason,
            **({"column": row.column, "cure": row.cure} if row.kind == "rejected" else {}),
            "row": row.row,
            "at": stamp(row.at),
        }
        for row in rows
    ]


def _print_causes(journal: Journal, causes: Sequence[Cause]) -> None:
    if not causes:
        say("No row waits: nothing was rejected, nothing is parked.")
        return
    for cause in causes:
        about = f"{cause.kind} by {cause.cause}" + (f" of {cause.column}" if cause.column else "")
        if cause.kind == "parked":
            about = f"parked, waiting for {cause.cause}"
        head = f"{cause.map}, {cause.direction}: {plural(cause.rows, 'row')} {about}"
        say(wrapped(head, further="    "))
        # the reason is that of one row; the others' differ in their values
        say(wrapped(f"{'for example: ' if cause.rows > 1 else ''}{cause.reason}", "  "))
        if cause.cure:
            say(wrapped(f"To fix it: {cause.cure}", "  "))
        say(f"  {_ids(journal, cause)}\n")
    say(
        "Correct the cause, then: dualwrite errors retry ID...\n"
        "Or forget the rows: dualwrite errors discard ID..."
    )


def _ids(journal: Journal, cause: Cause, shown: int = 8) -> str:
    ids = [str(each) for each in journal.held.ids_of(cause, limit=shown)]
    more = cause.rows - len(ids)
    return f"id {', '.join(ids)}" + (f" and {more:,} more" if more else "")


def _print_rows(rows: Sequence[HeldRow], rule: str) -> None:
    if not rows:
        say(f"No row waits under the rule {rule!r}.")
        return
    print_table(
        ["Id", "Map", "Key", "Reason"],
        [[str(row.id), row.map, _key(row), row.reason] for row in rows],
        numbers=["Id"],
    )


def _key(row: HeldRow) -> str:
    return ", ".join("null" if value is None else value for value in row.key.values())


def _export(
    journal: Journal,
    file: Path,
    map_name: str | None,
    rule: str | None,
    limit: int | None,
    *,
    as_json: bool,
) -> None:
    rejected, parked = _rows(journal, map_name, rule, limit)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADS)
        for row in (*rejected, *parked):
            key, values = (json.dumps(dict(m), ensure_ascii=False) for m in (row.key, row.row))
            writer.writerow(
                [
                    row.id,
                    row.kind,
                    row.map,
                    row.direction,
                    key,
                    row.cause,
                    row.column,
                    row.reason,
                    row.cure,
                    stamp(row.at),
                    values,
                ]
            )
    count = len(rejected) + len(parked)
    if as_json:
        print_json({"file": str(file), "rows": count})
    else:
        say(f"{plural(count, 'row')} written to {file}.")
