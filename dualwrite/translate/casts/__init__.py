"""From any app's type to a target type, without losing a row and without raising.

The result is *wide*: text uncut, decimals with every digit of their source, whole
numbers in 64 bits.  A value that cannot become the target's type is null, and so is
a value that would change its meaning on the way: 1.5 to a whole number, a time of
day to a date, 0.1 from a binary float to a decimal.  '' is no value for any type
but text.  The rules find the lost ones by holding source and target side by side.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from dualwrite.translate.casts import numbers, times
from dualwrite.translate.texts import canonical_text, plain


def convert(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Give `values` the wide form of `target`; what cannot be converted is null."""
    values = plain(values)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), wide_type(target))
    cast = _cast_to(target)
    if cast is not None:
        return cast(values, target)
    if values.type == target:
        return values
    return pa.nulls(len(values), target)


def wide_type(target: pa.DataType) -> pa.DataType:
    """The type `convert` gives at least; a decimal may come with more digits."""
    return convert(pa.array([], plain(pa.array([], target)).type), target).type


def always_converts(source: pa.DataType, target: pa.DataType) -> bool:
    """Whether no value of `source` can be lost on its way into the wide form of `target`."""
    source = plain(pa.array([], source)).type
    if pa.types.is_string(target):
        return not (pa.types.is_binary(source) or pa.types.is_floating(source))
    if pa.types.is_decimal(target):
        return pa.types.is_integer(source) or pa.types.is_decimal128(source)
    if pa.types.is_integer(target):
        return pa.types.is_integer(source) or pa.types.is_boolean(source)
    if pa.types.is_timestamp(target):
        return pa.types.is_timestamp(source) or pa.types.is_date(source)
    return source == plain(pa.array([], target)).type


def _cast_to(target: pa.DataType) -> Callable[[pa.Array, pa.DataType], pa.Array] | None:
    if pa.types.is_string(target) or pa.types.is_large_string(target):
        return lambda values, _: canonical_text(values)
    if pa.types.is_integer(target):
        return lambda values, _: numbers.to_whole(values)
    if pa.types.is_decimal(target):
        return numbers.to_decimal
    if pa.types.is_floating(target):
        return lambda values, _: numbers.to_float(values)
    if pa.types.is_boolean(target):
        return lambda values, _: numbers.to_bool(values)
    if pa.types.is_date(target):
        return lambda values, _: times.to_date(values)
    if pa.types.is_timestamp(target):
        return times.to_timestamp
    return None
