"""Driver exceptions become our errors, by SQLSTATE or error number.

Only the first line of what a server says is passed on: the lines after it quote
whole rows.  A value that it quotes itself is cut out, and so is any password.
"""

from __future__ import annotations

import re
import sqlite3

import adbc_driver_manager
import psycopg
import pymysql
import sqlalchemy.exc

from dualwrite.connections.postgresql import refuses
from dualwrite.errors import (
    AppBusyError,
    AppRefusedError,
    AppUnreachableError,
    DualWriteError,
    MissingColumnError,
    MissingFileError,
    MissingTableError,
    PermanentError,
    PrivilegeError,
    RowsRefusedError,
    StorageFullError,
)
from dualwrite.tablemap.names import NotationError, TableName

DRIVER_ERRORS = (
    adbc_driver_manager.Error,
    psycopg.Error,
    pymysql.Error,
    sqlite3.Error,
    sqlalchemy.exc.DBAPIError,
)

_BY_ROW = (
    "have its changes logged by row (the server's binlog_format is STATEMENT: set MIXED or ROW "
    "there, or grant BINLOG ADMIN)"
)
_SQLITE_KINDS = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_CONSTRAINT: "rows",
    sqlite3.SQLITE_MISMATCH: "rows",
    sqlite3.SQLITE_TOOBIG: "rows",
    sqlite3.SQLITE_READONLY: "privilege",
    sqlite3.SQLITE_PERM: "privilege",
    sqlite3.SQLITE_AUTH: "privilege",
    sqlite3.SQLITE_CANTOPEN: "refused",
    sqlite3.SQLITE_NOTADB: "refused",
    sqlite3.SQLITE_CORRUPT: "refused",
    sqlite3.SQLITE_IOERR: "away",
}
_MYSQL_KINDS = {
    # 1467: a deadlock on the lock of an AUTO_INCREMENT column is reported as 'cannot be read'
    **dict.fromkeys((1205, 1213, 1412, 1467, 3572, 1020, 1040, 1203, 1969, 3024), "busy"),
    **dict.fromkeys((1021, 1114, 28, 1041), "full"),
    **dict.fromkeys((1044, 1045, 1049, 1698, 2054, 2058), "refused"),
    **dict.fromkeys((1142, 1143, 1227, 1370, 1419, 1290, 1836), "privilege"),
    1665: "log",
    **dict.fromkeys((1051, 1146, 1109), "table"),
    **dict.fromkeys((1054,), "column"),
    **dict.fromkeys((1053, 1077, 1927, 2002, 2003, 2005, 2006, 2013, 2055, 0), "away"),
    **dict.fromkeys(
        (
            *(
                1048,
                1062,
                1169,
                1216,
                1217,
                1263,
                1264,
                1265,
                1292,
                1364,
                1366,
                1406,
                1411,
                1416,
                1442,
            ),
            *(
                1153,
                1451,
                1452,
                1526,
                1557,
                1586,
                1644,
                1690,
                3819,
                4025,
                1105,
                1138,
                1210,
                1300,
                1748,
            ),
        ),
        "rows",
    ),
}
_QUOTED_QUERY = re.compile(r"Failed to execute query '.*': (.+)", re.DOTALL)
_CANNOT_CONNECT = 2003
_SQLSTATE_KINDS = {
    "3D000": "refused",
    "42501": "privilege",
    "25006": "privilege",
    "25P03": "away",
    "42P01": "table",
    "42703": "column",
    "53100": "full",
    "53200": "busy",
    "53300": "busy",
    "55P03": "busy",
    "57014": "busy",
    "55006": "busy",
    "P0001": "rows",
    "428C9": "rows",
}
_SQLSTATE_CLASSES = {
    "08": "away",
    "22": "rows",
    "23": "rows",
    "28": "refused",
    "40": "busy",
    "44": "rows",
    "57": "away",
    "58": "away",
}


class NoFileFault(sqlite3.OperationalError):
    """What SQLite calls `unable to open`, where the reason is that there is no file."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"no file {path}")
        self.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN


def translated(  # noqa: PLR0911 - one a kind
    fault: BaseException, *, app: str, table: str | None, secrets: tuple[str, ...] = ()
) -> DualWriteError:
    """Our error for a driver's."""
    if isinstance(fault, sqlalchemy.exc.DBAPIError) and fault.orig is not None:
        fault = fault.orig
    if isinstance(fault, NoFileFault):
        return MissingFileError(app=app, path=fault.path)
    kind = _kind(fault)
    reason = _reason(fault, secrets)
    where = table or "?"
    match kind:
        case "busy":
            return AppBusyError(app=app, table=table, reason=reason)
        case "full":
            return StorageFullError(app=app, reason=reason)
        case "refused":
            return AppRefusedError(app=app, reason=reason)
        case "away":
            return AppUnreachableError(app=app, reason=reason)
        case "privilege":
            denied = _whole(_denied(reason), table) or where
            return PrivilegeError(app=app, table=denied, privilege=_privilege(reason))
        case "log":
            return PrivilegeError(app=app, table=where, privilege=_BY_ROW)
        case "table":
            return MissingTableError(app=app, table=_whole(_named(reason), table) or where)
        case "column":
            return MissingColumnError(app=app, table=where, column=_named(reason) or "?")
        case "rows":
            return RowsRefusedError(app=app, table=where, reason=reason)
        case _:
            pass
    return PermanentError(
        f"{app}.{where}: not understood by the app: {reason}. Nothing was written.\n"
        "  Look into the app's log; if the map is right, this is a fault of ours to report."
    )


def sqlstate(fault: BaseException) -> str | None:
    """The SQLSTATE of a PostgreSQL fault, where it has one."""
    state = getattr(fault, "sqlstate", None)
    if state:
        return str(state)
    found = re.search(r"SQLSTATE:? (\w{5})\b", str(fault))
    return found[1] if found else None


def _kind(fault: BaseException) -> str | None:
    if isinstance(fault, sqlite3.Error):
        return _sqlite_kind(fault)
    if isinstance(fault, pymysql.Error):
        number = fault.args[0] if fault.args and isinstance(fault.args[0], int) else 0
        if number == _CANNOT_CONNECT and "CERTIFICATE" in str(fault):
            return "refused"
        return _MYSQL_KINDS.get(number) or (
            "rows" if isinstance(fault, pymysql.DataError) else None
        )
    state = sqlstate(fault)
    if state is None:
        if isinstance(fault, adbc_driver_manager.Error | psycopg.OperationalError):
            return "refused" if refuses(str(fault)) else "away"
        return None
    return _SQLSTATE_KINDS.get(state) or _SQLSTATE_CLASSES.get(state[:2])


def _sqlite_kind(fault: sqlite3.Error) -> str | None:
    text = str(fault)
    if text.startswith("no such table"):
        return "table"
    if text.startswith("no such column") or "has no column named" in text:
        return "column"
    code = getattr(fault, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE_KINDS.get(code & 0xFF)
    return "rows" if isinstance(fault, sqlite3.DataError) else None


def _reason(fault: BaseException, secrets: tuple[str, ...]) -> str:
    details = dict(getattr(fault, "details", None) or [])
    primary = details.get(b"PG_DIAG_MESSAGE_PRIMARY") or details.get("PG_DIAG_MESSAGE_PRIMARY")
    if isinstance(primary, bytes):
        text = primary.decode("utf-8", "replace")
    elif isinstance(fault, pymysql.Error) and len(fault.args) > 1:
        text = str(fault.args[1])
    else:
        text = str(fault)
    if found := _QUOTED_QUERY.search(text):  # of a lost connection: our own query is no reason
        text = found[1]
    # ADBC and psycopg put words of their own before the server's message
    found = re.search(r"(?:ERROR|FATAL):\s+(.*)", text)
    line = (found[1] if found else text).strip().split("\n", 1)[0]
    line = re.sub(r'(invalid input (?:syntax|value) for [^:]+): ".*"', r"\1", line)
    line = re.sub(r"([Ii]ncorrect [\w ]+ value): '.*?'(?= for)", r"\1", line)
    line = line.removeprefix("IO: [libpq] Failed to connect: ")
    for secret in secrets:
        line = line.replace(secret, "***")
    return line.rstrip(". ") or type(fault).__name__


def deadlocked(fault: BaseException, *, first: bool) -> bool:
    """Whether the database broke a tie between two transactions, and ours was the loser."""
    if isinstance(fault, pymysql.Error):
        # 1062: MySQL has no ON CONFLICT for one key; who loses the race sees a repeated key,
        # and who sees it again holds a row that really is one too many
        return bool(fault.args) and fault.args[0] in (1213, 1467, 1020, *([1062] if first else []))
    return sqlstate(fault) in ("40001", "40P01")


def _named(reason: str) -> str | None:
    if found := re.search(r'column "?(?:t\d+\.)?(.+?)"? (?:does not exist|of relation)', reason):
        return found[1]
    found = re.search(r"[\"'`]([^\"'`]+)[\"'`]", reason) or re.search(
        r"(?:table|column): (\S+)", reason
    )
    return found[1].rsplit(".", 1)[-1] if found else None


def _whole(named: str | None, table: str | None) -> str | None:
    """The table that a message names, with its schema where it is the one that was asked for."""
    if named is None or table is None:
        return named
    try:
        return table if TableName.parse(table).table == named else named
    except NotationError:
        return named


def _denied(reason: str) -> str | None:
    """The table that may not be read or written, perhaps one behind a lookup."""
    found = re.search(
        r"permission denied for (?:materialized view|foreign table|table|view) (.+)$", reason
    ) or re.search(r"denied to user .* for table (?:`[^`]+`\.)?[`'](.+)[`']$", reason)
    return found[1] if found else None


def _privilege(reason: str) -> str:
    if found := re.search(r"permission denied for (schema .+)$", reason):
        return f"use {found[1]}"
    found = re.search(
        r"\b(create temporary tables|select|insert|update|delete)\b", reason, re.IGNORECASE
    )
    return found[1].lower() if found else "read or write"
