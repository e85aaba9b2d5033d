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
from dualwrite.tablemap.schema import Column, Reference, TableSchema

OURS = "dualwrite_"
"""So the tables begin that we keep in an app; they are none of its own."""


class DatabaseCatalogue:
    """The tables of one database."""

    def __init__(self, dialect: Dialect, *, app: str) -> None:
        self._dialect, self._app = dialect, app
        self._engine = dialect.engine()
        self._known: dict[str, TableSchema] = {}
        self._names: Sequence[str] | None = None
        self._guard = threading.Lock()

    def tables(self) -> Sequence[str]:
        """Names of tables and views, sorted; always asked anew."""
        with self._engine.connect() as connection:
            names = _names(sa.inspect(connection), self._dialect.schema)
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
            place = self._dialect.schema
            names = _names(inspector, place)
            if table not in names:
                raise missing_table(self._app, table, names)
            view = table not in inspector.get_table_names(schema=place)
            described = self._dialect.columns(connection, inspector, table)
            if view:
                return TableSchema(table, _by_name(described, {}), read_only="a view")
            key = tuple(inspector.get_pk_constraint(table, schema=place)["constrained_columns"])
            return TableSchema(
                table,
                _by_name(described, _references(inspector, table, place)),
                primary_key=key,
                unique=_unique(inspector, table, place, key),
                triggers=tuple(self._dialect.triggers(connection, table)),
            )


def _names(inspector: sa.Inspector, place: str | None) -> list[str]:
    names = [*inspector.get_table_names(schema=place), *inspector.get_view_names(schema=place)]
    if inspector.dialect.name == "postgresql":
        names += inspector.get_materialized_view_names(schema=place)
    return sorted(name for name in set(names) if not name.startswith(OURS))


def _by_name(columns: Sequence[Column], references: dict[str, Reference]) -> dict[str, Column]:
    return {
        column.name: column
        if column.name not in references
        else replace(column, references=references[column.name])
        for column in columns
    }


def _references(inspector: sa.Inspector, table: str, place: str | None) -> dict[str, Reference]:
    found = {}
    for key in inspector.get_foreign_keys(table, schema=place):
        if len(key["constrained_columns"]) != 1:
            continue  # a lookup is one column
        # SQLite lets the column unsaid where it is the primary key
        there = (
            key["referred_columns"]
            or inspector.get_pk_constraint(key["referred_table"], schema=place)[
                "constrained_columns"
            ]
        )
        found[key["constrained_columns"][0]] = Reference(key["referred_table"], there[0])
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
