"""`dualwrite decimals`: how many digits the columns of dataverse keep."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project, map_names
from dualwrite.cli.output import (
    key_values,
    plural,
    print_json,
    print_line,
    print_message,
    print_table,
    wrapped,
)

if TYPE_CHECKING:
    from dualwrite.cli.progress import Bars
    from dualwrite.operations.commands.decimals import DecimalsChanged
    from dualwrite.operations.queries.decimals import Change, DecimalChanges

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME",
        autocompletion=map_names,
        help="Columns that this map carries; may be repeated.",
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
    _require_answer(dry_run=dry_run, yes=yes, as_json=as_json)
    from dualwrite.cli.progress import bars
    from dualwrite.operations.commands.decimals import widen_decimals
    from dualwrite.operations.queries.decimals import decimals_to_widen
    from dualwrite.operations.session import open_session

    ask = _Question("Widen", "wide enough: nothing to widen", yes=yes, as_json=as_json)
    with open_session(project) as session, bars("done") as shown:
        if dry_run:
            found = decimals_to_widen(session, maps, table=table, to=to, progress=shown.step)
            _print_dry_run(found, ask)
            return
        done = widen_decimals(
            session,
            maps,
            table=table,
            to=to,
            approve=lambda found: ask.approve(found, shown),
            progress=shown.step,
            notify=print_message,
        )
    _print_done(done, as_json=as_json)


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
    _require_answer(dry_run=dry_run, yes=yes, as_json=as_json)
    from dualwrite.cli.progress import bars
    from dualwrite.operations.commands.decimals import undo_decimals
    from dualwrite.operations.queries.decimals import decimals_to_undo
    from dualwrite.operations.session import open_session

    ask = _Question("Take back", "as wide as they were: nothing to undo", yes=yes, as_json=as_json)
    with open_session(project) as session, bars("done") as shown:
        if dry_run:
            found = decimals_to_undo(session, maps, table=table, progress=shown.step)
            _print_dry_run(found, ask)
            return
        done = undo_decimals(
            session,
            maps,
            table=table,
            approve=lambda found: ask.approve(found, shown),
            progress=shown.step,
            notify=print_message,
        )
    _print_done(done, as_json=as_json)


def _require_answer(*, dry_run: bool, yes: bool, as_json: bool) -> None:
    """A script must answer in advance: nobody is there to be asked."""
    if as_json and not (dry_run or yes):
        msg = "--json needs --dry-run or --yes"
        raise typer.BadParameter(msg)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a person is shown and asked before columns change."""

    verb: str
    none: str
    """What is printed of the columns where none is to change."""
    yes: bool
    as_json: bool

    def approve(self, found: DecimalChanges, shown: Bars) -> bool:
        """Show what would change; whether a person, or --yes, agrees."""
        shown.stop()
        self.show(found)
        if self.yes or not found.possible:
            return True
        asked = f"{self.verb} {plural(len(found.possible), 'column')}?"
        if not sys.stdin.isatty():
            print_message(f"{asked} Nobody is here to be asked, so nothing was changed. Say --yes.")
            return False
        if typer.confirm(asked):
            return True
        print_line("Nothing was changed.")
        return False

    def show(self, found: DecimalChanges) -> None:
        """The columns, in a table."""
        if not self.as_json:
            _print(found, self.none)


def _print_dry_run(found: DecimalChanges, ask: _Question) -> None:
    if ask.as_json:
        print_json(found.as_dict())
        return
    ask.show(found)
    if found.changes:
        print_line("A dry run: nothing was changed.")


def _print(found: DecimalChanges, none: str) -> None:
    if not found.names:
        print_line("No map is at work. Name one: --map NAME")
        return
    if not found.changes:
        print_line(f"The columns of {plural(len(found.names), 'map')} are {none}.")
        return
    numbers = ["Lose digits", "Will still", "Rejected"]
    print_table(
        ["Column", "Now", "Will be", *numbers],
        [
            [
                f"{c.table}.{c.column}",
                _digits(c.now),
                _digits(c.to),
                f"{c.rows:,}",
                f"{c.still:,}",
                f"{c.rejected:,}",
            ]
            for c in found.changes
        ],
        numbers=numbers,
    )
    print_line("")
    for change in found.changes:
        for line in _notes(change):
            print_line(wrapped(line, further="    "))


def _digits(kind: Any) -> str:
    """`19, 4`: digits in all, and after the point."""
    return f"{kind.precision}, {kind.scale}"


def _notes(change: Change) -> list[str]:
    """What the table has no room for."""
    name, notes = f"{change.table}.{change.column}", []
    if change.refused:
        notes.append(f"{name} stays as it is: it {_reason(change)}")
    notes += [f"  {key_values(key)}" for key in change.keys]
    if change.rounded and change.rows > change.still:
        notes.append(f"{name} is rounded by its map; digits that find room then cross")
    if change.still and not change.rounded:
        notes.append(
            f"{name}: {plural(change.still, 'row')} will be rejected still, mostly because "
            "the currency has no more digits"
        )
    return notes


def _reason(change: Change) -> str:
    if change.keys:
        return f"holds {plural(change.rows, 'value')} with more digits, first of all in"
    return change.refused


def _print_done(done: DecimalsChanged, *, as_json: bool) -> None:
    if as_json:
        print_json(done.as_dict())
    elif done.changed:
        print_line(f"{plural(len(done.changed), 'column')} changed; no stored value did.")
        if done.queued:
            one, many = "row that was rounded crosses", "rows that were rounded cross"
            print_line(f"{plural(done.queued, one, many)} with the next cycle.")
        for each in done.retried:
            counts = each.counts
            print_line(
                wrapped(
                    f"{each.map}, rows that were rejected for their digits: "
                    f"{counts.written:,} written now, {counts.unchanged:,} equal already, "
                    f"{counts.rejected + counts.parked:,} still waiting",
                    further="    ",
                )
            )
    if not done.complete:
        raise typer.Exit(1)
