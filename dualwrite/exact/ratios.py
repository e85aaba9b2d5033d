"""(value x multiplier + addend) / divisor over whole columns, rounded once, exactly.

Conversions of units and of currencies are this formula with whole numbers only.  Three
implementations give the same digits: 64-bit integers where every intermediate result fits,
decimals of 76 digits where it does not, and Python's integers for rows that need even more.
The size of the numbers is checked first, so nothing overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.modes import Mode, round_ratio
from dualwrite.exact.numbers import as_decimals, greatest, narrow, tightened
from dualwrite.exact.pieces import by_pieces

_FITS_64 = 2**61
"""Twice this number still fits into 64 bits."""
_DIGITS = 76
_RESULT_DIGITS = 38
_RESULT = pa.decimal128(_RESULT_DIGITS, 0)

Modes = Mode | Mapping[Mode, pa.BooleanArray]
"""One mode for all rows, or for each mode a mask of the rows that it rounds (never null)."""

_Columns = tuple[pa.Array, ...]
"""Value, multiplier, divisor, and the addend if there is one."""


def affine(
    value: pa.Array,
    multiplier: pa.Array,
    divisor: pa.Array,
    modes: Modes,
    addend: pa.Array | None = None,
) -> pa.Array:
    """(value x multiplier + addend) / divisor as whole numbers.

    Shapes: every column (n,), whole numbers as int64 or as decimals of scale 0; the
    divisor is above zero.  The result is (n,) decimal128(38, 0); null where an operand is
    null or the result has more than 38 digits.
    """
    columns = (value, multiplier, divisor, *([] if addend is None else [addend]))
    if isinstance(modes, str):
        return by_pieces(lambda *each: [_piece(each, modes)], *columns)[0]
    names = list(modes)
    return by_pieces(
        lambda *each: [
            _piece(each[: len(columns)], dict(zip(names, each[len(columns) :], strict=True)))
        ],
        *columns,
        *modes.values(),
    )[0]


def _piece(columns: _Columns, modes: Modes) -> pa.Array:
    """One piece, by the fastest implementation that its numbers allow."""
    most = [greatest(column) for column in columns]
    if max(most[0] * most[1] + sum(most[3:]), *most) < _FITS_64:
        small = tuple(column.cast(pa.int64()) for column in columns)
        return _rounded(small, modes).cast(_RESULT)
    value = columns[0]
    if len(str(most[0])) <= _room(most, 38):
        return narrow(_rounded(_narrow(columns, pa.decimal128), modes))
    room = _room(most, 76)
    great = _at_least(value, room)
    if not pc.any(great).as_py():
        return narrow(_rounded(_narrow(columns, pa.decimal256), modes))
    rows = pc.indices_nonzero(great)
    taken = tuple(column.take(rows) for column in columns)
    exact = pa.array(_one_by_one(taken, _taken(modes, rows)), _RESULT)
    rest = pa.nulls(len(value), _RESULT)
    if room > 0:
        fitting = pc.if_else(great, pa.scalar(None, value.type), value)
        rest = narrow(_rounded(_narrow((fitting, *columns[1:]), pa.decimal256), modes))
    return pc.replace_with_mask(rest, great, exact)


def _room(most: list[int], digits: int) -> int:
    """The number of digits that a value may have so that every step fits into `digits`.

    Arrow gives a product the digits of both factors and one more, a sum one more, and a
    quotient those of the dividend and one decimal place more than the divisor has digits (at
    least 6).  The remainder is the dividend minus such a product, and is then compared.
    """
    multiplier, divisor, *addend = (len(str(number)) for number in most[1:])
    dividend = digits - max(divisor + 3, 6) - len(addend)
    return 0 if addend and addend[0] > dividend else dividend - multiplier - 1


def _narrow(columns: _Columns, kind: Callable[[int, int], pa.DataType]) -> _Columns:
    return tuple(tightened(column, kind) for column in columns)


def _at_least(value: pa.Array, room: int) -> pa.BooleanArray:
    """Which values have more digits than `room`."""
    if room <= 0:
        return value.is_valid()
    if len(str(greatest(value))) <= room:
        return pa.repeat(pa.scalar(value=False), len(value))
    wide = as_decimals(value, "values").cast(pa.decimal256(_DIGITS, 0))
    edge = pa.scalar(Decimal(10) ** room, pa.decimal256(_DIGITS, 0))
    return pc.fill_null(pc.greater_equal(pc.abs(wide), edge), fill_value=False)


def _rounded(columns: _Columns, modes: Modes) -> pa.Array:
    """The formula with Arrow kernels; all steps are known to fit."""
    value, multiplier, divisor, *addend = columns
    dividend = pc.multiply(value, multiplier)
    if addend:
        dividend = pc.add(dividend, addend[0])
    quotient = pc.divide(dividend, divisor)
    if pa.types.is_decimal(quotient.type):
        # truncate, as the division of 64-bit numbers does
        quotient = quotient.cast(dividend.type, safe=False)
    rest = pc.subtract(dividend, pc.multiply(quotient, divisor))
    if not pc.any(pc.not_equal(rest, _number(0, rest.type))).as_py():
        return quotient
    away = _away(modes, quotient, rest, divisor)
    # a quotient of zero has no sign, so take that of the remainder
    step = pc.if_else(away, pc.sign(rest), pa.scalar(0, pa.int64()))
    if pa.types.is_decimal(quotient.type):
        step = step.cast(pa.decimal128(19, 0)).cast(pa.decimal128(1, 0))
        if quotient.type.bit_width == 256:
            step = step.cast(pa.decimal256(1, 0))
    return pc.add(quotient, step)


def _away(modes: Modes, quotient: pa.Array, rest: pa.Array, divisor: pa.Array) -> pa.BooleanArray:
    """Which quotients are rounded away from zero."""
    if isinstance(modes, str):
        return _goes(modes, quotient, rest, divisor)
    masks = (pc.and_(rows, _goes(mode, quotient, rest, divisor)) for mode, rows in modes.items())
    return reduce(pc.or_, masks)


def _goes(mode: Mode, quotient: pa.Array, rest: pa.Array, divisor: pa.Array) -> pa.BooleanArray:
    zero = _number(0, rest.type)
    size = pc.abs(rest)
    other = pc.subtract(divisor, size)
    match mode:
        case "half_up":
            goes = pc.greater_equal(size, other)
        case "half_down":
            goes = pc.greater(size, other)
        case "half_even":
            tie = pc.and_(pc.equal(size, other), _is_odd(quotient))
            goes = pc.or_(pc.greater(size, other), tie)
        case "up":
            goes = pc.not_equal(rest, zero)
        case "down":
            goes = pc.less(size, zero)
        case "ceiling":
            goes = pc.greater(rest, zero)
        case "floor":
            goes = pc.less(rest, zero)
    return goes


def _is_odd(quotient: pa.Array) -> pa.BooleanArray:
    two = _number(2, quotient.type)
    return pc.not_equal(pc.round_to_multiple(quotient, two, "towards_zero"), quotient)


def _number(number: int, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(Decimal(number) if pa.types.is_decimal(kind) else number, kind)


def _taken(modes: Modes, rows: pa.Array) -> Modes:
    if isinstance(modes, str):
        return modes
    return {mode: mask.take(rows) for mode, mask in modes.items()}


def _one_by_one(columns: _Columns, modes: Modes) -> list[Decimal | None]:
    """The same in Python, for a few rows and any number of digits."""
    rows = len(columns[0])
    if isinstance(modes, str):
        chosen = [modes] * rows
    else:
        masks = {mode: mask.to_pylist() for mode, mask in modes.items()}
        chosen = [next(mode for mode in masks if masks[mode][row]) for row in range(rows)]
    lists = [column.to_pylist() for column in columns]
    return [_exactly(mode, *numbers) for mode, *numbers in zip(chosen, *lists, strict=True)]


def _exactly(
    mode: Mode,
    value: Decimal | None,
    multiplier: Decimal | None,
    divisor: Decimal | None,
    addend: Decimal | None = Decimal(0),
) -> Decimal | None:
    if value is None or multiplier is None or divisor is None or addend is None:
        return None
    whole = round_ratio(int(value) * int(multiplier) + int(addend), int(divisor), mode)
    return None if abs(whole) >= 10**_RESULT_DIGITS else Decimal(whole)
