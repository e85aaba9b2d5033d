"""Writing both sides at once, for programs that want the answer of both before they go on.

The rows are written as the app's own, so they are queued, and carried across at once.  If the
other side refuses one of them, nothing is kept on either side and the caller learns why.
Otherwise both are committed in two phases (`capture/recovery.py`) where both apps can.

Where one cannot, the own side commits first: should the other's commit then fail, or this
process die between the two, the queue still holds the change and the next cycle brings it across.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from dualwrite.apps.capture import Capture
from dualwrite.apps.transactions import Writing, Written
from dualwrite.errors import PermanentError, RowError, TransientError
from dualwrite.journal.records import Parking, Rejection
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch, BatchContext, Carrying, RowsFrom
from dualwrite.sync.batch.outcomes import Outcome
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.results import BatchResult, log_batch
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.capture.recovery import branch_of, decide, new_name, recover, resolve_prepared
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.routes.route import compile_route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.keys import key_text, row_of


class NotTogetherError(RowError):
    """The other side will not have these rows, so neither side has them."""

    def __init__(self, *, map_name: str, side: Side, reasons: Sequence[str]) -> None:
        self.map_name, self.side, self.reasons = map_name, side, tuple(reasons)
        listed = "\n".join(f"  {reason}" for reason in self.reasons[:5])
        more = len(self.reasons) - 5
        super().__init__(
            f"{map_name}: {side.other.value} does not take {len(self.reasons)} of the rows. "
            f"Nothing was kept on either side.\n{listed}"
            + (f"\n  and {more:,} more" if more > 0 else "")
        )


class FollowsError(TransientError):
    """One side has the rows; the other's commit failed, and it gets them with the next cycle."""

    def __init__(self, *, map_name: str, side: Side, reason: str) -> None:
        self.map_name, self.side, self.reason = map_name, side, reason
        super().__init__(
            f"{map_name}: {side.value} has the rows, {side.other.value} did not confirm them. "
            "They cross as soon as it answers, with the next cycle at the latest: do not write "
            "them again.\n"
            f"  The reason: {reason}"
        )


class NotCarriedError(PermanentError):
    """The map is not one that can be written through."""

    def __init__(self, *, map_name: str, side: Side, reason: str) -> None:
        self.map_name, self.side, self.reason = map_name, side, reason
        super().__init__(
            f"{map_name}: cannot be written on both sides from {side.value}: {reason}. "
            f"Nothing was written.\n  Start it with: dualwrite run {map_name}"
        )


@dataclass(frozen=True)
class BothWritten:
    """What a write did: on the side it was made, and across."""

    here: Written
    across: int


def write_both(
    session: Session, map_name: str, side: Side, rows: pa.Table | Sequence[Mapping[str, Any]]
) -> BothWritten:
    """Write rows of a map's table on one side, and on the other, or on neither.

    Shapes: `rows` is (n, c), named by the table's own columns on `side`, its integration key's
    own columns among them; a list of mappings is made into one.  Rows outside the map's filter
    are written on this side alone, as an application would.

    Raises:
        NotTogetherError: A row was rejected, would be parked, or is in conflict across.
        RowsRefusedError: This side refuses them.
        NotCarriedError: The map does not run.
        TransientError, PermanentError: From the apps; nothing was kept, unless the message says
            that the next cycle carries them.
    """
    table_map = session.map(map_name)
    captures = installed(session, table_map)
    if side not in captures:
        raise NotCarriedError(map_name=map_name, side=side, reason="it does not run")
    attempt = _Attempt(session, table_map, side, captures)
    recover(session)
    try:
        attempt.write(_typed(session, table_map, side, rows))
    except (TransientError, PermanentError) as fault:
        if not attempt.committed(fault):
            raise
    assert attempt.done is not None
    session.apps[side].acknowledge(captures[side].queue, attempt.ids)
    return attempt.done


class _Attempt:
    """One write of both sides, and how far it came."""

    def __init__(
        self,
        session: Session,
        table_map: TableMap,
        side: Side,
        captures: Mapping[Side, Capture],
    ) -> None:
        self.done: BothWritten | None = None
        self.ids = pa.array([], pa.int64())
        """The entries of what was written, in its side's queue."""
        self._session, self._map, self._side, self._captures = session, table_map, side, captures
        self._name = new_name()
        self._in_phases = self._kept = False

    def write(self, rows: pa.Table) -> None:
        """Write on both sides: in two phases where both can, else this side commits first."""
        started = time.perf_counter()
        side, pipeline = self._side, self._pipeline()
        apps = self._session.apps
        key = list(dict.fromkeys(path.column for path in self._map.end(side).key))
        origin = pipeline.context.origin(pipeline.route, side.other)
        there, mine = branch_of(self._name, side.other), branch_of(self._name, side)
        with apps[side.other].branch(origin, there) as across:
            with apps[side].branch(None, mine) as here:
                written = here.insert(self._map.end(side).table, rows, key=key)
                stored, changes = self._queued(here, rows, key)
                batch = Batch(pipeline.route, stored, RowsFrom.QUEUE, changes)
                result = pipeline.carry_within(across, batch)
                _refuse(self._map.name, side, result)
                self.done, self.ids = BothWritten(written, result.counts.written), changes.ids
                if across.preparable and here.preparable:
                    self._in_phases = True
                    decide(self._session, self._name, self._map.name, (across, here))
            self._kept = True
        log_batch(pipeline.context, result, started)
        if self._in_phases:
            self._session.journal.prepared_writes.remove(self._name)

    def committed(self, fault: Exception) -> bool:
        """Whether both sides have the rows all the same.

        Raises:
            FollowsError: They will: one of them has not confirmed it.
        """
        try:
            if self._in_phases:
                return resolve_prepared(self._session, self._name)
        except (TransientError, PermanentError):
            self._kept = self._kept or self._decided()
        if self._kept:
            name = self._map.name
            raise FollowsError(map_name=name, side=self._side, reason=str(fault)) from fault
        return False

    def _decided(self) -> bool:
        with suppress(TransientError, PermanentError):
            prepared = self._session.journal.prepared_writes.all()
            return any(each.name == self._name and each.commits for each in prepared)
        return False

    def _pipeline(self) -> Pipeline:
        session, captures, side = self._session, self._captures, self._side
        finder = Finder(session.apps, keys_only=True)
        epoch = session.journal.leases.epoch(self._map.name)
        context = BatchContext(session, finder, captures, epoch, recording=False)
        route = compile_route(session, self._map, side)
        back = compile_route(session, self._map, side.other) if side.other in captures else None
        carrying = Carrying(context.conflict_policy(route), last=False)
        return Pipeline(context, route, back, carrying)

    def _queued(
        self, here: Writing, rows: pa.Table, key: Sequence[str]
    ) -> tuple[pa.Table, Changes]:
        """The rows as they are stored now, and their entries in the queue, aligned."""
        side, end = self._side, self._map.end(self._side)
        query, own = reading(self._session, self._map, side), [ColumnPath((name,)) for name in key]
        columns = tuple(dict.fromkeys((*query.columns, *own)))
        query = replace(query, columns=columns, key=tuple(own))
        stored = here.lock(query, rows.select(key)).rows
        entries = here.entries(self._captures[side], stored.select([str(p) for p in end.key]))
        changes = changes_of(entries)
        at = row_of(changes.texts, key_text(stored, changes.keys.column_names))
        return stored.take(at), changes


def _refuse(map_name: str, side: Side, result: BatchResult) -> None:
    held: list[Rejection | Parking] = [*result.held.rejected, *result.held.parked]
    reasons = [f"{', '.join(map(str, each.key.values()))}: {each.reason}" for each in held]
    busy = result.batch.outcomes.count(Outcome.LOCKED)
    if busy:
        reasons.append(f"{busy:,} of them are locked by an application; try again")
    if result.counts.conflicts:
        reasons.append(
            f"{result.counts.conflicts:,} of them were changed in {side.other.value} meanwhile; "
            "let a cycle resolve that first"
        )
    if reasons:
        raise NotTogetherError(map_name=map_name, side=side, reasons=reasons)


def _typed(
    session: Session, table_map: TableMap, side: Side, rows: pa.Table | Sequence[Mapping[str, Any]]
) -> pa.Table:
    if isinstance(rows, pa.Table):
        return rows
    schema = session.schema(side, table_map.end(side).table)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        column = schema.columns.get(name)
        values = [row.get(name) for row in rows]
        columns[name] = pa.array(values, None if column is None else column.type)
    return pa.table(columns)
