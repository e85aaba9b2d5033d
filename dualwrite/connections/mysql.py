"""Connections to MariaDB and MySQL, by PyMySQL and as SQLAlchemy engines."""

from __future__ import annotations

import inspect
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import CLIENT
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

from dualwrite.connections.silence import PROBE_SECONDS, Line, handle
from dualwrite.connections.tunnels import TunnelError, local_port

CONNECT_SECONDS = 10
AWAY = 2003
UNUSABLE = 2054
"""The client's own number for a connection that cannot be made as it was asked for."""

_KNOWN = frozenset(inspect.signature(pymysql.connections.Connection.__init__).parameters)
_DIALECT: Any = MySQLDialect_pymysql(dbapi=pymysql)


if TYPE_CHECKING:
    _Connection = pymysql.Connection[Any]
else:
    _Connection = pymysql.Connection


class Watched(_Connection):
    """A connection that says while it waits for an answer."""

    line: Line | None = None

    def query(self, sql: str, unbuffered: bool = False) -> int:
        if self.line is None:
            return super().query(sql, unbuffered)
        with self.line.awaited():
            return super().query(sql, unbuffered)

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
        super().close()


def arguments(url: sa.URL) -> dict[str, Any]:
    """What PyMySQL is called with: every option of the URL as SQLAlchemy reads it, and ours.

    Raises:
        pymysql.OperationalError: An option is none that PyMySQL knows, or no tunnel opens.
    """
    _, given = _DIALECT.create_connect_args(url)
    host, port = given.get("host", "localhost"), int(given.get("port", 3306))
    try:
        own = local_port(given, host, port)
    except TunnelError as fault:
        number = UNUSABLE if fault.refused else AWAY
        raise pymysql.OperationalError(number, str(fault)) from fault
    if own is not None:
        given |= {"host": "127.0.0.1", "port": own}
    if unknown := sorted(given.keys() - _KNOWN):
        raise pymysql.OperationalError(UNUSABLE, f"the URL has an unknown option {unknown[0]}")
    given["client_flag"] &= ~CLIENT.FOUND_ROWS  # rows that were changed are counted
    return {"connect_timeout": CONNECT_SECONDS, **given, "charset": "utf8mb4"}


def connect(url: sa.URL, **options: Any) -> Watched:
    """A connection; `options` win over those of the URL.

    Raises:
        pymysql.OperationalError: The server is away or refuses us, or the URL asks for something
            that cannot be had (a certificate that is not there).
    """
    given = arguments(url) | options
    # the driver limits the time of connecting alone, and a server may be silent after that
    limits = {"read_timeout": given["connect_timeout"], **given}
    try:
        connection = Watched(**limits)
    except (OSError, TypeError, ValueError) as fault:
        raise pymysql.OperationalError(UNUSABLE, f"as the URL asks for it: {fault}") from fault
    inside: Any = connection
    inside._read_timeout = given.get("read_timeout")  # noqa: SLF001 - no other way
    plug = handle(inside._sock.fileno())  # noqa: SLF001
    if plug is not None:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.line = Line(plug, partial(_at_work, given, inside.thread_id()))
    return connection


def _at_work(given: dict[str, Any], number: int) -> bool:
    """Whether the server is at work for the connection of that number.

    A proxy gives numbers of its own, which the server does not know: there any answer will do.
    """
    limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), PROBE_SECONDS)
    second: Any = pymysql.connect(**{**given, **limits})
    with second, second.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        row = cursor.fetchone()
        if row is None or int(row[0]) != second.thread_id():
            return True
        cursor.execute("SELECT COMMAND FROM information_schema.PROCESSLIST WHERE ID = %s", [number])
        row = cursor.fetchone()
        return row is not None and str(row[0]) != "Sleep"


def engine(url: sa.URL, **options: Any) -> sa.Engine:
    """A SQLAlchemy engine over such connections."""
    return sa.create_engine("mysql+pymysql://", creator=partial(connect, url), **options)
