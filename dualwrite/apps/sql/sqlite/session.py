"""One connection to SQLite, and the opening of its file."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from dualwrite.apps.canonical import as_text
from dualwrite.apps.sql.core.faults import NoFileFault
from dualwrite.apps.sql.core.session import DatabaseSession, Given, Values, few
from dualwrite.apps.sql.sqlite.declaring import TOO_LONG, too_long
from dualwrite.tablemap.schema import Column

_NO_TEXT = "Could not decode to UTF-8"
_MOST_VALUES = 30_000
"""SQLite binds 32,766 values at most."""
_WRITERS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_WRITERS_GUARD = threading.Lock()


class SqliteSession(DatabaseSession):
    """A connection in autocommit, its transactions controlled by us."""

    compiler = SQLiteDialect(paramstyle="named")
    inlines = True

    def __init__(self, path: str, *, patience: float) -> None:
        self._patience = patience
        self._given = Given(self.quote)
        self._staged: list[str] = []
        with _WRITERS_GUARD:
            self._writer = _WRITERS[os.path.realpath(path)]
        self._writing = False
        self._path, self._connection = path, connect(path, patience=patience)
        self._file = _identity(path)

    def recheck(self) -> None:
        """A file put in the place of the one that is open: what is written now, nobody reads."""
        if _identity(self._path) != self._file:
            fault = sqlite3.OperationalError(f"another file has taken the place of {self._path}")
            fault.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise fault

    def mark(self, number: int) -> str:
        return f"?{number}"

    def run(self, statement: sa.Executable | str, values: Values = ()) -> int:
        text = self.text(statement)
        whole, bound = self._given.before(text, values)
        count = self._connection.execute(whole, bound).rowcount
        if whole is text:
            return count
        # Python counts only where the statement begins with its verb
        return int(self._connection.execute("SELECT changes()").fetchone()[0])

    def arrays(
        self,
        statement: sa.Executable | str,
        values: Values = (),
        *,
        short: bool = False,  # noqa: ARG002 - every answer starts at once
    ) -> Sequence[pa.Array]:
        asked = self._given.before(self.text(statement), values)
        try:
            return self._columns(*asked)
        except sqlite3.OperationalError as fault:
            if not str(fault).startswith(_NO_TEXT):
                raise
        self._connection.text_factory = _text
        try:
            return self._columns(*asked)
        finally:
            self._connection.text_factory = str

    def _columns(self, statement: str, values: Values) -> list[pa.Array]:
        cursor = self._connection.execute(statement, values)
        width = len(cursor.description)
        columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * width
        return [_array(values) for values in columns]

    def stage(
        self,
        name: str,
        rows: pa.Table,
        columns: Mapping[str, Column],
    ) -> None:
        if rows.num_rows and few(rows) and rows.num_rows * rows.num_columns <= _MOST_VALUES:
            lines = zip(*(_stored(values).to_pylist() for values in rows.columns), strict=True)
            values = [value for line in lines for value in line]
            self._given.take(name, rows.column_names, partial(_values, rows.shape), values)
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


def _identity(path: str) -> tuple[int, int] | None:
    """Which file is under the path now; None if there is none."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


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


def _text(value: bytes) -> str | bytes:
    """A text as it is, where it is UTF-8; the driver would refuse the whole answer for another."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        if any(isinstance(value, bytes) for value in values):
            return pa.array([_raw(value) for value in values], pa.binary())
        # a column may hold anything; as text its type will say which row does not fit
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _raw(value: Any) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def _values(shape: tuple[int, int], first: int) -> str:
    """Rows of bound values, numbered from `first`."""
    count, width = shape
    lines = (
        ", ".join(f"?{number}" for number in range(start, start + width))
        for start in range(first, first + count * width, width)
    )
    return f"VALUES {', '.join(f'({line})' for line in lines)}"


def _stored(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return values
    text = as_text(values)
    return text.cast(pa.int8()) if pa.types.is_boolean(kind) else text


def _locked() -> sqlite3.OperationalError:
    fault = sqlite3.OperationalError("database is locked by another thread of ours")
    fault.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return fault
