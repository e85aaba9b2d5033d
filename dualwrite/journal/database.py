"""The journal's database: SQLite or PostgreSQL, opened for many workers at once.

SQLite runs in WAL mode, so readers never wait for a writer, and every writing
transaction takes the write lock as it begins: two that both read first and write
later would otherwise fail with no wait.  PostgreSQL needs no such care.

What a driver raises leaves here as one of the engine's own errors.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase

from dualwrite.errors import (
    AppBusyError,
    AppRefusedError,
    AppUnreachableError,
    ConfigError,
    DualWriteError,
    StorageFullError,
)
from dualwrite.journal.models import UtcTime

BUSY_SECONDS = 30
"""How long a writer waits for another before it gives up."""

_PG_BUSY = {"40001", "40P01", "55P03", "57014"}
_PG_REFUSED = {"28000", "28P01", "3D000", "42501"}
_PG_FULL = {"53100"}


def open_engine(url: str, *, app: str) -> Engine:
    """Make the engine of a journal; its file and folder are made when missing.

    Raises:
        ConfigError: The url is none, or of a database the journal does not know.
        AppUnreachableError: The file cannot be opened.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        msg = (
            "[journal] url: it is no database url. Nothing was read or written.\n"
            "  Write it as sqlite:///.dualwrite/journal.db or postgresql://user@host/database."
        )
        raise ConfigError(msg) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed, app)
    if backend == "postgresql":
        return _open_postgresql(parsed)
    msg = (
        f"[journal] url: the journal cannot live in {backend}. Nothing was read or written.\n"
        "  Use sqlite:///.dualwrite/journal.db, or PostgreSQL where several machines work."
    )
    raise ConfigError(msg)


def _open_sqlite(url: URL, app: str) -> Engine:
    if not url.database or url.database == ":memory:":
        msg = (
            "[journal] url: a journal in memory would forget what is done when the command ends. "
            "Nothing was read or written.\n"
            "  Name a file: sqlite:///.dualwrite/journal.db"
        )
        raise ConfigError(msg)
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AppUnreachableError(app=app, reason=f"{path.parent}: {error.strerror}") from error
    engine = create_engine(
        url.set(drivername="sqlite"),
        json_serializer=to_json,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    wait = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        json_serializer=to_json,
        pool_pre_ping=True,
        connect_args=wait,
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Python's driver must not begin transactions by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    # Changing the mode does not wait for other openers by itself, whatever the time-out.
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


@contextlib.contextmanager
def reading(engine: Engine, app: str) -> Iterator[Connection]:
    """One transaction that only reads."""
    with told(app), engine.connect() as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def writing(engine: Engine, app: str) -> Iterator[Connection]:
    """One transaction that writes: all of it, or nothing when the block raises."""
    with (
        told(app),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        yield connection


def upsert(
    connection: Connection, model: type[DeclarativeBase]
) -> sqlite.Insert | postgresql.Insert:
    """An insert that may go on with `on_conflict_do_...`."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return make(model)


def now_of(connection: Connection) -> datetime:
    """The database's own time: the one clock that all workers share."""
    sql = (
        "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now') AS at"
        if connection.dialect.name == "sqlite"
        else "SELECT clock_timestamp() AS at"
    )
    at = connection.scalar(text(sql).columns(at=UtcTime()))
    assert isinstance(at, datetime)
    return at


def to_json(value: object) -> str:
    """JSON that both databases take: no NaN, and text for what JSON does not know."""
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
def told(app: str) -> Iterator[None]:
    """Say in the engine's own words what the driver raised."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _in_our_words(error, app) from error
    except sqlite3.Error as error:
        raise _sqlite_in_our_words(str(error), app) from error


def _in_our_words(error: exc.DBAPIError, app: str) -> Exception:
    original = error.orig
    reason = str(original).strip().splitlines()[0] if str(original).strip() else "no reason given"
    if isinstance(original, sqlite3.Error):
        return _sqlite_in_our_words(reason, app)
    state = getattr(original, "sqlstate", None)
    if state in _PG_BUSY:
        return AppBusyError(app=app, table=None, reason=reason)
    if state in _PG_FULL:
        return StorageFullError(app=app, reason=reason)
    # psycopg gives no state for what the server says while connecting.
    if state in _PG_REFUSED or "FATAL:" in str(original):
        return AppRefusedError(app=app, reason=reason.rpartition("FATAL:")[2].strip())
    if isinstance(error, exc.OperationalError) or error.connection_invalidated:
        return AppUnreachableError(app=app, reason=reason)
    return error


def _sqlite_in_our_words(reason: str, app: str) -> DualWriteError:
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
            "  Give this user the right to write to it and to its folder."
        )
        return ConfigError(msg)
    return AppUnreachableError(app=app, reason=reason)
