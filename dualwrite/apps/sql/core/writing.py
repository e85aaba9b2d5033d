"""One transaction that writes: rows locked, looked at and written, queues and inbox kept.

Each insert, update and delete stands in a savepoint, so that rows which the app refuses
leave the rest of the transaction as it was.  Nothing is tried again in here: what was read
under the locks holds for this transaction only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dualwrite.apps.canonical import distinct
from dualwrite.apps.capture import Capture, Origin, QueueMissingError
from dualwrite.apps.entries import Entries, Inbox, Op, changed_of, id_ranges, ops_of
from dualwrite.apps.guards import checked, renaming, with_identities
from dualwrite.apps.query import Query
from dualwrite.apps.sql.core import queues, readback
from dualwrite.apps.sql.core.capturing import Capturing
from dualwrite.apps.sql.core.dialect import NUMBER, Staged, covered
from dualwrite.apps.sql.core.faults import DRIVER_ERRORS
from dualwrite.apps.sql.core.locking import Locking, names_of
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Keys, Reader
from dualwrite.apps.sql.core.session import DatabaseSession, few
from dualwrite.apps.sql.core.snapshot import Faults
from dualwrite.apps.transactions import Locked, Written
from dualwrite.errors import AppBusyError, MissingTableError, RowsRefusedError
from dualwrite.tablemap.schema import Column, TableSchema

STAGING = "dualwrite_staging"
STEP = "dualwrite_step"
ATTEMPT = "dualwrite_attempt"


class _NotDoneError(Exception):
    """What was attempted returned that it is not done."""


def _insist(*, done: bool) -> None:
    if not done:
        raise _NotDoneError


class SqlWriting:
    """A `Writing` over a session that stands in a transaction."""

    def __init__(
        self,
        session: DatabaseSession,
        reader: Reader,
        capturing: Capturing,
        *,
        queue_of: Callable[[Capture], QueueTable],
        faults: Faults,
        origin: Origin | None = None,
        alone: bool = False,
    ) -> None:
        """`alone` is for a transaction of one call: it goes or stays as a whole.

        Then rows that an application inserts meanwhile are met with an update.
        """
        self._session, self._reader, self._capturing = session, reader, capturing
        self._dialect = reader.dialect
        self._queue_of, self._faults, self._alone = queue_of, faults, alone
        self._origin = origin
        self._staged = 0
        self._savepoint: str | None = None
        """One whose step is done: it is released with the trip of the next, or by the commit."""
        self._locking = Locking(session, reader, capturing, self._fresh_name)

    def lock(self, query: Query, keys: pa.Table, *, deleting: bool = False) -> Locked:
        with self._faults(query.table):
            return self._locking.lock(query, keys, deleting=deleting)

    def entries(self, capture: Capture, keys: pa.Table) -> Entries:
        with self._faults(capture.table), self._queue_read(capture):
            queue = self._queue_of(capture)
            looked = Keys(self._dialect, keys.select(names_of(capture.key)), queue.ends)
            named = self._locking.named(capture.key, looked)
            return queues.entries(self._session, self._reader, queue, keys=named)

    def insert(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        with self._faults(table):
            schema = self._reader.schema_of(table)
            rows = checked(self._reader.app, schema, rows, key, new=True)
            if not rows.num_rows:
                return Written()
            whole, identities = with_identities(schema, rows)
            if fresh:
                done = self._add(schema, whole, key, identities)
            else:
                done = self._merged(schema, whole, key, identities, inserting=True)
            return self._numbered_on(schema, rows, done, known=() if done.inserted else key)

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        with self._faults(table):
            schema = self._reader.schema_of(table)
            rows = checked(self._reader.app, schema, rows, key)
            if not rows.num_rows:
                return Written()
            done = self._merged(schema, rows, key, (), inserting=False)
            return self._numbered_on(schema, rows, done, known=key)

    def delete(self, table: str, keys: pa.Table) -> int:
        with self._faults(table):
            schema = self._reader.schema_of(table)
            keys = checked(self._reader.app, schema, distinct(keys), keys.column_names)
            if not keys.num_rows:
                return 0
            with self._step(), self._staging(schema, keys, keys.column_names) as staged:
                gone = self._dialect.delete(self._session, staged)
                if gone < keys.num_rows:
                    readback.insist_gone(self._session, self._reader.app, staged)
                return gone

    def rename(self, table: str, old: pa.Table, new: pa.Table) -> int:
        with self._faults(table):
            schema = self._reader.schema_of(table)
            old, new = renaming(self._reader.app, schema, old, new)
            if not old.num_rows:
                return 0
            given = {f"o{n}": (old, name) for n, name in enumerate(old.column_names)}
            given |= {f"n{n}": (new, name) for n, name in enumerate(new.column_names)}
            columns = {mark: schema.columns[name] for mark, (_, name) in given.items()}
            rows = pa.table({mark: rows[name] for mark, (rows, name) in given.items()})
            staging = self._fresh_name(STAGING)
            with self._step(), self._marked(schema, old, old.column_names):
                self._session.stage(staging, rows, columns)
                renamed = self._session.run(self._renaming(schema, staging, given, columns))
                self._session.unstage(staging)
            self._numbered_on(schema, new, Written(updated=renamed))
            return renamed

    def _renaming(
        self,
        schema: TableSchema,
        staging: str,
        given: Mapping[str, tuple[pa.Table, str]],
        columns: Mapping[str, Column],
    ) -> sa.Update:
        target, source = self._dialect.table(schema), self._dialect.staging(staging, columns)
        where, values = [], {}
        for mark, (_, name) in given.items():
            column, staged = columns[mark], source.c[mark]
            if mark.startswith("o"):
                where.append(self._dialect.same(column, target.c[name], staged))
            else:
                values[name] = self._dialect.assigned(column, staged)
        return sa.update(target).values(values).where(*where)

    def enqueue(
        self,
        capture: Capture,
        keys: pa.Table,
        *,
        op: Op | pa.Array,
        changed: pa.Array | str | None = None,
    ) -> None:
        count = keys.num_rows
        if not count:
            return
        with self._faults(capture.table), self._queue_read(capture):
            queue = self._queue_of(capture)
            names = ["op", "changed", *(column.name for column in queue.key)]
            parts = keys.select(names_of(capture.key)).columns
            wanted = pa.table([ops_of(op, count), changed_of(changed, count), *parts], names=names)
            with self._staging(queue.table, wanted, names) as staged:
                values = sa.select(*staged.values(names)).select_from(staged.source)
                self._session.run(sa.insert(staged.target).from_select(names, values))
            self._capturing.notify(self._session, queue)

    def acknowledge(self, capture: Capture, ids: pa.Array) -> int:
        with self._faults(capture.table), self._queue_read(capture):
            return queues.remove(self._session, self._reader, capture.queue, id_ranges(ids))

    def attempt(self, work: Callable[[], bool]) -> bool:
        if not self.steps_back:
            return False
        keys = self._locking.keys
        try:
            with self._faults(None), self._step(ATTEMPT):
                _insist(done=work())
        except (_NotDoneError, RowsRefusedError, AppBusyError):
            self._locking.keys = keys  # others that were staged are gone
            return False
        return True

    @property
    def steps_back(self) -> bool:
        return self._dialect.steps_back

    @property
    def preparable(self) -> bool:
        with self._faults(None):
            return self._session.preparable

    def prepare(self) -> None:
        with self._faults(None):
            self._session.prepare()

    def record_applied(self, queue: str, ids: pa.Array, stamp: int = 0) -> None:
        with self._faults(None):
            applied = Inbox(tuple(id_ranges(ids)), stamp)
            queues.record_applied(self._session, self._reader, queue, applied)

    def _add(
        self, schema: TableSchema, rows: pa.Table, key: Sequence[str], identities: Sequence[str]
    ) -> Written:
        """Insert rows that are known to be new."""
        app, written = self._reader.app, Written(inserted=rows.num_rows)
        if covered(schema, key) and self._many(rows) and not schema.triggers:
            try:
                with self._step(always=True), self._marked(schema, rows, key):
                    if self._dialect.ingest(self._session, schema, rows):
                        return written
            except DRIVER_ERRORS as fault:
                if not self._dialect.conflicted(fault):
                    raise
        with self._step(), self._staging(schema, rows, key, identities) as staged:
            added = self._session.run(staged.statement(self._session, "insert", staged.insert))
            if added == rows.num_rows and not staged.numbered:
                return written
            after = readback.unlike(self._session, staged)
            if added != rows.num_rows and not pc.any(after.absent).as_py():
                raise readback.met(self._session, app, staged, rows.num_rows - added)
            return written + readback.judged(app, staged, None, after, new=True)

    def _numbered_on(
        self, schema: TableSchema, rows: pa.Table, done: Written, *, known: Sequence[str] = ()
    ) -> Written:
        """What was done; what numbers an application's next rows goes on after the rows of ours.

        The values of columns that are `known` were there before.
        """
        for name in rows.column_names if done.inserted or done.updated else ():
            column = schema.columns[name]
            if column.numbering is not None and name not in known:
                highest: Any = pc.max(rows[name])
                if highest.is_valid:
                    self._dialect.number_on(self._session, column, int(highest.as_py()))
        return done

    def _many(self, rows: pa.Table) -> bool:
        """Whether rows are better copied than sent along with a statement."""
        return not (self._session.inlines and few(rows))

    def _merged(
        self,
        schema: TableSchema,
        rows: pa.Table,
        key: Sequence[str],
        identities: Sequence[str],
        *,
        inserting: bool,
    ) -> Written:
        """Update and insert; rows that take each other's unique values are moved apart first."""
        try:
            with self._step():
                return self._merge(schema, rows, key, identities, inserting=inserting)
        except DRIVER_ERRORS as fault:
            if self._alone or rows.num_rows < 2 or not self._dialect.conflicted(fault):
                raise
            try:
                with self._step():
                    return self._merge(
                        schema, rows, key, identities, inserting=inserting, apart=True
                    )
            except DRIVER_ERRORS:
                raise fault from None  # that they are moved is no reason that helps anybody

    def _merge(
        self,
        schema: TableSchema,
        rows: pa.Table,
        key: Sequence[str],
        identities: Sequence[str],
        *,
        inserting: bool,
        apart: bool = False,
    ) -> Written:
        with self._staging(schema, rows, key, identities, numbered=apart) as staged:
            try:
                return self._put(staged, rows.num_rows, inserting=inserting, apart=apart)
            except RowsRefusedError:
                if not self._alone:
                    raise
            # nobody had locked the rows: what stands there may be what another wrote meanwhile
            readback.lock(self._session, staged)
            return self._put(staged, rows.num_rows, inserting=inserting)

    def _put(self, staged: Staged, count: int, *, inserting: bool, apart: bool = False) -> Written:
        """Merge staged rows, and read back what may have become something else."""
        app, session = self._reader.app, self._session
        before = readback.unlike(session, staged) if staged.numbered else None
        if apart and staged.movable:
            session.run(staged.statement(session, "make way", staged.make_way))
        done = self._dialect.merge(session, staged, inserting=inserting, meeting=self._alone)
        # where the key is not unique there, more rows may have been updated than were given
        rest = max(count - done.inserted - done.updated, 0)
        if before is not None or rest:
            after = readback.unlike(session, staged)
            done += readback.judged(app, staged, before, after, new=inserting)
        return done + Written(unchanged=rest)

    @contextmanager
    def _staging(
        self,
        schema: TableSchema,
        rows: pa.Table,
        key: Sequence[str],
        identities: Sequence[str] = (),
        *,
        numbered: bool = False,
    ) -> Iterator[Staged]:
        """Staged rows; also numbered where the app may make something else of them."""
        name, columns = self._fresh_name(STAGING), tuple(rows.column_names)
        numbered = numbered or bool(schema.triggers)
        if numbered:
            numbers = pa.array(range(rows.num_rows), pa.int64())
            rows = rows.append_column(NUMBER.name, numbers)
        self._session.stage(name, rows, {**schema.columns, NUMBER.name: NUMBER})
        mark = ("staged", name, schema.name, columns, tuple(key), tuple(identities), numbered)
        staged = self._reader.known(
            mark,
            lambda: Staged(
                self._dialect,
                schema,
                name=name,
                columns=columns,
                key=key,
                identities=identities,
                numbered=numbered,
            ),
        )
        with self._marked(schema, rows, key):
            yield staged
        self._session.unstage(name)

    def _marked(
        self, schema: TableSchema, rows: pa.Table, key: Sequence[str]
    ) -> AbstractContextManager[None]:
        """Around a statement: what it changes beyond these rows is captured."""
        return self._capturing.statement(self._session, self._origin, rows, schema=schema, key=key)

    @contextmanager
    def _step(self, name: str = STEP, *, always: bool = False) -> Iterator[None]:
        """All or nothing of what is done inside, the transaction going on either way."""
        if self._alone and not always:
            yield
            return
        if self._savepoint:
            self._session.owe(f"RELEASE SAVEPOINT {self._savepoint}")
        self._session.owe(f"SAVEPOINT {name}")
        self._savepoint = None
        try:
            yield
        except (*DRIVER_ERRORS, RowsRefusedError, AppBusyError, _NotDoneError):
            self._savepoint = None
            try:
                self._session.run(f"ROLLBACK TO SAVEPOINT {name}")
                self._session.run(f"RELEASE SAVEPOINT {name}")
            except DRIVER_ERRORS:
                pass  # the transaction is gone as a whole; the fault itself says so
            raise
        self._savepoint = name

    @contextmanager
    def _queue_read(self, capture: Capture) -> Iterator[None]:
        try:
            with self._faults(capture.queue):
                yield
        except MissingTableError as fault:
            if fault.table != capture.queue:
                raise
            raise QueueMissingError(
                app=self._reader.app, table=capture.table, queue=capture.queue
            ) from fault

    def _fresh_name(self, kind: str) -> str:
        self._staged += 1
        return f"{kind}_{self._staged}"
