"""Composite keys as one text a row, so that rows of two tables find each other."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text, column_of

_BETWEEN, _ESCAPE = "\x1f", "\x1e"


def key_text(table: pa.Table, names: Sequence[str]) -> pa.StringArray:
    """One unambiguous text a row over the columns `names`; null when any part is null.

    Equal keys have equal texts, different keys different ones, whatever they hold.
    """
    parts = [canonical_text(column_of(table, name)) for name in names]
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(*(_escaped(part) for part in parts), _BETWEEN)


def _escaped(text: pa.Array) -> pa.Array:
    """Free of the separator; text without control characters is returned unchanged."""
    content = b"" if (data := text.buffers()[2]) is None else data.to_pybytes()
    if _BETWEEN.encode() not in content and _ESCAPE.encode() not in content:
        return text
    text = pc.replace_substring(text, _ESCAPE, _ESCAPE + "e")
    return pc.replace_substring(text, _BETWEEN, _ESCAPE + "s")


def row_of(keys: pa.Array, value_set: pa.Array) -> pa.Int32Array:
    """The index of each key in `value_set` (the first, where it occurs twice), null when absent."""
    return pc.index_in(keys, value_set=value_set, skip_nulls=True)


def duplicates(text: pa.Array) -> pa.BooleanArray:
    """Which rows have a key that another row has too; a null key has no duplicate."""
    if len(text) < 2 or _ascends(text):
        return pa.repeat(pa.scalar(value=False), len(text))
    counts = text.value_counts()
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return pc.is_in(text, value_set=repeated.drop_null(), skip_nulls=True)


def doubled(keys: pa.Array, among: pa.Array) -> pa.BooleanArray:
    """Which of n keys occur more than once among others."""
    often = among.filter(duplicates(among)).drop_null()
    return pc.is_in(keys, value_set=often, skip_nulls=True)


def _ascends(text: pa.Array) -> bool:
    """Whether each key is greater than the one before: a cheap proof for rows read in key order."""
    if text.null_count:
        return False
    return bool(pc.all(pc.less(text[:-1], text[1:])).as_py())
