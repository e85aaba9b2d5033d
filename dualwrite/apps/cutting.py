"""By which columns a table is cut into ranges, and the ranges between given marks."""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.apps.base import KeyRange
from dualwrite.tablemap.schema import TableSchema


def order_of(schema: TableSchema, together: Sequence[str]) -> tuple[str, ...]:
    """The columns to cut by; empty where the table has no key."""
    if together:
        return tuple(together)
    if schema.primary_key:
        return schema.primary_key
    whole = (
        names for names in schema.unique if all(not schema.columns[name].nullable for name in names)
    )
    return next(whole, ())


def ranges(columns: Sequence[str], marks: Sequence[tuple[str, ...]]) -> list[KeyRange]:
    """The stretches between the marks, open at both ends."""
    lows = [None, *marks]
    highs = [*marks, None]
    return [KeyRange(tuple(columns), low, high) for low, high in zip(lows, highs, strict=True)]
