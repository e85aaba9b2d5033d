"""Values of a database that have no exact place in a canonical type.

Reading never refuses a batch.  Such a value is read as null, and its row says so beside it: the
table gets one more column, `UNREADABLE`, that is null but for these rows and holds there a JSON
object of the columns and the texts of their values.  The rule `readable` holds those rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import Values, canonical
from dualwrite.gate_column import UNREADABLE

SHOWN = 200
"""So many characters of a value are kept."""

Texts = dict[int, str]
"""The texts of values, by the number of their row."""


def canonical_cells(values: Values, kind: pa.DataType) -> tuple[Values, Texts]:
    """As `canonical`, with null for every value that has no place in `kind`, and their texts."""
    try:
        return canonical(values, kind), {}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    texts: Texts = {}
    parts = _parts(flat, kind, 0, texts)
    return pa.chunked_array(parts, kind), texts


def _parts(values: pa.Array, kind: pa.DataType, first: int, texts: Texts) -> list[pa.Array]:
    """Halve until what cannot be read stands alone."""
    try:
        return [_flat(canonical(values, kind))]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        if values.null_count == len(values):  # of a type that has no cast at all
            return [pa.nulls(len(values), kind)]
        if len(values) == 1:
            texts[first] = _text(values[0].as_py())
            return [pa.nulls(1, kind)]
    middle = len(values) // 2
    return [
        *_parts(values.slice(0, middle), kind, first, texts),
        *_parts(values.slice(middle), kind, first + middle, texts),
    ]


def _flat(values: Values) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _text(value: Any) -> str:
    text = f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def with_unreadable(
    rows: pa.Table, texts: Mapping[str, Texts], noted: Sequence[str | None] | None = None
) -> pa.Table:
    """Rows with what of them is unreadable.

    `texts` are by column; `noted` are the objects that the database made of others, as JSON.
    """
    found: dict[int, dict[str, str]] = {}
    for number, text in enumerate(noted or ()):
        if text is not None:
            found[number] = {name: _text(value) for name, value in json.loads(text).items()}
    for name, cells in texts.items():
        for number, text in cells.items():
            found.setdefault(number, {})[name] = text
    if not found:
        return rows
    objects = [
        json.dumps(found[number]) if number in found else None for number in range(rows.num_rows)
    ]
    return rows.append_column(UNREADABLE, pa.array(objects, pa.string()))


def unreadable_of(rows: pa.Table) -> pa.Array:
    """The objects of n rows, null where all of a row could be read."""
    if UNREADABLE not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    return _flat(rows[UNREADABLE])


def stacked(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of the same columns as one; `UNREADABLE` is there where one of them has it."""
    if any(UNREADABLE in each.column_names for each in tables):
        tables = [
            each
            if UNREADABLE in each.column_names
            else each.append_column(UNREADABLE, pa.nulls(each.num_rows, pa.string()))
            for each in tables
        ]
    return pa.concat_tables(tables)


def as_read(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows as Python values, the text of a value in its place where it could not be read."""
    plain: list[dict[str, Any]] = rows.to_pylist()
    return [row | json.loads(row.pop(UNREADABLE, None) or "{}") for row in plain]


def any_unreadable(rows: pa.Table) -> bool:
    """Whether any row has such a value."""
    return UNREADABLE in rows.column_names and pc.any(rows[UNREADABLE].is_valid()).as_py() is True
