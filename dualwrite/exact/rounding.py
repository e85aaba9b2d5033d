"""Rounds decimal columns to decimal places or to multiples of a step, and compares them."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.modes import ARROW_MODES, Mode
from dualwrite.exact.numbers import TooManyDigitsError


def round_to(values: pa.Array, places: int | pa.Array, mode: Mode) -> pa.Array:
    """Round to `places` decimal places.

    Shapes: `values` (n,) decimal128 or decimal256; `places` one number, or (n,) whole
    numbers, null to keep all.  The result has the scale of `values` and the full precision of its
    width, since 9.99 may become 10.0.

    Raises:
        TooManyDigitsError: 76 digits are too few for a rounded value.
    """
    kind = values.type
    if isinstance(places, int) and places >= kind.scale:
        return values
    values = values.cast(_widest(kind))
    try:
        return _rounded(values, places, mode)
    except pa.ArrowInvalid:
        if values.type.bit_width == 256:
            raise TooManyDigitsError(what="rounding") from None
        return round_to(values.cast(pa.decimal256(76, kind.scale)), places, mode)


def _widest(kind: pa.DataType) -> pa.DataType:
    narrow = kind.bit_width == 128
    return pa.decimal128(38, kind.scale) if narrow else pa.decimal256(76, kind.scale)


def _rounded(values: pa.Array, places: int | pa.Array, mode: Mode) -> pa.Array:
    if isinstance(places, int):
        return pc.round(values, ndigits=places, round_mode=ARROW_MODES[mode])
    digits = pc.fill_null(places.cast(pa.int32()), values.type.scale)
    return pc.round_binary(values, digits, round_mode=ARROW_MODES[mode])


def round_to_step(values: pa.Array, step: Decimal, mode: Mode) -> pa.Array:
    """Round to multiples of `step`, which has no more decimal places than `values`.

    Shapes: `values` (n,) decimal128 or decimal256; the result is of the same scale.

    Raises:
        TooManyDigitsError: 76 digits are too few for a rounded value.
    """
    values = values.cast(_widest(values.type))
    multiple = pa.scalar(step, values.type)
    try:
        return pc.round_to_multiple(values, multiple, ARROW_MODES[mode])
    except pa.ArrowInvalid:
        if values.type.bit_width == 256:
            raise TooManyDigitsError(what="rounding") from None
        return round_to_step(values.cast(pa.decimal256(76, values.type.scale)), step, mode)


def same(left: pa.Array, right: pa.Array) -> pa.BooleanArray:
    """Where two decimal columns hold the same number, whatever their scales; null equals null.

    Shapes: both (n,); so is the result, which is never null.
    """
    if left.type != right.type:
        kind = _common(left.type, right.type)
        left, right = left.cast(kind), right.cast(kind)
    equal = pc.equal(left, right)
    if not equal.null_count:
        return equal
    neither = pc.and_(left.is_null(), right.is_null())
    return pc.or_(pc.fill_null(equal, fill_value=False), neither)


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """A type that holds the values of both."""
    if one.scale == other.scale and one.bit_width == other.bit_width:
        return _widest(one)
    return pa.decimal256(76, max(one.scale, other.scale))
