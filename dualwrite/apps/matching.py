"""Rows of two Arrow tables found in each other, whole columns at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import as_text


def positions(among: pa.Table, rows: pa.Table, names: Sequence[str]) -> Any:
    """For each of `rows` where its key first stands in `among`; null where it does not.

    Shapes: both tables hold the columns `names` in the same types; the result is as
    long as `rows`.  A null in a key finds nothing.
    """
    return pc.index_in(_word(rows, names), value_set=_word(among, names), skip_nulls=True)


def differ(left: Any, right: Any) -> Any:
    """Where two columns differ, null being a value."""
    unequal = pc.fill_null(pc.not_equal(left, right), fill_value=False)
    return pc.or_(unequal, pc.xor(pc.is_null(left), pc.is_null(right)))


def _word(table: pa.Table, names: Sequence[str]) -> Any:
    """A key as one value.  Lengths go before the parts, so that no two keys run together."""
    if len(names) == 1:
        return table[names[0]].combine_chunks()
    parts: list[Any] = []
    for name in names:
        text: Any = as_text(table[name]).cast(pa.string())
        parts += [pc.binary_length(text).cast(pa.string()), text]
    word = pc.binary_join_element_wise(*parts, ":")
    return word.combine_chunks() if isinstance(word, pa.ChunkedArray) else word
