"""What a person does with a conflict: choose a side, or undo what was decided.

A decision is put into a queue, as if the app had made the change anew, and the next cycle
carries it like any other, through the gate; a live worker does so at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from dualwrite.apps.canonical import canonical
from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Op, changed_text
from dualwrite.errors import AppBusyError, PermanentError
from dualwrite.journal.records import (
    Conflict,
    ConflictKind,
    ConflictOutcome,
    ConflictStatus,
    StoredConflict,
)
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch, BatchContext, Carrying, RowsFrom
from dualwrite.sync.batch.decide import side_wins
from dualwrite.sync.batch.keys import plain_rows, typed_keys
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.capture.changes import none_of
from dualwrite.sync.capture.fencing import fence_one
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.routes.route import Route, compile_route
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import lent_lease
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import end_of_path


class NoSuchConflictError(PermanentError):
    """An id names no conflict, or not one of that kind."""

    def __init__(self, *, conflict_id: int, reason: str) -> None:
        self.conflict_id, self.reason = conflict_id, reason
        super().__init__(
            f"conflict {conflict_id}: {reason}. Nothing was changed.\n"
            "  dualwrite conflicts lists those that wait, dualwrite conflicts --all every one."
        )


def resolve_conflict(session: Session, conflict_id: int, side: Side) -> None:
    """Let one side win an open conflict: the whole row that it holds now crosses.

    What each side holds at that moment is recorded: what changed since the conflict began is not
    overwritten unseen either.

    Raises:
        NoSuchConflictError: There is none of that id, or it is closed.
        TransientError, PermanentError: From the apps; the conflict stays open.
    """
    found = _find(session, conflict_id)
    if found.conflict.status is not ConflictStatus.OPEN:
        raise NoSuchConflictError(conflict_id=conflict_id, reason="it is closed already")
    table_map = session.map(found.map)
    capture = installed(session, table_map).get(side)
    if capture is None:
        reason = f"{table_map.name} does not run, so nothing would carry it"
        raise NoSuchConflictError(conflict_id=conflict_id, reason=reason)
    key = _key(session, table_map, side, found.conflict)
    # closed before it is queued: a cycle acknowledges what is queued of an open conflict.  The
    # winning row is locked meanwhile, so that no cycle overwrites it before its entry is there
    with session.apps[side].writing() as writing:
        query = reading(session, table_map, side, filtered=False)
        if writing.lock(query, key).locked.num_rows:
            reason = "an application holds the row of the conflict locked"
            raise AppBusyError(app=side.value, table=query.table, reason=reason)
        session.journal.conflicts.close(conflict_id, ConflictOutcome(side.value))
        try:
            rows = {each: _current(session, table_map, each, found.conflict) for each in Side}
            outcome, status = ConflictOutcome(side.value), ConflictStatus.CLOSED
            decided = replace(found.conflict, rows=rows, outcome=outcome, status=status)
            session.journal.conflicts.record(found.map, [decided])
            writing.enqueue(capture, key, op=Op.UPDATE)
        except BaseException:
            session.journal.conflicts.reopen(conflict_id)
            raise
    session.journal.activity.log(
        found.map, "conflict", f"conflict {conflict_id}: {side.value} wins", {"id": conflict_id}
    )


def undo_conflict(session: Session, conflict_id: int) -> None:
    """Give the losing side its version back, and let it cross.

    Of a row that both sides changed, the columns that it lost; of a deleted row, the whole row;
    a row that was kept although one side had deleted it is deleted.

    Raises:
        NoSuchConflictError: There is none of that id, it waits, or it was undone before.
        LeaseHeldError: Another worker has the map.
        TransientError, PermanentError: From the apps; nothing was changed.
    """
    found = _find(session, conflict_id)
    conflict = found.conflict
    if conflict.status is not ConflictStatus.CLOSED:
        raise NoSuchConflictError(conflict_id=conflict_id, reason=f"it is {conflict.status}")
    table_map = session.map(found.map)
    for loser in Side:
        lost = _lost(conflict, loser, table_map)
        if lost is None:
            continue
        stored = conflict.rows.get(loser)
        with lent_lease(session, found.map, "conflicts undo") as lease:
            fence_one(session, found.map, lease.epoch)
            if stored is None:
                _delete(session, table_map, loser.other, conflict)
            else:
                _give_back(session, table_map, loser, stored, lost, lease.epoch)
    session.journal.conflicts.mark_undone(conflict_id)
    session.journal.activity.log(
        found.map, "conflict", f"conflict {conflict_id}: undone", {"id": conflict_id}
    )


def _find(session: Session, conflict_id: int) -> StoredConflict:
    found = session.journal.conflicts.find(open_only=False, ids=[conflict_id])
    if not found:
        raise NoSuchConflictError(conflict_id=conflict_id, reason="there is none")
    return found[0]


def _lost(conflict: Conflict, loser: Side, table_map: TableMap) -> frozenset[str] | None:
    """The columns that a side lost, as the conflict names them; None for nothing.

    A column that it had not changed itself it cannot have lost.
    """
    # a delete, or a person chose one side's row
    if conflict.kind is ConflictKind.DELETE or not conflict.columns:
        return frozenset() if conflict.outcome == loser.other.value else None
    changed = conflict.changed.get(loser)
    lost = frozenset(
        name
        for name, winner in conflict.columns.items()
        if winner == loser.other.value
        and (changed is None or _own(table_map, loser, name) & set(changed))
    )
    return lost or None


def _own(table_map: TableMap, side: Side, name: str) -> set[str]:
    """The own columns of a side behind a column of a conflict, which may be named by either."""
    ends = [{each: column.end(each) for each in Side} for column in table_map.columns]
    paths = [each[side] for each in ends if name in map(str, each.values())]
    return {path.column for path in paths if path is not None}


def _give_back(
    session: Session,
    table_map: TableMap,
    loser: Side,
    stored: Mapping[str, Any],
    lost: frozenset[str],
    epoch: int,
) -> None:
    """Carry a stored version across, and have it come back from there."""
    captures = installed(session, table_map)
    finder = Finder(session.apps, keys_only=True)
    context = BatchContext(session, finder, captures, epoch)
    route = compile_route(session, table_map, loser)
    back = compile_route(session, table_map, loser.other)
    rows = _typed(session, table_map, loser, stored)
    keys = rows.select(list(route.flow.source_key))
    changed = none_of(keys, [_read_by(route, lost) or None])
    batch = Batch(route, rows, RowsFrom.QUEUE, changed)
    list(Pipeline(context, route, back, Carrying(side_wins(loser))).carry(batch))
    there = captures.get(loser.other)
    if there is not None:
        across = changed_text(_read_by(back, lost)) if lost else None
        _queue(session, loser.other, there, route.keys_there(rows), across)


def _read_by(route: Route, lost: frozenset[str]) -> list[str]:
    """The source's own columns that the lost columns are translated from; of none, of all."""
    columns = (c for c in route.flow.columns if not lost or lost & {str(c.source), str(c.target)})
    return sorted({path.column for each in columns for path in each.reads})


def _delete(session: Session, table_map: TableMap, side: Side, conflict: Conflict) -> None:
    """Delete a row as the app itself would, so that it goes on the other side too."""
    stored = conflict.rows.get(side)
    if stored is None:
        return
    end = table_map.end(side)
    schema = session.schema(side, end.table)
    identity = schema.primary_key or schema.unique[0]
    rows = _typed(session, table_map, side, stored)
    query = reading(session, table_map, side, filtered=False)
    own = tuple(ColumnPath((name,)) for name in identity)
    query = replace(query, columns=tuple(dict.fromkeys((*query.columns, *own))))
    found = session.apps[side].fetch(query, rows.select([str(path) for path in end.key]))
    session.apps[side].delete(end.table, found.select(list(identity)))


def _current(
    session: Session, table_map: TableMap, side: Side, conflict: Conflict
) -> Mapping[str, Any] | None:
    """What a side holds of a conflict's row now, or last held if it has deleted the row."""
    query = reading(session, table_map, side, filtered=False)
    found = session.apps[side].fetch(query, _key(session, table_map, side, conflict))
    return plain_rows(found)[0] if found.num_rows else conflict.rows.get(side)


def _key(session: Session, table_map: TableMap, side: Side, conflict: Conflict) -> pa.Table:
    """The key of a conflict's row as a side spells it, whether or not it has the row."""
    stored = conflict.rows.get(side)
    if stored is not None:
        names = [str(path) for path in table_map.end(side).key]
        return _typed(session, table_map, side, stored).select(names)
    key = typed_keys(session, table_map, Side.FINOPS, [conflict.key])
    if side is Side.FINOPS:
        return key
    return compile_route(session, table_map, Side.FINOPS).keys_there(key)


def _queue(
    session: Session, side: Side, capture: Capture, keys: pa.Table, changed: str | None
) -> None:
    with session.apps[side].writing() as writing:
        writing.enqueue(capture, keys, op=Op.UPDATE, changed=changed)


def _typed(
    session: Session, table_map: TableMap, side: Side, stored: Mapping[str, Any]
) -> pa.Table:
    """One stored row as `reading` would read it; columns that were not stored are null."""
    end = table_map.end(side)
    columns: dict[str, Any] = {}
    for path in reading(session, table_map, side, filtered=False).columns:
        kind = end_of_path(
            path, end.table, lambda table: session.schema(side, table), end.lookups
        ).type
        columns[str(path)] = canonical(pa.array([_text(stored.get(str(path)))], pa.string()), kind)
    return pa.table(columns)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "1" if value else "0"
    return None if value is None else str(value)
