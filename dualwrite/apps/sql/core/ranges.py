"""Cutting a table into key ranges, and reading one of them.

Boundaries come from one ordered scan of the key columns, so an index alone can answer.
The database compares, so its collations hold.  Rows with a null among the columns have
no place in the order: they belong to the first range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import sqlalchemy as sa

from dualwrite.apps.canonical import as_text, canonical
from dualwrite.apps.query import KeyRange
from dualwrite.apps.sql.core.dialect import Dialect, Expression
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.tablemap.schema import Column, TableSchema

Bound: TypeAlias = Sequence[str] | None
Interval: TypeAlias = list[sa.ColumnElement[bool]]
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
    """The conditions that a row lies in a range, so that an index finds it and no other row."""
    if within.low is None and within.high is None:
        return []
    columns = [(schema.columns[name], table.c[name]) for name in within.columns]
    ways = [sa.and_(*way) for way in _ways(dialect, columns, within.low, within.high)]
    nulls = [expression.is_(None) for column, expression in columns if column.nullable]
    if within.low is None:
        return [sa.or_(*ways, *nulls)]
    return [sa.or_(*ways), *(sa.not_(null) for null in nulls)]


def _ways(
    dialect: Dialect, columns: Sequence[tuple[Column, Expression]], low: Bound, high: Bound
) -> list[Interval]:
    """The ways to lie from `low` to below `high`, each an interval of an index by `columns`.

    Row values would be shorter, but PostgreSQL stops reading at their first column only, and
    MySQL reads the whole table.
    """
    (column, expression), rest = columns[0], columns[1:]
    least = None if low is None else dialect.literal(column, low[0])
    most = None if high is None else dialect.literal(column, high[0])
    if low and high and low[0] == high[0] and rest:
        shared = _ways(dialect, rest, low[1:], high[1:])
        return [[expression == least, *way] for way in shared]
    under = [] if most is None else [expression < most]
    if not rest:
        return [[*([] if least is None else [expression >= least]), *under]]
    above = [] if least is None else [expression > least]
    ways: list[Interval] = [[*above, *under]]
    if low:
        begun = _ways(dialect, rest, low[1:], None)
        ways += ([expression == least, *under, *way] for way in begun)
    if high:
        ended = _ways(dialect, rest, None, high[1:])
        ways += ([expression == most, *above, *way] for way in ended)
    if low and high and pa.types.is_string(column.type):
        # two spellings that the database's collation holds for one
        shared = _ways(dialect, rest, low[1:], high[1:])
        ways += ([expression == least, expression == most, *way] for way in shared)
    return ways
