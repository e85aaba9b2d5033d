"""Null-safe comparison, as SQL's IS DISTINCT FROM: the answer is never null.

Numbers are compared by value whatever their scale, timestamps by instant, and a
NaN equals a NaN, or a row that holds one would be written for ever.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.casts.numbers import decimal_type
from dualwrite.exact.texts import canonical_text, plain


def differs(left: pa.Array | pa.ChunkedArray, right: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
    """Which rows differ.  Null and null are equal; null and '' are not."""
    left, right = _one_type(plain(_array(left)), plain(_array(right)))
    unequal = pc.not_equal(left, right)
    if pa.types.is_floating(left.type):
        both_nan = pc.and_(pc.is_nan(left), pc.is_nan(right))
        unequal = pc.and_not(unequal, both_nan)
    if not left.null_count and not right.null_count:
        return unequal
    return pc.or_(pc.fill_null(unequal, fill_value=False), pc.xor(left.is_null(), right.is_null()))


def _array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _one_type(left: pa.Array, right: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Both in one type that holds all of either; their texts where no type does."""
    ours, theirs = left.type, right.type
    if ours == theirs:
        # pc.not_equal has no kernel for null type.
        return (
            (left.cast(pa.bool_()), right.cast(pa.bool_()))
            if pa.types.is_null(ours)
            else (left, right)
        )
    if pa.types.is_null(ours):
        return left.cast(theirs), right
    if pa.types.is_null(theirs):
        return left, right.cast(ours)
    if _is_exact_number(ours) and _is_exact_number(theirs):
        left, right = _as_decimal(left), _as_decimal(right)
        scale = max(left.type.scale, right.type.scale)
        whole = max(array.type.precision - array.type.scale for array in (left, right))
        if whole + scale <= 76:
            wide = decimal_type(whole, scale)
            return left.cast(wide), right.cast(wide)
    if pa.types.is_timestamp(ours) and pa.types.is_timestamp(theirs):
        instant = pa.timestamp("us", "UTC")
        return left.cast(instant), right.cast(instant)
    return canonical_text(left), canonical_text(right)


def _is_exact_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _as_decimal(values: pa.Array) -> pa.Array:
    if pa.types.is_integer(values.type):
        return values.cast(pa.decimal128(19, 0))
    return values
