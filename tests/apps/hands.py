"""An application's hand on its own tables: plain SQL in one transaction, nothing of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import psycopg
import pyarrow as pa
import pymysql
import sqlalchemy as sa

from dualwrite.apps.memory.app import MemoryApp
from dualwrite.apps.memory.writing import MemoryWriting
from dualwrite.apps.query import Query
from dualwrite.tablemap.notation import ColumnPath

Where = Mapping[str, Any]
_ASKED = "\x01"
"""The sign `?` of a name, while `?` is the mark of a value."""


class Hand(Protocol):
    """One transaction.  `where` names values that a row must have; none: every row."""

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None: ...

    def update(self, table: str, where: Where | None = None, **values: Any) -> None: ...

    def delete(self, table: str, where: Where | None = None) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


class SqlHand:
    def __init__(self, kind: str, url: str, quote: Callable[[str], str]) -> None:
        self.kind = kind
        self._connection = _connect(kind, sa.make_url(url))
        self._quote = quote
        self._begun = False

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        names = list(rows[0])
        marks = f"({', '.join(['?'] * len(names))})"
        self.rows(
            f"INSERT INTO {self._name(table)} ({', '.join(map(self._name, names))}) "
            f"VALUES {', '.join([marks] * len(rows))}",
            [row[name] for row in rows for name in names],
        )

    def update(self, table: str, where: Where | None = None, **values: Any) -> None:
        given = ", ".join(f"{self._name(name)} = ?" for name in values)
        condition, more = self._where(where)
        self.rows(f"UPDATE {self._name(table)} SET {given}{condition}", [*values.values(), *more])

    def delete(self, table: str, where: Where | None = None) -> None:
        condition, more = self._where(where)
        self.rows(f"DELETE FROM {self._name(table)}{condition}", more)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """What any statement gives; `?` stands for a value."""
        if self.kind == "sqlite":
            if not self._begun:
                self._connection.execute("BEGIN")
            values = [_text(value) for value in values]
        elif values:
            statement = statement.replace("%", "%%").replace("?", "%s")
        if isinstance(statement, str):  # a test may send bytes
            statement = statement.replace(_ASKED, "?")
        self._begun = True
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement, tuple(values)) if values else cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def _end(self, word: str) -> None:
        if self._begun:
            self._begun = False
            self._connection.cursor().execute(word)

    def _name(self, name: str) -> str:
        """A name in quotes, which may hold the mark of a value."""
        return self._quote(name).replace("?", _ASKED)

    def _where(self, where: Where | None) -> tuple[str, list[Any]]:
        if not where:
            return "", []
        condition = " AND ".join(f"{self._name(name)} = ?" for name in where)
        return f" WHERE {condition}", list(where.values())


class MemoryHand:
    def __init__(self, app: MemoryApp, writing: MemoryWriting) -> None:
        self._app, self._writing = app, writing

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        columns = self._app.schema(table).columns
        named = {n: pa.array([row[n] for row in rows], columns[n].type) for n in rows[0]}
        self._writing.insert(table, pa.table(named), key=self._key(table, named))

    def update(self, table: str, where: Where | None = None, **values: Any) -> None:
        columns = self._app.schema(table).columns
        rows = self._found(table, where)
        for name, value in values.items():
            rows = rows.drop_columns([name]) if name in rows.column_names else rows
            given = pa.array([value] * rows.num_rows, columns[name].type)
            rows = rows.append_column(name, given)
        self._writing.update(table, rows, key=self._key(table, columns))

    def delete(self, table: str, where: Where | None = None) -> None:
        self._writing.delete(table, self._found(table, where))

    def commit(self) -> None:
        self._writing.commit()

    def rollback(self) -> None:
        self._writing.rollback()

    def _key(self, table: str, given: Mapping[str, Any]) -> tuple[str, ...]:
        schema = self._app.schema(table)
        ways = (schema.primary_key, *schema.unique)
        return next(way for way in ways if way and set(way) <= given.keys())

    def _found(self, table: str, where: Where | None) -> pa.Table:
        """The identities of rows as this transaction sees them."""
        schema = self._app.schema(table)
        key = self._key(table, schema.columns)
        named = tuple(ColumnPath((name,)) for name in dict.fromkeys([*key, *(where or {})]))
        store = self._app._store
        state = self._writing._begun or store.state
        rows = store.follower(state, Query(table, named)).read(None)
        for name, value in (where or {}).items():
            rows = rows.filter(pa.compute.equal(rows[name], pa.scalar(value, rows[name].type)))
        return rows.select(list(key))


@contextmanager
def memory_hand(app: MemoryApp) -> Iterator[MemoryHand]:
    with app.writing() as writing:
        yield MemoryHand(app, writing)


@contextmanager
def sql_hand(kind: str, url: str, quote: Callable[[str], str]) -> Iterator[SqlHand]:
    hand = SqlHand(kind, url, quote)
    try:
        yield hand
        hand.commit()
    except BaseException:
        hand.rollback()
        raise
    finally:
        hand.close()


def _connect(kind: str, url: sa.URL) -> Any:
    if kind == "sqlite":
        connection = sqlite3.connect(url.database or "", isolation_level=None, timeout=2)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection
    if kind == "postgresql":
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(address)
    return pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        charset="utf8mb4",
        autocommit=False,
    )


def _text(value: Any) -> Any:
    """As SQLite holds it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value) if isinstance(value, Decimal | date) else value
