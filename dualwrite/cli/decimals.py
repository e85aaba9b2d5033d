"""`dualwrite decimals`: how many digits the columns of dataverse keep."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import plural, print_json, print_table, say, tell, wrapped

if TYPE_CHECKING:
    from dualwrite.sync.decimals.decimals import Change
    from dualwrite.sync.decimals.widening import Redeclared
    from dualwrite.sync.session import Session

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME",
        help="Columns that this map carries; may be said again.",
        show_default="all maps at work",
    ),
]
Table = Annotated[
    str | None, typer.Option("--table", metavar="NAME", help="Columns of this table alone.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and no more.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.callback()
def decimals() -> None:
    """Let the columns of dataverse keep more digits, and take that back."""


@app.command()
def widen(
    to: Annotated[
        int,
        typer.Option(
            "--to", min=0, max=36, help="Digits behind the point; exchange rates get two more."
        ),
    ] = 10,
    maps: Maps = None,
    table: Table = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Let decimal columns of dataverse keep more digits.

    First it is shown which columns that are, and how many rows lose digits as they are. No
    stored value changes. Rows that were rejected for their digits are then tried again.
    `dualwrite decimals undo` takes it back.

    \b
    Examples:
      dualwrite decimals widen --dry-run
      dualwrite decimals widen --to 10 --map customers-v3--accounts
      dualwrite decimals widen --table product --yes
    """
    _refuse_silence(dry_run=dry_run, yes=yes, as_json=as_json)
    from dualwrite.cli.progress import bars
    from dualwrite.sync.decimals import decimals as looking
    from dualwrite.sync.decimals.widening import finish_begun
    from dualwrite.sync.session import open_session

    with open_session(project) as session:
        if not dry_run:
            _tell_ended(finish_begun(session))
        names = maps or looking.at_work(session)
        with bars("rows") as shown:
            found = looking.widening(
                session,
                names,
                table=table,
                to=to,
                progress=lambda name, rows: shown.step(name, rows, None),
            )
        if not as_json:
            _print(found, names, "wide enough: nothing to widen")
        _carry_out(session, found, dry_run=dry_run, yes=yes, undo=False, as_json=as_json)


@app.command()
def undo(
    maps: Maps = None,
    table: Table = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Take the last widening of each column back.

    A column that holds a value with more digits by now stays as wide as it is, and the rows
    are named.

    \b
    Examples:
      dualwrite decimals undo --dry-run
      dualwrite decimals undo --table product
    """
    _refuse_silence(dry_run=dry_run, yes=yes, as_json=as_json)
    from dualwrite.cli.progress import bars
    from dualwrite.sync.decimals import decimals as looking
    from dualwrite.sync.decimals.widening import finish_begun
    from dualwrite.sync.session import open_session

    with open_session(project) as session:
        if not dry_run:
            _tell_ended(finish_begun(session))
        names = maps or looking.at_work(session)
        with bars("rows") as shown:
            found = looking.narrowing(
                session,
                names,
                table=table,
                progress=lambda name, rows: shown.step(name, rows, None),
            )
        if not as_json:
            _print(found, names, "as wide as they were: nothing to undo")
        _carry_out(session, found, dry_run=dry_run, yes=yes, undo=True, as_json=as_json)


def _refuse_silence(*, dry_run: bool, yes: bool, as_json: bool) -> None:
    """A script must say what it wants: nobody is there to be asked."""
    if as_json and not (dry_run or yes):
        msg = "--json needs --dry-run or --yes"
        raise typer.BadParameter(msg)


def _tell_ended(tables: Sequence[str]) -> None:
    for table in tables:
        tell(f"What was begun with {table} before is ended now.")


def _print(found: Sequence[Change], names: Sequence[str], none: str) -> None:
    from dualwrite.sync.decimals.decimals import spelled

    if not names:
        say("No map is at work. Name one: --map NAME")
        return
    if not found:
        say(f"The columns of {plural(len(names), 'map')} are {none}.")
        return
    numbers = ["Lose digits", "Will still", "Rejected"]
    print_table(
        ["Column", "Now", "Will be", *numbers],
        [
            [
                f"{c.table}.{c.column}",
                spelled(c.now),
                spelled(c.to),
                f"{c.rows:,}",
                f"{c.still:,}",
                f"{c.rejected:,}",
            ]
            for c in found
        ],
        numbers=numbers,
    )
    say("")
    for change in found:
        for line in _notes(change):
            say(wrapped(line, further="    "))


def _notes(change: Change) -> list[str]:
    """What the table has no room for."""
    name, notes = f"{change.table}.{change.column}", []
    if change.refused:
        notes.append(f"{name} stays as it is: it {_said(change)}")
    for key in change.keys:
        told = ", ".join("null" if part is None else part for part in key.values())
        notes.append(f"  {told}")
    if change.rounded and change.rows > change.still:
        notes.append(f"{name} is rounded by its map; digits that find room then cross")
    if change.still and not change.rounded:
        notes.append(
            f"{name}: {plural(change.still, 'row')} will be rejected still, mostly because "
            "the currency has no more digits"
        )
    return notes


def _said(change: Change) -> str:
    if change.keys:
        return f"holds {plural(change.rows, 'value')} with more digits, first of all in"
    return change.refused


def _carry_out(
    session: Session,
    found: Sequence[Change],
    *,
    dry_run: bool,
    yes: bool,
    undo: bool,
    as_json: bool,
) -> None:
    from dualwrite.cli.progress import bars
    from dualwrite.sync.decimals.widening import redeclare

    ready = [change for change in found if not change.refused]
    if dry_run or not ready:
        _tell_all(found, None, dry_run=dry_run, as_json=as_json)
    else:
        if not yes:
            _ask(ready, undo=undo)
        with bars("tables") as shown:
            done = redeclare(session, ready, undo=undo, progress=shown.step)
        _tell_all(found, done, dry_run=False, as_json=as_json)
    if not dry_run and any(change.refused for change in found):
        raise typer.Exit(1)


def _ask(ready: Sequence[Change], *, undo: bool) -> None:
    """Go on only if a person says so."""
    asked = f"{'Take back' if undo else 'Widen'} {plural(len(ready), 'column')}?"
    if not sys.stdin.isatty():
        tell(f"{asked} Nobody is here to be asked, so nothing was changed. Say --yes.")
    elif typer.confirm(asked):
        return
    else:
        say("Nothing was changed.")
    raise typer.Exit(1)


def _tell_all(
    found: Sequence[Change], done: Redeclared | None, *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        told: dict[str, Any] = {"columns": [change.as_dict() for change in found]}
        told["changed"] = [] if done is None else [f"{c.table}.{c.column}" for c in done.changes]
        told["queued"] = 0 if done is None else done.queued
        told["retried"] = [] if done is None else [_counts(each) for each in done.retried]
        print_json(told)
        return
    if done is None:
        if found and dry_run:
            say("A dry run: nothing was changed.")
        return
    say(f"{plural(len(done.changes), 'column')} changed; no stored value did.")
    if done.queued:
        rows = plural(done.queued, "row that was rounded crosses", "rows that were rounded cross")
        say(f"{rows} with the next cycle.")
    for each in done.retried:
        counts = each.counts
        say(
            wrapped(
                f"{each.map}, rows that were rejected for their digits: "
                f"{counts.written:,} written now, {counts.unchanged:,} equal already, "
                f"{counts.rejected + counts.parked:,} still waiting",
                further="    ",
            )
        )


def _counts(retried: Any) -> dict[str, object]:
    return {"map": retried.map, "direction": retried.direction, **retried.counts.as_dict()}
