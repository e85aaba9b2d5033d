"""The same tables in every kind of app, so that one contract can hold them all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from dualwrite.apps.app import App
from dualwrite.apps.memory.app import MemoryApp
from dualwrite.apps.opening import open_app
from dualwrite.link import Side
from dualwrite.tablemap.schema import Column, Reference, TableSchema
from tests.apps.hands import Hand, SqlHand, memory_hand, sql_hand
from tests.servers.running import Server

KINDS = ("memory", "sqlite", "postgresql", "mariadb")

UTC = pa.timestamp("us", "UTC")
NAIVE = pa.timestamp("us")
_QUOTING = {
    "sqlite": SQLiteDialect(paramstyle="named"),
    "postgresql": PGDialect(paramstyle="named"),
    "mariadb": MySQLDialect(paramstyle="named"),
}
_WORDS = {
    "sqlite": {UTC: "TIMESTAMPTZ", NAIVE: "TIMESTAMP", "uuid": "CHAR(36)", "money": "DECIMAL_TEXT"},
    "postgresql": {UTC: "timestamptz", NAIVE: "timestamp", "uuid": "uuid", "money": "numeric"},
    "mariadb": {UTC: "timestamp(6)", NAIVE: "datetime(6)", "uuid": "uuid", "money": "decimal"},
}
_OBJECTS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
    "postgresql": (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION "
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION "
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ),
    "mariadb": (
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() UNION "
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS "
        "WHERE TRIGGER_SCHEMA = DATABASE() UNION "
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()"
    ),
}
_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?",
    "postgresql": (
        "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal AND relname = ?"
    ),
    "mariadb": (
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS "
        "WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ?"
    ),
}


def text(name: str, length: int = 60, **more: object) -> Column:
    return Column(name, pa.string(), "text", length=length, **more)  # type: ignore[arg-type]


def uuid(name: str, **more: object) -> Column:
    return Column(name, pa.string(), "uuid", length=36, **more)  # type: ignore[arg-type]


def number(name: str, **more: object) -> Column:
    return Column(name, pa.int64(), "int", **more)  # type: ignore[arg-type]


def money(name: str, precision: int = 38, scale: int = 10) -> Column:
    return Column(name, pa.decimal128(precision, scale), "money")


def typed(name: str, kind: pa.DataType) -> Column:
    return Column(name, kind, "typed")


def table(
    name: str,
    *columns: Column,
    key: tuple[str, ...] = (),
    unique: tuple[tuple[str, ...], ...] = (),
) -> TableSchema:
    return TableSchema(
        name, {column.name: column for column in columns}, primary_key=key, unique=unique
    )


@dataclass
class Workshop:
    """One app of a kind, and the owner's hand on it."""

    kind: str
    url: str
    server: Server | None = None
    memory: MemoryApp = field(default_factory=lambda: MemoryApp(Side.FINOPS))
    _opened: list[App] = field(default_factory=list)

    def open(self, url: str | None = None, *, patience: float = 30.0) -> App:
        if self.kind == "memory":
            return self.memory
        app = open_app(Side.FINOPS, url or self.url, patience=patience)
        self._opened.append(app)
        return app

    def close(self) -> None:
        for app in self._opened:
            app.close()

    def create(self, *schemas: TableSchema) -> None:
        for schema in schemas:
            if self.kind == "memory":
                self.memory.create(schema)
            else:
                self.execute(self._ddl(schema))

    def execute(self, *statements: str) -> None:
        if self.server is not None:
            self.server.execute(*statements, url=self.url)
            return
        with closing(sqlite3.connect(sa.make_url(self.url).database or "")) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def hand(self) -> AbstractContextManager[Hand]:
        """A transaction of the application itself."""
        return memory_hand(self.memory) if self.kind == "memory" else self.sql_hand()

    def sql_hand(self) -> AbstractContextManager[SqlHand]:
        return sql_hand(self.kind, self.url, self.quote)

    def drop_table(self, name: str) -> None:
        """As a person who does not know what it is."""
        if self.kind == "memory":
            self.memory.drop(name)
        else:
            self.execute(f"DROP TABLE {self.quote(name)}")

    def objects(self) -> set[str]:
        """Names of all tables, triggers and routines; in memory, of queues."""
        if self.kind == "memory":
            return set(self.memory._store.state.queues)
        with self.sql_hand() as hand:
            return {str(row[0]) for row in hand.rows(_OBJECTS[self.kind])}

    def triggers(self, table: str) -> list[str]:
        """Names of the triggers on a table."""
        with self.sql_hand() as hand:
            return sorted(str(row[0]) for row in hand.rows(_TRIGGERS[self.kind], [table]))

    def drop_trigger(self, table: str, name: str) -> None:
        on = f" ON {self.quote(table)}" if self.kind == "postgresql" else ""
        self.execute(f"DROP TRIGGER {self.quote(name)}{on}")

    def quote(self, name: str) -> str:
        return _QUOTING[self.kind].identifier_preparer.quote_identifier(name)

    def _ddl(self, schema: TableSchema) -> str:
        parts = [self._declared(column) for column in schema.columns.values()]
        if schema.primary_key:
            parts.append(f"PRIMARY KEY ({self._names(schema.primary_key)})")
        parts += [f"UNIQUE ({self._names(names)})" for names in schema.unique]
        for column in schema.columns.values():
            if to := column.references:
                parts.append(
                    f"FOREIGN KEY ({self.quote(column.name)}) REFERENCES "
                    f"{self.quote(to.table)} ({self.quote(to.column)})"
                )
        return f"CREATE TABLE {self.quote(schema.name)} ({', '.join(parts)})"

    def _names(self, names: tuple[str, ...]) -> str:
        return ", ".join(self.quote(name) for name in names)

    def _declared(self, column: Column) -> str:
        words, kind = _WORDS[self.kind], column.type
        if column.native == "uuid":
            word = words["uuid"]
        elif pa.types.is_decimal(kind):
            word = f"{words['money']}({kind.precision},{kind.scale})"
        elif pa.types.is_timestamp(kind):
            word = words[kind]
        elif pa.types.is_int64(kind):
            word = "BIGINT"
        elif pa.types.is_float64(kind):
            word = "DOUBLE PRECISION"
        elif pa.types.is_boolean(kind):
            word = "BOOLEAN"
        elif pa.types.is_date32(kind):
            word = "DATE"
        elif pa.types.is_binary(kind):
            word = "BYTEA" if self.kind == "postgresql" else "BLOB"
        else:
            word = f"VARCHAR({column.length})"
        if self.kind == "mariadb" and word.startswith("VARCHAR"):
            word += " COLLATE utf8mb4_bin"
        return f"{self.quote(column.name)} {word} {'NULL' if column.nullable else 'NOT NULL'}"


@contextmanager
def workshop(
    kind: str, fresh_database: Callable[[str], str], server_of: Callable[[str], Server]
) -> Iterator[Workshop]:
    if kind == "memory":
        yield Workshop(kind, "memory://")
        return
    server = None if kind == "sqlite" else server_of(kind)
    made = Workshop(kind, fresh_database(kind), server)
    try:
        yield made
    finally:
        made.close()


GROUP = table("group", uuid("id"), text("code", nullable=False), key=("id",), unique=(("code",),))
CUSTOMER = table(
    "customer",
    uuid("id"),
    text("company", 4, nullable=False),
    text("number", 20, nullable=False),
    text("name"),
    money("credit"),
    number("rank"),
    uuid("groupid", references=Reference("group", "id")),
    uuid("parentid", references=Reference("customer", "id")),
    key=("id",),
    unique=(("company", "number"),),
)
KEY = ("company", "number")
