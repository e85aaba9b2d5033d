"""Writes to a dated table, planned: what becomes of its rows, so that no two ever overlap.

`stepwise` says what a mode means.  Here most entities are decided all at once: their rows
are laid in one line as they would stand afterwards, held ones closed where a new period
starts in them, and where nothing then overlaps, no time is lost and no forbidden gap is
left, that is the plan.  Only the other entities are gone through one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.effective.changes import PeriodChanges, Refusal, rejected
from dualwrite.effective.periods import (
    Mask,
    Moment,
    Periods,
    Placed,
    Ticks,
    begins_of,
    column_of,
    ends_of,
    in_line,
    numbered,
    order_of,
    place,
    starts_of,
    tick_of,
)
from dualwrite.effective.refusing import OWN, refuse
from dualwrite.effective.soundness import Fault, own_faults
from dualwrite.effective.stepwise import Mode, Row, Span, Terms, Write, write_entity

_ALONE, _TOLD, _FRESH = 0, 1, 2
"""A held row that the batch says nothing of, one that it does, and a new one."""


def plan_write(
    existing: pa.Table,
    incoming: pa.Table,
    periods: Periods,
    mode: Mode,
    *,
    now: Moment | None = None,
) -> PeriodChanges:
    """Plan the write of `incoming` into a table that holds `existing`.

    Shapes: `incoming` is (n, c) in the order in which the rows were made, with entity, start
    and end; `was:<start>`, where it has that column and a value in it, names the row whose
    start moves.  `existing` is (m, d) with those c columns and maybe more: all rows that the
    target holds of the incoming entities (others do no harm).  The changes have the c columns.

    Held rows that are no period are left as they are.  Where the target's periods already
    overlap, an entity is written only if nothing overlaps afterwards; a forbidden gap that is
    there already may stay.

    Raises:
        ValueError: No `now` for a mode that needs it, or a `now` without a zone.
        KeyError: A column is missing.
        TypeError: A bound is neither a date nor a timestamp.
        pa.ArrowInvalid: An incoming value does not fit the type of the held column.
    """
    if mode != "correction" and now is None:
        msg = f"mode {mode} needs to know what time it is now"
        raise ValueError(msg)
    tick = 0 if now is None else tick_of(now, periods)
    work = _work(existing, incoming, periods, mode, tick)
    faults = own_faults(work.new)
    batch = np.flatnonzero(faults == Fault.NONE)
    touched = np.zeros(work.entities, np.bool_)
    touched[work.new_codes[batch]] = True
    held = np.flatnonzero(work.held.sound & touched[work.held_codes])

    rows, colliding = _at_once(work, held, batch)
    slow, refusals = _one_by_one(
        work, held[colliding[work.held_codes[held]]], batch[colliding[work.new_codes[batch]]]
    )
    for row in np.flatnonzero(faults).tolist():
        refusals.append(work.refusal(row, OWN[Fault(faults[row])], None))
    return _changes(work, _Rows.stacked([rows.take(~colliding[rows.codes]), slow]), refusals)


@dataclass(frozen=True)
class _Work:
    """One write: both tables and their periods in ticks."""

    periods: Periods
    mode: Mode
    now: int
    existing: pa.Table
    incoming: pa.Table
    held: Placed
    new: Placed
    held_codes: Ticks
    new_codes: Ticks
    entities: int
    was: Ticks
    """Where the row that an incoming one updates starts now."""

    @property
    def values(self) -> list[str]:
        """The columns that are neither entity nor bound."""
        known = (*self.periods.entity, self.periods.start, self.periods.end)
        return [name for name in self.existing.column_names if name not in known]

    def refusal(self, row: int, rule: str, other: Span | None) -> Refusal:
        period = (int(self.new.begins[row]), int(self.new.ends[row]))
        return refuse(row, rule, period, other, self.periods)


def _work(existing: pa.Table, incoming: pa.Table, periods: Periods, mode: Mode, now: int) -> _Work:
    names = [name for name in incoming.column_names if name != periods.was]
    ours = existing.select(names)
    theirs = incoming.select(names).cast(ours.schema)
    new = place(theirs, periods)
    was = new.begins
    if periods.was in incoming.column_names:
        told, given = begins_of(incoming, periods, periods.was)
        was = np.where(given, told, was)
    (held_codes, new_codes), entities = numbered([ours, theirs], periods.entity)
    return _Work(
        periods, mode, now, ours, theirs, place(ours, periods), new,
        held_codes, new_codes, entities, was,
    )  # fmt: skip


@dataclass(frozen=True)
class _Rows:
    """Rows of the target as they would stand afterwards."""

    codes: Ticks
    begins: Ticks
    ends: Ticks
    origin: Ticks
    """Which held row it is, -1 for a new one."""
    payload: Ticks
    """Whose values it has: held rows by number, then the incoming ones."""
    role: Ticks

    def take(self, rows: Ticks | Mask) -> _Rows:
        return _Rows(*(column[rows] for column in self._columns()))

    @staticmethod
    def stacked(parts: list[_Rows]) -> _Rows:
        columns = zip(*(part._columns() for part in parts), strict=True)  # noqa: SLF001 - our own
        return _Rows(*(np.concatenate(column) for column in columns))

    def _columns(self) -> tuple[Ticks, ...]:
        return (self.codes, self.begins, self.ends, self.origin, self.payload, self.role)


# All at once


def _at_once(work: _Work, held: Ticks, batch: Ticks) -> tuple[_Rows, Mask]:
    """The rows in a line, held ones closed, and the entities in which something collides."""
    colliding = np.zeros(work.entities, np.bool_)
    moving = work.was[batch] != work.new.begins[batch]
    colliding[work.new_codes[batch[moving]]] = True
    updated = _matched(work, held, batch, colliding)
    told = _told(work, updated, batch, colliding)
    alone = np.setdiff1d(held, updated, assume_unique=False)
    rows = _Rows.stacked(
        [
            _rows(work.held_codes[alone], work.held, alone, origin=alone, payload=alone),
            *told,
            _fresh(work, batch[updated < 0]),
        ]
    )
    rows = rows.take(order_of(in_line(rows.codes, rows.begins)))
    return _closed(rows, colliding, gaps=work.periods.gaps == "forbid"), colliding


def _rows(codes: Ticks, placed: Placed, at: Ticks, *, origin: Ticks, payload: Ticks) -> _Rows:
    role = np.full(len(at), _ALONE)
    return _Rows(codes, placed.begins[at], placed.ends[at], origin, payload, role)


def _fresh(work: _Work, batch: Ticks, begins: Ticks | None = None) -> _Rows:
    return _Rows(
        work.new_codes[batch],
        work.new.begins[batch] if begins is None else begins,
        work.new.ends[batch],
        np.full(len(batch), -1),
        batch + len(work.held),
        np.full(len(batch), _FRESH),
    )


def _matched(work: _Work, held: Ticks, batch: Ticks, colliding: Mask) -> Ticks:
    """For each row of the batch the held row that starts with it, -1 for none."""
    codes = np.append(work.held_codes[held], work.new_codes[batch])
    line = in_line(codes, np.append(work.held.begins[held], work.new.begins[batch]))
    ours, theirs = line[: len(held)], line[len(held) :]
    for own, owners in ((ours, codes[: len(held)]), (theirs, codes[len(held) :])):
        order = order_of(own)
        twice = own[order][1:] == own[order][:-1]
        colliding[owners[order][1:][twice]] = True
    if not len(held):
        return np.full(len(batch), -1)
    order = order_of(ours)
    at = np.minimum(np.searchsorted(ours[order], theirs), len(held) - 1)
    return np.where(ours[order][at] == theirs, held[order][at], -1)


def _told(work: _Work, updated: Ticks, batch: Ticks, colliding: Mask) -> list[_Rows]:
    """The held rows that the batch updates, and the new ones that follow them from now on."""
    pairs = np.flatnonzero(updated >= 0)
    old, new = updated[pairs], batch[pairs]
    begins, ends = work.held.begins[old], work.new.ends[new]
    changed = _changed(work, old, new)
    current = (begins <= work.now) & (work.now < np.minimum(work.held.ends[old], ends))
    follows = changed & current & (begins < work.now)
    if work.mode == "correction":
        follows = np.zeros(len(pairs), np.bool_)
    if work.mode == "new":
        colliding[work.held_codes[old[changed & ~current]]] = True
    same = ~changed & (work.held.ends[old] == ends)
    told = _Rows(
        work.held_codes[old],
        begins,
        np.where(follows, work.now, ends),
        old,
        np.where(follows | same, old, new + len(work.held)),
        np.full(len(pairs), _TOLD),
    )
    later = new[follows]
    return [told, _fresh(work, later, np.full(len(later), work.now))]


def _changed(work: _Work, old: Ticks, new: Ticks) -> Mask:
    """Whose values differ, null and NaN being equal to themselves."""
    changed = np.zeros(len(old), np.bool_)
    left, right = pa.array(old), pa.array(new)
    for name in work.values:
        ours = column_of(work.existing, name).take(left)
        theirs = column_of(work.incoming, name).take(right)
        if pa.types.is_null(ours.type):
            continue
        if isinstance(ours, pa.ExtensionArray):
            ours, theirs = ours.storage, theirs.storage
        unequal = pc.not_equal(ours, theirs)
        if pa.types.is_floating(ours.type):
            unequal = pc.and_not(unequal, pc.and_(pc.is_nan(ours), pc.is_nan(theirs)))
        unequal = pc.fill_null(unequal, fill_value=False)
        one_null = pc.xor(ours.is_null(), theirs.is_null())
        changed |= pc.or_(unequal, one_null).to_numpy(zero_copy_only=False)
    return changed


def _closed(rows: _Rows, colliding: Mask, *, gaps: bool) -> _Rows:
    """Close held rows where a new one starts in them; mark where that is not enough."""
    if not len(rows.codes):
        return rows
    follows = rows.codes[1:] == rows.codes[:-1]
    fresh = follows & (rows.role[1:] == _FRESH)
    # of two new ones the later of the batch closes the earlier
    earlier = (rows.role[:-1] == _FRESH) & (rows.payload[:-1] < rows.payload[1:])
    closable = (rows.role[:-1] == _ALONE) | earlier
    closing = fresh & closable & (rows.ends[:-1] > rows.begins[1:])
    ends = rows.ends.copy()
    ends[:-1][closing] = rows.begins[1:][closing]
    # time that a closed row gives up must be taken by new rows that follow without a break
    touching = fresh & (ends[:-1] == rows.begins[1:])
    # and by ones that come after it in the batch: what was there before was in its way
    touching &= (rows.role[:-1] != _FRESH) | (rows.payload[:-1] < rows.payload[1:])
    run = np.cumsum(np.append(False, ~touching))
    last = np.append(np.flatnonzero(~touching), len(ends) - 1)[run]
    wrong = closing & (ends[last[:-1]] < rows.ends[:-1])
    wrong |= follows & (ends[:-1] > rows.begins[1:])
    if gaps:
        wrong |= follows & (ends[:-1] < rows.begins[1:])
    colliding[rows.codes[1:][wrong]] = True
    return _Rows(rows.codes, rows.begins, ends, rows.origin, rows.payload, rows.role)


# One by one


def _one_by_one(work: _Work, held: Ticks, batch: Ticks) -> tuple[_Rows, list[Refusal]]:
    held = held[order_of(in_line(work.held_codes[held], work.held.begins[held]))]
    batch = batch[np.argsort(work.new_codes[batch], kind="stable")]
    terms = _terms(work, held, batch)
    kept: list[tuple[int, ...]] = []
    refusals: list[Refusal] = []
    codes, first = np.unique(work.new_codes[batch], return_index=True)
    owners = work.held_codes[held]
    lows, highs = np.searchsorted(owners, codes), np.searchsorted(owners, codes, side="right")
    for number, (code, writes) in enumerate(
        zip(codes.tolist(), np.split(batch, first[1:]), strict=False)
    ):
        before = [
            Row(int(work.held.begins[at]), int(work.held.ends[at]), at, at)
            for at in held[lows[number] : highs[number]].tolist()
        ]
        after, refused = write_entity(before, [_write(work, row) for row in writes.tolist()], terms)
        kept += [(code, row.begins, row.ends, row.origin, row.payload, _TOLD) for row in after]
        refusals += [
            work.refusal(int(writes[each.place]), each.rule, each.other) for each in refused
        ]
    columns = np.array(kept, np.int64).reshape(-1, 6).T
    return _Rows(*columns), refusals


def _terms(work: _Work, held: Ticks, batch: Ticks) -> Terms:
    numbers, _ = numbered(
        [work.existing.take(pa.array(held)), work.incoming.take(pa.array(batch))], work.values
    )
    payloads = np.append(held, batch + len(work.held)).tolist()
    values = dict(zip(payloads, np.concatenate(numbers).tolist(), strict=True))
    return Terms(work.mode, work.now, work.periods.gaps == "forbid", values)


def _write(work: _Work, row: int) -> Write:
    return Write(
        int(work.new.begins[row]), int(work.new.ends[row]), int(work.was[row]), row + len(work.held)
    )


# The changes


def _changes(work: _Work, rows: _Rows, refusals: list[Refusal]) -> PeriodChanges:
    own = Placed(
        np.append(work.held.begins, work.new.begins),
        np.append(work.held.ends, work.new.ends),
        np.append(work.held.no_start, work.new.no_start),
        np.append(work.held.beyond, work.new.beyond),
    )
    altered = rows.payload != rows.origin
    altered |= rows.begins != own.begins[rows.payload]
    altered |= rows.ends != own.ends[rows.payload]
    updates, inserts = rows.take(altered & (rows.origin >= 0)), rows.take(rows.origin < 0)
    both = pa.concat_tables([work.existing, work.incoming])
    was = column_of(work.existing, work.periods.start).take(pa.array(updates.origin))
    keys = work.existing.select([*work.periods.entity, work.periods.start])
    return PeriodChanges(
        inserts=_built(both, own, inserts, work.periods),
        updates=_built(both, own, updates, work.periods).append_column(work.periods.was, was),
        deletes=keys.slice(0, 0),
        rejected=rejected(refusals),
    )


def _built(both: pa.Table, own: Placed, rows: _Rows, periods: Periods) -> pa.Table:
    """The rows with their values, and bounds of their own only where those were moved."""
    table = both.take(pa.array(rows.payload))
    for name, moved, told in (
        (periods.start, rows.begins != own.begins[rows.payload], starts_of),
        (periods.end, rows.ends != own.ends[rows.payload], ends_of),
    ):
        if not moved.any():
            continue
        values = column_of(table, name)
        at = np.flatnonzero(moved)
        ticks = (rows.begins if told is starts_of else rows.ends)[at]
        values = pc.replace_with_mask(values, pa.array(moved), told(ticks, periods, values.type))
        table = table.set_column(table.column_names.index(name), both.schema.field(name), values)
    return table
