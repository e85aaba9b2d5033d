"""A `Query` becomes one SELECT: paths followed by LEFT JOINs, each lookup joined once.

A lookup is followed by the foreign key that the database declares, or by what the map
says in `lookups`.  A polymorphic path joins every table it names; the column
`<lookup>type` or `<lookup>_type`, where there is one, tells which of them a row means (its
name in lower case), else the first that holds the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.guards import column_of, missing_table, points_nowhere
from dualwrite.apps.query import Query
from dualwrite.apps.sql.core.dialect import Dialect, Expression
from dualwrite.tablemap.names import TableName
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, Reference, TableSchema, type_column

Found = tuple[Column, Expression]


class Paths:
    """The columns that a query names, each lookup joined when first used."""

    def __init__(
        self,
        dialect: Dialect,
        query: Query,
        *,
        app: str,
        schema_of: Callable[[str], TableSchema],
        tables: Callable[[], Sequence[str]],
        root: Any = None,
    ) -> None:
        """`root` stands in for the table, under the name `t0`: a trigger's rows, say."""
        self._dialect, self._app = dialect, app
        self._schema_of, self._tables = schema_of, tables
        self._lookups: Mapping[str, Reference] = query.lookups
        self._joined: dict[tuple[str, str, str], tuple[TableSchema, Any]] = {}
        self.schema = schema_of(query.table)
        self.root = dialect.table(self.schema).alias("t0") if root is None else root
        self.source: sa.FromClause = self.root

    def find(self, path: ColumnPath) -> Found:
        """The column at the end of a path, and its expression."""
        if path.targets:
            return self._polymorphic(path)
        schema, alias, lookups = self.schema, self.root, self._lookups
        for step in path.steps[:-1]:
            reference = lookups.get(step) or column_of(self._app, schema, step).references
            if reference is None:
                raise points_nowhere(path, schema, step)
            schema, alias = self._join(schema, alias, step, reference)
            lookups = {}
        column = column_of(self._app, schema, path.steps[-1])
        return column, alias.c[column.name]

    @property
    def follows(self) -> bool:
        """Whether a lookup was joined."""
        return bool(self._joined)

    def compared(self, path: ColumnPath) -> Expression:
        """A path as a filter uses it."""
        column, expression = self.find(path)
        return self._dialect.comparable(column, expression)

    def _join(
        self,
        schema: TableSchema,
        alias: Any,
        step: str,
        reference: Reference,
        only: sa.ColumnElement[bool] | None = None,
    ) -> tuple[TableSchema, Any]:
        place = (alias.name, step, reference.table)
        if place not in self._joined:
            target = self._schema_of(reference.table)
            there = column_of(self._app, target, reference.column)
            other = self._dialect.table(target).alias(f"t{len(self._joined) + 1}")
            here = column_of(self._app, schema, step)
            on = self._dialect.joined((here, alias.c[step]), (there, other.c[there.name]))
            self.source = self.source.outerjoin(other, on if only is None else sa.and_(on, only))
            self._joined[place] = (target, other)
        return self._joined[place]

    def _polymorphic(self, path: ColumnPath) -> Found:
        lookup = column_of(self._app, self.schema, path.column)
        kind = type_column(self.schema, path.column)
        real = {name.lower(): name for name in self._tables()}
        found: list[Found] = []
        bare = [TableName.parse(table).table.lower() for table, _ in path.targets]
        for wanted, identifying in path.targets:
            name = TableName.parse(wanted.lower())
            table = real.get(wanted.lower()) if name.schema is None else str(name)
            if table is None:
                raise missing_table(self._app, wanted, self._tables())
            target = self._schema_of(table)
            only = None
            if kind is not None:
                called = [str(name)]
                if name.schema is not None and bare.count(name.table) == 1:
                    called.append(name.table)
                held = sa.func.lower(self.root.c[kind])
                only = held == called[0] if len(called) == 1 else held.in_(called)
            reference = self._reference(path, lookup, target)
            _, other = self._join(self.schema, self.root, path.column, reference, only)
            column = column_of(self._app, target, identifying)
            found.append((column, self._dialect.readable(column, other.c[column.name])))
        # the type column, where there is one, is part of each join: at most one is not null
        return found[0][0], sa.func.coalesce(*(expression for _, expression in found), sa.null())

    def _reference(self, path: ColumnPath, lookup: Column, target: TableSchema) -> Reference:
        for declared in (self._lookups.get(lookup.name), lookup.references):
            if declared is not None and declared.table == target.name:
                return declared
        if len(target.primary_key) != 1:
            raise points_nowhere(path, self.schema, lookup.name)
        return Reference(target.name, target.primary_key[0])


def rows_of(paths: Paths, query: Query) -> list[sa.ColumnElement[bool]]:
    """The conditions of a query: its companies and its filter."""
    conditions: list[sa.ColumnElement[bool]] = []
    if query.companies is not None and query.company is not None:
        conditions.append(paths.compared(query.company).in_(query.companies))
    if query.filter is not None:
        from dualwrite.tablemap.filters.sql import to_sqlalchemy

        conditions.append(to_sqlalchemy(query.filter, paths.compared))
    return conditions


def columns_of(
    paths: Paths, dialect: Dialect, wanted: Sequence[ColumnPath], ends: Sequence[ColumnPath] = ()
) -> tuple[list[Column], list[sa.Label[Any]]]:
    """The SELECT list, labelled by position: paths are longer than names may be.

    Where the database has values that its driver cannot give, a last column names them.
    """
    described, expressions = [], []
    found: dict[str, Expression] = {}
    for position, path in enumerate(wanted):
        column, expression = paths.find(path)
        read = expression if path.targets else dialect.readable(column, expression)
        described.append(column)
        expressions.append(read.label(quoted_name(f"c{position}", quote=True)))
        odd = dialect.unreadable(column, expression, is_end=path in ends)
        if odd is not None:
            found[str(path)] = odd
    if found:
        expressions.append(dialect.objects(found).label(quoted_name("unreadable", quote=True)))
    return described, expressions
