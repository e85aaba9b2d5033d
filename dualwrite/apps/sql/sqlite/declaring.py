"""A table of SQLite declared with other digits: its text in the file's own catalogue is changed.

SQLite has no statement for it.  What its documentation gives for changes that touch no
stored row is done here: in one transaction the text is changed under `writable_schema` and
the schema's version raised, so that every connection reads it anew.  A wrong text would
make the file unreadable, so it is tried first on an empty table in memory, which must
have the same columns but for the digits.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from decimal import Context, Decimal
from typing import Any

import sqlalchemy as sa

from dualwrite.apps.declaring import Declared, narrowed
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.tablemap.schema import TableSchema

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/            # comments
    |'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]
    |\(\s*\d+\s*(?:,\s*\d+\s*)?\)     # digits of a type
    |\w+|\s+|.""",
    re.VERBOSE | re.DOTALL,
)
TOO_LONG = "dualwrite_too_long"
"""The name of `too_long` in statements."""
_EXACT = Context(prec=100)
_DIGITS = re.compile(r"\(\s*\d+\s*(?:,\s*\d+\s*)?\)")


def declare(
    session: DatabaseSession, schema: TableSchema, columns: Declared, *, wait: float
) -> Mapping[str, int]:
    """As `Dialect.redeclare`, in a transaction that has the file to itself."""
    session.begin(writing=True, wait=wait)
    try:
        lost = _declare(session, schema, columns)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return lost


def _declare(session: DatabaseSession, schema: TableSchema, columns: Declared) -> Mapping[str, int]:
    lost = {}
    for name, kind in narrowed(schema, columns).items():
        digits = f"{kind.precision:d}, {kind.scale:d}"
        count = session.number(
            f"SELECT count(*) FROM {session.quote(schema.name)} "  # noqa: S608 - quoted
            f"WHERE {TOO_LONG}({session.quote(name)}, {digits})"
        )
        if count:
            lost[name] = count
    if lost:
        return lost
    shown = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1"
    before = str(session.arrays(shown, [schema.name])[0][0].as_py())
    after = redeclared(before, columns)
    _try(before, after, schema.name, columns)
    version = session.number("PRAGMA schema_version")
    session.run("PRAGMA writable_schema = ON")
    try:
        session.run(
            "UPDATE sqlite_schema SET sql = ?1 WHERE type = 'table' AND name = ?2",
            [after, schema.name],
        )
        session.run(f"PRAGMA schema_version = {version + 1:d}")
    finally:
        session.run("PRAGMA writable_schema = OFF")
    return {}


def redeclared(statement: str, columns: Declared) -> str:
    """A CREATE TABLE statement in which these columns have other digits."""
    wanted = {name.lower(): kind for name, kind in columns.items()}
    parts, depth, naming = [], 0, False
    kind: Any = None
    for token in _TOKEN.finditer(statement):
        text = token[0]
        if text[0] == "(" and depth == 1 and kind is not None and _DIGITS.fullmatch(text):
            text, kind = f"({kind.precision},{kind.scale})", None
        elif text == "(":
            depth += 1
            naming = depth == 1
        elif text == ")":
            depth -= 1
        elif text == "," and depth == 1:
            naming, kind = True, None
        elif naming and not text.isspace() and not text.startswith(("--", "/*")):
            naming, kind = False, wanted.get(_plain(text).lower())
        parts.append(text)
    return "".join(parts)


def _plain(name: str) -> str:
    """A name without its quotes."""
    if name[0] == "[":
        return name[1:-1]
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in "\"'`" else name


def too_long(text: str | None, precision: int, scale: int) -> bool:
    """Whether a stored number has more digits than the type keeps; zeros at either end are none.

    Texts are read as numbers, for a small one may be spelled `1E-10`.
    """
    if text is None:
        return False
    _, digits, exponent = Decimal(text).normalize(_EXACT).as_tuple()
    assert isinstance(exponent, int), "a column of decimals holds numbers"
    before = max(len(digits) + exponent, 0) if any(digits) else 0
    return -exponent > scale or before > precision - scale


def _try(before: str, after: str, table: str, columns: Declared) -> None:
    """Make both tables in memory; they differ in the declared digits alone.

    Raises:
        sqlite3.OperationalError: They do not, so the text was not understood.
    """
    was, now = _described(before, table), _described(after, table)
    wanted = {name: f"({kind.precision},{kind.scale})" for name, kind in columns.items()}
    for name, row in was.items():
        if name in wanted:
            row["type"] = _DIGITS.sub(wanted[name], row["type"])
    if not was or was != now:
        msg = "how the table is declared was not understood"
        raise sqlite3.OperationalError(msg)


def _described(statement: str, table: str) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        with suppress(sqlite3.Error):
            connection.execute(statement)
        quoted = '"' + table.replace('"', '""') + '"'
        rows = connection.execute(f"PRAGMA table_xinfo({quoted})")
        return {row["name"]: dict(row) for row in rows}


def trimmed(text: Any) -> Any:
    """A number's text without the zeros behind it, so that `1.50` and `1.5` are one."""
    # no bound values: SQLAlchemy forgets to spell them out beside IS NOT
    zero: Any = sa.literal_column("'0'")
    point: Any = sa.literal_column("'.'")
    bare = sa.func.rtrim(sa.func.rtrim(text, zero), point)
    return sa.case((sa.func.instr(text, point) > sa.literal_column("0"), bare), else_=text)
