"""SQLite, through Python's own `sqlite3` and nothing else.

ADBC would read four times as fast, but it carries a second copy of the SQLite library.
Two copies in one process do not see each other's file locks: measured here, both got
the write lock at once.  That corrupts files, so one copy it is.

Our tables declare money as `DECIMAL_TEXT(p,s)`: text affinity, all digits of the scale,
exact.  Columns declared `NUMERIC` or `DECIMAL` bend digits and are described as such.
One writer a file: threads of this process queue for it, other processes get our patience.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import DATETIME
from sqlalchemy.pool import NullPool

from dualwrite.apps.canonical import IN_UTC, NAIVE, UUID_TEXT, timestamp_text
from dualwrite.apps.declaring import Declared
from dualwrite.apps.sql.core.dialect import Dialect, Expression, Staged, arguments, decimal_type
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.sqlite.declaring import declare, trimmed
from dualwrite.apps.sql.sqlite.session import SqliteSession, connect
from dualwrite.apps.transactions import Written
from dualwrite.tablemap.schema import Column, TableSchema


class SqliteDialect(Dialect):
    """What SQLite says in its own way."""

    compiler = SqliteSession.compiler
    has_schemas = False
    moment = "TIMESTAMPTZ"

    @property
    def path(self) -> str:
        """The file."""
        return self.url.database or ""

    def connect(self) -> DatabaseSession:
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
        found = connection.exec_driver_sql(f"PRAGMA table_xinfo({self.named(table)})").all()
        alone = sum(1 for row in found if row.pk) == 1
        return [_described(row, alone_in_key=alone) for row in found if row.hidden != 1]

    def triggers(self, connection: sa.Connection, table: str) -> Sequence[str]:
        query = sa.text(
            "SELECT 'trigger ' || name FROM sqlite_master WHERE type = 'trigger' "
            "AND tbl_name = :name COLLATE NOCASE AND name NOT LIKE 'dualwrite%' ORDER BY 1"
        )
        return list(connection.scalars(query, {"name": self.place(table)[1]}))

    def sql_type(self, column: Column) -> sa.types.TypeEngine[Any]:
        if pa.types.is_timestamp(column.type):
            return _TimestampText(timezone=column.type.tz is not None)  # type: ignore[no-untyped-call]
        return super().sql_type(column)

    def value(self, column: Column, text: str) -> Any:
        if pa.types.is_decimal(column.type) and column.exact:
            return text
        return super().value(column, text)

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
        self, session: DatabaseSession, schema: TableSchema, columns: Declared, *, wait: float
    ) -> Mapping[str, int]:
        own = replace(schema, name=self.place(schema.name)[1])
        return declare(session, own, columns, wait=wait)

    def ingest(self, session: DatabaseSession, schema: TableSchema, rows: pa.Table) -> bool:
        assert isinstance(session, SqliteSession)
        session.append(self.place(schema.name)[1], rows)
        return True

    def conflicted(self, fault: Exception) -> bool:
        return getattr(fault, "sqlite_errorcode", None) in (
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        )

    def merge(
        self,
        session: DatabaseSession,
        staged: Staged,
        *,
        inserting: bool,
        meeting: bool,  # noqa: ARG002 - one writer at a time
    ) -> Written:
        done = Written()
        if staged.changing:
            done += Written(updated=session.run(staged.statement(session, "update", staged.update)))
        if inserting:
            done += Written(
                inserted=session.run(staged.statement(session, "insert", staged.insert))
            )
        return done

    def delete(self, session: DatabaseSession, staged: Staged) -> int:
        keys = [staged.target.c[name] for name in staged.key]
        wanted = sa.select(*(staged.source.c[name] for name in staged.key))
        among = keys[0].in_(wanted) if len(keys) == 1 else sa.tuple_(*keys).in_(wanted)
        return session.run(
            staged.statement(session, "delete", lambda: sa.delete(staged.target).where(among))
        )

    def privileges(self, session: DatabaseSession, table: str) -> frozenset[str]:  # noqa: ARG002 - one file
        file = Path(self.path)
        if os.access(file, os.W_OK) and os.access(file.parent, os.W_OK):
            return frozenset({"select", "insert", "update", "delete"})
        return frozenset({"select"})


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
        pattern=_pattern(native.upper()) if pa.types.is_string(kind) else None,
        read_only=row.hidden > 1,
        exact=exact,
    )


def _pattern(native: str) -> str | None:
    """What texts look like that a column does not turn into a number, as its affinity asks."""
    if native == "UUID":
        return UUID_TEXT
    textual = not native or any(part in native for part in ("CHAR", "CLOB", "TEXT", "BLOB"))
    return None if textual else _NO_NUMBER


_NO_NUMBER = r"^[^0-9]*$|[^-+.0-9eE\s]"


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
