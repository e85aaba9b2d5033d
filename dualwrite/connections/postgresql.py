"""Connections to PostgreSQL, by libpq: through psycopg, through ADBC, and as SQLAlchemy engines.

What a URL does not say we add: UTF-8 whatever the database's encoding, a limit to the time that
connecting takes, and probes of the network.  Drivers are imported when they are first used:
`dualwrite status` takes one of them, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy as sa

DEFAULTS: Mapping[str, str] = {
    "connect_timeout": "10",
    "client_encoding": "UTF8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "fallback_application_name": "dualwrite",
}
"""In seconds; the last time-out, of bytes that nobody acknowledges, in milliseconds."""

MARK = "dualwrite.session"
"""A setting by which a session knows that it is the one that was asked for."""

_REFUSALS = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|role .* does not exist"
    r"|database .* does not exist|permission denied for database"
    r"|certificate|does not support SSL|sslmode|invalid URI query parameter"
    r"|invalid connection option"
)


def refuses(text: str) -> bool:
    """Whether a fault of connecting is one that waiting does not mend."""
    return _REFUSALS.search(text) is not None


def address(url: str | sa.URL, settings: Mapping[str, str] | None = None) -> str:
    """A URL as libpq takes it, with all its options and ours where it has none.

    `settings` are the session's from its start on; they win over those of the URL's `options`.
    """
    text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    base, _, query = text.partition("://")[2].partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    if settings:
        ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
        given["options"] = f"{given.get('options', '')} {ours}".strip()
    options = {**DEFAULTS, **given}
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"postgresql://{base}?{pairs}"


def connect(url: str | sa.URL, **options: Any) -> psycopg.Connection[Any]:
    """A connection of psycopg; nothing is prepared in it, as a pooler may hand it on.

    Raises:
        psycopg.OperationalError: The server is away, or refuses us.
    """
    import psycopg

    return psycopg.connect(address(url), **{"prepare_threshold": None, **options})


def engine(url: str | sa.URL, **options: Any) -> sa.Engine:
    """A SQLAlchemy engine over such connections."""
    import sqlalchemy as sa

    return sa.create_engine("postgresql+psycopg://", creator=partial(connect, url), **options)


def connect_arrow(url: str | sa.URL, settings: Mapping[str, str]) -> tuple[Any, bool]:
    """A connection of ADBC in autocommit, and whether it has the settings from its start.

    A pooler (pgbouncer) takes no settings at the start, and would leave later ones to whoever
    gets the session next: there they are not made, and whoever needs them makes them within a
    transaction.

    Raises:
        adbc_driver_manager.Error: The server is away, or refuses us.
    """
    import adbc_driver_manager
    from adbc_driver_postgresql import dbapi

    try:
        connection = dbapi.connect(address(url, {**settings, MARK: "own"}), autocommit=True)
    except adbc_driver_manager.Error as fault:
        if "startup parameter" not in str(fault):
            raise
        return dbapi.connect(address(url), autocommit=True), False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT current_setting('{MARK}', true) AS mark")
        return connection, cursor.fetchone() == ("own",)
