"""A transaction of the app in memory: statements on a state of its own, kept at the end.

The writers' turn is taken by the first statement, so what others commit before it is seen.
Each statement is all or nothing: a refused one leaves the state as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import distinct
from dualwrite.apps.capture import Capture, Origin, OvertakenError
from dualwrite.apps.entries import Entries, Inbox, Op, changed_of, id_ranges, ops_of
from dualwrite.apps.guards import checked, renaming, with_identities
from dualwrite.apps.matching import differ, positions
from dualwrite.apps.memory import constraints
from dualwrite.apps.memory.capture import captured
from dualwrite.apps.memory.state import State, Store
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Locked, Written
from dualwrite.errors import AppBusyError, RowsRefusedError
from dualwrite.tablemap.schema import TableSchema


class MemoryWriting:
    """As `Writing`.  `asked` is called with (operation, table) before each statement."""

    def __init__(
        self,
        store: Store,
        asked: Callable[[str, str], None],
        origin: Origin | None,
        *,
        patience: float,
    ) -> None:
        self._store, self._asked, self._origin = store, asked, origin
        self._patience = patience
        self._begun: State | None = None

    @property
    def preparable(self) -> bool:
        return False

    def prepare(self) -> None:
        """Never called: what is in memory does not outlive its process."""

    def lock(
        self,
        query: Query,
        keys: pa.Table,
        *,
        deleting: bool = False,  # noqa: ARG002 - one strength serves here
    ) -> Locked:
        state = self._state("lock", query.table)
        places, rows = self._store.under(state, query, keys)
        busy = self._store.busy(state, query.table).take(places)
        names = [str(path) for path in query.key]
        return Locked(rows.filter(pc.invert(busy)), rows.select(names).filter(busy))

    def entries(self, capture: Capture, keys: pa.Table) -> Entries:
        entries = self._store.queue(self._state("select", capture.table), capture).entries
        names = [str(path) for path in capture.key]
        wanted = distinct(keys.select(names).drop_null()).cast(entries.keys.schema)
        return entries.filter(pc.is_valid(positions(wanted, entries.keys, names)))

    def insert(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        schema = self._store.schema(table)
        rows = checked(self._store.app, schema, rows, key, new=True)
        state = self._state("insert", table)
        names = list(key)
        there = positions(state.rows[table].select(names), rows.select(names), names)
        new = rows.filter(pc.is_null(there))
        if fresh and new.num_rows < rows.num_rows:
            reason = f"{rows.num_rows - new.num_rows} of the rows are there already"
            raise RowsRefusedError(app=self._store.app, table=table, reason=reason)
        changed, done = self._updated(state, schema, rows, key)
        self._keep(state, schema, pa.concat_tables([changed, self._completed(state, schema, new)]))
        rest = max(rows.num_rows - new.num_rows - done.updated, 0)
        return done + Written(inserted=new.num_rows, unchanged=rest)

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        schema = self._store.schema(table)
        rows = checked(self._store.app, schema, rows, key)
        state = self._state("update", table)
        changed, done = self._updated(state, schema, rows, key)
        self._keep(state, schema, changed)
        return done + Written(unchanged=max(rows.num_rows - done.updated, 0))

    def delete(self, table: str, keys: pa.Table) -> int:
        schema = self._store.schema(table)
        names = keys.column_names
        keys = checked(self._store.app, schema, distinct(keys), names)
        state = self._state("delete", table)
        rows = state.rows[table]
        stays = pc.is_null(positions(keys, rows.select(names), names))
        self._free(state, table, pc.invert(stays))
        self._keep(state, schema, rows.filter(stays), stays=stays)
        return int(rows.num_rows - pc.sum(stays, min_count=0).as_py())

    def rename(self, table: str, old: pa.Table, new: pa.Table) -> int:
        schema = self._store.schema(table)
        old, new = renaming(self._store.app, schema, old, new)
        state = self._state("update", table)
        rows = state.rows[table]
        at = positions(old, rows.select(old.column_names), old.column_names)
        met = pc.is_valid(at)
        for name in new.column_names:
            place = rows.column_names.index(name)
            given = new[name].cast(rows[name].type).take(at)
            value = pc.if_else(met, given, rows[name])
            rows = rows.set_column(place, rows.field(place), value)
        self._free(state, table, met)
        self._keep(state, schema, rows)
        return int(pc.sum(met, min_count=0).as_py())

    def enqueue(
        self,
        capture: Capture,
        keys: pa.Table,
        *,
        op: Op | pa.Array,
        changed: pa.Array | str | None = None,
    ) -> None:
        if not keys.num_rows:
            return
        state = self._state("enqueue", capture.table)
        queue = self._store.queue(state, capture)
        names = [str(path) for path in capture.key]
        keys = keys.select(names).cast(queue.entries.keys.schema)
        places = positions(self._store.keys(state, capture), keys, names)
        rows = state.rows[capture.table].take(places)
        ops = ops_of(op, keys.num_rows)
        pictured = pc.and_(pc.not_equal(ops, Op.DELETE.value), pc.is_valid(places))
        columns = changed_of(changed, keys.num_rows)
        queue = self._store.grown(queue, ops, columns, keys, rows, pictured)
        self._begun = state.with_queue(queue)

    def acknowledge(self, capture: Capture, ids: pa.Array) -> int:
        state = self._state("acknowledge", capture.table)
        self._store.queue(state, capture)
        self._begun, count = self._store.acknowledged(state, capture.queue, ids)
        return count

    def record_applied(self, queue: str, ids: pa.Array, stamp: int = 0) -> None:
        state = self._state("record_applied", queue)
        applied = Inbox(tuple(id_ranges(ids)), stamp)
        self._begun = replace(state, inbox={**state.inbox, queue: applied})

    @property
    def steps_back(self) -> bool:
        return True

    def attempt(self, work: Callable[[], bool]) -> bool:
        before = self._state("try", "")
        try:
            if work():
                return True
        except (RowsRefusedError, AppBusyError):
            pass
        self._begun = before
        return False

    def commit(self) -> None:
        """Make it the app's state."""
        if self._begun is not None:
            self._asked("commit", "")
            self._store.end_turn(self._begun)
            self._begun = None

    def rollback(self) -> None:
        """Leave the app as it was."""
        if self._begun is not None:
            self._store.end_turn(None)
            self._begun = None

    def _state(self, operation: str, table: str) -> State:
        self._asked(operation, table)
        if self._begun is None:
            self._store.take_turn(self._patience)
            self._begun = self._store.state
            if self._origin is not None:
                self._begun = self._fenced(self._begun, self._origin)
        return self._begun

    def _fenced(self, state: State, origin: Origin) -> State:
        seen = state.epochs.get(origin.map, 0)
        if origin.epoch < seen:
            raise OvertakenError(app=self._store.app, map_name=origin.map)
        return replace(state, epochs={**state.epochs, origin.map: origin.epoch})

    def _updated(
        self, state: State, schema: TableSchema, rows: pa.Table, key: Sequence[str]
    ) -> tuple[pa.Table, Written]:
        held = state.rows[schema.name]
        source = positions(rows.select(list(key)), held.select(list(key)), key)
        met = pc.is_valid(source)
        changed: Any = pa.chunked_array([pa.repeat(pa.scalar(value=False), held.num_rows)])
        for name in rows.column_names:
            if name in key:
                continue
            given = rows[name].take(source)
            changed = pc.or_(changed, pc.and_(met, differ(held[name], given)))
            place = held.column_names.index(name)
            held = held.set_column(place, held.field(place), pc.if_else(met, given, held[name]))
        self._free(state, schema.name, changed)
        return held, Written(updated=pc.sum(changed).as_py() or 0)

    def _completed(self, state: State, schema: TableSchema, rows: pa.Table) -> pa.Table:
        rows, _ = with_identities(schema, rows)
        held, defaults = state.rows[schema.name], self._store.defaults[schema.name]
        arrays = []
        for column in schema.columns.values():
            if column.name in rows.column_names:
                arrays.append(rows[column.name])
            elif column.has_default and column.name in schema.primary_key:
                last = pc.max(held[column.name]).as_py() or 0
                arrays.append(pa.array(range(last + 1, last + 1 + rows.num_rows), column.type))
            else:
                value = pa.scalar(defaults.get(column.name), column.type)
                arrays.append(pa.repeat(value, rows.num_rows))
        return pa.table(arrays, schema=held.schema)

    def _free(self, state: State, table: str, touched: Any) -> None:
        if pc.any(pc.and_(touched, self._store.busy(state, table))).as_py():
            raise AppBusyError(app=self._store.app, table=table, reason="a row is locked")

    def _keep(
        self, state: State, schema: TableSchema, rows: pa.Table, *, stays: Any = None
    ) -> None:
        """`rows` in the place of the table's, and what that queues."""
        after = {**state.rows, schema.name: rows.combine_chunks()}
        constraints.check(self._store.app, schema, after, self._store.schemas)
        places: Any = pa.array(range(state.rows[schema.name].num_rows), pa.int64())
        self._begun = captured(
            self._store,
            state,
            replace(state, rows=after),
            schema.name,
            stays=places if stays is None else places.filter(stays),
            silenced={} if self._origin is None else self._origin.silenced,
        )
