"""SQLite, through Python's own `sqlite3` and nothing else.

ADBC would read four times as fast, but it carries a second copy of the SQLite library.
Two copies in one process do not see each other's file locks: measured here, both got
the write lock at once.  That corrupts files, so one copy it is.

Our tables declare money as `DECIMAL_TEXT(p,s)`: text affinity, all digits of the scale,
exact.  Columns declared `NUMERIC` or `DECIMAL` bend digits and are described as such.
One writer a file: threads of this process queue for it, other processes get our patience.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import DATETIME, SQLiteDialect
from sqlalchemy.pool import NullPool

from dualwrite.apps.base import Written
from dualwrite.apps.canonical import IN_UTC, NAIVE, as_text, timestamp_text
from dualwrite.apps.declaring import Declared
from dualwrite.apps.sql.capturing import Capturing
from dualwrite.apps.sql.dialect import Dialect, Expression, Staged, arguments, decimal_type
from dualwrite.apps.sql.faults import NoFileFault
from dualwrite.apps.sql.session import Given, Session, few
from dualwrite.apps.sql.sqlite_declaring import TOO_LONG, declare, too_long, trimmed
from dualwrite.tablemap.schema import Column, TableSchema

_WRITERS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_WRITERS_GUARD = threading.Lock()


class SqliteSession(Session):
    """A connection in autocommit, its transactions said by us."""

    compiler = SQLiteDialect(paramstyle="named")
    inlines = True

    def __init__(self, path: str, *, patience: float) -> None:
        self._patience = patience
        self._given = Given(self.quote)
        self._staged: list[str] = []
        with _WRITERS_GUARD:
            self._writer = _WRITERS[os.path.realpath(path)]
        self._writing = False
        self._connection = connect(path, patience=patience)

    def run(self, statement: sa.Executable | str) -> int:
        text = self.text(statement)
        whole = self._given.before(text)
        count = self._connection.execute(whole).rowcount
        if whole is text:
            return count
        # Python counts only where the statement begins with its verb
        return int(self._connection.execute("SELECT changes()").fetchone()[0])

    def arrays(
        self,
        statement: sa.Executable | str,
        *,
        short: bool = False,  # noqa: ARG002 - every answer starts at once
    ) -> Sequence[pa.Array]:
        cursor = self._connection.execute(self._given.before(self.text(statement)))
        width = len(cursor.description)
        columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * width
        return [_array(values) for values in columns]

    def stage(
        self,
        name: str,
        rows: pa.Table,
        columns: Mapping[str, Column],
    ) -> None:
        if rows.num_rows and few(rows):
            lines = zip(*(_stored(values).to_pylist() for values in rows.columns), strict=True)
            values = ", ".join(f"({', '.join(map(literal, line))})" for line in lines)
            self._given.take(name, rows.column_names, f"VALUES {values}")
            return
        declared = ", ".join(
            f"{self.quote(c)} {columns[c].native}".rstrip() for c in rows.column_names
        )
        self.run(f"CREATE TEMP TABLE {self.quote(name)} ({declared})")
        self._staged.append(name)
        self.append(name, rows)

    def append(self, table: str, rows: pa.Table) -> None:
        """Insert rows as they are."""
        names = ", ".join(self.quote(name) for name in rows.column_names)
        marks = ", ".join("?" * rows.num_columns)
        self._connection.executemany(
            f"INSERT INTO {self.quote(table)} ({names}) VALUES ({marks})",  # noqa: S608 - quoted
            zip(*(_stored(values).to_pylist() for values in rows.columns), strict=True),
        )

    def unstage(self, name: str) -> None:
        if self._given.drop(name):
            return
        # gone already where what came after was rolled back
        self.run(f"DROP TABLE IF EXISTS temp.{self.quote(name)}")
        self._staged.remove(name)

    def begin(
        self,
        *,
        writing: bool,
        wait: float | None = None,
        branch: str | None = None,  # noqa: ARG002 - nothing is prepared here
    ) -> None:
        if not writing:
            self.run("BEGIN")
            return
        wait = self._patience if wait is None else wait
        # other threads of ours write batches and are done soon, however short we are with others
        if not self._writer.acquire(timeout=max(wait, self._patience)):
            raise _locked()
        self._writing = True
        try:
            self.run(f"PRAGMA busy_timeout = {round(wait * 1000)}")
            self.run("BEGIN IMMEDIATE")
        except sqlite3.Error:
            self._release()
            raise

    def commit(self) -> None:
        self._given.clear()
        for name in tuple(self._staged):
            self.unstage(name)
        self.run("COMMIT")
        self._release()

    def rollback(self) -> None:
        self._given.clear()
        self._staged.clear()
        try:
            if self._connection.in_transaction:
                self.run("ROLLBACK")
        finally:
            self._release()

    def close(self) -> None:
        self._connection.close()

    def _release(self) -> None:
        if self._writing:
            self._writing = False
            self._writer.release()


class Sqlite(Dialect):
    """What SQLite says in its own way."""

    compiler = SqliteSession.compiler
    moment = "TIMESTAMPTZ"

    def capturing(self) -> Capturing:
        from dualwrite.apps.sql.capture_sqlite import SqliteCapture

        return SqliteCapture(self)

    @property
    def path(self) -> str:
        """The file."""
        return self.url.database or ""

    def connect(self) -> Session:
        return SqliteSession(self.path, patience=self.patience)

    def engine(self) -> sa.Engine:
        return sa.create_engine(
            "sqlite://",
            creator=lambda: connect(self.path, patience=self.patience),
            poolclass=NullPool,
        )

    def columns(
        self,
        connection: sa.Connection,
        inspector: sa.Inspector,  # noqa: ARG002 - it loses what was declared
        table: str,
    ) -> list[Column]:
        quoted = self.compiler.identifier_preparer.quote_identifier(table)
        found = connection.exec_driver_sql(f"PRAGMA table_xinfo({quoted})").all()
        alone = sum(1 for row in found if row.pk) == 1
        return [_described(row, alone_in_key=alone) for row in found if row.hidden != 1]

    def sql_type(self, column: Column) -> sa.types.TypeEngine[Any]:
        if pa.types.is_timestamp(column.type):
            return _TimestampText(timezone=column.type.tz is not None)  # type: ignore[no-untyped-call]
        return super().sql_type(column)

    def literal(self, column: Column, text: str) -> Expression:
        if pa.types.is_decimal(column.type) and column.exact:
            return sa.literal(text, sa.String())
        return super().literal(column, text)

    def readable(self, column: Column, expression: Expression) -> Expression:
        if pa.types.is_string(column.type) or pa.types.is_decimal(column.type):
            return sa.cast(expression, sa.Text)
        return expression

    def comparable(self, column: Column, expression: Expression) -> Expression:
        """Money that is text is compared as a number, which is good to 15 digits."""
        if pa.types.is_decimal(column.type) and column.exact:
            return sa.cast(expression, sa.Numeric(column.type.precision, column.type.scale))
        return expression

    def differs(
        self, column: Column, left: Expression, staged: Expression
    ) -> sa.ColumnElement[bool]:
        if pa.types.is_string(column.type):
            left = sa.collate(left, "BINARY")
        differs = left.is_distinct_from(staged)
        if pa.types.is_decimal(column.type) and column.exact:
            # what was written before the column was widened has fewer zeros
            return sa.and_(differs, trimmed(left).is_distinct_from(trimmed(staged)))
        return differs

    def queued(self, name: str, column: Column) -> Column:
        """A decimal as text of any length: its column may be widened."""
        if pa.types.is_decimal(column.type) and column.exact:
            return Column(name, column.type, "TEXT")
        return super().queued(name, column)

    def redeclare(
        self, session: Session, schema: TableSchema, columns: Declared, *, wait: float
    ) -> Mapping[str, int]:
        return declare(session, schema, columns, wait=wait)

    def ingest(self, session: Session, schema: TableSchema, rows: pa.Table) -> bool:
        assert isinstance(session, SqliteSession)
        session.append(schema.name, rows)
        return True

    def conflicted(self, fault: Exception) -> bool:
        return getattr(fault, "sqlite_errorcode", None) in (
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        )

    def merge(
        self,
        session: Session,
        staged: Staged,
        *,
        inserting: bool,
        meeting: bool,  # noqa: ARG002 - one writer at a time
    ) -> Written:
        done = Written()
        if staged.changing:
            done += Written(updated=session.run(staged.said(session, "update", staged.update)))
        if inserting:
            done += Written(inserted=session.run(staged.said(session, "insert", staged.insert)))
        return done

    def delete(self, session: Session, staged: Staged) -> int:
        keys = [staged.target.c[name] for name in staged.key]
        wanted = sa.select(*(staged.source.c[name] for name in staged.key))
        among = keys[0].in_(wanted) if len(keys) == 1 else sa.tuple_(*keys).in_(wanted)
        return session.run(
            staged.said(session, "delete", lambda: sa.delete(staged.target).where(among))
        )

    def privileges(self, session: Session, table: str) -> frozenset[str]:  # noqa: ARG002 - one file
        file = Path(self.path)
        if os.access(file, os.W_OK) and os.access(file.parent, os.W_OK):
            return frozenset({"select", "insert", "update", "delete"})
        return frozenset({"select"})


def connect(path: str, *, patience: float) -> sqlite3.Connection:
    """Open a file that is there, ready for writers and readers side by side."""
    if not Path(path).exists():
        raise NoFileFault(path)
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=rw",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function(TOO_LONG, 3, too_long, deterministic=True)
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and os.access(
            path, os.W_OK
        ):
            connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class _TimestampText(DATETIME):
    """A timestamp in the canonical spelling, so that text compares as time does."""

    def literal_processor(self, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        in_utc = self.timezone
        return lambda value: f"'{timestamp_text(value, in_utc=in_utc)}'"


def _described(row: Any, *, alone_in_key: bool) -> Column:
    native = row.type.strip()
    kind, length, exact = _canonical(native.upper())
    # the one INTEGER PRIMARY KEY is SQLite's own row number
    numbered = bool(row.pk) and alone_in_key and native.upper() == "INTEGER"
    return Column(
        name=row.name,
        type=kind,
        native=native,
        nullable=not (row.notnull or numbered),
        has_default=row.dflt_value is not None or numbered or row.hidden > 1,
        length=length,
        read_only=row.hidden > 1,
        exact=exact,
    )


def _canonical(native: str) -> tuple[pa.DataType, int | None, bool]:  # noqa: PLR0911 - one a kind
    word = native.split("(", 1)[0].strip()
    numbers = (*arguments(native), None, None)
    if word == "DECIMAL_TEXT":
        return decimal_type(numbers[0], numbers[1]), None, True
    if word in ("NUMERIC", "DECIMAL", "MONEY"):
        return decimal_type(numbers[0], numbers[1]), None, False
    if word in ("BOOLEAN", "BOOL", "BIT"):
        return pa.bool_(), None, True
    if word == "DATE":
        return pa.date32(), None, True
    if word in ("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET"):
        return IN_UTC, None, True
    if word in ("TIMESTAMP", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE"):
        return NAIVE, None, True
    if "INT" in word:
        return pa.int64(), None, True
    if any(part in word for part in ("REAL", "FLOA", "DOUB")):
        return pa.float64(), None, False
    if "BLOB" in word:
        return pa.binary(), None, True
    if word == "UUID":
        return pa.string(), 36, True
    return pa.string(), numbers[0], True


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # a column may hold anything; as text its type will say which row does not fit
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _stored(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return values
    text = as_text(values)
    return text.cast(pa.int8()) if pa.types.is_boolean(kind) else text


def literal(value: Any) -> str:
    """A stored value as SQLite spells it."""
    match value:
        case None:
            return "NULL"
        case str() if "\0" in value:
            return f"CAST(X'{value.encode().hex()}' AS TEXT)"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case bytes():
            return f"X'{value.hex()}'"
        case float():
            return _real(value)
        case _:
            return str(value)


def _real(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NULL" if math.isnan(value) else f"{'-' if value < 0 else ''}9e999"


def _locked() -> sqlite3.OperationalError:
    fault = sqlite3.OperationalError("database is locked by another thread of ours")
    fault.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return fault
