"""`dualwrite conflicts`: rows that changed on both sides, what became of them, who decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project, SideWord, map_names
from dualwrite.cli.output import (
    key_values,
    moment,
    print_json,
    print_line,
    print_message,
    print_table,
)
from dualwrite.link import AppNames, Side

if TYPE_CHECKING:
    from dualwrite.operations.commands.conflicts import Decisions
    from dualwrite.operations.conflictrows import StoredConflict
    from dualwrite.operations.queries.conflicts import Cell, ColumnVersions

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

Ids = Annotated[list[int], typer.Argument(metavar="ID", help="As dualwrite conflicts shows them.")]
Id = Annotated[int, typer.Argument(metavar="ID", help="As dualwrite conflicts shows it.")]


@app.callback()
def conflicts(
    ctx: typer.Context,
    map_name: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="NAME", autocompletion=map_names, help="Conflicts of this map only."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Closed ones too, not only those that wait.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show rows that changed on both sides and wait for a person.

    Where the map's policy is ask, neither side is written until you decide. What other
    policies have decided is listed with --all, and can be undone.

    \b
    Examples:
      dualwrite conflicts
      dualwrite conflicts show 3
      dualwrite conflicts resolve 3 4 --take finops
      dualwrite conflicts undo 3
    """
    if ctx.invoked_subcommand is not None:
        return
    from dualwrite.operations.queries.conflicts import conflicts as look
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        result = look(session, map_name, decided=every, limit=limit)
    if as_json:
        print_json(result.as_dict())
        return
    found = result.rows
    if not found:
        print_line("No conflict is on record." if every else "No conflict waits for a decision.")
        return
    print_table(
        ["Id", "Map", "Key", "What", "Outcome", "When"],
        [
            [
                str(each.id),
                each.map,
                key_values(each.conflict.key),
                each.conflict.kind,
                _outcome(each, session.link.names),
                moment(each.at),
            ]
            for each in found
        ],
        numbers=["Id"],
    )
    print_line("\nBoth versions: dualwrite conflicts show ID")
    if any(each.conflict.status.value == "open" for each in found):
        print_line("To decide: dualwrite conflicts resolve ID --take finops|dataverse")


@app.command()
def show(conflict_id: Id, project: Project = HERE, as_json: Json = False) -> None:
    """Show both versions of a row in conflict.

    \b
    Example:
      dualwrite conflicts show 3
    """
    from dualwrite.operations.queries.conflicts import conflict_versions
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        result = conflict_versions(session, conflict_id)
    if as_json:
        print_json(result.as_dict())
        return
    found, conflict, apps = result.row, result.row.conflict, session.link.names
    print_line(
        f"Conflict {found.id} of {found.map}, {key_values(conflict.key)}, {moment(found.at)}"
    )
    print_line(f"  policy {conflict.policy}: {_outcome(found, apps)}")
    for side in Side:
        if conflict.rows.get(side) is None:
            print_line(f"  deleted in {apps.of(side)}")
    if result.columns is None:
        _print_apart(found, apps)
    else:
        _print_beside(result.columns, apps)


@app.command()
def resolve(
    ids: Ids,
    take: Annotated[SideWord, typer.Option(help="The side whose version is right.")],
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Decide conflicts that wait: the version of one side goes to both.

    \b
    Example:
      dualwrite conflicts resolve 3 4 --take finops
    """
    from dualwrite.operations.commands.conflicts import resolve as decide
    from dualwrite.operations.session import open_session

    side = Side(take.value)
    with open_session(project) as session:
        done = decide(session, ids, side)
    apps = session.link.names
    _print_decisions(done, f"closed: {apps.of(side)} wins", apps, as_json=as_json)


@app.command()
def undo(conflict_id: Id, project: Project = HERE, as_json: Json = False) -> None:
    """Undo the decision of a conflict: the version that lost is restored.

    \b
    Example:
      dualwrite conflicts undo 3
    """
    from dualwrite.operations.commands.conflicts import undo as take_back
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        done = take_back(session, [conflict_id])
    _print_decisions(done, "undone", session.link.names, as_json=as_json)


def _print_decisions(done: Decisions, text: str, apps: AppNames, *, as_json: bool) -> None:
    for each in done.decisions:
        if each.error is not None:
            print_message(apps.in_text(str(each.error)))
        elif not as_json and each.row is not None:
            row = each.row
            print_line(f"{row.map}: conflict {row.id} ({key_values(row.conflict.key)}) is {text}")
    if as_json:
        print_json(done.as_dict())
    elif done.maps:
        print_line(f"The next cycle carries it: dualwrite sync {' '.join(done.maps)}")
    if done.failed:
        raise typer.Exit(1)


def _outcome(row: StoredConflict, apps: AppNames) -> str:
    status = row.conflict.status.value
    if status == "open":
        return "waits for a decision"
    outcome = apps.in_text(row.conflict.outcome.value)
    return f"{outcome}{', undone' if status == 'undone' else ''}"


def _print_beside(columns: Sequence[ColumnVersions], apps: AppNames) -> None:
    """Both versions, a line for each column of the map; what was changed is marked."""
    lines = []
    for each in columns:
        cells = [
            text
            for side in Side
            for text in (each.columns.get(side, ""), _cell(each.cells.get(side)))
        ]
        lines.append([*cells, apps.in_text(each.winner)])
    heads = [apps.heading(side) for side in Side]
    print_table([heads[0], "Has", heads[1], "Has ", "Won"], lines)
    print_line("\n* changed there since both sides last agreed")


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"{'* ' if cell.changed else ''}{_shown(cell.value)}"


def _print_apart(row: StoredConflict, apps: AppNames) -> None:
    for side in Side:
        for name, value in (row.conflict.rows.get(side) or {}).items():
            print_line(f"  {apps.of(side)}: {name} = {_shown(value)}")


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
