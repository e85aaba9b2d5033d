"""Small pieces of text that every face writes in the same way."""

from __future__ import annotations

from collections.abc import Mapping


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def unseen(map_name: str, line: str) -> str:
    """How rows of a map can change so that no change crosses, and what says more."""
    return f"{map_name}, not every change is seen: {line}. dualwrite check {map_name}"


def key_values(key: Mapping[str, object]) -> str:
    """The values of a key, in the order of its columns: `USMF, C-1`."""
    return ", ".join("null" if value is None else str(value) for value in key.values())
