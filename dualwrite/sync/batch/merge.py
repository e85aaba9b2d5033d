"""What both sides should hold, decided column by column.

`mine` are rows of one side told in the other side's terms, `theirs` the rows that
the other side holds under the same keys.  A column that flows one way takes `mine`.
A two-way column that is equal is left alone on both sides; one that differs takes
the winner's value, and the other side is written.  With `fill`, nobody wins: a
blank (null or '') takes the other side's value, and two different values stay.

Nothing here knows of databases, and nothing is lost without being counted: every
row on which both sides held different values is a conflict, whoever wins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.translate.compare import differs

Mask = Any
"""A boolean Arrow array of the rows' length without nulls."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The decision over n rows.

    `forward` (n rows, named as `mine`) is what the other side should hold; `write`
    marks the rows of it that the other side does not hold yet.  `crossing` marks, by column,
    every value of them that changes in a row that is `found`.  `back` marks, for each
    two-way column, the rows whose own side must take the value in `returning`.
    """

    forward: pa.Table
    write: Mask
    returning: pa.Table
    back: Mapping[str, Mask]
    conflicts: Mask
    found: Mask
    crossing: Mapping[str, Mask]

    @property
    def back_any(self) -> Mask:
        """Rows of which at least one column goes back."""
        masks = list(self.back.values())
        return _any(masks, self.forward.num_rows)


def merge(
    mine: pa.Table,
    theirs: pa.Table,
    *,
    found: Mask,
    two_way: Collection[str],
    mine_wins: Mask,
    fill: bool = False,
    late: bool = False,
) -> Merged:
    """Decide for n rows at once.

    Shapes: `mine` is (n, c); `theirs` is (n, d) with at least the columns of `mine`,
    aligned row by row, null throughout where `found` is false.  `mine_wins` is (n,).

    Args:
        mine: This side's rows in the other side's terms.
        theirs: What the other side holds.
        found: Whether the other side holds the row at all.
        two_way: Columns of `mine` that flow both ways.
        mine_wins: Who wins a two-way column that differs; not consulted with `fill`.
        fill: Fill blanks on either side and settle nothing else.
        late: These columns were left out when the rows were first written, so a blank
            means only that: it never wins over a value, and is no conflict.
    """
    size = mine.num_rows
    none = _constant(value=False, size=size)
    write = pc.invert(found)
    conflicts = none
    forward: dict[str, Any] = {}
    returning: dict[str, Any] = {}
    back: dict[str, Mask] = {}
    crossing: dict[str, Mask] = {}
    for name in mine.column_names:
        ours = mine[name]
        other = theirs[name].cast(ours.type)
        different = pc.and_(found, differs(ours, other))
        if name not in two_way:
            forward[name] = ours
            crossing[name] = different
            write = pc.or_(write, different)
            continue
        if fill:
            keep = pc.or_(pc.invert(_blank(other)), _blank(ours))
            give = pc.and_(_blank(ours), pc.invert(_blank(other)))
        else:
            keep = give = pc.invert(mine_wins)
        contested = different
        if late:
            one_blank = pc.xor(_blank(ours), _blank(other))
            contested = pc.and_not(different, one_blank)
            keep = pc.if_else(one_blank, _blank(ours), keep)
            give = pc.if_else(one_blank, _blank(ours), give)
        keep, give = pc.and_(different, keep), pc.and_(different, give)
        conflicts = pc.or_(conflicts, contested)
        forward[name] = pc.if_else(keep, other, ours)
        crossing[name] = pc.and_not(different, keep)
        write = pc.or_(write, crossing[name])
        returning[name] = other
        back[name] = give
    return Merged(pa.table(forward), write, pa.table(returning), back, conflicts, found, crossing)


def replace_columns(rows: pa.Table, columns: pa.Table) -> pa.Table:
    """Rows with some of their columns in the place of their own."""
    for name in columns.column_names:
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, columns[name])
    return rows


def _blank(values: pa.ChunkedArray) -> Mask:
    empty = pc.is_null(values)
    if pa.types.is_string(values.type):
        empty = pc.or_(empty, pc.fill_null(pc.equal(values, ""), fill_value=False))
    return empty


def _constant(*, value: bool, size: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(value, size)], pa.bool_())


def _any(masks: list[Mask], size: int) -> Mask:
    total = _constant(value=False, size=size)
    for mask in masks:
        total = pc.or_(total, mask)
    return total
