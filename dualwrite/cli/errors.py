"""`dualwrite errors`: rows that were refused or wait, why, and what to do with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project, map_names
from dualwrite.cli.output import key_values, plural, print_json, print_line, print_table, wrapped
from dualwrite.link import AppNames

if TYPE_CHECKING:
    from dualwrite.operations.queries.errors import HeldCause, HeldRow

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

MapOption = Annotated[
    str | None,
    typer.Option("--map", metavar="NAME", autocompletion=map_names, help="Rows of this map only."),
]
_AT_MOST = 50
"""Rows that are listed one by one where no --limit is given."""
_NONE = "No row waits: nothing was rejected, nothing is parked."
_NONE_DRY = "The last dry run of each map found no row to hold, or there was none yet."
_CURE = (
    "Correct the cause, then: dualwrite errors retry ID...\n"
    "Or remove the rows from the journal: dualwrite errors discard ID..."
)
_CURE_DRY = (
    "Nothing is held: so it was at the last dry run of each map.\n"
    "Correct the cause, then: dualwrite run MAP --dry-run"
)
Ids = Annotated[list[int], typer.Argument(metavar="ID", help="As dualwrite errors shows them.")]


@app.callback()
def errors(  # noqa: PLR0913, PLR0917 - one for each word of the command
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
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Rows that the last dry run of each map would hold."),
    ] = False,
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
      dualwrite errors --dry-run
      dualwrite errors retry 12 13
      dualwrite errors discard 14
    """
    if ctx.invoked_subcommand is not None:
        if dry_run:
            msg = (
                f"--dry-run shows rows that are not held: there is none to {ctx.invoked_subcommand}"
            )
            raise typer.BadParameter(msg)
        return
    from dualwrite.operations.queries import errors as queries
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        if csv_file is not None:
            written = queries.export_held_rows(
                session, csv_file, map_name, rule=rule, limit=limit, dry_run=dry_run
            )
            if as_json:
                print_json(written.as_dict())
            else:
                print_line(f"{plural(written.rows, 'row')} written to {csv_file}.")
        elif as_json or rule is not None:
            most = limit if as_json else limit or _AT_MOST
            found = queries.held_rows(session, map_name, rule=rule, limit=most, dry_run=dry_run)
            if as_json:
                print_json(found.as_dict())
            else:
                _print_rows(found.rejected, rule or "", session.link.names)
        else:
            causes = queries.held_causes(session, map_name, dry_run=dry_run).causes
            _print_causes(causes, session.link.names, dry_run=dry_run)


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
    from dualwrite.operations.commands.errors import retry as try_again
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        done = try_again(session, ids, map_name=map_name)
    if as_json:
        print_json(done.as_dict())
        return
    if not done.retried:
        print_line("No row waits: nothing was tried.")
    for result in done.retried:
        counts = result.counts
        print_line(
            f"{result.map}, {result.direction}:\n"
            f"  {counts.written:,} written, {counts.unchanged:,} equal already, "
            f"{counts.rejected:,} rejected again, {counts.parked:,} parked, {result.gone:,} gone"
        )


@app.command()
def discard(ids: Ids, project: Project = HERE, as_json: Json = False) -> None:
    """Remove held rows from the journal for good. The apps are not touched.

    A row that is still wrong comes back when it is read again.

    \b
    Example:
      dualwrite errors discard 12 13
    """
    from dualwrite.operations.commands.errors import discard as remove
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        done = remove(session, ids)
    if as_json:
        print_json(done.as_dict())
    else:
        print_line(f"{plural(done.rows, 'row')} discarded.")


def _print_causes(causes: Sequence[HeldCause], apps: AppNames, *, dry_run: bool) -> None:
    if not causes:
        print_line(_NONE_DRY if dry_run else _NONE)
        return
    for each in causes:
        cause = each.cause
        about = f"{cause.kind} by {cause.cause}" + (f" of {cause.column}" if cause.column else "")
        if cause.kind == "parked":
            about = f"parked, waiting for {cause.cause}"
        head = f"{cause.map}, {cause.direction}: {plural(cause.rows, 'row')} {about}"
        print_line(wrapped(head, further="    "))
        # the reason is that of one row; the others' differ in their values
        reason = apps.in_text(cause.reason)
        print_line(wrapped(f"{'for example: ' if cause.rows > 1 else ''}{reason}", "  "))
        if cause.cure:
            print_line(wrapped(f"To fix it: {apps.in_text(cause.cure)}", "  "))
        print_line(wrapped(_first(each), "  ", "    ") + "\n")
    print_line(_CURE_DRY if dry_run else _CURE)


def _first(each: HeldCause) -> str:
    """The ids of the first rows, each with its key: `id 17 (USMF, C-1), 18 (USMF, C-2)`."""
    rows = ", ".join(f"{row.id} ({key_values(row.key)})" for row in each.first)
    more = each.cause.rows - len(each.first)
    return f"id {rows}" + (f" and {more:,} more" if more else "")


def _print_rows(rows: Sequence[HeldRow], rule: str, apps: AppNames) -> None:
    if not rows:
        print_line(f"No row waits under the rule {rule!r}.")
        return
    print_table(
        ["Id", "Map", "Direction", "Key", "Reason"],
        [
            [
                str(row.id),
                row.map,
                apps.in_text(row.direction),
                key_values(row.key),
                apps.in_text(row.reason),
            ]
            for row in rows
        ],
        numbers=["Id"],
    )
