"""What a database says of its tables, read once a table and remembered."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

from dualwrite.apps.guards import missing_table
from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.errors import MissingTableError
from dualwrite.tablemap.names import NotationError, TableName
from dualwrite.tablemap.schema import Column, Reference, TableSchema

OURS = "dualwrite_"
"""So the tables begin that we keep in an app; they are none of its own."""
_FEW = 3
"""So many schemas that hold a table of a name are offered."""
_ONE_FILE = "SQLite has no schemas, and an attached database is no part of the app"


class DatabaseCatalogue:
    """The tables of one database."""

    def __init__(self, dialect: Dialect, *, app: str) -> None:
        self._dialect, self._app = dialect, app
        self._engine = dialect.engine()
        self._known: dict[str, TableSchema] = {}
        self._names: Sequence[str] | None = None
        self._guard = threading.Lock()

    def tables(self) -> Sequence[str]:
        """Names of tables and views of the app's own schema, sorted; always asked anew."""
        with self._engine.connect() as connection:
            names = _names(sa.inspect(connection), self._dialect, None)
        self._names = names
        return names

    def known_tables(self) -> Sequence[str]:
        """The names as they were last seen."""
        return self._names if self._names is not None else self.tables()

    def refresh(self) -> None:
        """Forget what is remembered."""
        with self._guard:
            self._known.clear()
            self._names = None

    def schema(self, table: str) -> TableSchema:
        """Describe a table.

        Raises:
            MissingTableError: There is none of that name.
        """
        with self._guard:
            if table not in self._known:
                self._known[table] = self._read(table)
            return self._known[table]

    def close(self) -> None:
        """Give back what reflection held."""
        self._engine.dispose()

    def _read(self, table: str) -> TableSchema:
        with self._engine.connect() as connection, warnings.catch_warnings():
            # types that SQLAlchemy does not know are text to us
            warnings.simplefilter("ignore", sqlalchemy.exc.SAWarning)
            inspector = sa.inspect(connection)
            wanted = self._found(connection, inspector, table)
            place, name = self._dialect.place(table)
            view = name not in inspector.get_table_names(schema=place)
            described = self._dialect.columns(connection, inspector, table)
            if view:
                return TableSchema(wanted, _by_name(described, {}), read_only="a view")
            key = tuple(inspector.get_pk_constraint(name, schema=place)["constrained_columns"])
            return TableSchema(
                wanted,
                _by_name(described, _references(connection, inspector, self._dialect, table)),
                primary_key=key,
                unique=_unique(inspector, name, place, key),
                triggers=tuple(self._dialect.triggers(connection, table)),
            )

    def _found(self, connection: sa.Connection, inspector: sa.Inspector, table: str) -> str:
        """The one name of a table or view that is there."""
        try:
            name = TableName.parse(table)
        except NotationError as fault:
            raise missing_table(self._app, table, ()) from fault
        if name.schema is not None and not self._dialect.has_schemas:
            raise MissingTableError(app=self._app, table=table, reason=_ONE_FILE)
        names = _names(inspector, self._dialect, name.schema)
        if str(name) not in names:
            raise missing_table(
                self._app, table, names, first=_elsewhere(connection, self._dialect, name)
            )
        return str(name if name.schema is None else self._dialect.own_name(connection, name))


def _names(inspector: sa.Inspector, dialect: Dialect, schema: str | None) -> list[str]:
    """The tables and views of a schema; None for the app's own."""
    place = schema or dialect.schema
    names = [*inspector.get_table_names(schema=place), *inspector.get_view_names(schema=place)]
    if inspector.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names(schema=place)
    theirs = (name for name in set(names) if not name.startswith(OURS))
    return sorted(str(TableName(name, schema)) for name in theirs)


def _elsewhere(connection: sa.Connection, dialect: Dialect, name: TableName) -> list[str]:
    """The tables of that name in schemas that are not searched, a few of them."""
    if not dialect.has_schemas or name.schema is not None:
        return []
    place: Any = sa.column("table_schema")
    table: Any = sa.column("table_name")
    query = (
        sa.select(place)
        .select_from(sa.table("tables", schema="information_schema"))
        .where(table == name.table)
        .order_by(place)
        .limit(_FEW)
    )
    return [str(TableName(name.table, str(each))) for each in connection.scalars(query)]


def _by_name(columns: Sequence[Column], references: dict[str, Reference]) -> dict[str, Column]:
    return {
        column.name: column
        if column.name not in references
        else replace(column, references=references[column.name])
        for column in columns
    }


def _references(
    connection: sa.Connection, inspector: sa.Inspector, dialect: Dialect, table: str
) -> dict[str, Reference]:
    found = {}
    place, name = dialect.place(table)
    for key in inspector.get_foreign_keys(name, schema=place):
        if len(key["constrained_columns"]) != 1:
            continue  # a lookup is one column
        other, schema = key["referred_table"], key["referred_schema"]
        # SQLite lets the column unsaid where it is the primary key
        there = (
            key["referred_columns"]
            or inspector.get_pk_constraint(other, schema=schema)["constrained_columns"]
        )
        target = dialect.own_name(connection, TableName(other, schema))
        found[key["constrained_columns"][0]] = Reference(str(target), there[0])
    return found


def _unique(
    inspector: sa.Inspector, table: str, place: str | None, key: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    sets: list[Any] = [
        constraint["column_names"]
        for constraint in inspector.get_unique_constraints(table, schema=place)
    ]
    # a UNIQUE beside its column is an index that SQLite makes by itself
    automatic = {"include_auto_indexes": True} if inspector.dialect.name == "sqlite" else {}
    sets += [
        index["column_names"]
        for index in inspector.get_indexes(table, schema=place, **automatic)
        if index["unique"]
        and not any(option.endswith("_where") for option in index.get("dialect_options", {}))
    ]
    whole = {tuple(names) for names in sets if names and None not in names}
    return tuple(sorted(whole - {key}))
