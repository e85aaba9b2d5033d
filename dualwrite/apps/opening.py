"""From a URL to an app."""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.exc

from dualwrite.apps.app import App
from dualwrite.errors import ConfigError, SplitPasswordError
from dualwrite.link import Side

PATIENCE = 30.0
"""Seconds to wait for a lock that another holds."""


def open_app(side: Side, url: str, *, schema: str | None = None, patience: float = PATIENCE) -> App:
    """Open the app of one side; nothing is asked of it before the first call.

    Raises:
        ConfigError: The URL is none, or of a database that we do not speak with.
    """
    try:
        parsed = sa.make_url(url)
    except sqlalchemy.exc.ArgumentError as fault:
        raise _unknown(side, "it is no URL") from fault
    if "@" in (parsed.host or ""):
        raise SplitPasswordError(app=side.value)
    kind = parsed.drivername.split("+", 1)[0]
    if kind == "memory":
        from dualwrite.apps.memory.app import MemoryApp

        return MemoryApp(side)
    from dualwrite.apps.sql.core.app import SqlApp

    match kind:
        case "postgresql" | "postgres":
            from dualwrite.apps.sql.postgresql.capture import PostgresqlCapture
            from dualwrite.apps.sql.postgresql.dialect import PostgresqlDialect

            postgresql = PostgresqlDialect(parsed, schema=schema, patience=patience)
            return SqlApp(side, postgresql, PostgresqlCapture(postgresql))
        case "sqlite":
            from dualwrite.apps.sql.sqlite.capture import SqliteCapture
            from dualwrite.apps.sql.sqlite.dialect import SqliteDialect

            sqlite = SqliteDialect(parsed, schema=None, patience=patience)
            return SqlApp(side, sqlite, SqliteCapture(sqlite))
        case "mysql" | "mariadb":
            from dualwrite.apps.sql.mysql.capture import MysqlCapture
            from dualwrite.apps.sql.mysql.dialect import MysqlDialect

            mysql = MysqlDialect(parsed, schema=schema, patience=patience)
            return SqlApp(side, mysql, MysqlCapture(mysql))
        case _:
            pass
    raise _unknown(side, f"{kind} is none of postgresql, sqlite, mysql, mariadb, memory")


def _unknown(side: Side, reason: str) -> ConfigError:
    return ConfigError(
        f"[apps.{side.value}] url cannot be used: {reason}. Nothing was read or written.\n"
        f"  Write it as postgresql://user@host/database or sqlite:///file.db."
    )
