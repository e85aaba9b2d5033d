"""An app in a SQL database: the `App` protocol over one dialect.

A call takes one session, and a write is one transaction on it: staging, merge, commit.
Reading is one statement, so what it gives is one state of the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TypeVar

import pyarrow as pa

from dualwrite.apps.capture import Capture, NoCaptureError, Origin, OvertakenError
from dualwrite.apps.cutting import order_of
from dualwrite.apps.cutting import ranges as key_ranges
from dualwrite.apps.declaring import Declared, DigitsLostError, check_declared
from dualwrite.apps.entries import Inbox, id_ranges
from dualwrite.apps.query import KeyRange, Query
from dualwrite.apps.sql.core import queues, ranges
from dualwrite.apps.sql.core.capturing import BRIEFLY, Capturing
from dualwrite.apps.sql.core.catalogue import DatabaseCatalogue
from dualwrite.apps.sql.core.declaring import declining
from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.apps.sql.core.faults import DRIVER_ERRORS, deadlocked, translated
from dualwrite.apps.sql.core.queues import INBOX, QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.session import DatabaseSession, Pool
from dualwrite.apps.sql.core.snapshot import SqlSnapshot
from dualwrite.apps.sql.core.watch import Watching
from dualwrite.apps.sql.core.writing import SqlWriting
from dualwrite.apps.transactions import Watch, Written
from dualwrite.errors import (
    AppUnreachableError,
    DualWriteError,
    MissingColumnError,
    MissingTableError,
    NoKeyError,
    PrivilegeError,
    RowsRefusedError,
)
from dualwrite.link import Side
from dualwrite.tablemap.schema import TableSchema, UnknownPathError

STAGING = "dualwrite_keys"
RETRIES = 4
"""So often a write is begun anew when it lost a deadlock; the winner was done meanwhile."""
JUST = 1.0
"""Seconds for which a queue that was counted is taken to be there."""
T = TypeVar("T")


class SqlApp:
    """One business system in a SQL database."""

    def __init__(self, side: Side, dialect: Dialect, capturing: Capturing) -> None:
        self.side, self.losses = side, 0
        self._dialect = dialect
        self._catalogue = DatabaseCatalogue(dialect, app=self.name)
        self._pool = Pool(dialect.connect)
        self._capturing = capturing
        self._reader = Reader(
            dialect,
            app=self.name,
            schema_of=self._schema,
            tables=self._known_tables,
        )
        self._queues: dict[str, QueueTable] = {}
        self._stood: tuple[float, Mapping[str, int]] = (0.0, {})
        """When the entries of the queues were counted last."""

    @property
    def name(self) -> str:
        return self.side.value

    def tables(self) -> Sequence[str]:
        with self._faults(None):
            return self._catalogue.tables()

    def schema(self, table: str) -> TableSchema:
        with self._faults(table):
            return self._catalogue.schema(table)

    def privileges(self, table: str) -> frozenset[str]:
        with self._session(table) as session:
            return self._dialect.privileges(session, table)

    def cautions(self) -> Sequence[tuple[str, str]]:
        with self._session(None) as session:
            return self._dialect.cautions(session)

    def refresh(self) -> None:
        self._catalogue.refresh()
        self._reader.clear()
        self._queues.clear()

    def count(self, query: Query) -> int:
        with self._session(query.table) as session:
            return self._reader.count(session, query)

    def partitions(
        self, query: Query, *, size: int, together: Sequence[str] = ()
    ) -> Sequence[KeyRange]:
        schema = self.schema(query.table)
        columns = order_of(schema, together)
        if not columns:
            raise NoKeyError(app=self.name, table=query.table)
        with self._session(query.table) as session:
            marks = ranges.boundaries(session, self._dialect, schema, columns, max(size, 1))
        return key_ranges(columns, marks)

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        with self._session(query.table) as session:
            return self._reader.read(session, query, within)

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        with self._faults(query.table):
            named = self._reader.keys(query, keys)
        with (
            self._session(query.table) as session,
            session.transaction(writing=False) if named.many else nullcontext(),
        ):
            named.ready(session, STAGING)
            found = self._reader.fetch(session, query, named)
            named.done(session)
            return found

    def write(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        if fresh:
            try:
                return self._alone(table, lambda one: one.insert(table, rows, key=key, fresh=True))
            except RowsRefusedError as fault:
                # some row is there: the careful way says what to do with each
                cause = fault.__cause__
                if isinstance(cause, DRIVER_ERRORS) and not self._dialect.conflicted(cause):
                    raise
        return self._alone(table, lambda one: one.insert(table, rows, key=key))

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        return self._alone(table, lambda one: one.update(table, rows, key=key))

    def delete(self, table: str, keys: pa.Table) -> int:
        return self._alone(table, lambda one: one.delete(table, keys))

    def redeclare(self, table: str, columns: Declared) -> None:
        self.refresh()
        schema = self.schema(table)
        check_declared(self.name, schema, columns)
        try:
            with self._pool.session() as session:
                lost = self._dialect.redeclare(session, schema, columns, wait=BRIEFLY)
        except DRIVER_ERRORS as fault:
            raise declining(fault, self._translated(fault, table), self.name, table) from fault
        finally:
            self.refresh()
        if lost:
            raise DigitsLostError(app=self.name, table=table, rows=lost)

    def install(self, capture: Capture) -> None:
        self.refresh()
        schema = self.schema(capture.table)
        if schema.read_only is not None:
            reason = f"it is {schema.read_only}"
            raise NoCaptureError(app=self.name, table=capture.table, reason=reason)
        queue = self._queue(capture)
        if self._read(capture.table, lambda one: self._capturing.faults(one, self._reader, queue)):
            self._define(capture, lambda one: self._capturing.install(one, self._reader, queue))

    def uninstall(self, capture: Capture) -> None:
        self._queues.pop(capture.queue, None)
        self._define(capture, lambda one: self._capturing.uninstall(one, capture))

    def problems(self, capture: Capture, *, fresh: bool = True) -> Sequence[str]:
        if fresh:
            self.refresh()
        try:
            queue = self._queue(capture)
        except MissingTableError as fault:
            return [f"table {fault.table} is not there any more"]
        except MissingColumnError as fault:
            return [f"column {fault.column} of {fault.table} is not there any more"]
        except UnknownPathError as fault:
            return [fault.reason]
        return self._read(
            capture.table,
            lambda one: [
                *self._capturing.faults(one, self._reader, queue),
                *self._capturing.uncaptured(one, self._reader, queue),
            ],
        )

    def blind(self, capture: Capture) -> Sequence[str]:
        try:
            queue = self._queue(capture)
        except (MissingTableError, MissingColumnError, UnknownPathError):
            return []  # among the problems
        return self._read(
            capture.table, lambda one: self._capturing.uncaptured(one, self._reader, queue)
        )

    def pending(self, queues: Collection[str]) -> Mapping[str, int]:
        names = sorted(queues)
        try:
            found = self._counted(names)
        except MissingTableError:
            with self._session(None) as session:
                existing = self._capturing.existing(session, names)
            found = self._counted(sorted(existing))
        self._stood = time.monotonic(), found
        return found

    def _counted(self, names: Sequence[str]) -> dict[str, int]:
        if not names:
            return {}
        with self._session(None) as session:
            return queues.counted(session, self._reader, names)

    @contextmanager
    def snapshot(self) -> Iterator[SqlSnapshot]:
        with self._session(None) as session:
            self._capturing.begin_reading(session)
            try:
                yield SqlSnapshot(
                    session,
                    self._reader,
                    self._capturing,
                    queue_of=self._queue,
                    faults=self._faults,
                    counted=self._stood[1] if time.monotonic() < self._stood[0] + JUST else {},
                )
                session.commit()
            except BaseException:
                session.rollback()
                raise

    @contextmanager
    def writing(self, origin: Origin | None = None) -> Iterator[SqlWriting]:
        with self._session(None) as session, self._transaction(session, origin, BRIEFLY):
            yield self._written(session, origin)

    @contextmanager
    def branch(self, origin: Origin | None, name: str) -> Iterator[SqlWriting]:
        with (
            self._session(None) as session,
            self._transaction(session, origin, BRIEFLY, branch=name),
        ):
            yield self._written(session, origin)

    def resolve_prepared(self, name: str, *, commit: bool) -> bool:
        with self._session(None) as session:
            return session.resolve_prepared(name, commit=commit)

    def acknowledge(self, queue: str, ids: pa.Array) -> int:
        return self.acknowledge_ranges(queue, id_ranges(ids))

    def inbox(self, queue: str) -> Inbox:
        try:
            with self._session(INBOX.name) as session:
                return queues.applied(session, self._reader, queue)
        except MissingTableError:
            return Inbox()

    def acknowledge_ranges(self, queue: str, ranges: Sequence[tuple[int, int]]) -> int:
        if not ranges:
            return 0
        try:
            with (
                self._session(queue) as session,
                session.transaction(writing=True) if len(ranges) > queues.RUNS else nullcontext(),
            ):
                return queues.remove(session, self._reader, queue, ranges)
        except MissingTableError:
            return 0

    def fence(self, epochs: Mapping[str, int]) -> Mapping[str, int]:
        seen = {}
        with self._session(None) as session:
            self._books(session)
            with session.transaction(writing=True):
                for name in sorted(epochs):  # in one order, or two workers deadlock
                    before = self._capturing.newest_epoch(session, name, alone=True)
                    if before != epochs[name]:
                        self._capturing.store_epoch(session, name, epochs[name])
                    if before is not None:
                        seen[name] = before
        return seen

    def watch(self, queues: Collection[str]) -> Watch:
        with self._faults(None):
            return Watching(self._capturing.watch(queues), self._faults)

    def close(self) -> None:
        self._pool.clear()
        self._catalogue.close()

    def _queue(self, capture: Capture) -> QueueTable:
        """A capture as a queue, worked out once."""
        known = self._queues.get(capture.queue)
        if known is None or known.capture != capture:
            known = self._queues[capture.queue] = queues.resolve(capture, self._reader)
        return known

    def _alone(self, table: str, work: Callable[[SqlWriting], T]) -> T:
        """One call in a transaction of its own, begun anew when it lost a deadlock."""
        for attempt in range(RETRIES):
            try:
                return self._once(table, work)
            except DualWriteError as fault:
                if fault.__cause__ is None or not deadlocked(fault.__cause__, first=attempt == 0):
                    raise
        return self._once(table, work)

    def _once(self, table: str, work: Callable[[SqlWriting], T]) -> T:
        with self._session(table) as session, self._transaction(session, None, None):
            return work(self._written(session, alone=True))

    @contextmanager
    def _transaction(
        self,
        session: DatabaseSession,
        origin: Origin | None,
        wait: float | None,
        branch: str | None = None,
    ) -> Iterator[None]:
        try:
            self._enter(session, origin, wait, branch)
            yield
            self._capturing.commit(session, origin)
        except BaseException:
            session.rollback()
            raise

    def _enter(
        self,
        session: DatabaseSession,
        origin: Origin | None,
        wait: float | None,
        branch: str | None,
    ) -> None:
        try:
            seen = self._capturing.begin(session, origin, wait=wait, branch=branch)
        except DRIVER_ERRORS as fault:
            if not isinstance(self._translated(fault, None), MissingTableError):
                raise
            session.rollback()
            self._books(session)
            seen = self._capturing.begin(session, origin, wait=wait, branch=branch)
        if origin is None or seen == origin.epoch:
            return
        newer = seen is not None and seen > origin.epoch
        if newer or not self._capturing.store_epoch(session, origin.map, origin.epoch):
            raise OvertakenError(app=self.name, map_name=origin.map)

    def _written(
        self, session: DatabaseSession, origin: Origin | None = None, *, alone: bool = False
    ) -> SqlWriting:
        return SqlWriting(
            session,
            self._reader,
            self._capturing,
            queue_of=self._queue,
            faults=self._faults,
            origin=origin,
            alone=alone,
        )

    def _books(self, session: DatabaseSession) -> None:
        with session.transaction(writing=True):
            self._capturing.create_tables(session)

    def _read(self, table: str, work: Callable[[DatabaseSession], T]) -> T:
        with self._session(table) as session:
            return work(session)

    def _define(self, capture: Capture, work: Callable[[DatabaseSession], None]) -> None:
        """Make or remove tables and triggers."""
        try:
            with self._session(capture.table) as session:
                self._books(session)
                with self._transaction(session, None, BRIEFLY):
                    work(session)
        except PrivilegeError as fault:
            raise PrivilegeError(
                app=self.name, table=capture.table, privilege="make tables and triggers"
            ) from fault

    def _schema(self, table: str) -> TableSchema:
        return self.schema(table)

    def _known_tables(self) -> Sequence[str]:
        with self._faults(None):
            return self._catalogue.known_tables()

    @contextmanager
    def _session(self, table: str | None) -> Iterator[DatabaseSession]:
        with self._faults(table), self._pool.session() as session:
            yield session

    @contextmanager
    def _faults(self, table: str | None) -> Iterator[None]:
        try:
            yield
        except DRIVER_ERRORS as fault:
            raise self._translated(fault, table) from fault

    def _translated(self, fault: BaseException, table: str | None) -> DualWriteError:
        error = translated(fault, app=self.name, table=table, secrets=self._dialect.secrets)
        if isinstance(error, AppUnreachableError):
            self.losses += 1
            self._pool.clear()
        return error
