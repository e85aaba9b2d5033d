"""A filter over an Arrow table: the mask of the rows it keeps.

Null where SQL gives null, so that a mask can be combined further; a row is kept where
the mask is true.  Text compares by code point, as the SQL side does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.tablemap.filters.literals import Always, ValueKind, fitted, grid_of, need_text
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

_Columns = Mapping[ColumnPath, Any]
"""Arrow arrays by the path they are the values of."""


_COMPARE: Mapping[Operator, Any] = {
    Operator.EQ: pc.equal,
    Operator.NE: pc.not_equal,
    Operator.GT: pc.greater,
    Operator.GE: pc.greater_equal,
    Operator.LT: pc.less,
    Operator.LE: pc.less_equal,
}
_MATCH: Mapping[Part, Any] = {
    Part.CONTAINS: pc.match_substring,
    Part.STARTS: pc.starts_with,
    Part.ENDS: pc.ends_with,
}
_FOLD: Mapping[Fold, Any] = {Fold.LOWER: pc.ascii_lower, Fold.UPPER: pc.ascii_upper}


def to_arrow_mask(filter_: Filter, table: pa.Table) -> pa.BooleanArray:
    """Evaluate the filter for each row: true, false or null.

    Shapes: `table` is (n, c), each column that the filter looks at named `str(path)`;
    the mask has n values.

    Raises:
        KeyError: The table lacks a column of the filter.
        LiteralTypeError: A literal does not suit its column.
    """
    columns = {path: table[str(path)].combine_chunks() for path in filter_.columns}
    return _mask(filter_.root, columns)


def _mask(node: Node, columns: _Columns) -> pa.BooleanArray:
    match node:
        case And(items):
            mask = _joined(pc.and_kleene, items, columns)
        case Or(items):
            mask = _joined(pc.or_kleene, items, columns)
        case Not(item):
            mask = _contrary(_mask(item, columns))
        case IsNull(operand, negated):
            values = columns[operand.path]
            mask = values.is_valid() if negated else values.is_null()
        case Compare(operand, operator, value):
            mask = _compared(operand, operator, value, columns)
        case In(operand, values):
            equals = tuple(Compare(operand, Operator.EQ, value) for value in values)
            mask = _joined(pc.or_kleene, equals, columns)
        case Match(operand, part, text):
            need_text(operand.path, text, grid_of(columns[operand.path].type))
            mask = _MATCH[part](_operand(operand, columns).cast(pa.string()), text)
    return mask


def _joined(how: Any, items: tuple[Node, ...], columns: _Columns) -> pa.BooleanArray:
    masks = [_mask(item, columns) for item in items]
    found: pa.BooleanArray = reduce(how, masks)
    return found


def _contrary(mask: pa.BooleanArray) -> pa.BooleanArray:
    found: pa.BooleanArray = pc.invert(mask)
    return found


def _compared(
    operand: Operand, operator: Operator, value: Literal, columns: _Columns
) -> pa.BooleanArray:
    values = columns[operand.path]
    grid = grid_of(values.type)
    if operand.fold:
        need_text(operand.path, str(value), grid)
    match fitted(operand.path, operator, value, grid):
        case _ if grid.kind is ValueKind.NOTHING:
            return pa.nulls(len(values), pa.bool_())
        case Always(true):
            # Comparing a value with itself is true or null; so is the answer here.
            itself: pa.BooleanArray = _COMPARE[Operator.EQ](values, values)
            return itself if true else _contrary(itself)
        case on_grid_operator, on_grid:
            scalar = pa.scalar(on_grid, values.type)
            mask: pa.BooleanArray = _COMPARE[on_grid_operator](_operand(operand, columns), scalar)
            return mask


def _operand(operand: Operand, columns: _Columns) -> Any:
    values = columns[operand.path]
    return _FOLD[operand.fold](values) if operand.fold else values
