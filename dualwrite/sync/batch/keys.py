"""Keys and rows as texts and plain values: as the journal keeps them, and as a side spells them."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dualwrite.apps.unreadable import as_read
from dualwrite.journal.records import Key
from dualwrite.link import Side
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.schema import end_of_path
from dualwrite.translate.keys import key_text


def keys_of(keys: pa.Table) -> list[Key]:
    """Each key as texts, in Arrow's own spelling, by which `retry` finds the row again."""
    texts = [keys[name].cast(pa.string()) for name in keys.column_names]
    rows: list[Key] = pa.table(texts, names=keys.column_names).to_pylist()
    return rows


def spelled(keys: pa.Table) -> pa.Array:
    """Each of n keys as one text, its parts as the journal spells them; null where a part is."""
    names = keys.column_names
    return key_text(pa.table({name: keys[name].cast(pa.string()) for name in names}), names)


def spelled_keys(keys: Sequence[Mapping[str, str | None]], names: Collection[str]) -> pa.Array:
    """As `spelled`, of keys that the journal holds; of some of their parts."""
    columns = {name: pa.array([key.get(name) for key in keys], pa.string()) for name in names}
    return key_text(pa.table(columns), list(names))


def typed_keys(
    session: Session, table_map: TableMap, side: Side, keys: Sequence[Mapping[str, str | None]]
) -> pa.Table:
    """Keys that the journal holds as texts, in the types that a side has for them."""
    end = table_map.end(side)
    columns = {}
    for path in end.key:
        column = end_of_path(
            path, end.table, lambda table: session.schema(side, table), end.lookups
        )
        texts = pa.array([key.get(str(path)) for key in keys], pa.string())
        columns[str(path)] = texts.cast(column.type)
    return pa.table(columns)


def plain_rows(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON can hold them, no digit lost.  For few rows: these are objects."""
    return [{name: _plain(value) for name, value in row.items()} for row in as_read(rows)]


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, no digit lost."""
    match value:
        case None | str() | bool() | int():
            return value
        case decimal.Decimal():
            return format(value, "f")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)
