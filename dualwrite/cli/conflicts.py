"""`dualwrite conflicts`: rows that changed on both sides, what became of them, who decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project, SideWord
from dualwrite.cli.output import moment, print_json, print_table, say, stamp, tell
from dualwrite.errors import DualWriteError
from dualwrite.link import Side, load_link

if TYPE_CHECKING:
    from dualwrite.journal.records import StoredConflict
    from dualwrite.sync.session import Session
    from dualwrite.tablemap.model import TableMap

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

Ids = Annotated[list[int], typer.Argument(metavar="ID", help="As dualwrite conflicts shows them.")]
Id = Annotated[int, typer.Argument(metavar="ID", help="As dualwrite conflicts shows it.")]


@app.callback()
def conflicts(
    ctx: typer.Context,
    map_name: Annotated[
        str | None, typer.Option("--map", metavar="NAME", help="Conflicts of this map only.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Settled ones too, not only those that wait.")
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
    from dualwrite.journal.store import Journal

    with Journal.open(load_link(project).journal_url) as journal:
        found = journal.conflicts.find(map_name, open_only=not every, limit=limit)
    if as_json:
        print_json({"conflicts": [_as_dict(each) for each in found]})
        return
    if not found:
        say("No conflict is on record." if every else "No conflict waits for a decision.")
        return
    print_table(
        ["Id", "Map", "Key", "What", "Outcome", "When"],
        [
            [
                str(each.id),
                each.map,
                _key(each),
                each.conflict.kind,
                _outcome(each),
                moment(each.at),
            ]
            for each in found
        ],
        numbers=["Id"],
    )
    say("\nBoth versions: dualwrite conflicts show ID")
    if any(each.conflict.status == "open" for each in found):
        say("To decide: dualwrite conflicts resolve ID --take finops|dataverse")


@app.command()
def show(conflict_id: Id, project: Project = HERE, as_json: Json = False) -> None:
    """Show both versions of a row in conflict.

    \b
    Example:
      dualwrite conflicts show 3
    """
    from dualwrite.journal.store import Journal
    from dualwrite.tablemap.catalogue import Catalogue

    with Journal.open(load_link(project).journal_url) as journal:
        known = journal.conflicts.find(ids=[conflict_id], open_only=False)
    if not known:
        from dualwrite.sync.resolve.resolve import NoSuchConflictError

        raise NoSuchConflictError(conflict_id=conflict_id, reason="there is none")
    [found] = known
    if as_json:
        print_json(_as_dict(found))
        return
    conflict = found.conflict
    say(f"Conflict {found.id} of {found.map}, {_key(found)}, {moment(found.at)}")
    say(f"  policy {conflict.policy}: {_outcome(found)}")
    for side in Side:
        if conflict.rows.get(side) is None:
            say(f"  deleted in {side.value}")
    try:
        table_map = Catalogue.load(project / "maps").get(found.map)
    except DualWriteError:
        _print_apart(found)
    else:
        _print_beside(found, table_map)


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
    from dualwrite.sync.resolve.resolve import resolve_conflict
    from dualwrite.sync.session import open_session

    side = Side(take.value)
    with open_session(project) as session:
        done = _one_by_one(session, ids, lambda one: resolve_conflict(session, one, side))
    _told(done, f"closed: {side.value} wins", as_json=as_json)


@app.command()
def undo(conflict_id: Id, project: Project = HERE, as_json: Json = False) -> None:
    """Undo the decision of a conflict: the version that lost is restored.

    \b
    Example:
      dualwrite conflicts undo 3
    """
    from dualwrite.sync.resolve.resolve import undo_conflict
    from dualwrite.sync.session import open_session

    with open_session(project) as session:
        done = _one_by_one(session, [conflict_id], lambda one: undo_conflict(session, one))
    _told(done, "undone", as_json=as_json)


def _one_by_one(
    session: Session, ids: Iterable[int], act: Callable[[int], None]
) -> list[tuple[int, StoredConflict | None, DualWriteError | None]]:
    """Act on each; one that cannot be stops no other."""
    failed: dict[int, DualWriteError] = {}
    every = list(dict.fromkeys(ids))
    for each in every:
        try:
            act(each)
        except DualWriteError as error:
            failed[each] = error
    rows = {row.id: row for row in session.journal.conflicts.find(ids=every, open_only=False)}
    return [(each, rows.get(each), failed.get(each)) for each in every]


def _told(
    done: Sequence[tuple[int, StoredConflict | None, DualWriteError | None]],
    text: str,
    *,
    as_json: bool,
) -> None:
    told: list[dict[str, Any]] = []
    for conflict_id, row, error in done:
        told.append({"id": conflict_id} if row is None else _as_dict(row))
        if error is not None:
            told[-1]["error"] = {"kind": type(error).__name__, "message": str(error)}
            tell(str(error))
        elif not as_json and row is not None:
            say(f"{row.map}: conflict {row.id} ({_key(row)}) is {text}")
    if as_json:
        print_json({"conflicts": told})
    elif moved := list(dict.fromkeys(row.map for _, row, error in done if row and not error)):
        say(f"The next cycle carries it: dualwrite sync {' '.join(moved)}")
    if any(error is not None for *_, error in done):
        raise typer.Exit(1)


def _as_dict(row: StoredConflict) -> dict[str, Any]:
    each = row.conflict
    return {
        "id": row.id,
        "map": row.map,
        "key": each.key,
        "kind": each.kind,
        "policy": each.policy,
        "status": each.status,
        "outcome": each.outcome,
        **{side.value: each.rows.get(side) for side in Side},
        "changed": {side.value: each.changed.get(side) for side in Side},
        "columns": each.columns,
        "at": stamp(row.at),
        "closed_at": stamp(row.closed_at),
    }


def _key(row: StoredConflict) -> str:
    return ", ".join("null" if each is None else each for each in row.conflict.key.values())


def _outcome(row: StoredConflict) -> str:
    from dualwrite.journal.records import ConflictStatus

    match row.conflict.status:
        case ConflictStatus.OPEN:
            return "waits for a decision"
        case ConflictStatus.UNDONE:
            return f"{row.conflict.outcome}, undone"
        case ConflictStatus.CLOSED:
            return row.conflict.outcome


def _print_beside(row: StoredConflict, table_map: TableMap) -> None:
    """Both versions, a line for each column of the map; what was changed is marked."""
    lines = []
    for column in table_map.columns:
        cells: list[str] = []
        for side in Side:
            path = column.end(side)
            values, changed = row.conflict.rows.get(side), row.conflict.changed.get(side)
            if path is None or values is None:
                cells += ["" if path is None else str(path), ""]
                continue
            is_changed = changed is None or path.column in changed
            value = values.get(str(path))
            cells += [str(path), f"{'* ' if is_changed else ''}{_shown(value)}"]
        winners = row.conflict.columns
        lines.append([*cells, winners.get(cells[2]) or winners.get(cells[0], "")])
    print_table(["Finops", "Has", "Dataverse", "Has ", "Won"], lines)
    say("\n* changed there since both sides last agreed")


def _print_apart(row: StoredConflict) -> None:
    for side in Side:
        for name, value in (row.conflict.rows.get(side) or {}).items():
            say(f"  {side.value}: {name} = {_shown(value)}")


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
