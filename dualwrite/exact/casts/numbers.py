"""Into whole numbers, decimals, floats and booleans; a value that would change becomes null."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text

_WHOLE = r"^[+-]?\d{1,38}$"
_SHORT_WHOLE = r"^-?\d{1,18}$"
_NUMBER = r"^[+-]?\d+(\.\d+)?$"
_FLOAT = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$"
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
_MOST_DIGITS = 38
_EXACT_FLOAT = 2**53
"""Up to here every whole number has its own float."""
_FLOAT_DIGITS = 15
"""A decimal of so many digits comes back from a float unchanged."""


def keep(values: pa.Array, good: pa.Array) -> pa.Array:
    """Null where a value is not `good`."""
    return pc.if_else(good, values, pa.scalar(None, values.type))


def to_whole(values: pa.Array) -> pa.Array:
    """int64: decimals and floats only when whole, text only when digits."""
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return values.cast(pa.int64())
    if pa.types.is_string(kind):
        short = pc.match_substring_regex(values, _SHORT_WHOLE)
        if pc.all(short).as_py() is not False:
            return values.cast(pa.int64())
        digits = keep(values, pc.match_substring_regex(values, _WHOLE))
        return _within_int64(digits.cast(pa.decimal128(38, 0)))
    if pa.types.is_decimal(kind):
        whole = pc.equal(pc.trunc(values), values)
        return _within_int64(keep(values, whole))
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.is_finite(values), pc.equal(pc.floor(values), values))
        inside = pc.and_(pc.less(values, 2.0**63), pc.greater_equal(values, -(2.0**63)))
        return keep(values, pc.and_(whole, inside)).cast(pa.int64())
    return pa.nulls(len(values), pa.int64())


def _within_int64(values: pa.Array) -> pa.Array:
    """Whole decimals as int64, null where they are too great for it."""
    kind = values.type
    if kind.precision - kind.scale > 18:
        wide = values.cast(pa.decimal256(76, kind.scale))
        low, high = (
            pa.scalar(Decimal(bound), pa.decimal256(76, 0)).cast(wide.type)
            for bound in (-(2**63), 2**63 - 1)
        )
        inside = pc.and_(pc.greater_equal(wide, low), pc.less_equal(wide, high))
        values = keep(values, inside)
    return values.cast(pa.int64())


def to_decimal(values: pa.Array, target: pa.DataType) -> pa.Array:
    """A decimal of at least the target's scale, wide enough for every digit of the source."""
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return values.cast(pa.int64()).cast(decimal_type(19, target.scale))
    if pa.types.is_decimal(kind):
        scale = max(kind.scale, target.scale)
        whole_digits = kind.precision - kind.scale
        if whole_digits + scale <= 76:
            return values.cast(decimal_type(whole_digits, scale))
        return _text_to_decimal(canonical_text(values), target.scale)
    if pa.types.is_string(kind):
        return _text_to_decimal(values, target.scale)
    if pa.types.is_floating(kind):
        return _float_to_decimal(values, target.scale)
    return pa.nulls(len(values), decimal_type(0, target.scale))


def decimal_type(whole_digits: int, scale: int) -> pa.DataType:
    """The decimal with room for so many digits before and behind the point."""
    if whole_digits + scale <= 38:
        return pa.decimal128(38, scale)
    return pa.decimal256(76, scale)


def _text_to_decimal(values: pa.Array, scale: int) -> pa.Array:
    text = keep(values, pc.match_substring_regex(values, _NUMBER))
    behind = pc.utf8_rtrim(pc.replace_substring_regex(text, r"^[^.]*\.?", ""), "0")
    before = pc.utf8_ltrim(pc.replace_substring_regex(text, r"^[+-]?(\d*).*$", r"\1"), "0")
    lengths = [pc.utf8_length(part) for part in (before, behind)]
    fits = pc.and_(*(pc.less_equal(length, _MOST_DIGITS) for length in lengths))
    if (pc.max(pc.utf8_length(text)).as_py() or 0) > _MOST_DIGITS:
        # Zeros in front and behind count as digits in Arrow's reading: write it without them.
        sign = pc.if_else(pc.starts_with(text, "-"), "-", "")
        sides = [pc.binary_join_element_wise(sign, "0", before, ""), behind]
        text = pc.utf8_rtrim(pc.binary_join_element_wise(*sides, "."), ".")
    text = keep(text, fits)
    whole_digits, most_behind = (pc.max(keep(length, fits)).as_py() or 0 for length in lengths)
    return text.cast(decimal_type(whole_digits, max(scale, most_behind)))


def _float_to_decimal(values: pa.Array, scale: int) -> pa.Array:
    """Only floats that are exactly a decimal of `scale` digits: 0.5 is one, 0.1 never was.

    A float is m / 2**k in lowest terms and needs exactly k decimal digits, so it
    is exact when `float * 2**scale` is whole.
    """
    finite = keep(values, pc.is_finite(values))
    raised = pc.multiply(finite, 2.0**scale)
    exact = pc.and_(
        pc.equal(pc.floor(raised), raised), pc.less_equal(pc.abs(finite), float(_EXACT_FLOAT))
    )
    return keep(finite, exact).cast(decimal_type(16, scale))


def to_float(values: pa.Array) -> pa.Array:
    """float64: finite, and only numbers whose digits a float keeps."""
    kind = values.type
    if pa.types.is_floating(kind):
        return keep(values, pc.is_finite(values))
    if pa.types.is_boolean(kind):
        return values.cast(pa.int64()).cast(pa.float64())
    if pa.types.is_integer(kind):
        edge = pa.scalar(_EXACT_FLOAT)
        inside = pc.and_(pc.less_equal(values, edge), pc.greater_equal(values, pc.negate(edge)))
        return keep(values, inside).cast(pa.float64())
    if pa.types.is_decimal(kind):
        text = canonical_text(values)
        digits = pc.utf8_trim(pc.replace_substring_regex(text, "[-.]", ""), "0")
        return keep(text, pc.less_equal(pc.utf8_length(digits), _FLOAT_DIGITS)).cast(pa.float64())
    if pa.types.is_string(kind):
        read = keep(values, pc.match_substring_regex(values, _FLOAT))
        number = pc.replace_substring_regex(read, r"^\+", "").cast(pa.float64())
        return keep(number, pc.is_finite(number))
    return pa.nulls(len(values), pa.float64())


def to_bool(values: pa.Array) -> pa.Array:
    """Booleans from 0 and 1, and from the words true, false, yes and no in any case."""
    kind = values.type
    if pa.types.is_boolean(kind):
        return values
    if pa.types.is_string(kind):
        lower = pc.utf8_lower(values)
        truth = pc.is_in(lower, value_set=pa.array(_TRUE))
        return keep(truth, pc.is_in(lower, value_set=pa.array([*_TRUE, *_FALSE])))
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        whole = to_whole(values)
        return keep(pc.equal(whole, 1), pc.is_in(whole, value_set=pa.array([0, 1])))
    return pa.nulls(len(values), pa.bool_())
