"""What the app in memory holds at one moment, and who may change it.

A `State` never changes: a reader keeps the one it began with, which is what a snapshot is,
and a writer puts a new one in its place when it commits.  Writers take turns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import IN_UTC, canonical, distinct
from dualwrite.apps.capture import Capture, QueueMissingError
from dualwrite.apps.entries import Entries, Inbox
from dualwrite.apps.guards import missing_table
from dualwrite.apps.matching import positions
from dualwrite.apps.memory.following import Follower
from dualwrite.apps.query import Query
from dualwrite.errors import AppBusyError
from dualwrite.tablemap.schema import TableSchema

IMAGE = "dualwrite:entry"
"""The id of an image's entry: no column of a table is called so."""
PATIENCE = 30.0
"""So long an application's own write waits for others."""


@dataclass(frozen=True)
class MemoryQueue:
    """The entries of a capture; `images` are rows of the table after `IMAGE`."""

    capture: Capture
    entries: Entries
    images: pa.Table

    def without(self, gone: Any) -> MemoryQueue:
        """The queue with the entries that `gone` marks taken out."""
        left = self.entries.filter(pc.invert(gone))
        queue = replace(self, entries=left)
        known = pc.is_in(self.images[IMAGE], value_set=left.id)
        return replace(queue, images=self.images.filter(known))


@dataclass(frozen=True)
class State:
    """Everything that a transaction may change."""

    rows: Mapping[str, pa.Table] = field(default_factory=dict)
    queues: Mapping[str, MemoryQueue] = field(default_factory=dict)
    inbox: Mapping[str, Inbox] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)

    def with_queue(self, queue: MemoryQueue) -> State:
        """The state with a queue added, or put in the place of the one of its name."""
        return replace(self, queues={**self.queues, queue.capture.queue: queue})

    def without_queue(self, name: str) -> State:
        """The state with no queue of that name."""
        queues = {held: queue for held, queue in self.queues.items() if held != name}
        return replace(self, queues=queues)


class Store:
    """The tables' descriptions, the newest state, and the writers' turn."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.schemas: dict[str, TableSchema] = {}
        self.defaults: dict[str, Mapping[str, Any]] = {}
        self.state = State()
        self.held: list[tuple[str, pa.Table]] = []
        """Tables and keys of rows that an application holds."""
        self.news = threading.Condition()
        """Notified at each commit."""
        self._turn = threading.Lock()
        self._writer: int | None = None
        self._last = time.time_ns() // 1000

    def schema(self, table: str) -> TableSchema:
        """Describe a table, or raise `MissingTableError`."""
        if table not in self.schemas:
            raise missing_table(self.app, table, sorted(self.schemas))
        return self.schemas[table]

    def take_turn(self, patience: float) -> None:
        """Wait until no one else writes.

        Raises:
            AppBusyError: Someone still does, or this thread itself, in another transaction.
        """
        own = self._writer == threading.get_ident()
        if own or not self._turn.acquire(timeout=patience):
            raise AppBusyError(app=self.app, table=None, reason="another transaction writes")
        self._writer = threading.get_ident()

    def end_turn(self, committed: State | None) -> None:
        """Let the next one write, keeping what this one did, or not."""
        if committed is not None:
            with self.news:
                self.state = committed
                self.news.notify_all()
        self._writer = None
        self._turn.release()

    def change(self, make: Callable[[State], State]) -> State:
        """Change the state in a turn of its own; what it was before."""
        self.take_turn(PATIENCE)
        before, committed = self.state, None
        try:
            committed = make(before)
        finally:
            self.end_turn(committed)
        return before

    def redeclare(self, schema: TableSchema, columns: Mapping[str, pa.DataType]) -> None:
        """Give decimal columns of a table new types; its rows and their images have room."""
        fresh = {name: replace(schema.columns[name], type=kind) for name, kind in columns.items()}

        def retyped(rows: pa.Table) -> pa.Table:
            fields = [each.with_type(columns.get(each.name, each.type)) for each in rows.schema]
            return rows.cast(pa.schema(fields))

        def change(state: State) -> State:
            self.schemas[schema.name] = replace(schema, columns={**schema.columns, **fresh})
            for queue in state.queues.values():
                if queue.capture.table == schema.name:
                    state = state.with_queue(replace(queue, images=retyped(queue.images)))
            rows = {**state.rows, schema.name: retyped(state.rows[schema.name])}
            return replace(state, rows=rows)

        self.change(change)

    def new_ids(self, count: int) -> pa.Array:
        """Ids of entries, each given once, whatever becomes of the transaction."""
        first = self._last + 1
        self._last += count
        return pa.array(range(first, first + count), pa.int64())

    def follower(self, state: State, query: Query) -> Follower:
        """A query over a state."""
        return Follower(self.app, self.schemas, state.rows, query)

    def under(self, state: State, query: Query, keys: pa.Table) -> tuple[Any, pa.Table]:
        """The rows of `query` under these keys: where each stands in its table, and itself."""
        follower = self.follower(state, query)
        found = follower.read(None)
        names = [str(path) for path in query.key]
        wanted = distinct(keys.select(names).drop_null())
        typed = pa.table([canonical(wanted[name], found[name].type) for name in names], names=names)
        met = pc.is_valid(positions(typed, found.select(names), names))
        return follower.chosen()["row"].filter(met), found.filter(met)

    def busy(self, state: State, table: str) -> Any:
        """Which rows of a table an application holds."""
        rows = state.rows[table]
        mask: Any = pa.repeat(pa.scalar(value=False), rows.num_rows)
        for held, keys in self.held:
            if held == table:
                names = keys.column_names
                mask = pc.or_(mask, pc.is_valid(positions(keys, rows.select(names), names)))
        return mask

    def keys(self, state: State, capture: Capture) -> pa.Table:
        """The key of every row of a captured table, by path."""
        query = Query(capture.table, capture.key, lookups=capture.lookups)
        return self.follower(state, query).read(None)

    def queue(self, state: State, capture: Capture) -> MemoryQueue:
        """The queue of a capture, or `QueueMissingError`."""
        found = state.queues.get(capture.queue)
        if found is None:
            raise QueueMissingError(app=self.app, table=capture.table, queue=capture.queue)
        return found

    def grown(
        self,
        queue: MemoryQueue,
        ops: Any,
        changed: Any,
        keys: pa.Table,
        rows: pa.Table,
        pictured: Any,
        *,
        was: pa.Table | None = None,
    ) -> MemoryQueue:
        """The queue with entries added.

        Shapes: all are n long, `was` the keys before; of `rows`, as they stand in the table,
        those that are `pictured` are kept as images.
        """
        ids = self.new_ids(keys.num_rows)
        at = pa.repeat(pa.scalar(datetime.now(UTC), IN_UTC), keys.num_rows)
        keys = keys.cast(queue.entries.keys.schema)
        before = [] if was is None else was.cast(keys.schema).columns
        added = Entries.of([ids, ops, changed, at, *keys.columns, *before], keys.column_names)
        queue = replace(queue, entries=Entries.concat([queue.entries, added]))
        if not queue.capture.images:
            return queue
        kept = rows.add_column(0, IMAGE, ids).filter(pictured)
        whole = pa.concat_tables([queue.images, kept.cast(queue.images.schema)])
        return replace(queue, images=whole.combine_chunks())

    def acknowledged(self, state: State, queue: str, ids: pa.Array) -> tuple[State, int]:
        """The state without entries of a queue, by id, and how many there were."""
        held = state.queues.get(queue)
        if held is None:
            return state, 0
        gone = pc.is_in(held.entries.id, value_set=ids.cast(pa.int64()))
        return state.with_queue(held.without(gone)), pc.sum(gone).as_py() or 0

    def acknowledged_ranges(
        self, state: State, queue: str, ranges: Sequence[tuple[int, int]]
    ) -> tuple[State, int]:
        """As `acknowledged`, by ranges with both ends within."""
        held = state.queues.get(queue)
        if held is None:
            return state, 0
        ids = held.entries.id
        gone: Any = pa.repeat(pa.scalar(value=False), len(ids))
        for low, high in ranges:
            gone = pc.or_(gone, pc.and_(pc.greater_equal(ids, low), pc.less_equal(ids, high)))
        return state.with_queue(held.without(gone)), pc.sum(gone).as_py() or 0
