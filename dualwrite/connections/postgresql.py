"""Connections to PostgreSQL, by libpq: through psycopg, through ADBC, and as SQLAlchemy engines.

What a URL does not say we add: UTF-8 whatever the database's encoding, a limit to the time that
connecting takes, and probes of the network.  Drivers are imported when they are first used:
`dualwrite status` takes one of them, and no more.
"""

from __future__ import annotations

import os
import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, quote
from uuid import uuid4

from dualwrite.connections.silence import PROBE_SECONDS, Line, NewSockets, connecting, handle
from dualwrite.connections.tunnels import TunnelError, local_port

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


_ONE_SERVER = re.compile(r"(\[[^]]*\]|[^:,]*)(?::(\d+))?")


def refuses(text: str) -> bool:
    """Whether a fault of connecting is one that waiting does not mend."""
    return _REFUSALS.search(text) is not None or TunnelError(text).refused


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
    given |= _through(base, given)
    options = {**DEFAULTS, **given}
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"postgresql://{base}?{pairs}"


def _through(base: str, given: dict[str, str]) -> dict[str, str]:
    """Where to connect in the server's place, if its URL names a tunnel; that is taken out.

    The server's own name stays, as certificates are compared with it.
    """
    found = _ONE_SERVER.fullmatch(base.rpartition("@")[2].partition("/")[0])
    host, port = found.groups() if found else ("", None)
    if "ssh" in given and not host:
        import psycopg

        msg = "ssh wants one server: give the URL one host and its port"
        raise psycopg.OperationalError(msg)
    try:
        own = local_port(given, host.strip("[]"), int(port or 5432))
    except TunnelError as fault:
        import psycopg

        raise psycopg.OperationalError(str(fault)) from fault
    return {} if own is None else {"hostaddr": "127.0.0.1", "port": str(own)}


def connect(url: str | sa.URL, **options: Any) -> psycopg.Connection[Any]:
    """A connection of psycopg; nothing is prepared in it, as a pooler may hand it on.

    Raises:
        psycopg.OperationalError: The server is away, or refuses us.
    """
    text, name = _named(address(url))
    with _turn(text):
        connection = _watched().connect(text, **{"prepare_threshold": None, **options})
    connection.line = Line(handle(connection.fileno()), partial(_at_work, text, name))
    return cast("psycopg.Connection[Any]", connection)


def engine(url: str | sa.URL, **options: Any) -> sa.Engine:
    """A SQLAlchemy engine over such connections."""
    import sqlalchemy as sa

    made = sa.create_engine("postgresql+psycopg://", **options)

    @sa.event.listens_for(made, "do_connect")
    def _connect(_dialect: object, _record: object, _args: object, given: dict[str, Any]) -> Any:
        # among them how the dialect writes values, such as JSON
        return connect(url, **given)

    return made


@dataclass(frozen=True, slots=True)
class Arrow:
    """A connection of ADBC in autocommit.

    `own` says whether it has the settings that were asked for.  A pooler (pgbouncer) takes none
    at the start, and would leave later ones to whoever gets the session next: there whoever
    needs them makes them within a transaction.
    """

    connection: Any
    line: Line
    own: bool


def connect_arrow(url: str | sa.URL, settings: Mapping[str, str]) -> Arrow:
    """Connect by ADBC, with settings of the session from its start where that is possible.

    Raises:
        adbc_driver_manager.Error: The server is away, or refuses us.
    """
    import adbc_driver_manager
    from adbc_driver_postgresql import dbapi

    plain, name = _named(address(url))
    whole, _ = _named(address(url, {**settings, MARK: "own"}), name)
    with _turn(plain):
        new = NewSockets(_ports(plain))
        with connecting(new):
            try:
                connection, asked = dbapi.connect(whole, autocommit=True), True
            except adbc_driver_manager.Error as fault:
                if "startup parameter" not in str(fault):
                    raise
                connection, asked = dbapi.connect(plain, autocommit=True), False
            own = asked and _has_settings(connection)
        return Arrow(connection, Line(new.one(), partial(_at_work, plain, name)), own)


def _has_settings(connection: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT current_setting('{MARK}', true) AS mark")
        return bool(cursor.fetchone() == ("own",))


def _named(text: str, name: str | None = None) -> tuple[str, str | None]:
    """An address with a name of its own for the session, where the URL gives it none."""
    if "application_name" in dict(parse_qsl(text.partition("?")[2])).keys() - DEFAULTS.keys():
        return text, None
    name = name or f"dualwrite {uuid4().hex[:8]}"
    return f"{text}&application_name={quote(name)}", name


def _at_work(text: str, name: str | None) -> bool:
    """Whether the server is at work for the session of that name; True where it has none."""
    import psycopg

    with psycopg.connect(text, connect_timeout=PROBE_SECONDS, application_name="dualwrite") as db:
        if name is None:
            return True
        row = db.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s "
            "AND state NOT LIKE 'idle%%'",
            [name],
        ).fetchone()
        return row is not None and row[0] > 0


_TURNS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def _turn(text: str) -> threading.Lock:
    """One connects to a server at a time: a new socket is told by its being new."""
    return _TURNS[text.partition("?")[0].rpartition("@")[2]]


def _ports(text: str) -> set[int]:
    """The ports that an address may mean."""
    base, _, query = text.partition("?")
    hosts = base.partition("://")[2].rpartition("@")[2].partition("/")[0]
    named = re.findall(r":(\d+)(?:,|$)", hosts) + dict(parse_qsl(query)).get("port", "").split(",")
    return {int(port) for port in named if port.isdigit()} | {int(os.environ.get("PGPORT", "5432"))}


@cache
def _watched() -> Any:
    """The class of connections whose waiting is watched."""
    import psycopg

    class Watched(psycopg.Connection[Any]):
        """A connection that says while it waits for an answer."""

        line: Line | None = None

        def wait(self, *arguments: Any, **options: Any) -> Any:
            if self.line is None:
                return super().wait(*arguments, **options)
            with self.line.awaited():
                return super().wait(*arguments, **options)

        def close(self) -> None:
            if self.line is not None:
                self.line.close()
            super().close()

    return Watched
