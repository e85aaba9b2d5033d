"""One transaction that writes: rows locked, looked at and written, queues and inbox kept.

Each insert, update and delete stands in a savepoint, so that rows which the app refuses
leave the rest of the transaction as it was.  Nothing is tried again in here: what was read
under the locks holds for this transaction only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dualwrite.apps.base import Query, Written
from dualwrite.apps.canonical import distinct
from dualwrite.apps.capture import Capture, Locked, QueueMissingError, id_ranges
from dualwrite.apps.guards import checked, with_identities
from dualwrite.apps.matching import positions
from dualwrite.apps.sql import queues
from dualwrite.apps.sql.capturing import INBOX, Capturing
from dualwrite.apps.sql.dialect import Staged, covered
from dualwrite.apps.sql.faults import DRIVER_ERRORS
from dualwrite.apps.sql.queues import Queue
from dualwrite.apps.sql.reading import Keys, Reader
from dualwrite.apps.sql.session import Session
from dualwrite.apps.sql.snapshot import Faults
from dualwrite.errors import MissingTableError, RowsRefusedError
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, TableSchema

STAGING = "dualwrite_staging"
STEP = "dualwrite_step"


class SqlWriting:
    """A `Writing` over a session that stands in a transaction."""

    def __init__(
        self,
        session: Session,
        reader: Reader,
        capturing: Capturing,
        *,
        queue_of: Callable[[Capture], Queue],
        faults: Faults,
        alone: bool = False,
    ) -> None:
        """`alone` is for a transaction of one call: it goes or stays as a whole.

        Then rows that an application inserts meanwhile are met with an update.
        """
        self._session, self._reader, self._capturing = session, reader, capturing
        self._dialect = reader.dialect
        self._queue_of, self._faults, self._alone = queue_of, faults, alone
        self._staged = 0
        self._keys: tuple[pa.Table, list[pa.DataType], Keys] | None = None

    def lock(self, query: Query, keys: pa.Table, *, deleting: bool = False) -> Locked:
        with self._faults(query.table):
            paths = self._reader.paths(query)
            found = [paths.find(path)[0] for path in query.key]
            named = self._named(keys, query.key, found)
            described, statement = self._reader.under(paths, query, named)
            place = self._capturing.place(paths.schema, paths.root)
            if not place:  # the whole database is ours
                rows = self._reader.rows(self._session, query, described, statement)
                return Locked(rows, rows.select(_names(query.key)).slice(0, 0))
            if self._capturing.at_once and not paths.follows:
                held = self._capturing.held(statement, paths.root, deleting=deleting)
                rows = self._reader.rows(self._session, query, described, held)
                return Locked(rows, self._busy(query, named, rows))
            # two statements: a row that was changed while it was locked would be read with
            # the lookups of its old values
            columns = [column for column, _ in place]
            places = [each.label(column.name) for column, each in place]
            held = self._capturing.held(
                statement.with_only_columns(*places), paths.root, deleting=deleting
            )
            locked = self._reader.rows(
                self._session, replace(query, columns=()), (), held, beside=columns
            )
            whole = self._reader.rows(
                self._session,
                query,
                described,
                statement.with_only_columns(*places, *statement.selected_columns),
                beside=columns,
            )
        return _parted(query, locked, whole)

    def dirty(self, capture: Capture, keys: pa.Table) -> pa.Table:
        with self._faults(capture.table), self._queue_read(capture):
            queue = self._queue_of(capture)
            named = self._named(keys, capture.key, queue.ends)
            return queues.entries(self._session, self._dialect, queue, keys=named)

    def insert(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        with self._faults(table):
            schema = self._reader.schema_of(table)
            rows = checked(self._reader.app, schema, rows, key)
            if not rows.num_rows:
                return Written()
            whole, identities = with_identities(schema, rows)
            if fresh:
                self._add(schema, whole, key, identities)
                return Written(inserted=rows.num_rows)
            with self._step():
                return self._merge(schema, whole, key, identities, inserting=True)

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        with self._faults(table):
            schema = self._reader.schema_of(table)
            rows = checked(self._reader.app, schema, rows, key)
            if not rows.num_rows:
                return Written()
            with self._step():
                return self._merge(schema, rows, key, (), inserting=False)

    def delete(self, table: str, keys: pa.Table) -> int:
        with self._faults(table):
            schema = self._reader.schema_of(table)
            keys = checked(self._reader.app, schema, distinct(keys), keys.column_names)
            if not keys.num_rows:
                return 0
            with self._step(), self._staging(schema, keys, keys.column_names) as staged:
                return self._dialect.delete(self._session, staged)

    def queue(self, capture: Capture, entries: pa.Table) -> None:
        if not entries.num_rows:
            return
        with self._faults(capture.table), self._queue_read(capture):
            queue = self._queue_of(capture)
            names = ["op", "changed", *(column.name for column in queue.key)]
            # by position: a part of the key may be called as our columns are
            wanted = entries.rename_columns(names)
            with self._staging(queue.table, wanted, names) as staged:
                values = sa.select(*staged.values(names)).select_from(staged.source)
                self._session.run(sa.insert(staged.target).from_select(names, values))
            self._capturing.note(self._session, queue)

    def forget(self, capture: Capture, ids: pa.Array) -> int:
        with self._faults(capture.table), self._queue_read(capture):
            return queues.drop(self._session, self._dialect, capture.queue, id_ranges(ids))

    def carried(self, queue: str, ids: pa.Array) -> None:
        with self._faults(None):
            inbox = self._dialect.table(INBOX)
            self._session.run(sa.delete(inbox).where(inbox.c["queue"] == queue))
            ranges = id_ranges(ids)
            for start in range(0, len(ranges), queues.RUNS):
                noted = [
                    {"queue": queue, "low": low, "high": high}
                    for low, high in ranges[start : start + queues.RUNS]
                ]
                self._session.run(sa.insert(inbox).values(noted))

    def _named(
        self, keys: pa.Table, paths: Sequence[ColumnPath], columns: Sequence[Column]
    ) -> Keys:
        """The keys for statements; staged once where the same ones are asked for again."""
        wanted = keys.select(_names(paths))
        types = [column.type for column in columns]
        if self._keys is not None:
            last, kinds, named = self._keys
            if kinds == types and last.equals(wanted):
                return named
        named = Keys(self._dialect, wanted, columns)
        if named.many:
            named.stage(self._session, self._fresh_name())
        self._keys = (wanted, types, named)
        return named

    def _busy(self, query: Query, named: Keys, rows: pa.Table) -> pa.Table:
        """The keys that are there and were not locked."""
        names = _names(query.key)
        locked = rows.select(names)
        asked = named.table.rename_columns(names)
        missed = asked.filter(pc.is_null(positions(locked, asked, names)))
        if not missed.num_rows:
            return locked.slice(0, 0)
        looked = self._reader.keys(query, missed)
        if looked.many:
            looked.stage(self._session, self._fresh_name())
        there = self._reader.fetch(self._session, replace(query, columns=query.key), looked)
        return distinct(there.filter(pc.is_null(positions(locked, there, names))))

    def _add(
        self, schema: TableSchema, rows: pa.Table, key: Sequence[str], identities: Sequence[str]
    ) -> None:
        if covered(schema, key):
            try:
                with self._step(always=True):
                    if self._dialect.ingest(self._session, schema, rows):
                        return
            except DRIVER_ERRORS as fault:
                if not self._dialect.conflicted(fault):
                    raise
        with self._step(), self._staging(schema, rows, key, identities) as staged:
            added = self._session.run(staged.insert())
            if added != rows.num_rows:
                raise RowsRefusedError(
                    app=self._reader.app,
                    table=schema.name,
                    reason=f"{rows.num_rows - added} of the rows are there already",
                )

    def _merge(
        self,
        schema: TableSchema,
        rows: pa.Table,
        key: Sequence[str],
        identities: Sequence[str],
        *,
        inserting: bool,
    ) -> Written:
        with self._staging(schema, rows, key, identities) as staged:
            done = self._dialect.merge(
                self._session, staged, inserting=inserting, meeting=self._alone
            )
        # where the key is not unique there, more rows may have been updated than were given
        rest = max(rows.num_rows - done.inserted - done.updated, 0)
        return done + Written(unchanged=rest)

    @contextmanager
    def _staging(
        self,
        schema: TableSchema,
        rows: pa.Table,
        key: Sequence[str],
        identities: Sequence[str] = (),
    ) -> Iterator[Staged]:
        name = self._fresh_name()
        self._session.stage(name, rows, schema.columns, key=key)
        yield Staged(
            self._dialect,
            schema,
            name=name,
            columns=rows.column_names,
            key=key,
            identities=identities,
        )
        self._session.unstage(name)

    @contextmanager
    def _step(self, *, always: bool = False) -> Iterator[None]:
        """All or nothing of what is done inside, the transaction going on either way."""
        if self._alone and not always:
            yield
            return
        self._session.run(f"SAVEPOINT {STEP}")
        try:
            yield
        except (*DRIVER_ERRORS, RowsRefusedError):
            try:
                self._session.run(f"ROLLBACK TO SAVEPOINT {STEP}")
                self._session.run(f"RELEASE SAVEPOINT {STEP}")
            except DRIVER_ERRORS:
                pass  # the transaction is gone as a whole; the fault itself says so
            raise
        self._session.run(f"RELEASE SAVEPOINT {STEP}")

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

    def _fresh_name(self) -> str:
        self._staged += 1
        return f"{STAGING}_{self._staged}"


def _names(paths: Sequence[ColumnPath]) -> list[str]:
    return [str(path) for path in paths]


def _parted(query: Query, locked: pa.Table, whole: pa.Table) -> Locked:
    """The rows that were locked, and the keys of those that were not."""
    places = locked.column_names
    ours: Any = pc.is_valid(positions(locked, whole.select(places), places))
    rows = whole.select(list(range(len(places), whole.num_columns)))
    busy = rows.filter(pc.invert(ours)).select(_names(query.key))
    return Locked(rows.filter(ours), distinct(busy))
