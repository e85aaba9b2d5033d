"""Reads of a date-effective table: as of a moment, over a range, past, current and future.

Rows that are no period (no start, from after to) are valid at no time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dualwrite.effective.periods import (
    Mask,
    Moment,
    Periods,
    in_line,
    numbered,
    order_of,
    place,
    tick_of,
)


def as_of(table: pa.Table, date: Moment, periods: Periods | None = None) -> pa.Table:
    """The rows valid on `date`, in the order of the table.

    Without `periods` the table's own columns VALIDFROM and VALIDTO say it, in large or small
    letters and whatever stands before them (`msdyn_validfrom`).  Where instants are measured,
    a bare date is its first moment in UTC.

    Raises:
        ValueError: A time without a zone; or no such column, or more than one.
        KeyError, TypeError: As `place`.
    """
    periods = _own_periods(table) if periods is None else periods
    tick = tick_of(date, periods)
    return _within(table, periods, tick, tick)


def _own_periods(table: pa.Table) -> Periods:
    """The periods of a table that follows the naming of Finance and Operations."""
    start, end = (_one_named(table, word) for word in ("validfrom", "validto"))
    kind = table.schema.field(start).type
    entity = tuple(name for name in table.column_names if name not in (start, end))
    return Periods(entity or ("",), start, end, "date" if pa.types.is_date(kind) else "instant")


def _one_named(table: pa.Table, word: str) -> str:
    found = [name for name in table.column_names if name.lower().endswith(word)]
    if len(found) != 1:
        what = " and ".join(found) if found else "none"
        msg = f"of the columns {what} is the one column {word.upper()}: say it by `periods`"
        raise ValueError(msg)
    return str(found[0])


def between(table: pa.Table, periods: Periods, first: Moment, last: Moment) -> pa.Table:
    """The rows valid at any time from `first` to `last`, both within, in the table's order.

    Raises:
        ValueError: `last` before `first`, or a time without a zone.
        KeyError, TypeError: As `place`.
    """
    low, high = tick_of(first, periods), tick_of(last, periods, last=True)
    if high < low:
        msg = f"the range ends ({last.isoformat()}) before it begins ({first.isoformat()})"
        raise ValueError(msg)
    return _within(table, periods, low, high)


def _within(table: pa.Table, periods: Periods, low: int, high: int) -> pa.Table:
    placed = place(table, periods)
    return table.filter(_mask(placed.sound & (placed.begins <= high) & (placed.ends > low)))


def history(table: pa.Table, periods: Periods) -> pa.Table:
    """All rows, past, current and future: entity by entity, each from its first period on."""
    placed = place(table, periods)
    (codes,), _ = numbered([table], periods.entity)
    return table.take(pa.array(order_of(in_line(codes, placed.begins))))


@dataclass(frozen=True)
class Split:
    """The rows of a table by how they stand to one moment; together they are all of them."""

    past: pa.Table
    current: pa.Table
    future: pa.Table
    timeless: pa.Table
    """No period: without a start, from after to, or beyond the last day."""


def split(table: pa.Table, periods: Periods, date: Moment) -> Split:
    """Part the rows that were valid, are valid on `date`, and will be."""
    tick = tick_of(date, periods)
    placed = place(table, periods)
    sound = placed.sound
    over, ahead = placed.ends <= tick, placed.begins > tick
    return Split(
        past=table.filter(_mask(sound & over)),
        current=table.filter(_mask(sound & ~over & ~ahead)),
        future=table.filter(_mask(sound & ahead)),
        timeless=table.filter(_mask(~sound)),
    )


def project(table: pa.Table, periods: Periods, date: Moment) -> pa.Table:
    """A dated table as one without dates: each entity's row valid on `date`.

    An entity that has none then is left out; one with two (overlapping periods) keeps
    both, and the key of the target, which is the entity, rejects them as doubles.
    """
    return as_of(table, date, periods).drop_columns([periods.start, periods.end])


@dataclass(frozen=True)
class Activations:
    """What changes between two moments in a table that shows only what is valid."""

    begun: pa.Table
    """The rows that have become valid since and still are: write them."""
    ended: pa.Table
    """Entities (their columns only, each once) whose row has run out with none after it."""


def activations(
    table: pa.Table, periods: Periods, after: Moment | None, until: Moment
) -> Activations:
    """Which entities show another row at `until` than they did at `after`.

    `after` None: nothing was shown yet.  Runs one after another, each from where the last
    one ended, bring every row across once, on the day it becomes valid.

    Raises:
        ValueError: `until` before `after`, or a time without a zone.
    """
    now = tick_of(until, periods)
    before = None if after is None else tick_of(after, periods)
    placed = place(table, periods)
    valid = placed.sound & (placed.begins <= now) & (placed.ends > now)
    if before is None:
        return Activations(
            table.filter(_mask(valid)), table.select(list(periods.entity)).slice(0, 0)
        )
    if now < before:
        msg = "the clock went back: the last activation lies after this one"
        raise ValueError(msg)
    begun = valid & (placed.begins > before)
    gone = placed.sound & (placed.begins <= before) & (placed.ends > before) & (placed.ends <= now)
    return Activations(table.filter(_mask(begun)), _without_successor(table, periods, gone, valid))


def _without_successor(table: pa.Table, periods: Periods, gone: Mask, valid: Mask) -> pa.Table:
    (codes,), count = numbered([table], periods.entity)
    shown = np.zeros(count, np.bool_)
    shown[codes[valid]] = True
    rows = np.flatnonzero(gone & ~shown[codes])
    _, first = np.unique(codes[rows], return_index=True)
    return table.select(list(periods.entity)).take(pa.array(rows[np.sort(first)]))


def _mask(rows: Mask) -> pa.Array:
    return pa.array(rows)
