"""An app in a SQL database: the `App` protocol over one dialect.

A call takes one session, and a write is one transaction on it: staging, merge, commit.
Reading is one statement, so what it gives is one state of the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import sqlalchemy as sa

from dualwrite.apps.base import KeyRange, Query, Written
from dualwrite.apps.canonical import as_text, canonical, distinct
from dualwrite.apps.cutting import order_of
from dualwrite.apps.cutting import ranges as key_ranges
from dualwrite.apps.guards import checked, with_identities
from dualwrite.apps.sql import ranges
from dualwrite.apps.sql.catalogue import Catalogue
from dualwrite.apps.sql.dialect import Dialect, Staged
from dualwrite.apps.sql.faults import DRIVER_ERRORS, deadlocked, translated
from dualwrite.apps.sql.select import Paths, columns_of, rows_of
from dualwrite.apps.sql.session import Pool, Session
from dualwrite.errors import AppUnreachableError, NoKeyError, UnreadableValueError
from dualwrite.link import Side
from dualwrite.tablemap.schema import Column, TableSchema

FEW = 200
"""So many keys are named in the statement itself; more of them are staged."""
STAGING = "dualwrite_staging"
RETRIES = 4
"""So often a merge is begun anew when it lost a deadlock; the winner was done meanwhile."""


class SqlApp:
    """One business system in a SQL database."""

    def __init__(self, side: Side, dialect: Dialect) -> None:
        self.side = side
        self._dialect = dialect
        self._catalogue = Catalogue(dialect, app=self.name)
        self._pool = Pool(dialect.connect)

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

    def count(self, query: Query) -> int:
        paths = self._paths(query)
        conditions = rows_of(paths, query)
        counted = sa.select(sa.func.count()).select_from(paths.source).where(*conditions)
        with self._session(query.table) as session:
            return session.number(counted)

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
        paths = self._paths(query)
        described, expressions = columns_of(paths, self._dialect, query.columns)
        conditions = rows_of(paths, query)
        if within is not None:
            conditions += ranges.inside(self._dialect, paths.schema, paths.root, within)
        statement = sa.select(*expressions).select_from(paths.source).where(*conditions)
        with self._session(query.table) as session:
            return self._read(session, query, described, statement)

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        paths = self._paths(query)
        described, expressions = columns_of(paths, self._dialect, query.columns)
        found = [paths.find(path) for path in query.key]
        wanted = distinct(keys.select([str(path) for path in query.key]).drop_null())
        conditions = rows_of(paths, query)
        source = paths.source
        typed = pa.table(
            [
                canonical(values, column.type)
                for values, (column, _) in zip(wanted.columns, found, strict=True)
            ],
            names=[f"k{position}" for position in range(len(found))],
        )
        if typed.num_rows <= FEW:
            among = self._among(found, typed)
            statement = sa.select(*expressions).select_from(source).where(*conditions, among)
            with self._session(query.table) as session:
                return self._read(session, query, described, statement)
        columns = {
            name: column for name, (column, _) in zip(typed.column_names, found, strict=True)
        }
        staged = self._dialect.staging(STAGING, columns)
        on = [
            self._dialect.same(column, expression, staged.c[name])
            for name, (column, expression) in zip(typed.column_names, found, strict=True)
        ]
        joined = source.join(staged, sa.and_(*on))
        statement = sa.select(*expressions).select_from(joined).where(*conditions)
        with self._session(query.table) as session, session.transaction(writing=False):
            session.stage(STAGING, typed, columns, key=typed.column_names)
            result = self._read(session, query, described, statement)
            session.unstage(STAGING)
        return result

    def write(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        schema = self.schema(table)
        rows = checked(self.name, schema, rows, key)
        if not rows.num_rows:
            return Written()
        whole, identities = with_identities(schema, rows)
        if fresh and self._ingested(schema, whole):
            return Written(inserted=rows.num_rows)
        return self._merge(schema, whole, key, identities, inserting=True)

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        schema = self.schema(table)
        rows = checked(self.name, schema, rows, key)
        if not rows.num_rows:
            return Written()
        return self._merge(schema, rows, key, (), inserting=False)

    def delete(self, table: str, keys: pa.Table) -> int:
        schema = self.schema(table)
        keys = checked(self.name, schema, distinct(keys), keys.column_names)
        if not keys.num_rows:
            return 0
        staged = self._staged(schema, keys, keys.column_names, ())
        with self._session(table) as session, session.transaction(writing=True):
            session.stage(STAGING, keys, schema.columns, key=keys.column_names)
            gone = self._dialect.delete(session, staged)
            session.unstage(STAGING)
        return gone

    def close(self) -> None:
        self._pool.clear()
        self._catalogue.close()

    def _merge(
        self,
        schema: TableSchema,
        rows: pa.Table,
        key: Sequence[str],
        identities: Sequence[str],
        *,
        inserting: bool,
    ) -> Written:
        staged = self._staged(schema, rows, key, identities)

        def merged() -> Written:
            with self._pool.session() as session, session.transaction(writing=True):
                session.stage(STAGING, rows, schema.columns, key=key)
                done = self._dialect.merge(session, staged, inserting=inserting)
                session.unstage(STAGING)
            return done

        with self._faults(schema.name):
            for attempt in range(RETRIES):
                try:
                    done = merged()
                    break
                except DRIVER_ERRORS as fault:
                    if not deadlocked(fault, first=attempt == 0):
                        raise
            else:
                done = merged()
        # where the key is not unique there, more rows may have been updated than were given
        rest = max(rows.num_rows - done.inserted - done.updated, 0)
        return done + Written(unchanged=rest)

    def _staged(
        self, schema: TableSchema, rows: pa.Table, key: Sequence[str], identities: Sequence[str]
    ) -> Staged:
        return Staged(
            self._dialect,
            schema,
            name=STAGING,
            columns=rows.column_names,
            key=key,
            identities=identities,
        )

    def _ingested(self, schema: TableSchema, rows: pa.Table) -> bool:
        try:
            with self._pool.session() as session, session.transaction(writing=True):
                return self._dialect.ingest(session, schema, rows)
        except DRIVER_ERRORS as fault:
            if self._dialect.conflicted(fault):
                return False  # some row is there: the careful way says what to do with each
            raise self._translated(fault, schema.name) from fault

    def _among(
        self, found: Sequence[tuple[Column, sa.ColumnElement[object]]], keys: pa.Table
    ) -> sa.ColumnElement[bool]:
        texts = [as_text(values).to_pylist() for values in keys.columns]
        if len(found) == 1:
            column, expression = found[0]
            return expression.in_([self._dialect.literal(column, text) for text in texts[0]])
        return sa.or_(
            sa.false(),
            *(
                sa.and_(
                    *(
                        expression == self._dialect.literal(column, text)
                        for (column, expression), text in zip(found, row, strict=True)
                    )
                )
                for row in zip(*texts, strict=True)
            ),
        )

    def _read(
        self,
        session: Session,
        query: Query,
        described: Sequence[Column],
        statement: sa.Select[tuple[object, ...]],
    ) -> pa.Table:
        names = [str(path) for path in query.columns]
        arrays = list(session.arrays(statement))
        for position, (name, column) in enumerate(zip(names, described, strict=True)):
            try:
                arrays[position] = canonical(arrays[position], column.type)
            except pa.ArrowInvalid as fault:
                raise UnreadableValueError(
                    app=self.name,
                    table=query.table,
                    column=name,
                    wanted=str(column.type),
                    keys=_bad_keys(query, names, arrays, position, column),
                ) from fault
        return pa.table(arrays, names=names)

    def _paths(self, query: Query) -> Paths:
        return Paths(self._dialect, query, app=self.name, schema_of=self.schema, tables=self.tables)

    @contextmanager
    def _session(self, table: str) -> Iterator[Session]:
        with self._faults(table), self._pool.session() as session:
            yield session

    @contextmanager
    def _faults(self, table: str | None) -> Iterator[None]:
        try:
            yield
        except DRIVER_ERRORS as fault:
            raise self._translated(fault, table) from fault

    def _translated(self, fault: BaseException, table: str | None) -> Exception:
        error = translated(fault, app=self.name, table=table, secrets=self._dialect.secrets)
        if isinstance(error, AppUnreachableError):
            self._pool.clear()
        return error


def _bad_keys(
    query: Query,
    names: Sequence[str],
    arrays: Sequence[pa.ChunkedArray | pa.Array],
    position: int,
    column: Column,
) -> list[str]:
    """The keys of the first five rows whose value has no place in its type."""
    found: list[str] = []
    for row, value in enumerate(arrays[position]):
        try:
            canonical(pa.array([value.as_py()], value.type), column.type)
        except pa.ArrowInvalid:
            key = [arrays[names.index(str(path))][row].as_py() for path in query.key]
            found.append(", ".join(map(str, key)) if key else f"row {row + 1}")
            if len(found) == 5:
                break
    return found
