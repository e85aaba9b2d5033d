"""The canonical text of a value: one spelling whatever the app's type.

Keys are compared, value maps are matched and text columns are filled by it, so
equal values must have equal texts: decimals in plain digits without trailing
zeros (1.50 and 1.5 are one key), booleans `true` and `false`, dates and times in
ISO 8601, instants in UTC with a Z.  Bytes have no text.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_PLAIN_SCALE = 6
"""Up to this scale Arrow writes decimals without an exponent."""


def column_of(table: pa.Table, name: str) -> pa.Array:
    """One column of `table` as one array."""
    column = table[name]
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks()


def plain(values: pa.Array) -> pa.Array:
    """The same values in a canonical type: no dictionary, no extension, no small or large form."""
    if isinstance(values, pa.ExtensionArray):
        return plain(values.storage)
    if pa.types.is_dictionary(values.type):
        return plain(values.dictionary_decode())
    kind = _canonical_type(values.type)
    if pa.types.is_timestamp(values.type) and values.type.unit == "ns":
        return _without_nanoseconds(values, kind)
    return values if kind == values.type else values.cast(kind)


def _canonical_type(kind: pa.DataType) -> pa.DataType:
    is_ = pa.types
    if is_.is_decimal(kind) and kind.scale < 0:
        return pa.decimal256(76, 0)
    if is_.is_decimal(kind) and kind.bit_width < 128:
        return pa.decimal128(38, kind.scale)
    if is_.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    return next((canonical for is_one, canonical in _CANONICAL if is_one(kind)), kind)


_CANONICAL = (
    (pa.types.is_uint64, pa.decimal128(38, 0)),
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (pa.types.is_date64, pa.date32()),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
)


def _without_nanoseconds(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """In microseconds; null where that would lose a part."""
    cut = values.cast(kind, safe=False)
    return pc.if_else(pc.equal(cut.cast(values.type), values), cut, pa.scalar(None, kind))


def canonical_text(values: pa.Array) -> pa.Array:
    """Spell each value; null, and whatever has no text, is null."""
    values = plain(values)
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_decimal(kind):
        return _decimal_text(values)
    if pa.types.is_timestamp(kind):
        text = pc.replace_substring(values.cast(pa.string()), " ", "T")
        text = pc.replace_substring_regex(text, r"\.0+(Z?)$", r"\1")
        return pc.replace_substring_regex(text, r"(\.\d*[1-9])0+(Z?)$", r"\1\2")
    if pa.types.is_floating(kind):
        finite = pc.is_finite(values)
        return pc.if_else(finite, values.cast(pa.string()), pa.scalar(None, pa.string()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_date(kind):
        return values.cast(pa.string())
    return pa.nulls(len(values), pa.string())


def _decimal_text(values: pa.Array) -> pa.Array:
    scale = values.type.scale
    if scale == 0:
        return values.cast(pa.string())
    short = scale <= _PLAIN_SCALE
    text = values.cast(pa.string()) if short else _spelled_by_digits(values, scale)
    return pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")


def _spelled_by_digits(values: pa.Array, scale: int) -> pa.Array:
    """Set the point by hand, because Arrow writes 0.0000001 as 1E-7."""
    widest = 38 if values.type.bit_width == 128 else 76
    whole = pa.decimal128(38, 0) if widest == 38 else pa.decimal256(76, 0)
    digits = values.view(whole).cast(pa.string())
    sign = pc.if_else(pc.starts_with(digits, "-"), "-", "")
    digits = pc.utf8_lpad(pc.utf8_ltrim(digits, "-"), scale + 1, "0")
    before = pc.utf8_slice_codeunits(digits, 0, -scale)
    after = pc.utf8_slice_codeunits(digits, -scale)
    return pc.binary_join_element_wise(pc.binary_join_element_wise(sign, before, ""), after, ".")
