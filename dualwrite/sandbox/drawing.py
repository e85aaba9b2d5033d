"""Columns of made-up values, drawn from row numbers.

A value depends on the number of its row and on a salt, and on nothing else: any stretch of
a table can be made alone, in any order, and comes out the same each time.  Everything works
on whole columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_DAY = 86_400_000_000
_EPOCH_2024 = 1_704_067_200_000_000
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def mixed(numbers: Numbers, salt: int) -> npt.NDArray[np.uint64]:
    """A number that looks random for each number (splitmix64)."""
    with np.errstate(over="ignore"):
        bits = numbers.astype(np.uint64) + np.uint64(salt + 1) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def below(limit: int, numbers: Numbers, salt: int) -> Numbers:
    """A whole number from 0 to `limit` - 1 for each number."""
    return (mixed(numbers, salt) % np.uint64(limit)).astype(np.int64)


def pick(words: Sequence[Any] | pa.Array, numbers: Numbers, salt: int) -> pa.Array:
    """One of `words` for each number."""
    options = words if isinstance(words, pa.Array) else pa.array(words)
    return options.take(pa.array(below(len(options), numbers, salt)))


def code(prefix: str, numbers: Numbers, width: int) -> pa.Array:
    """`prefix` and the number with leading zeros."""
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def joined(*parts: pa.Array | str, by: str = " ") -> pa.Array:
    """Texts side by side."""
    return pc.binary_join_element_wise(*parts, by)


def constant(value: Any, numbers: Numbers, kind: pa.DataType | None = None) -> pa.Array:
    """The same value for each number."""
    return pa.repeat(pa.scalar(value, kind or pa.string()), len(numbers))


def where(mask: Mask, values: pa.Array, otherwise: pa.Array | None = None) -> pa.Array:
    """`values` where `mask` holds, else `otherwise`, else null."""
    rest = pa.scalar(None, values.type) if otherwise is None else otherwise
    return pc.if_else(pa.array(mask), values, rest)


def yes_where(mask: Mask) -> pa.Array:
    """`Yes` where `mask` holds, else `No`: the ERP's booleans."""
    return pc.if_else(pa.array(mask), "Yes", "No")


def exact(unscaled: Numbers, scale: int, kind: pa.Decimal128Type) -> pa.Array:
    """Decimals from whole numbers of the last digit of `scale`; no float in between.

    With all digits of the kind's scale they stay below 2 ** 63.
    """
    low = unscaled * np.int64(10 ** (kind.scale - scale))
    halves = np.column_stack((low, low >> np.int64(63)))
    return pa.Array.from_buffers(kind, len(low), [None, pa.py_buffer(halves.tobytes())])


def moments(numbers: Numbers, salt: int, *, days: int = 600) -> pa.Array:
    """A moment within `days` from the beginning of 2024, to the second."""
    seconds = below(days * 86_400, numbers, salt)
    return pa.array(_EPOCH_2024 + seconds * 1_000_000).cast(pa.timestamp("us", tz="UTC"))


def later(values: pa.Array, days: Numbers) -> pa.Array:
    """The same moments some days later."""
    shifted = values.cast(pa.int64()).to_numpy(zero_copy_only=False) + days * _DAY
    return pa.array(shifted).cast(values.type)


def identities(table: str, numbers: Numbers) -> pa.Array:
    """The id of each row of a dataverse table, shaped as a version 4 uuid."""
    salt = sum(ord(letter) * 131**place for place, letter in enumerate(table)) % 2**31
    raw = np.column_stack((mixed(numbers, salt), mixed(numbers, salt + 1))).view(np.uint8)
    digits = np.empty((len(numbers), 32), dtype=np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _HEX[raw >> 4], _HEX[raw & 15]
    digits[:, 12] = ord("4")
    digits[:, 16] = _HEX[8 + (raw[:, 8] & 3)]
    text = np.full((len(numbers), 36), ord("-"), dtype=np.uint8)
    taken = 0
    for start, width in ((0, 8), (9, 4), (14, 4), (19, 4), (24, 12)):
        text[:, start : start + width] = digits[:, taken : taken + width]
        taken += width
    offsets = np.arange(0, 36 * (len(numbers) + 1), 36, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(text.tobytes())]
    )
