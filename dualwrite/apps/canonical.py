"""Canonical values: one Arrow type a kind of value, and one spelling of each as text.

The text is what a `KeyRange` holds and what SQLite stores: decimals with all digits of
their scale, timestamps as `2026-01-31 08:00:00[.123456]`, with `+00:00` where they are
in UTC.  Identities are made and converted here too, whole columns at a time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import rescaled

NAIVE = pa.timestamp("us")
IN_UTC = pa.timestamp("us", "UTC")
WIDEST = pa.decimal128(38, 10)
"""What a decimal without a declared precision is read as."""

UUID_TEXT = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_VERSION = bytes((byte & 0x0F) | 0x40 for byte in range(256))
_VARIANT = bytes((byte & 0x3F) | 0x80 for byte in range(256))

Values: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"


def as_text(values: Values) -> Values:
    """Spell values as canonical text; null stays null.  Binary is given as it is."""
    kind = values.type
    if pa.types.is_binary(kind):
        return values
    if pa.types.is_boolean(kind):
        return values.cast(pa.int8()).cast(pa.string())
    if pa.types.is_timestamp(kind):
        text = values.cast(pa.timestamp("us")).cast(pa.string())
        text = pc.replace_substring_regex(text, pattern=r"\.000000$", replacement="")
        return text if kind.tz is None else pc.binary_join_element_wise(text, "+00:00", "")
    return values.cast(pa.string())


def timestamp_text(value: datetime, *, in_utc: bool) -> str:
    """The same spelling for one value of a filter."""
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    text = value.isoformat(sep=" ")
    return f"{text}+00:00" if in_utc else text


def canonical(values: Values, kind: pa.DataType) -> Values:
    """Bring what a driver gave (typed, or text in the canonical spelling) to `kind`.

    Raises:
        ArrowInvalid: A value has no place in `kind`; nothing is rounded or cut.
    """
    found = values.type
    if found == kind:
        return values
    if isinstance(found, pa.BaseExtensionType):
        return canonical(values.cast(found.storage_type), kind)
    if pa.types.is_boolean(kind) and not pa.types.is_null(found):
        values = _zero_or_one(values)
    elif pa.types.is_timestamp(kind) and pa.types.is_timestamp(found):
        values = values.cast(pa.timestamp("us", found.tz))
    elif pa.types.is_decimal(kind) and pa.types.is_string(found):
        values = _short_decimals(values, kind)
    elif pa.types.is_decimal(kind) and pa.types.is_decimal(found):
        return rescaled(values, kind)
    return values.cast(kind)


def _zero_or_one(values: Values) -> Values:
    """Whole numbers, or their texts, that are a truth; Arrow takes 7 for true.

    Raises:
        ArrowInvalid: One is neither 0 nor 1.
    """
    numbers = values.cast(pa.int64())
    if any(end not in (0, 1, None) for end in pc.min_max(numbers).as_py().values()):
        msg = "a truth that is neither 0 nor 1"
        raise pa.ArrowInvalid(msg)
    return numbers


def _short_decimals(values: Values, kind: pa.DataType) -> Values:
    """Texts whose digits a decimal can have; Arrow would wrap longer ones unseen.

    Raises:
        ArrowInvalid: One has more.
    """
    most = 38 if kind.bit_width == 128 else 76
    if _longest(values) <= most - kind.scale:
        return values
    texts = pc.replace_substring_regex(values, r"^([-+]?)0+(\d)", r"\1\2")
    texts = pc.replace_substring_regex(texts, r"(\.\d*?)0+$", r"\1")
    digits = pc.replace_substring_regex(texts, "[^0-9]", "")
    whole = pc.replace_substring_regex(texts, r"^[-+]|\..*$", "")
    if _longest(digits) > most or _longest(whole) > most - kind.scale:
        msg = f"more digits than {kind} has"
        raise pa.ArrowInvalid(msg)
    return texts


def _longest(texts: Values) -> int:
    return pc.max(pc.binary_length(texts)).as_py() or 0


def distinct(keys: pa.Table) -> pa.Table:
    """The keys, each once."""
    if keys.num_rows < 2:  # the commonest case of live sync, and grouping is slow to begin
        return keys
    return keys.group_by(keys.column_names, use_threads=False).aggregate([])


def random_uuids(count: int) -> pa.Array:
    """`count` new identities (version 4) as text, in order: an index takes them in faster so."""
    raw = bytearray(os.urandom(16 * count))
    raw[6::16] = raw[6::16].translate(_VERSION)
    raw[8::16] = raw[8::16].translate(_VARIANT)
    digits = pa.py_buffer(bytes(raw).hex().encode())
    whole = pa.Array.from_buffers(pa.binary(32), count, [None, digits]).cast(pa.string())
    whole = whole.take(pc.sort_indices(whole))
    cuts: Sequence[tuple[int, int]] = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    return pc.binary_join_element_wise(
        *(pc.utf8_slice_codeunits(whole, start, stop) for start, stop in cuts), "-"
    )


def uuid_bytes(values: Values) -> pa.Array | None:
    """Identities as 16 bytes each, or None where a text is no identity."""
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(flat, pa.ChunkedArray):  # no chunk at all
        flat = pa.array([], pa.string())
    # references repeat: a thousand customers point at one group
    encoded = flat.dictionary_encode()
    distinct = encoded.dictionary
    if pc.all(pc.match_substring_regex(distinct, UUID_TEXT)).as_py() is False:
        return None
    digits = "".join(pc.replace_substring(distinct, "-", "").to_pylist())
    raw = pa.py_buffer(bytes.fromhex(digits))
    identities = pa.Array.from_buffers(pa.binary(16), len(distinct), [None, raw])
    return identities.take(encoded.indices)
