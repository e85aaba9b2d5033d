"""Literals put on a column's grid, the same way for SQL and for Arrow.

A column holds whole numbers, or days, or so many decimals; a literal may lie between two
of its values, or beyond them all.  `QTY gt 1.5` over whole numbers is `QTY gt 1`, and
`QTY eq 1.5` is never so.  Put on the grid, a literal binds in the column's own type, so an
app need not convert the column and can use its index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_FLOOR, Context, Decimal
from enum import Enum

import pyarrow as pa

from dualwrite.tablemap.filters.model import Compare, In, Literal, Match, Node, Operator, leaves
from dualwrite.tablemap.notation import ColumnPath


class ValueKind(Enum):
    """What a column holds, as far as comparing goes."""

    TEXT = "text"
    INTEGER = "whole numbers"
    DECIMAL = "decimals"
    FLOAT = "floating numbers"
    BOOLEAN = "true or false"
    DATE = "dates"
    TIMESTAMP = "timestamps"
    NOTHING = "nothing but null"
    OPAQUE = "values that cannot be compared"


@dataclass(frozen=True, slots=True)
class Grid:
    """The values that a column can hold."""

    kind: ValueKind
    scale: int | None = None
    """Decimals after the point; None where the column sets no bound."""
    digits: int | None = None
    utc: bool = False


@dataclass(frozen=True, slots=True)
class Always:
    """True for every value, or false for every value; null for null."""

    true: bool


@dataclass(frozen=True, slots=True)
class _OnGrid:
    value: Literal | float
    exact: bool = True
    """Whether it is the literal; else it is the nearest value below."""
    beyond: int = 0
    """1 where the literal lies above every value of the column, -1 below."""


class LiteralTypeError(ValueError):
    """A literal of a type that the column never holds."""

    def __init__(self, path: ColumnPath, value: Literal, kind: ValueKind) -> None:
        self.path, self.value, self.kind = path, value, kind
        super().__init__(f"{path} holds {kind.value} and is compared with {_named(value)}")


_KINDS: tuple[tuple[Callable[[pa.DataType], bool], ValueKind], ...] = (
    (pa.types.is_string, ValueKind.TEXT),
    (pa.types.is_large_string, ValueKind.TEXT),
    (pa.types.is_boolean, ValueKind.BOOLEAN),
    (pa.types.is_integer, ValueKind.INTEGER),
    (pa.types.is_floating, ValueKind.FLOAT),
    (pa.types.is_date, ValueKind.DATE),
    (pa.types.is_null, ValueKind.NOTHING),
)
_CONTEXT = Context(prec=80)
_INT64 = (Decimal(-(2**63)), Decimal(2**63 - 1))


def grid_of(kind: pa.DataType) -> Grid:
    """The grid of an Arrow type."""
    if pa.types.is_decimal(kind):
        return Grid(ValueKind.DECIMAL, scale=kind.scale, digits=kind.precision)
    if pa.types.is_timestamp(kind):
        return Grid(ValueKind.TIMESTAMP, utc=kind.tz is not None)
    found = next((kept for is_such, kept in _KINDS if is_such(kind)), ValueKind.OPAQUE)
    return Grid(found, scale=0 if found is ValueKind.INTEGER else None)


def fitted(
    path: ColumnPath, operator: Operator, value: Literal, grid: Grid
) -> tuple[Operator, Literal | float] | Always:
    """The comparison, its literal put on the grid.

    Raises:
        LiteralTypeError: The literal is of a type that the column never holds.
    """
    found = _converted(value, grid)
    if found is None or (
        grid.kind is ValueKind.BOOLEAN and operator not in (Operator.EQ, Operator.NE)
    ):
        raise LiteralTypeError(path, value, grid.kind)
    if found.beyond:
        return _beyond(operator, found.beyond)
    if found.exact:
        return operator, found.value
    match operator:
        case Operator.EQ:
            return Always(true=False)
        case Operator.NE:
            return Always(true=True)
        case Operator.GT | Operator.GE:
            return Operator.GT, found.value
        case Operator.LT | Operator.LE:
            return Operator.LE, found.value


def type_faults(node: Node, type_of: Mapping[ColumnPath, pa.DataType]) -> list[LiteralTypeError]:
    """Every literal that does not suit its column; columns of unknown type are passed over."""
    faults = []
    for leaf in leaves(node):
        kind = type_of.get(leaf.operand.path)
        if kind is None:
            continue
        try:
            _try(leaf, grid_of(kind))
        except LiteralTypeError as fault:
            faults.append(fault)
    return faults


def need_text(path: ColumnPath, value: str, grid: Grid) -> None:
    """Refuse a text function over a column that holds no text."""
    if grid.kind not in (ValueKind.TEXT, ValueKind.NOTHING):
        raise LiteralTypeError(path, value, grid.kind)


def _try(leaf: Node, grid: Grid) -> None:
    match leaf:
        case Compare(operand, operator, value):
            if operand.fold:
                need_text(operand.path, str(value), grid)
            fitted(operand.path, operator, value, grid)
        case In(operand, values):
            for value in values:
                fitted(operand.path, Operator.EQ, value, grid)
        case Match(operand, _, text):
            need_text(operand.path, text, grid)
        case _:
            pass


def _beyond(operator: Operator, direction: int) -> Always:
    """The literal lies above (1) or below (-1) every value of the column."""
    match operator:
        case Operator.EQ:
            return Always(true=False)
        case Operator.NE:
            return Always(true=True)
        case Operator.LT | Operator.LE:
            return Always(true=direction > 0)
        case Operator.GT | Operator.GE:
            return Always(true=direction < 0)


def _converted(value: Literal, grid: Grid) -> _OnGrid | None:
    match grid.kind, value:
        case (ValueKind.NOTHING, _) | (ValueKind.TEXT, str()) | (ValueKind.BOOLEAN, bool()):
            found = _OnGrid(value)
        case ValueKind.BOOLEAN, int() if value in (0, 1):
            found = _OnGrid(bool(value))
        case ((ValueKind.INTEGER | ValueKind.DECIMAL), (bool() | int() | Decimal())):
            found = _number(Decimal(value), grid)
        case ValueKind.FLOAT, (int() | Decimal()) if not isinstance(value, bool):
            # The column itself is binary; both apps compare it so.
            found = _OnGrid(float(value))
        case ValueKind.DATE, datetime():
            moment = _naive(value)
            found = _OnGrid(moment.date(), exact=moment.time() == time.min)
        case ValueKind.DATE, date():
            found = _OnGrid(value)
        case ValueKind.TIMESTAMP, date():
            whole = value if isinstance(value, datetime) else datetime.combine(value, time.min)
            moment = _naive(whole)
            found = _OnGrid(moment.replace(tzinfo=UTC) if grid.utc else moment)
        case _:
            return None
    return found


def _number(value: Decimal, grid: Grid) -> _OnGrid:
    low, high = _bounds(grid)
    if (high is not None and value > high) or (low is not None and value < low):
        return _OnGrid(0, beyond=1 if value > 0 else -1)
    if grid.scale is None:
        return _OnGrid(value)
    on_grid = value.quantize(Decimal(1).scaleb(-grid.scale), ROUND_FLOOR, _CONTEXT)
    exact = on_grid == value
    return _OnGrid(int(on_grid) if grid.kind is ValueKind.INTEGER else on_grid, exact=exact)


def _bounds(grid: Grid) -> tuple[Decimal | None, Decimal | None]:
    if grid.kind is ValueKind.INTEGER:
        return _INT64
    if grid.digits is None or grid.scale is None:
        return None, None
    high = Decimal(10) ** (grid.digits - grid.scale) - Decimal(1).scaleb(-grid.scale)
    return _CONTEXT.minus(high), high


def _naive(moment: datetime) -> datetime:
    """In UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _named(value: Literal) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"the text {value!r}"
        case int() | Decimal():
            return f"the number {value}"
        case datetime():
            return f"the moment {value.isoformat()}"
        case date():
            return f"the day {value.isoformat()}"
