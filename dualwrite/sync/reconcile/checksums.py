"""Checksums of both sides of a map, so that only rows that may differ are compared.

Keys are grouped by their hash.  Each side is read once, in its own order, and expressed in the
same terms: what one side would write, and what the other holds.  The hashes of the rows of a
group add up to its checksum; where both sides' are the same, so are their rows.  A group that
differs for no good reason costs time, never a wrong answer: its rows are compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text, column_of
from dualwrite.sync.routes.route import Route
from dualwrite.translate.keys import key_text
from dualwrite.translate.rows import comparable, translate

RANGES = 1 << 16
"""Half a megabyte a side; of a million rows 15 share one."""
_NULL, _END = "\x00", "\x1f"

Mask = Any
Hashes = npt.NDArray[np.uint64]


class Suspects:
    """The groups of keys in which both sides are not the same."""

    def __init__(self, route: Route, back: Route | None) -> None:
        """`route` translates one side, `back` the columns that only flow back."""
        self._route, self._back = route, back
        self._sums = np.zeros(RANGES, np.uint64)
        self.rows = 0
        """How many rows the source has."""

    def add(self, rows: pa.Table) -> None:
        """Add rows of the source.  Shapes: (n, c) as its route reads them."""
        out = translate(rows, self._route.flow)
        columns = [column_of(out, name) for name in self._route.flow.names]
        if self._back is not None:
            own = comparable(rows, self._back.flow)
            columns += [column_of(own, name) for name in self._back_alone()]
        texts = self._keys(out)
        self.rows += rows.num_rows
        np.add.at(self._sums, _ranges(texts), _hashes([texts, *columns], len(texts)))

    def take(self, theirs: pa.Table) -> None:
        """Subtract rows of the target.  Shapes: (n, c) as its own route reads them."""
        held = comparable(theirs, self._route.flow)
        columns = [column_of(held, name) for name in self._route.flow.names]
        if self._back is not None:
            out = translate(theirs, self._back.flow)
            columns += [column_of(out, name) for name in self._back_alone()]
        texts = self._keys(theirs)
        np.subtract.at(self._sums, _ranges(texts), _hashes([texts, *columns], len(texts)))

    def any(self) -> bool:
        """Whether any group differs."""
        return bool(self._sums.any())

    def of(self, rows: pa.Table) -> Mask:
        """Which rows of the source may not be the same."""
        return self._may_differ(self._keys(translate(rows, self._route.flow)))

    def across(self, theirs: pa.Table) -> Mask:
        """Which rows of the target may not be the same."""
        return self._may_differ(self._keys(theirs))

    def _may_differ(self, texts: pa.Array) -> Mask:
        differ = self._sums[_ranges(texts)] != 0
        return pc.or_(pa.array(differ), texts.is_null())

    def _keys(self, rows: pa.Table) -> pa.Array:
        return key_text(rows, list(self._route.flow.key))

    def _back_alone(self) -> Iterator[str]:
        assert self._back is not None
        for column in self._back.flow.columns:
            if str(column.source) not in self._route.two_way:
                yield str(column.target)


def suspects(
    route: Route,
    back: Route | None,
    batches: tuple[Iterator[pa.Table], Iterator[pa.Table]],
    progress: Callable[[int], None],
) -> Suspects:
    """Read both sides once: `batches` of the source, then of the target."""
    found = Suspects(route, back)
    for work, side in zip((found.add, found.take), batches, strict=True):
        for rows in side:
            work(rows)
            progress(rows.num_rows)
    return found


def _ranges(texts: pa.Array) -> npt.NDArray[np.intp]:
    return (_hash(pc.fill_null(texts, "")) % RANGES).astype(np.intp)


def _hashes(columns: list[pa.Array], size: int) -> Hashes:
    """One number a row: other values, another number."""
    if not size:
        return np.zeros(0, np.uint64)
    return _hash(pc.binary_join_element_wise(*(_spelled(values) for values in columns), _END))


def _hash(texts: pa.Array) -> Hashes:
    """Python's own: 64 bits, others in each process, so nobody can prepare two that are equal."""
    objects = texts.to_numpy(zero_copy_only=False)
    return np.fromiter(map(hash, objects), np.int64, len(objects)).view(np.uint64)


def _spelled(values: pa.Array) -> pa.Array:
    """Values as texts that are the same where `differs` finds no difference, and only there."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # the length marks where a text ends, whatever is in it
        length = pc.binary_length(values).cast(pa.string())
        text = pc.binary_join_element_wise(length, values.cast(pa.string()), ":")
    elif pa.types.is_timestamp(kind):
        text = canonical_text(values.cast(pa.timestamp("us")))
    elif pa.types.is_floating(kind):
        text = values.cast(pa.string())
    elif pa.types.is_binary(kind):
        text = pa.array([None if v is None else v.hex() for v in values.to_pylist()], pa.string())
    else:
        text = canonical_text(values)
    return pc.fill_null(text, _NULL)
