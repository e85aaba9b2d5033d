"""One connection to PostgreSQL, through ADBC in autocommit.

Many rows are copied into a temporary table; few go along with the statement as arrays.  A
short answer is fetched as it is, a long one by COPY.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import adbc_driver_manager
import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_manager._lib import ArrowArrayHandle, ArrowSchemaHandle
from sqlalchemy.dialects.postgresql.base import PGDialect

from dualwrite.apps.canonical import as_text
from dualwrite.apps.sql.core.faults import sqlstate
from dualwrite.apps.sql.core.session import DatabaseSession, Given, Values, few
from dualwrite.apps.sql.postgresql.literals import literal
from dualwrite.connections import postgresql
from dualwrite.tablemap.schema import Column

COMPILER: Any = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
# offline SQLAlchemy assumes that a backslash escapes; our sessions see to it that none does
COMPILER._backslash_escapes = False  # noqa: SLF001


class PostgresqlSession(DatabaseSession):
    """An ADBC connection in autocommit, its transactions controlled by us."""

    compiler = COMPILER
    inlines = True

    def __init__(self, url: sa.URL, *, patience: float) -> None:
        settings = {
            "lock_timeout": f"{round(patience * 1000)}ms",
            "TimeZone": "UTC",
            "DateStyle": "ISO",
            "standard_conforming_strings": "on",
            # a batch finds its rows by index, not by reading a large table whole
            "random_page_cost": "1.1",
        }
        made = postgresql.connect_arrow(url, settings)
        self._connection, self._line = made.connection, made.line
        local = (f"SET LOCAL {name} = '{value}'" for name, value in settings.items())
        self._local = () if made.own else tuple(local)
        self._standing = False
        self._given = Given(self.quote)
        self._owed: list[tuple[str, Values]] = []
        self._branch: str | None = None
        self._prepared = self._temporary = False
        # kept: a cursor takes longer to make than a short statement to run
        self._runs = self._connection.cursor()
        self._reads = self._connection.cursor()
        self._binds = self._connection.cursor()
        bare = {"adbc.postgresql.use_copy": "false"}
        self._looks = self._connection.cursor(adbc_stmt_kwargs=bare)
        self._asks = self._connection.cursor(adbc_stmt_kwargs=bare)
        kept = self.arrays(sa.select(sa.func.current_setting("synchronous_commit")), short=True)[0]
        self.commits_later = kept[0].as_py() == "off"
        """Whether the database acknowledges a commit that is not on disk yet."""

    @property
    def pooled(self) -> bool:
        """Whether a pooler hands the server's session on after each transaction."""
        return bool(self._local)

    def mark(self, number: int) -> str:
        return f"${number}"

    def run(self, statement: sa.Executable | str, values: Values = ()) -> int:
        self._owed.append(self._given.before(self.text(statement), values))
        with self._own():
            return self._run_owed()

    def start(self, *statements: str) -> None:
        """Begin a transaction in one trip: a BEGIN, and what is set in it."""
        self._standing = True
        self.run("; ".join([statements[0], *self._local, *statements[1:]]))

    @contextmanager
    def _own(self) -> Iterator[None]:
        """Where a pooler hands the session on, what stands alone is a transaction of its own."""
        if self._standing or not self.pooled:
            yield
            return
        owed, self._owed = self._owed, []
        self.start("BEGIN")
        self._owed = owed
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self._standing = False
        self._update("COMMIT")

    def owe(self, statement: str, values: Values = ()) -> None:
        self._owed.append((statement, values))

    def _run_owed(self) -> int:
        """Run what is owed; how many rows the last statement touched.

        What binds no values goes in one trip: none of it gives rows.
        """
        owed, self._owed = self._owed, []
        count, together = 0, list[str]()
        for text, values in owed:
            if not values:
                together.append(text)
                continue
            self._update("; ".join(together))
            together.clear()
            count = self._update(text, values)
        return self._update("; ".join(together)) if together else count

    def _update(self, text: str, values: Values = ()) -> int:
        if not text:
            return 0
        statement = (self._binds if values else self._runs).adbc_statement
        statement.set_sql_query(text)
        if values:
            schema, array = ArrowSchemaHandle(), ArrowArrayHandle()
            _bound(values)._export_to_c(array.address, schema.address)  # noqa: SLF001
            statement.bind(array, schema)
        with self._line.awaited():
            return int(statement.execute_update())

    def arrays(
        self, statement: sa.Executable | str, values: Values = (), *, short: bool = False
    ) -> Sequence[pa.ChunkedArray]:
        with self._own():
            self._run_owed()
            text, bound = self._given.before(self.text(statement), values)
            cursor = self._looks if short else self._reads
            with self._line.awaited():
                if bound:  # COPY takes none
                    self._asks.execute(text, _bound(bound))
                    return list(self._asks.fetch_arrow_table().columns)
                cursor.execute(text)
                return list(cursor.fetch_arrow_table().columns)

    def stage(self, name: str, rows: pa.Table, columns: Mapping[str, Column]) -> None:
        quote = self.quote
        kinds = [staged_as(columns[c]) for c in rows.column_names]
        if few(rows):
            arrays = [_array(values) for values in rows.columns]
            self._given.take(name, rows.column_names, partial(_unnested, kinds), arrays)
            return
        declared = ", ".join(
            f"{quote(c)} {kind}" for c, kind in zip(rows.column_names, kinds, strict=True)
        )
        self._temporary = True
        self.run(f"CREATE TEMPORARY TABLE {quote(name)} ({declared}) ON COMMIT DROP")
        # no ANALYZE: it costs more than it saves, the planner knows the size as it is
        self.append(name, rows, temporary=True)

    def append(
        self, table: str, rows: pa.Table, *, temporary: bool = False, schema: str | None = None
    ) -> None:
        """COPY rows into a table as they are."""
        self._run_owed()
        with self._line.awaited(), self._connection.cursor() as cursor:
            cursor.adbc_ingest(
                table, rows, mode="append", temporary=temporary, db_schema_name=schema
            )

    def unstage(self, name: str) -> None:
        if not self._given.drop(name):
            # it would go with the transaction, but the next page may come before that
            self.run(f"DROP TABLE pg_temp.{self.quote(name)}")

    def begin(
        self,
        *,
        writing: bool,  # noqa: ARG002
        wait: float | None = None,  # noqa: ARG002
        branch: str | None = None,
    ) -> None:
        self.start("BEGIN")
        self.named(branch)

    def named(self, branch: str | None) -> None:
        """The transaction that was begun is that branch."""
        self._branch, self._prepared, self._temporary = branch, False, False

    @property
    def preparable(self) -> bool:  # type: ignore[override]
        if self._branch is None or self._temporary:  # refused once temporary tables were used
            return False
        held = self.arrays("SHOW max_prepared_transactions", short=True)
        return str(held[0][0].as_py()) != "0"

    def prepare(self) -> None:
        assert self._branch is not None
        self._given.clear()
        self._run_owed()
        self.run(f"PREPARE TRANSACTION {literal(self._branch)}")
        self._prepared, self._standing = True, False

    def resolve_prepared(self, branch: str, *, commit: bool) -> bool:
        verb = "COMMIT" if commit else "ROLLBACK"
        try:
            self._update(f"{verb} PREPARED {literal(branch)}")  # never within a transaction
        except adbc_driver_manager.Error as fault:
            if sqlstate(fault) == "55000":  # another session is at it
                return False
            if sqlstate(fault) != "42704":
                raise
        return True

    def commit(self) -> None:
        self._given.clear()
        if self._prepared and self._branch is not None:
            self.resolve_prepared(self._branch, commit=True)
        else:
            self.run("COMMIT")
        self._standing = False
        self.named(None)

    def rollback(self) -> None:
        self._given.clear()
        self._owed.clear()
        self._standing = False
        if self._prepared:
            return
        try:
            self._update("ROLLBACK")
        except adbc_driver_manager.Error:
            return  # the connection is gone, and the transaction with it

    def close(self) -> None:
        for cursor in (self._runs, self._binds, self._reads, self._looks, self._asks):
            cursor.close()
        self._connection.close()
        self._line.close()


def staged_as(column: Column) -> str:  # noqa: PLR0911 - one a kind
    """The type in which values of a column travel."""
    kind = column.type
    if pa.types.is_int64(kind):
        return "bigint"
    if pa.types.is_float64(kind):
        return "double precision"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_date32(kind):
        return "date"
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz is None else "timestamptz"
    if pa.types.is_decimal(kind):
        return "numeric"
    return "bytea" if pa.types.is_binary(kind) else "text"


def _unnested(kinds: Sequence[str], first: int) -> str:
    """The rows that bound arrays of texts hold side by side, each array of a kind."""
    arrays = (f"${number}::text[]::{kind}[]" for number, kind in enumerate(kinds, first))
    return f"SELECT * FROM unnest({', '.join(arrays)})"  # noqa: S608 - numbers and types


def _array(values: pa.ChunkedArray) -> pa.Array:
    """A column as one value: an array of its texts."""
    texts = as_text(values).to_pylist()
    if pa.types.is_binary(values.type):
        texts = [None if value is None else f"\\x{value.hex()}" for value in texts]
    return pa.array([texts], pa.list_(pa.string()))


def _bound(values: Values) -> pa.RecordBatch:
    """Values as the one row that is bound to a statement."""
    arrays = [value if isinstance(value, pa.Array) else pa.array([value]) for value in values]
    return pa.record_batch(arrays, names=[f"v{number}" for number, _ in enumerate(arrays)])
