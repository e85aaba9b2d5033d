"""A filter as SQL, every literal a bound parameter.

SQL's own words differ where a filter must not: whether case matters, whether trailing
blanks count, how text is ordered, what `lower` does to an É, whether a `%` is a wildcard.
So text is compared by code point and searched by position, each dialect in its own way
(`_Exact`, `_Position`, `_Folded`), and the rows kept are those that `filters.arrow` keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import reduce
from string import ascii_lowercase, ascii_uppercase
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from dualwrite.tablemap.filters.literals import Always, Grid, ValueKind, fitted, need_text
from dualwrite.tablemap.filters.model import (
    And,
    Compare,
    Filter,
    Fold,
    In,
    IsNull,
    Literal,
    Match,
    Node,
    Not,
    Operand,
    Operator,
    Or,
    Part,
)
from dualwrite.tablemap.notation import ColumnPath

ColumnOf = Callable[[ColumnPath], sa.ColumnElement[Any]]
Truth = sa.ColumnElement[bool]

_GRIDS: Mapping[type[sa.types.TypeEngine[Any]], Grid] = {
    sa.Boolean: Grid(ValueKind.BOOLEAN),
    sa.Integer: Grid(ValueKind.INTEGER, scale=0),
    sa.String: Grid(ValueKind.TEXT),
    sa.Uuid: Grid(ValueKind.TEXT),
    sa.Date: Grid(ValueKind.DATE),
}


def to_sqlalchemy(filter_: Filter, column: ColumnOf) -> Truth:
    """The filter as a condition; `column` gives the SQL of a path, joined in by the caller.

    Raises:
        LiteralTypeError: A literal does not suit its column.
    """
    return _condition(filter_.root, column)


def grid_of_sql(kind: sa.types.TypeEngine[Any]) -> Grid:
    """The grid of an SQL type; of a type decorator, by the Python type it declares:
    `TypeDecorator[datetime]` holds timestamps, whatever it stores them as.
    """
    match kind:
        case sa.Float():
            grid = Grid(ValueKind.FLOAT)
        case sa.Numeric():
            grid = Grid(ValueKind.DECIMAL, scale=kind.scale, digits=kind.precision)
        case sa.DateTime():
            grid = Grid(ValueKind.TIMESTAMP, utc=kind.timezone)
        case sa.TypeDecorator():
            grid = _grid_of_decorator(kind)
        case _:
            known = (each for each in _GRIDS if isinstance(kind, each))
            grid = _GRIDS.get(next(known, sa.types.NullType), Grid(ValueKind.OPAQUE))
    return grid


def _grid_of_decorator(kind: sa.types.TypeDecorator[Any]) -> Grid:
    inner = grid_of_sql(kind.impl_instance)
    declared = {arg for base in getattr(type(kind), "__orig_bases__", ()) for arg in get_args(base)}
    if inner.kind is ValueKind.TEXT and datetime in declared:
        return Grid(ValueKind.TIMESTAMP, utc=getattr(kind, "in_utc", False))
    if inner.kind is ValueKind.TEXT and Decimal in declared:
        return Grid(ValueKind.DECIMAL)
    return inner


def _condition(node: Node, column: ColumnOf) -> Truth:
    match node:
        case And(items):
            truth: Truth = sa.and_(*(_condition(item, column) for item in items))
        case Or(items):
            truth = sa.or_(*(_condition(item, column) for item in items))
        case Not(item):
            truth = sa.not_(_condition(item, column).self_group())
        case IsNull(operand, negated):
            found = column(operand.path)
            truth = found.is_not(None) if negated else found.is_(None)
        case Compare(operand, operator, value):
            truth = _compared(operand, operator, value, column)
        case In(operand, values):
            truth = _among(operand, values, column)
        case Match(operand, part, text):
            found = column(operand.path)
            need_text(operand.path, text, grid_of_sql(found.type))
            truth = _matched(_text(operand, found), part, text)
    return truth


def _compared(operand: Operand, operator: Operator, value: Literal, column: ColumnOf) -> Truth:
    found = column(operand.path)
    grid = grid_of_sql(found.type)
    if operand.fold:
        need_text(operand.path, str(value), grid)
    match fitted(operand.path, operator, value, grid):
        case Always(true):
            return found == found if true else found != found  # noqa: PLR0124 - null stays null
        case on_grid_operator, on_grid:
            if grid.kind is ValueKind.TEXT:
                bound: Any = _Exact(sa.literal(on_grid, sa.String()))
                return _applied(on_grid_operator, _text(operand, found), bound)
            return _applied(on_grid_operator, found, sa.literal(on_grid, found.type))


def _among(operand: Operand, values: tuple[Literal, ...], column: ColumnOf) -> Truth:
    found = column(operand.path)
    grid = grid_of_sql(found.type)
    bound: list[Any] = []
    for value in values:
        match fitted(operand.path, Operator.EQ, value, grid):
            case Always():
                continue
            case _, on_grid if grid.kind is ValueKind.TEXT:
                bound.append(_Exact(sa.literal(on_grid, sa.String())))
            case _, on_grid:
                bound.append(sa.literal(on_grid, found.type))
    if not bound:
        return found != found  # noqa: PLR0124 - null stays null
    left = _text(operand, found) if grid.kind is ValueKind.TEXT else found
    truth: Truth = left.in_(bound)
    return truth


def _applied(operator: Operator, left: Any, right: Any) -> Truth:
    match operator:
        case Operator.EQ:
            found: Truth = left == right
        case Operator.NE:
            found = left != right
        case Operator.GT:
            found = left > right
        case Operator.GE:
            found = left >= right
        case Operator.LT:
            found = left < right
        case Operator.LE:
            found = left <= right
    return found


def _matched(text: Any, part: Part, wanted: str) -> Truth:
    needle = _Exact(sa.literal(wanted, sa.String()))
    match part:
        case Part.CONTAINS:
            found: Truth = _Position(text, needle) > 0
        case Part.STARTS:
            found = _Position(text, needle) == 1
        case Part.ENDS:
            start = sa.func.length(text) - sa.func.length(needle) + 1
            found = sa.func.substr(text, start) == needle
    return found


def _text(operand: Operand, found: sa.ColumnElement[Any]) -> Any:
    if isinstance(found.type, sa.Uuid):
        found = sa.cast(found, sa.String())
    if operand.fold is None:
        return _Exact(found)
    return _Exact(_Folded(found, sa.literal_column(f"'{operand.fold.value}'")))


class _Exact(FunctionElement[str]):
    """Text that compares by code point: case, accents and trailing blanks all count."""

    type = sa.String()
    inherit_cache = True


class _Position(FunctionElement[int]):
    """The position of the second text in the first, from 1; 0 if it is not there."""

    type = sa.Integer()
    inherit_cache = True


class _Folded(FunctionElement[str]):
    """The text with its letters A to Z in one case, and no other letter touched."""

    type = sa.String()
    inherit_cache = True


@compiles(_Exact)
def _exact(element: _Exact, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(_only(element), **options)


@compiles(_Exact, "sqlite")
def _exact_sqlite(element: _Exact, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(_only(element), **options)} COLLATE BINARY)"


@compiles(_Exact, "postgresql")
def _exact_postgresql(element: _Exact, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(_only(element), **options)} COLLATE "C")'


@compiles(_Exact, "mysql", "mariadb")
def _exact_mysql(element: _Exact, compiler: SQLCompiler, **options: Any) -> str:
    # Bytes of UTF-8: their order is that of the code points, and blanks are not padded.
    inner = compiler.process(_only(element), **options)
    return f"CAST(CONVERT({inner} USING utf8mb4) AS BINARY)"


@compiles(_Position)
def _position(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _position_postgresql(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_Folded)
def _folded(element: _Folded, compiler: SQLCompiler, **options: Any) -> str:
    """Letter by letter, where the app's own `lower` knows more letters than A to Z."""
    inner, lower = _folding(element)
    pairs = zip(ascii_uppercase, ascii_lowercase, strict=True)
    text = compiler.process(inner, **options)
    return reduce(
        lambda sql, pair: f"replace({sql}, '{pair[not lower]}', '{pair[lower]}')", pairs, text
    )


@compiles(_Folded, "sqlite")
def _folded_sqlite(element: _Folded, compiler: SQLCompiler, **options: Any) -> str:
    inner, lower = _folding(element)
    return f"{'lower' if lower else 'upper'}({compiler.process(inner, **options)})"


@compiles(_Folded, "postgresql")
def _folded_postgresql(element: _Folded, compiler: SQLCompiler, **options: Any) -> str:
    inner, lower = _folding(element)
    word = "lower" if lower else "upper"
    return f'{word}({compiler.process(inner, **options)} COLLATE "C")'


def _only(element: FunctionElement[Any]) -> Any:
    return next(iter(element.clauses))


def _folding(element: _Folded) -> tuple[Any, bool]:
    inner, word = element.clauses
    return inner, str(word) == f"'{Fold.LOWER.value}'"
