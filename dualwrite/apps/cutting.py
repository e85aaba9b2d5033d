"""By which columns a table is cut into ranges, and the ranges between given marks."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from dualwrite.apps.query import KeyRange
from dualwrite.tablemap.schema import TableSchema


def order_of(schema: TableSchema, together: Sequence[str]) -> tuple[str, ...]:
    """The columns to cut by; empty where the table has no key that can be spelled as text."""
    if together:
        return tuple(together)
    whole = [schema.primary_key] + [
        names for names in schema.unique if not any(schema.columns[name].nullable for name in names)
    ]
    spelled = (
        names
        for names in whole
        if names and not any(pa.types.is_binary(schema.columns[name].type) for name in names)
    )
    return next(spelled, ())


def ranges(columns: Sequence[str], marks: Sequence[tuple[str, ...]]) -> list[KeyRange]:
    """The stretches between the marks, open at both ends."""
    lows = [None, *marks]
    highs = [*marks, None]
    return [KeyRange(tuple(columns), low, high) for low, high in zip(lows, highs, strict=True)]
