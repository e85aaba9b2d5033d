"""`mask: {key: VARIABLE}`: a value replaced by its keyed hash, so that it does not leave its side.

HMAC-SHA-256 (RFC 2104) of the value's canonical text, in hexadecimal.  Equal values give equal
masks, so the other side can still group and join by them; without the key nobody can try
values out.  The key is in an environment variable, never in the map.
"""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms.kind import (
    ColumnStep,
    StepContext,
    TransformKind,
    irreversible,
    is_whole_number,
)

DIGITS = 64
"""Hexadecimal digits of a SHA-256."""
FEWEST = 16
"""Fewer digits would soon give two values one mask."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Mask(ColumnStep):
    """The first `length` digits of the keyed hash; null stays null."""

    key: bytes = field(repr=False)
    length: int

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        coded = pc.dictionary_encode(canonical_text(values))
        masks = [self._mask(value) for value in coded.dictionary.to_pylist()]
        return pa.array(masks, pa.string()).take(coded.indices)

    def _mask(self, value: str) -> str:
        return hmac.new(self.key, value.encode(), "sha256").hexdigest()[: self.length]


def _build(transform: Transform, context: StepContext) -> Mask:
    if not context.forward:
        raise context.no_inverse(transform)
    variable = transform.options["key"]
    key = os.environ.get(variable, "")
    if not key:
        raise context.refuse(transform, f"the environment variable {variable} is not set")
    return Mask(key.encode(), transform.options.get("length", DIGITS))


def _accepts(options: Any) -> bool:
    if not isinstance(options, dict) or not {"key"} <= options.keys() <= {"key", "length"}:
        return False
    key, length = options["key"], options.get("length", DIGITS)
    if not isinstance(key, str) or not _VARIABLE.fullmatch(key):
        return False
    return is_whole_number(length) and FEWEST <= length <= DIGITS


def _masked(source: Column, transform: Transform) -> Column:
    length = transform.options.get("length", DIGITS)
    return replace(source, type=pa.string(), native="text", length=length)


KINDS = (
    TransformKind(
        "mask",
        "mask: {key: VARIABLE}, or {key: VARIABLE, length: 32}",
        _accepts,
        _build,
        column_after=_masked,
        reversible=irreversible,
        merges="warning",
    ),
)
