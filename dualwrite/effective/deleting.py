"""Plans deletes from a dated table.

Where gaps are forbidden, the row before a deleted one is extended to its end, "no end" included:
deleting a future row opens the present one again.  The first row of an entity leaves no gap, so
nothing is extended; nor is anything where gaps are allowed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dualwrite.effective.changes import PeriodChanges, lines, rejected
from dualwrite.effective.periods import Mask, Periods, Ticks, column_of, in_line, numbered, place


def plan_delete(existing: pa.Table, keys: pa.Table, periods: Periods) -> PeriodChanges:
    """Plan the deletion of the rows that `keys` names by entity and start.

    Shapes: `existing` is (m, d), all rows that the target holds of those entities; `keys` is
    (n, k) with entity and start.  Keys of rows that do not exist are ignored.  The
    updates have the columns of `existing` and `was:<start>`.

    Raises:
        KeyError, TypeError: As `place`.
    """
    names = [*periods.entity, periods.start]
    keys = keys.select(names).cast(existing.select(names).schema)
    line, gone_line = lines([existing, keys], periods)
    placed = place(existing, periods)
    gone = np.isin(line, gone_line) & ~placed.no_start
    updates = existing.slice(0, 0)
    if periods.gaps == "forbid":
        rows, last_rows = _extended(existing, periods, gone)
        updates = existing.take(pa.array(rows))
        ends = column_of(existing, periods.end).take(pa.array(last_rows))
        at = updates.column_names.index(periods.end)
        updates = updates.set_column(at, existing.schema.field(periods.end), ends)
    return PeriodChanges(
        inserts=existing.slice(0, 0),
        updates=updates.append_column(periods.was, updates[periods.start]),
        deletes=existing.select(names).filter(pa.array(gone)),
        rejected=rejected([]),
    )


def _extended(existing: pa.Table, periods: Periods, gone: Mask) -> tuple[Ticks, Ticks]:
    """The rows directly before deleted ones, and for each the deleted row whose end it gets."""
    placed = place(existing, periods)
    (codes,), _ = numbered([existing], periods.entity)
    rows = np.flatnonzero(placed.sound)
    rows = rows[np.argsort(in_line(codes[rows], placed.begins[rows]), kind="stable")]
    if not len(rows):
        return rows, rows
    owner, begins, ends = codes[rows], placed.begins[rows], placed.ends[rows]
    joined = gone[rows][1:] & (owner[1:] == owner[:-1]) & (begins[1:] == ends[:-1])
    first = np.flatnonzero(np.append(True, ~joined))
    last = np.append(first[1:] - 1, len(rows) - 1)
    extended = ~gone[rows[first]] & (last > first)
    return rows[first[extended]], rows[last[extended]]
