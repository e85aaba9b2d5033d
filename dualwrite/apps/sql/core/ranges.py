"""Cutting a table into key ranges, and reading one of them.

Boundaries come from one ordered scan of the key columns, so an index alone can answer.
The database compares, so its collations hold.  Rows with a null among the columns have
no place in the order: they belong to the first range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from dualwrite.apps.canonical import as_text, canonical
from dualwrite.apps.query import KeyRange
from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.tablemap.schema import TableSchema

NUMBER = "dualwrite_number"
"""The number of a row in the order of its key, beside the columns of the key."""


def boundaries(
    session: DatabaseSession,
    dialect: Dialect,
    schema: TableSchema,
    columns: Sequence[str],
    size: int,
) -> list[tuple[str, ...]]:
    """The first key of every range but the first."""
    table = dialect.table(schema)
    number = sa.func.row_number().over(order_by=[table.c[name] for name in columns])
    numbered = (
        sa.select(*(table.c[name] for name in columns), number.label(NUMBER))
        .where(*(table.c[name].is_not(None) for name in columns if schema.columns[name].nullable))
        .subquery("numbered")
    )
    places: Any = numbered.c
    place = places[NUMBER]
    marks = (
        sa.select(
            *(
                dialect.readable(schema.columns[name], places[name]).label(f"c{position}")
                for position, name in enumerate(columns)
            )
        )
        .where(place > size, place % size == 1 % size)
        .order_by(place)
    )
    arrays = session.arrays(marks)
    texts = [
        as_text(canonical(values, schema.columns[name].type)).to_pylist()
        for name, values in zip(columns, arrays, strict=True)
    ]
    found = list(zip(*texts, strict=True)) if texts else []
    return list(dict.fromkeys(found))  # rows that agree on `together` give one mark twice


def inside(
    dialect: Dialect, schema: TableSchema, table: Any, within: KeyRange
) -> list[sa.ColumnElement[bool]]:
    """The conditions that a row lies in a range."""
    columns = [(schema.columns[name], table.c[name]) for name in within.columns]
    nulls = [expression.is_(None) for column, expression in columns if column.nullable]
    if within.low is None and within.high is None:
        return []
    if within.low is None:
        assert within.high is not None
        return [sa.or_(dialect.ordered(columns, within.high, below=True), *nulls)]
    conditions = [dialect.ordered(columns, within.low, below=False)]
    if within.high is not None:
        conditions.append(dialect.ordered(columns, within.high, below=True))
    return conditions + [sa.not_(null) for null in nulls]
