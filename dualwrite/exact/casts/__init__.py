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

from dualwrite.exact.casts import numbers, times
from dualwrite.exact.texts import canonical_text, plain


def convert(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Give `values` the wide form of `target`; what cannot be converted is null."""
    values = plain(values)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), wide_type(target))
    cast = next((cast for is_target, cast in _CASTS if is_target(target)), None)
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
    for is_target, is_safe_source in _SAFE:
        if is_target(target):
            return any(is_safe(source) for is_safe in is_safe_source)
    return bool(source == plain(pa.array([], target)).type)


_Is = Callable[[pa.DataType], bool]
_Cast = Callable[[pa.Array, pa.DataType], pa.Array]

_SAFE: tuple[tuple[_Is, tuple[_Is, ...]], ...] = (
    (
        pa.types.is_string,
        (
            pa.types.is_string,
            pa.types.is_integer,
            pa.types.is_decimal,
            pa.types.is_boolean,
            pa.types.is_temporal,
        ),
    ),
    (pa.types.is_decimal, (pa.types.is_integer, pa.types.is_decimal128)),
    (pa.types.is_integer, (pa.types.is_integer, pa.types.is_boolean)),
    (pa.types.is_timestamp, (pa.types.is_timestamp, pa.types.is_date)),
)

_CASTS: tuple[tuple[_Is, _Cast], ...] = (
    (pa.types.is_string, lambda values, _: canonical_text(values)),
    (pa.types.is_integer, lambda values, _: numbers.to_whole(values)),
    (pa.types.is_decimal, numbers.to_decimal),
    (pa.types.is_floating, lambda values, _: numbers.to_float(values)),
    (pa.types.is_boolean, lambda values, _: numbers.to_bool(values)),
    (pa.types.is_date, lambda values, _: times.to_date(values)),
    (pa.types.is_timestamp, times.to_timestamp),
)
