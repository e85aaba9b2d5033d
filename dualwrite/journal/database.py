"""The journal's database: SQLite or PostgreSQL, opened for many workers at once.

SQLite runs in WAL mode, so that readers never wait for a writer.  A writing transaction takes
the write lock when it begins: two transactions that read first and write later would otherwise
fail at once instead of waiting.  PostgreSQL needs none of this.

Errors of a driver leave this module as errors of the engine.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import QueuePool

from dualwrite.connections import postgresql as postgresql_connections
from dualwrite.errors import (
    AppBusyError,
    AppRefusedError,
    AppUnreachableError,
    ConfigError,
    DualWriteError,
    SplitPasswordError,
    StorageFullError,
)
from dualwrite.journal.models import UtcTime
from dualwrite.journal.readonly import reading_uri

BUSY_SECONDS = 30
"""How long a writer waits for another writer before `AppBusyError`."""

_PG_BUSY = {"40001", "40P01", "55P03", "57014"}
_PG_REFUSED = {"28000", "28P01", "3D000", "42501"}
_PG_FULL = {"53100"}


@dataclass(frozen=True, slots=True)
class Database:
    """The engine of a journal, and the name that errors give it."""

    engine: Engine
    app: str

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads."""
        with driver_errors(self.app), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that writes; it is rolled back when the block raises."""
        with (
            driver_errors(self.app),
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str, *, app: str) -> Database:
    """Open a journal's database; a missing SQLite file is created with its folder.

    Raises:
        ConfigError: The url is not valid, or names a database that cannot hold a journal.
        AppUnreachableError: The folder of the file cannot be created.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        msg = (
            "[journal] url: this is not a database url. Nothing was read or written.\n"
            "  Write it as sqlite:///.dualwrite/journal.db or postgresql://user@host/database."
        )
        raise ConfigError(msg) from error
    if "@" in (parsed.host or ""):
        raise SplitPasswordError(app="journal")
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return Database(_open_sqlite(parsed, app), app)
    if backend == "postgresql":
        return Database(_open_postgresql(parsed), app)
    msg = (
        f"[journal] url: {backend} cannot hold the journal. Nothing was read or written.\n"
        "  Use sqlite:///.dualwrite/journal.db, or PostgreSQL for workers on several machines."
    )
    raise ConfigError(msg)


def _open_sqlite(url: URL, app: str) -> Engine:
    if not url.database or url.database == ":memory:":
        msg = (
            "[journal] url: a journal in memory would be lost when the command ends. "
            "Nothing was read or written.\n"
            "  Name a file: sqlite:///.dualwrite/journal.db"
        )
        raise ConfigError(msg)
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AppUnreachableError(app=app, reason=f"{path.parent}: {error.strerror}") from error
    options: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    if uri := reading_uri(path):
        engine = create_engine(
            "sqlite://",
            json_serializer=to_json,
            poolclass=QueuePool,
            creator=lambda: sqlite3.connect(uri, uri=True, **options),
        )
        event.listen(engine, "connect", _leave_transactions)
    else:
        engine = create_engine(
            url.set(drivername="sqlite"), json_serializer=to_json, connect_args=options
        )
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    return postgresql_connections.engine(url, json_serializer=to_json, pool_pre_ping=True)


def _leave_transactions(connection: sqlite3.Connection, _record: object) -> None:
    # Python's driver must not begin transactions itself: `_begin_sqlite` does.
    connection.isolation_level = None


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    _leave_transactions(connection, record)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    # SQLite's time-out does not cover a change of the journal mode, so wait here.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(
    connection: Connection, model: type[DeclarativeBase]
) -> sqlite.Insert | postgresql.Insert:
    """An insert statement that supports `on_conflict_do_update` and `on_conflict_do_nothing`."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return make(model)


def now_of(connection: Connection) -> datetime:
    """The database's clock, which all workers share."""
    sql = (
        "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now') AS at"
        if connection.dialect.name == "sqlite"
        else "SELECT clock_timestamp() AS at"
    )
    at = connection.scalar(text(sql).columns(at=UtcTime()))
    assert isinstance(at, datetime)
    return at


def to_json(value: object) -> str:
    """JSON that both databases accept: values without a JSON type, and NaN, become text."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


@contextlib.contextmanager
def driver_errors(app: str) -> Iterator[None]:
    """Raise the engine's error for what a database driver raises inside the block."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _engine_error(error, app) from error
    except sqlite3.Error as error:
        raise _sqlite_error(str(error), app) from error


def _engine_error(error: exc.DBAPIError, app: str) -> Exception:
    original = error.orig
    reason = str(original).strip().splitlines()[0] if str(original).strip() else "no reason given"
    if isinstance(original, sqlite3.Error):
        return _sqlite_error(reason, app)
    state = getattr(original, "sqlstate", None)
    if state in _PG_BUSY:
        return AppBusyError(app=app, table=None, reason=reason)
    if state in _PG_FULL:
        return StorageFullError(app=app, reason=reason)
    # psycopg has no SQLSTATE for errors of the server during the connection.
    unusable = state is None and postgresql_connections.refuses(reason)
    if state in _PG_REFUSED or unusable or "FATAL:" in str(original):
        return AppRefusedError(app=app, reason=reason.rpartition("FATAL:")[2].strip())
    if isinstance(error, exc.OperationalError) or error.connection_invalidated:
        return AppUnreachableError(app=app, reason=reason)
    return error


def _sqlite_error(reason: str, app: str) -> DualWriteError:
    if "locked" in reason or "busy" in reason:
        return AppBusyError(app=app, table=None, reason=reason)
    if "full" in reason:
        return StorageFullError(app=app, reason=reason)
    if "not a database" in reason or "malformed" in reason:
        msg = (
            f"{app}: the file is not a journal ({reason}). Nothing was changed.\n"
            "  Name another file in [journal] url, or restore this one from a backup."
        )
        return ConfigError(msg)
    if "readonly" in reason:
        msg = (
            f"{app}: the file cannot be written ({reason}). Nothing was changed.\n"
            "  Grant this user write access to the file and to its folder."
        )
        return ConfigError(msg)
    return AppUnreachableError(app=app, reason=reason)
