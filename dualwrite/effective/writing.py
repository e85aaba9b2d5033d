"""Plans writes to a dated table so that no two rows of an entity ever overlap.

`stepwise` defines the modes.  Here most entities are planned together, vectorised: their rows
are sorted as they would be afterwards, and existing rows are closed where a new period starts in
them.  Where then nothing overlaps, no time is lost and no forbidden gap is left, that is the
plan.  Only the other entities are planned one by one.
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
from dualwrite.effective.stepwise import IncomingRow, Mode, Row, Span, Terms, write_entity

_UNTOUCHED, _UPDATED, _NEW = 0, 1, 2
"""An existing row that the batch does not update, one that it does, and a new row."""


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
    and end; a value in the optional column `was:<start>` names the row whose start changes.
    `existing` is (m, d) with those c columns and maybe more: all rows that the target holds of
    the incoming entities; others are ignored.  The changes have the c columns.

    Existing rows without a valid period are left unchanged.  Where the target's periods overlap
    already, an entity is written only if nothing overlaps afterwards; an existing forbidden gap
    may stay.

    Raises:
        ValueError: No `now` for a mode that needs it, or a `now` without a time zone.
        KeyError: A column is missing.
        TypeError: A bound is neither a date nor a timestamp.
        pa.ArrowInvalid: An incoming value does not fit the type of the existing column.
    """
    if mode != "correction" and now is None:
        msg = f"mode {mode} needs the present time: pass `now`"
        raise ValueError(msg)
    tick = 0 if now is None else tick_of(now, periods)
    work = _work(existing, incoming, periods, mode, tick)
    faults = own_faults(work.new)
    batch = np.flatnonzero(faults == Fault.NONE)
    touched = np.zeros(work.entities, np.bool_)
    touched[work.new_codes[batch]] = True
    held = np.flatnonzero(work.held.sound & touched[work.held_codes])

    rows, conflicting = _all_entities(work, held, batch)
    slow, refusals = _entity_by_entity(
        work, held[conflicting[work.held_codes[held]]], batch[conflicting[work.new_codes[batch]]]
    )
    for row in np.flatnonzero(faults).tolist():
        refusals.append(work.refusal(row, OWN[Fault(faults[row])], None))
    return _changes(work, _Rows.stacked([rows.take(~conflicting[rows.codes]), slow]), refusals)


@dataclass(frozen=True)
class _Work:
    """The input of a write: both tables and their periods in ticks."""

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
    """The present start of the row that an incoming row updates."""

    @property
    def values(self) -> list[str]:
        """The columns other than entity, start and end."""
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
        present, given = begins_of(incoming, periods, periods.was)
        was = np.where(given, present, was)
    (held_codes, new_codes), entities = numbered([ours, theirs], periods.entity)
    return _Work(
        periods, mode, now, ours, theirs, place(ours, periods), new,
        held_codes, new_codes, entities, was,
    )  # fmt: skip


@dataclass(frozen=True)
class _Rows:
    """Rows of the target as they would be afterwards."""

    codes: Ticks
    begins: Ticks
    ends: Ticks
    origin: Ticks
    """The number of the existing row, -1 for a new one."""
    payload: Ticks
    """The row whose values it has: existing rows first, then incoming ones."""
    role: Ticks

    def take(self, rows: Ticks | Mask) -> _Rows:
        return _Rows(*(column[rows] for column in self._columns()))

    @staticmethod
    def stacked(parts: list[_Rows]) -> _Rows:
        columns = zip(*(part._columns() for part in parts), strict=True)  # noqa: SLF001 - our own
        return _Rows(*(np.concatenate(column) for column in columns))

    def _columns(self) -> tuple[Ticks, ...]:
        return (self.codes, self.begins, self.ends, self.origin, self.payload, self.role)


# Vectorised, for most entities


def _all_entities(work: _Work, held: Ticks, batch: Ticks) -> tuple[_Rows, Mask]:
    """The planned rows, sorted, and the entities with conflicting periods."""
    conflicting = np.zeros(work.entities, np.bool_)
    moving = work.was[batch] != work.new.begins[batch]
    conflicting[work.new_codes[batch[moving]]] = True
    updated = _matched(work, held, batch, conflicting)
    updates = _updates(work, updated, batch, conflicting)
    rest = np.setdiff1d(held, updated, assume_unique=False)
    rows = _Rows.stacked(
        [
            _rows(
                work.held_codes[rest],
                work.held,
                rest,
                origin=rest,
                payload=rest,
            ),
            *updates,
            _new_rows(work, batch[updated < 0]),
        ]
    )
    rows = rows.take(order_of(in_line(rows.codes, rows.begins)))
    return _closed(rows, conflicting, gaps=work.periods.gaps == "forbid"), conflicting


def _rows(codes: Ticks, placed: Placed, at: Ticks, *, origin: Ticks, payload: Ticks) -> _Rows:
    role = np.full(len(at), _UNTOUCHED)
    return _Rows(codes, placed.begins[at], placed.ends[at], origin, payload, role)


def _new_rows(work: _Work, batch: Ticks, begins: Ticks | None = None) -> _Rows:
    return _Rows(
        work.new_codes[batch],
        work.new.begins[batch] if begins is None else begins,
        work.new.ends[batch],
        np.full(len(batch), -1),
        batch + len(work.held),
        np.full(len(batch), _NEW),
    )


def _matched(work: _Work, held: Ticks, batch: Ticks, conflicting: Mask) -> Ticks:
    """For each row of the batch, the existing row with the same start; -1 for none."""
    codes = np.append(work.held_codes[held], work.new_codes[batch])
    line = in_line(codes, np.append(work.held.begins[held], work.new.begins[batch]))
    ours, theirs = line[: len(held)], line[len(held) :]
    for own, owners in ((ours, codes[: len(held)]), (theirs, codes[len(held) :])):
        order = order_of(own)
        twice = own[order][1:] == own[order][:-1]
        conflicting[owners[order][1:][twice]] = True
    if not len(held):
        return np.full(len(batch), -1)
    order = order_of(ours)
    at = np.minimum(np.searchsorted(ours[order], theirs), len(held) - 1)
    return np.where(ours[order][at] == theirs, held[order][at], -1)


def _updates(work: _Work, updated: Ticks, batch: Ticks, conflicting: Mask) -> list[_Rows]:
    """The existing rows that the batch updates, and the new ones that succeed them from now on."""
    pairs = np.flatnonzero(updated >= 0)
    old, new = updated[pairs], batch[pairs]
    begins, ends = work.held.begins[old], work.new.ends[new]
    changed = _changed(work, old, new)
    current = (begins <= work.now) & (work.now < np.minimum(work.held.ends[old], ends))
    follows = changed & current & (begins < work.now)
    if work.mode == "correction":
        follows = np.zeros(len(pairs), np.bool_)
    if work.mode == "new":
        conflicting[work.held_codes[old[changed & ~current]]] = True
    same = ~changed & (work.held.ends[old] == ends)
    rows = _Rows(
        work.held_codes[old],
        begins,
        np.where(follows, work.now, ends),
        old,
        np.where(follows | same, old, new + len(work.held)),
        np.full(len(pairs), _UPDATED),
    )
    later = new[follows]
    return [rows, _new_rows(work, later, np.full(len(later), work.now))]


def _changed(work: _Work, old: Ticks, new: Ticks) -> Mask:
    """Which rows differ in their values; null equals null and NaN equals NaN."""
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


def _closed(rows: _Rows, conflicting: Mask, *, gaps: bool) -> _Rows:
    """Close existing rows in which a new one starts; mark the entities where that is not enough."""
    if not len(rows.codes):
        return rows
    follows = rows.codes[1:] == rows.codes[:-1]
    fresh = follows & (rows.role[1:] == _NEW)
    # of two new rows, the later one of the batch closes the earlier one
    earlier = (rows.role[:-1] == _NEW) & (rows.payload[:-1] < rows.payload[1:])
    closable = (rows.role[:-1] == _UNTOUCHED) | earlier
    closing = fresh & closable & (rows.ends[:-1] > rows.begins[1:])
    ends = rows.ends.copy()
    ends[:-1][closing] = rows.begins[1:][closing]
    # the time that a closed row gives up must be covered by new rows directly after it
    touching = fresh & (ends[:-1] == rows.begins[1:])
    # and these must come later in the batch: an earlier one would have been in conflict
    touching &= (rows.role[:-1] != _NEW) | (rows.payload[:-1] < rows.payload[1:])
    run = np.cumsum(np.append(False, ~touching))
    last = np.append(np.flatnonzero(~touching), len(ends) - 1)[run]
    wrong = closing & (ends[last[:-1]] < rows.ends[:-1])
    wrong |= follows & (ends[:-1] > rows.begins[1:])
    if gaps:
        wrong |= follows & (ends[:-1] < rows.begins[1:])
    conflicting[rows.codes[1:][wrong]] = True
    return _Rows(rows.codes, rows.begins, ends, rows.origin, rows.payload, rows.role)


# Entity by entity, where periods conflict


def _entity_by_entity(work: _Work, held: Ticks, batch: Ticks) -> tuple[_Rows, list[Refusal]]:
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
        kept += [(code, row.begins, row.ends, row.origin, row.payload, _UPDATED) for row in after]
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


def _write(work: _Work, row: int) -> IncomingRow:
    return IncomingRow(
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
    """The rows with their values; only changed bounds are written anew."""
    table = both.take(pa.array(rows.payload))
    for name, moved, convert in (
        (periods.start, rows.begins != own.begins[rows.payload], starts_of),
        (periods.end, rows.ends != own.ends[rows.payload], ends_of),
    ):
        if not moved.any():
            continue
        values = column_of(table, name)
        at = np.flatnonzero(moved)
        ticks = (rows.begins if convert is starts_of else rows.ends)[at]
        values = pc.replace_with_mask(values, pa.array(moved), convert(ticks, periods, values.type))
        table = table.set_column(table.column_names.index(name), both.schema.field(name), values)
    return table
