"""A computation over long columns, some rows at a time.

What arises in between is many times the size of a column; so it stays in the processor's
cache, and the machine is not asked for memory again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

_ROWS = 1 << 16


def by_pieces(
    compute: Callable[..., Sequence[pa.Array]], *columns: pa.Array
) -> tuple[pa.Array, ...]:
    """The arrays that `compute` makes of the columns, which are (n,); so are the results."""
    starts = range(0, len(columns[0]), _ROWS) or [0]
    pieces = [compute(*(column.slice(start, _ROWS) for column in columns)) for start in starts]
    if len(pieces) == 1:
        return tuple(pieces[0])
    return tuple(pa.concat_arrays(parts) for parts in zip(*pieces, strict=True))
