"""Connections to MariaDB and MySQL, by PyMySQL and as SQLAlchemy engines."""

from __future__ import annotations

import inspect
import socket
from functools import partial
from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import CLIENT
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

CONNECT_SECONDS = 10
UNUSABLE = 2054
"""The client's own number for a connection that cannot be made as it was asked for."""

_KNOWN = frozenset(inspect.signature(pymysql.connections.Connection.__init__).parameters)
_DIALECT: Any = MySQLDialect_pymysql(dbapi=pymysql)  # type: ignore[no-untyped-call]


def arguments(url: sa.URL) -> dict[str, Any]:
    """What PyMySQL is called with: every option of the URL as SQLAlchemy reads it, and ours.

    Raises:
        pymysql.OperationalError: An option is none that PyMySQL knows.
    """
    _, given = _DIALECT.create_connect_args(url)
    if unknown := sorted(given.keys() - _KNOWN):
        raise pymysql.OperationalError(UNUSABLE, f"the URL has an unknown option {unknown[0]}")
    given["client_flag"] &= ~CLIENT.FOUND_ROWS  # rows that were changed are counted
    return {"connect_timeout": CONNECT_SECONDS, **given, "charset": "utf8mb4"}


def connect(url: sa.URL, **options: Any) -> pymysql.Connection[Any]:
    """A connection; `options` win over those of the URL.

    Raises:
        pymysql.OperationalError: The server is away or refuses us, or the URL asks for something
            that cannot be had (a certificate that is not there).
    """
    given = arguments(url) | options
    # the driver limits the time of connecting alone, and a server may be silent after that
    limits = {"read_timeout": given["connect_timeout"], **given}
    try:
        connection = pymysql.connect(**limits)
    except (OSError, TypeError, ValueError) as fault:
        raise pymysql.OperationalError(UNUSABLE, f"as the URL asks for it: {fault}") from fault
    connection._read_timeout = given.get("read_timeout")  # noqa: SLF001 - no other way
    plug = connection._sock  # noqa: SLF001
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection


def engine(url: sa.URL, **options: Any) -> sa.Engine:
    """A SQLAlchemy engine over such connections."""
    return sa.create_engine("mysql+pymysql://", creator=partial(connect, url), **options)
