"""The sandbox tables as `create table`, for SQLite, PostgreSQL and MariaDB.

Names keep their case.  Lookups are declared foreign keys, so that every app can say where
a path leads.  Digits stay exact everywhere: SQLite bends what is declared numeric, so there
a decimal is declared `DECIMAL_TEXT(p,s)`, which SQLite takes for text.  MariaDB's
`timestamp` ends in 2038 and its `datetime` does not, so a moment is a `datetime(6)` in UTC.

Nothing that exists is replaced: a table of the same name ends the call with the database's
own refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    make_url,
    text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import URL
from sqlalchemy.types import TypeEngine, UserDefinedType

from dualwrite.connections import engines as connections
from dualwrite.link import Side
from dualwrite.sandbox.schema.definition import ColumnDef, ColumnKind, TableDef, sandbox_tables

_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_SQLITE_ID = (
    "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || "
    "substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || "
    "hex(randomblob(6))))"
)
_DEFAULTS = {
    ("id", "sqlite"): _SQLITE_ID,
    ("id", "postgresql"): "gen_random_uuid()",
    ("id", "mysql"): "(uuid())",
    ("now", "sqlite"): "(strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'))",
    ("now", "postgresql"): "now()",
    ("now", "mysql"): "(utc_timestamp(6))",
}


class _Declared(UserDefinedType[Any]):
    """A type that is nothing but its declaration."""

    cache_ok = True

    def __init__(self, declaration: str) -> None:
        self.declaration = declaration

    def get_col_spec(self, **_: Any) -> str:
        return self.declaration


def driver_url(url: str | URL) -> URL:
    """`url` with the driver that we bring, where it names only the database."""
    parsed = make_url(url)
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


def create_tables(url: str | URL, side: Side, *, only: Collection[str] | None = None) -> None:
    """Create the sandbox tables of one side, empty.

    Args:
        url: The database, which exists.
        side: Whose tables.
        only: Just these, and those their lookups point at; None for all.

    Raises:
        KeyError: `only` names no sandbox table.
    """
    engine = connections.engine(driver_url(url))
    dialect = "mysql" if engine.dialect.name == "mariadb" else engine.dialect.name
    try:
        _metadata(_with_targets(sandbox_tables(side), only), dialect).create_all(
            engine, checkfirst=False
        )
    finally:
        engine.dispose()


def _with_targets(
    tables: Mapping[str, TableDef], only: Collection[str] | None
) -> Mapping[str, TableDef]:
    if only is None:
        return tables
    wanted: dict[str, TableDef] = {}
    waiting = list(only)
    while waiting:
        table = tables[waiting.pop()]
        if table.name not in wanted:
            wanted[table.name] = table
            waiting += [c.references for c in table.columns.values() if c.references]
    return wanted


def _metadata(tables: Mapping[str, TableDef], dialect: str) -> MetaData:
    metadata = MetaData()
    for table in tables.values():
        names = {table.id_column} if table.id_column else set(table.key)
        unique = [UniqueConstraint(*table.key, name=f"{table.name}_key")] if table.id_column else []
        Table(
            table.name,
            metadata,
            *[
                _column(column, dialect, primary=column.name in names)
                for column in _key_first(table)
            ],
            *unique,
            quote=True,
            mysql_engine="InnoDB",
            mysql_charset="utf8mb4",
            mysql_collate="utf8mb4_bin",
            mariadb_engine="InnoDB",
            mariadb_charset="utf8mb4",
            mariadb_collate="utf8mb4_bin",
        )
    return metadata


def _key_first(table: TableDef) -> list[ColumnDef]:
    """A primary key lists its columns in the order in which the table does."""
    first = (table.id_column, *table.key) if table.id_column else table.key
    rest = [column for column in table.columns.values() if column.name not in first]
    return [table.columns[name] for name in first] + rest


def _column(column: ColumnDef, dialect: str, *, primary: bool) -> Column[Any]:
    default = column.default and _DEFAULTS.get((column.default, dialect), column.default)
    target = column.references
    return Column(
        column.name,
        _type(column, dialect),
        *([ForeignKey(f"{target}.{target}id")] if target else []),
        primary_key=primary,
        nullable=not (column.required or primary),
        server_default=text(default) if default else None,
        autoincrement=False,
        quote=True,
    )


def _type(column: ColumnDef, dialect: str) -> TypeEngine[Any]:
    kind: TypeEngine[Any]
    match column.kind:
        case ColumnKind.TEXT:
            kind = String(column.length)
        case ColumnKind.MEMO:
            kind = Text()
        case ColumnKind.INTEGER | ColumnKind.CHOICE:
            kind = Integer()
        case ColumnKind.BOOLEAN:
            kind = Boolean()
        case ColumnKind.MONEY | ColumnKind.DECIMAL if dialect == "sqlite":
            kind = _Declared(f"DECIMAL_TEXT({column.length},{column.scale})")
        case ColumnKind.MONEY | ColumnKind.DECIMAL:
            kind = Numeric(column.length, column.scale)
        case ColumnKind.DATE:
            kind = Date()
        case ColumnKind.TIMESTAMP:
            kind = {
                "sqlite": _Declared("TIMESTAMPTZ"),
                "postgresql": postgresql.TIMESTAMP(timezone=True),
                "mysql": mysql.DATETIME(fsp=6),
            }[dialect]
        case ColumnKind.ID:
            kind = postgresql.UUID() if dialect == "postgresql" else _Declared("CHAR(36)")
    return kind
