"""Computes over long columns in pieces.

Intermediate results are many times the size of a column; in pieces they stay in the
processor's cache, and little memory is allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

_ROWS = 1 << 16


def by_pieces(
    compute: Callable[..., Sequence[pa.Array]], *columns: pa.Array
) -> tuple[pa.Array, ...]:
    """Apply `compute` to pieces of the columns; both the columns and the results are (n,)."""
    starts = range(0, len(columns[0]), _ROWS) or [0]
    pieces = [compute(*(column.slice(start, _ROWS) for column in columns)) for start in starts]
    if len(pieces) == 1:
        return tuple(pieces[0])
    return tuple(pa.concat_arrays(parts) for parts in zip(*pieces, strict=True))
