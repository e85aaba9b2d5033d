"""An app in memory: Arrow tables, held to the same contract as the real ones.

It refuses what a database would: nulls where none may be, text that is too long, repeated
keys, references to rows that are not there, deletes of rows that others point at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import as_text
from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.cutting import order_of, ranges
from dualwrite.apps.declaring import Declared, DigitsLostError, check_declared, misfits
from dualwrite.apps.entries import Entries, Inbox
from dualwrite.apps.memory import capture as memory_capture
from dualwrite.apps.memory.state import PATIENCE, State, Store
from dualwrite.apps.memory.writing import MemoryWriting
from dualwrite.apps.query import KeyRange, Query
from dualwrite.apps.transactions import Images, Written
from dualwrite.errors import NoKeyError, PrivilegeError
from dualwrite.link import Side
from dualwrite.tablemap.schema import TableSchema

ALL_RIGHTS = frozenset({"select", "insert", "update", "delete"})
OUR_PATIENCE = 0.5


class MemoryApp:
    """One business system as a dict of tables."""

    def __init__(self, side: Side, *schemas: TableSchema) -> None:
        self.side, self.losses = side, 0
        self.before: Callable[[str, str], None] | None = None
        """Called with (operation, table) before each statement and each commit; what it
        raises, the app raises, and what it changes, the first statement of a transaction sees."""
        self._rights: dict[str, frozenset[str]] = {}
        self._store = Store(side.value)
        for schema in schemas:
            self.create(schema)

    @property
    def name(self) -> str:
        return self.side.value

    def create(
        self,
        schema: TableSchema,
        *,
        defaults: Mapping[str, Any] | None = None,
        rights: frozenset[str] = ALL_RIGHTS,
    ) -> None:
        """Add an empty table.  `defaults` are for columns that a new row does not give."""
        fields = [pa.field(column.name, column.type) for column in schema.columns.values()]
        self._store.schemas[schema.name] = schema
        self._store.defaults[schema.name] = defaults or {}
        self._rights[schema.name] = rights
        empty = pa.schema(fields).empty_table()
        self._store.change(lambda state: replace(state, rows={**state.rows, schema.name: empty}))

    def drop(self, queue: str) -> None:
        """Take a queue away as a person would who does not know what it is."""
        self._store.change(lambda state: state.without_queue(queue))

    @contextmanager
    def hold(self, table: str, keys: pa.Table) -> Iterator[None]:
        """Hold rows as an application does that has not committed yet."""
        held = (table, keys.cast(self._store.state.rows[table].select(keys.column_names).schema))
        self._store.held.append(held)
        try:
            yield
        finally:
            self._store.held.remove(held)

    def tables(self) -> Sequence[str]:
        return sorted(self._store.schemas)

    def schema(self, table: str) -> TableSchema:
        return self._store.schema(table)

    def refresh(self) -> None:
        """Nothing is remembered."""

    def privileges(self, table: str) -> frozenset[str]:
        self.schema(table)
        return self._rights[table]

    def count(self, query: Query) -> int:
        self._ask("select", query.table)
        return int(self._store.follower(self._store.state, query).chosen().num_rows)

    def partitions(
        self, query: Query, *, size: int, together: Sequence[str] = ()
    ) -> Sequence[KeyRange]:
        schema = self.schema(query.table)
        columns = order_of(schema, together)
        if not columns:
            raise NoKeyError(app=self.name, table=query.table)
        self._ask("select", query.table)
        keys = self._store.state.rows[query.table].select(list(columns)).drop_null()
        ordered = keys.sort_by([(name, "ascending") for name in columns])
        step = max(size, 1)
        firsts = ordered.take(pa.array(range(step, ordered.num_rows, step), pa.int64()))
        texts = [as_text(values).to_pylist() for values in firsts.columns]
        return ranges(columns, list(dict.fromkeys(zip(*texts, strict=True))))

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        return self._now().read(query, within=within)

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        return self._now().fetch(query, keys)

    def write(
        self,
        table: str,
        rows: pa.Table,
        *,
        key: Sequence[str],
        fresh: bool = False,  # noqa: ARG002 - one way serves here
    ) -> Written:
        with self._transaction(None, PATIENCE) as writing:
            return writing.insert(table, rows, key=key)

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        with self._transaction(None, PATIENCE) as writing:
            return writing.update(table, rows, key=key)

    def delete(self, table: str, keys: pa.Table) -> int:
        with self._transaction(None, PATIENCE) as writing:
            return writing.delete(table, keys)

    def redeclare(self, table: str, columns: Declared) -> None:
        schema = self.schema(table)
        check_declared(self.name, schema, columns)
        self._ask("declare", table)
        rows = self._store.state.rows[table]
        counted = {name: misfits(rows[name], kind) for name, kind in columns.items()}
        if lost := {name: count for name, count in counted.items() if count}:
            raise DigitsLostError(app=self.name, table=table, rows=lost)
        self._store.redeclare(schema, columns)

    def install(self, capture: Capture) -> None:
        self._store.change(lambda state: memory_capture.installed(self._store, state, capture))

    def uninstall(self, capture: Capture) -> None:
        self.drop(capture.queue)

    def problems(self, capture: Capture, *, fresh: bool = True) -> Sequence[str]:
        del fresh  # nothing is kept of a table
        return memory_capture.problems(self._store, self._store.state, capture)

    def cautions(self) -> Sequence[tuple[str, str]]:
        return []

    def blind(self, capture: Capture) -> Sequence[str]:  # noqa: ARG002 - it sees everything
        return []

    def pending(self, queues: Collection[str]) -> Mapping[str, int]:
        held = self._store.state.queues
        return {name: len(held[name].entries) for name in queues if name in held}

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        yield self._now()

    @contextmanager
    def writing(self, origin: Origin | None = None) -> Iterator[MemoryWriting]:
        with self._transaction(origin, OUR_PATIENCE) as writing:
            yield writing

    def branch(
        self,
        origin: Origin | None,
        name: str,  # noqa: ARG002 - nothing is prepared here
    ) -> AbstractContextManager[MemoryWriting]:
        return self.writing(origin)

    def resolve_prepared(self, name: str, *, commit: bool) -> bool:  # noqa: ARG002 - there are none
        return True

    def acknowledge(self, queue: str, ids: pa.Array) -> int:
        self._ask("acknowledge", queue)
        store = self._store
        before = store.change(lambda state: store.acknowledged(state, queue, ids)[0])
        return store.acknowledged(before, queue, ids)[1]

    def inbox(self, queue: str) -> Inbox:
        return self._store.state.inbox.get(queue, Inbox())

    def acknowledge_ranges(self, queue: str, ranges: Sequence[tuple[int, int]]) -> int:
        self._ask("acknowledge", queue)
        store = self._store
        before = store.change(lambda state: store.acknowledged_ranges(state, queue, ranges)[0])
        return store.acknowledged_ranges(before, queue, ranges)[1]

    def fence(self, epochs: Mapping[str, int]) -> Mapping[str, int]:
        def fenced(state: State) -> State:
            newest = {name: max(epoch, state.epochs.get(name, 0)) for name, epoch in epochs.items()}
            return replace(state, epochs={**state.epochs, **newest})

        before = self._store.change(fenced).epochs
        return {name: before[name] for name in epochs if name in before}

    def watch(self, queues: Collection[str]) -> MemoryWatch:
        return MemoryWatch(self._store, queues)

    def close(self) -> None:
        """Nothing is held."""

    def _now(self) -> MemorySnapshot:
        return MemorySnapshot(self._store, self._ask)

    @contextmanager
    def _transaction(self, origin: Origin | None, patience: float) -> Iterator[MemoryWriting]:
        writing = MemoryWriting(self._store, self._ask, origin, patience=patience)
        try:
            yield writing
            writing.commit()
        finally:
            writing.rollback()

    def _ask(self, operation: str, table: str) -> None:
        """Let `before` have its say, and look whether we may."""
        if operation in ALL_RIGHTS:
            self.schema(table)
        if self.before is not None:
            self.before(operation, table)
        if operation in ALL_RIGHTS and operation not in self._rights[table]:
            raise PrivilegeError(app=self.name, table=table, privilege=operation)


class MemorySnapshot:
    """As `Snapshot`: a state that is kept."""

    def __init__(self, store: Store, asked: Callable[[str, str], None]) -> None:
        self._store, self._state, self._asked = store, store.state, asked

    def entries(self, capture: Capture, *, after: int = 0, limit: int) -> Entries:
        self._asked("select", capture.table)
        entries = self._store.queue(self._state, capture).entries
        return entries.filter(pc.greater(entries.id, after)).slice(0, limit)

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        self._asked("select", query.table)
        return self._store.under(self._state, query, keys)[1]

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        self._asked("select", query.table)
        return self._store.follower(self._state, query).read(within)

    def images(self, capture: Capture, query: Query, ids: pa.Array) -> Images:
        return memory_capture.images(self._store, self._state, capture, query, ids)


class MemoryWatch:
    """As `Watch`: notified by the store of each commit."""

    def __init__(self, store: Store, queues: Collection[str]) -> None:
        self._store, self._queues = store, frozenset(queues)
        self._open = True
        self._seen = self._newest()

    def wait(self, seconds: float) -> bool:
        with self._store.news:
            self._store.news.wait_for(
                lambda: not self._open or self._newest() > self._seen, timeout=seconds
            )
            newest, seen = self._newest(), self._seen
        self._seen = max(newest, seen)
        return newest > seen

    def close(self) -> None:
        with self._store.news:
            self._open = False
            self._store.news.notify_all()

    def _newest(self) -> int:
        held = self._store.state.queues
        # writers take turns, so what comes later has higher ids
        ids = [pc.max(held[name].entries.id).as_py() for name in self._queues & held.keys()]
        return max((each for each in ids if each is not None), default=0)
