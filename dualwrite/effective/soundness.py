"""Finds faulty periods of a table, among its own rows and together with those of the target.

    no start, reversed, beyond    the row has no valid period
    overlap                       with another row of its entity; each of the two is faulty
    gap                           where forbidden: the row that starts after the gap, or, where
                                  that one is in the target only, the row before the gap

`beside` adds the rows of the target to a batch as four columns: `before:<start>`,
`before:<end>` and `after:<start>`, `after:<end>`.  For each row these are the target's period
with the latest end among those that start no later, and the first one that starts later.  No
other one can overlap the row, or leave a gap next to it, unless one of these does.  A batch that
holds only a part of its entities' histories can be checked for gaps only with these columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.effective.periods import (
    NEVER,
    Mask,
    Periods,
    Placed,
    Ticks,
    column_of,
    in_line,
    numbered,
    order_of,
    place,
)
from dualwrite.gate_column import Role, gate_name


class Fault(IntEnum):
    """The fault of a row's period; the first that applies."""

    NONE = 0
    NO_START = 1
    REVERSED = 2
    BEYOND = 3
    OVERLAP = 4
    GAP = 5


@dataclass(frozen=True)
class Findings:
    """The fault of each of n rows, and for overlaps and gaps the other period."""

    fault: Ticks
    other_begins: Ticks
    other_ends: Ticks
    other_held: Mask
    placed: Placed


def before_of(periods: Periods) -> Periods:
    """The columns of the target's period at or before that of a row."""
    return _beside(periods, Role.PREVIOUS)


def after_of(periods: Periods) -> Periods:
    """The columns of the target's period after that of a row."""
    return _beside(periods, Role.NEXT)


def _beside(periods: Periods, role: Role) -> Periods:
    start, end = (gate_name(role, name) for name in (periods.start, periods.end))
    return replace(periods, start=start, end=end)


def own_faults(placed: Placed) -> Ticks:
    """The faults that a row has by itself."""
    faults = np.zeros(len(placed), np.int64)
    faults[placed.beyond] = Fault.BEYOND
    faults[placed.begins >= placed.ends] = Fault.REVERSED
    faults[placed.no_start] = Fault.NO_START
    return faults


def find_faults(table: pa.Table, periods: Periods, *, beside_held: bool = False) -> Findings:
    """Check the period of every row.

    With `beside_held`, the table has the four columns of `beside`.

    Raises:
        KeyError, TypeError: As `place`.
    """
    placed = place(table, periods)
    nothing = np.zeros(len(placed), np.int64)
    found = Findings(
        own_faults(placed), nothing, nothing.copy(), np.zeros(len(placed), np.bool_), placed
    )
    (codes,), _ = numbered([table], periods.entity)
    rows = _in_order(codes, placed, found.fault == Fault.NONE)
    if not len(rows):
        return found
    line = _Line(codes[rows], placed.begins[rows], placed.ends[rows])
    if beside_held:
        held = (place(table, before_of(periods)), place(table, after_of(periods)))
        line.check_beside(*(_taken(each, rows) for each in held), gaps=periods.gaps)
    else:
        line.check(gaps=periods.gaps)
    if not line.fault.any():
        return found
    found.fault[rows] = line.fault
    found.other_begins[rows] = line.other_begins
    found.other_ends[rows] = line.other_ends
    found.other_held[rows] = line.other_held
    return found


def _in_order(codes: Ticks, placed: Placed, sound: Mask) -> Ticks:
    if sound.all():
        return order_of(in_line(codes, placed.begins))
    rows = np.flatnonzero(sound)
    return rows[order_of(in_line(codes[rows], placed.begins[rows]))]


def _taken(placed: Placed, rows: Ticks) -> Placed:
    return Placed(
        placed.begins[rows], placed.ends[rows], placed.no_start[rows], placed.beyond[rows]
    )


class _Line:
    """Valid periods sorted by entity and start, checked against each other."""

    def __init__(self, codes: Ticks, begins: Ticks, ends: Ticks) -> None:
        self.begins, self.ends = begins, ends
        self.furthest = furthest_before(codes, begins, ends)
        following = np.append(codes[1:] == codes[:-1], False)
        self.next = np.where(following, np.arange(1, len(codes) + 1), -1)
        self.fault = np.zeros(len(codes), np.int64)
        self.other_begins = np.zeros(len(codes), np.int64)
        self.other_ends = np.zeros(len(codes), np.int64)
        self.other_held = np.zeros(len(codes), np.bool_)

    def check(self, *, gaps: str) -> None:
        self._overlaps()
        if gaps == "forbid":
            reach = self.ends[self.furthest]
            self._mark(Fault.GAP, (self.furthest >= 0) & (reach < self.begins), self.furthest)

    def check_beside(self, before: Placed, after: Placed, *, gaps: str) -> None:
        self._overlaps()
        has_before, has_after = ~before.no_start, ~after.no_start
        self._mark_held(Fault.OVERLAP, has_before & (before.ends > self.begins), before)
        self._mark_held(Fault.OVERLAP, has_after & (after.begins < self.ends), after)
        if gaps == "allow":
            return
        lowest = np.iinfo(np.int64).min
        by_batch = np.where(self.furthest >= 0, self.ends[self.furthest], lowest)
        by_held = np.where(has_before, before.ends, lowest)
        reach = np.maximum(by_batch, by_held)
        gap_ = (reach > lowest) & (reach < self.begins)
        self._mark(Fault.GAP, gap_ & (by_batch >= by_held), self.furthest)
        self._mark_held(Fault.GAP, gap_, before)
        # the row before a gap is faulty where the one after it is not in the batch
        following = np.where(self.next >= 0, self.begins[self.next], NEVER)
        reach = np.maximum(reach, self.ends)
        self._mark_held(
            Fault.GAP, has_after & (after.begins < following) & (reach < after.begins), after
        )

    def _overlaps(self) -> None:
        before = (self.furthest >= 0) & (self.ends[self.furthest] > self.begins)
        self._mark(Fault.OVERLAP, before, self.furthest)
        behind = (self.next >= 0) & (self.begins[self.next] < self.ends)
        self._mark(Fault.OVERLAP, behind, self.next)

    def _mark(self, fault: Fault, rows: Mask, others: Ticks) -> None:
        new = np.flatnonzero(rows & (self.fault == Fault.NONE))
        self.fault[new] = fault
        self.other_begins[new] = self.begins[others[new]]
        self.other_ends[new] = self.ends[others[new]]

    def _mark_held(self, fault: Fault, rows: Mask, others: Placed) -> None:
        new = np.flatnonzero(rows & (self.fault == Fault.NONE))
        self.fault[new] = fault
        self.other_begins[new] = others.begins[new]
        self.other_ends[new] = others.ends[new]
        self.other_held[new] = True


def furthest_before(codes: Ticks, begins: Ticks, ends: Ticks) -> Ticks:
    """For each sorted row, the earlier row of its entity with the latest end; -1 for none.

    Without overlaps that is the row directly before, and nothing needs to be sorted.
    """
    places = np.arange(len(codes))
    follows = codes[1:] == codes[:-1]
    if not np.any(follows & (begins[1:] < ends[:-1])):
        return np.append(-1, np.where(follows, places[:-1], -1))
    by_end = np.argsort(ends, kind="stable")
    rank = np.empty_like(by_end)
    rank[by_end] = places
    # later entities have higher ranks, so one running maximum serves all entities
    furthest = np.maximum.accumulate(codes_in_order(codes) * len(codes) + rank) % len(codes)
    return np.append(-1, np.where(follows, by_end[furthest[:-1]], -1))


def codes_in_order(codes: Ticks) -> Ticks:
    """The entities of sorted rows, numbered from 0 in their order."""
    return np.cumsum(np.append(0, codes[1:] != codes[:-1]))


def beside(
    batch: pa.Table, held: pa.Table, periods: Periods, *, replaced: pa.BooleanArray | None = None
) -> pa.Table:
    """Add to each row of a batch the neighbouring periods that the target holds of its entity.

    Shapes: `batch` is (n, c) and gets the four columns described above, in the types of its
    own bounds; `held` is (m, d) with entity, start and end, whole histories of the batch's
    entities; other entities are ignored.  A row of the target with the start of a row of the
    batch will be replaced by it and is left out; for rows with another key, `replaced` (m,)
    marks these rows.

    Raises:
        KeyError, TypeError: As `place`.
    """
    ours, theirs = place(batch, periods), place(held, periods)
    (codes, held_codes), _ = numbered([batch, held], periods.entity)
    line = in_line(np.append(codes, held_codes), np.append(ours.begins, theirs.begins))
    line, held_line = line[: len(codes)], line[len(codes) :]
    staying = theirs.sound
    if replaced is None:
        staying &= ~np.isin(held_line, line[~ours.no_start])
    else:
        staying &= ~replaced.to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(staying)
    rows = rows[order_of(held_line[rows])]
    at = np.searchsorted(held_line[rows], line, side="right")
    owner = held_codes[rows]
    # the row at `at - 1` has the latest end, or an earlier one has
    reaching = _reaching(owner, theirs.begins[rows], theirs.ends[rows])
    before = _neighbour(at - 1, owner, codes)
    after = _neighbour(at, owner, codes)
    before = np.where(before >= 0, reaching[before] if len(rows) else -1, -1)
    for prefix, places in (("before", before), ("after", after)):
        chosen = pa.array(rows[places] if len(rows) else places, mask=(places < 0) | ours.no_start)
        for name in (periods.start, periods.end):
            values = column_of(held, name).take(chosen)
            kind = batch.schema.field(name).type
            batch = batch.append_column(f"{prefix}:{name}", _as(values, kind))
    return batch


def _reaching(codes: Ticks, begins: Ticks, ends: Ticks) -> Ticks:
    """For each sorted row itself, or the earlier one with a later end."""
    if not len(codes):
        return codes
    places = np.arange(len(codes))
    furthest = furthest_before(codes, begins, ends)
    return np.where((furthest >= 0) & (ends[furthest] > ends), furthest, places)


def _neighbour(places: Ticks, owner: Ticks, codes: Ticks) -> Ticks:
    """The position where it exists and has a row of the same entity; else -1."""
    if not len(owner):
        return np.full(len(codes), -1)
    inside = (places >= 0) & (places < len(owner))
    same = owner[np.where(inside, places, 0)] == codes
    return np.where(inside & same, places, -1)


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values if pa.types.is_null(kind) else pc.cast(values, kind)
