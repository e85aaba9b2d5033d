"""Reads date-effective tables: as of a time, over a range, past, current and future.

Rows without a valid period (no start, or start after end) are valid at no time.
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

    Without `periods`, the columns whose names end in VALIDFROM and VALIDTO are used, in any case
    (`msdyn_validfrom`).  For instants, a date means its first moment in UTC.

    Raises:
        ValueError: A time without a time zone; or no such column, or more than one.
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
        what = "more than one column ends" if found else "no column ends"
        msg = f"{what} in {word.upper()}{_listed(found)}: pass `periods`"
        raise ValueError(msg)
    return str(found[0])


def _listed(names: list[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def between(table: pa.Table, periods: Periods, first: Moment, last: Moment) -> pa.Table:
    """The rows valid at any time from `first` to `last`, both inclusive, in the table's order.

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
    """All rows, past, current and future, sorted by entity and start."""
    placed = place(table, periods)
    (codes,), _ = numbered([table], periods.entity)
    return table.take(pa.array(order_of(in_line(codes, placed.begins))))


@dataclass(frozen=True)
class SplitByDate:
    """The rows of a table as past, current and future at one time; together they are all rows."""

    past: pa.Table
    current: pa.Table
    future: pa.Table
    timeless: pa.Table
    """Without a valid period: no start, start after end, or beyond the last day."""


def split(table: pa.Table, periods: Periods, date: Moment) -> SplitByDate:
    """Split the rows into those valid before, on and after `date`."""
    tick = tick_of(date, periods)
    placed = place(table, periods)
    sound = placed.sound
    over, ahead = placed.ends <= tick, placed.begins > tick
    return SplitByDate(
        past=table.filter(_mask(sound & over)),
        current=table.filter(_mask(sound & ~over & ~ahead)),
        future=table.filter(_mask(sound & ahead)),
        timeless=table.filter(_mask(~sound)),
    )


def project(table: pa.Table, periods: Periods, date: Moment) -> pa.Table:
    """A dated table without dates: the row of each entity that is valid on `date`.

    An entity without one is left out.  One with two (overlapping periods) keeps both; the key
    of the target, which is the entity, rejects them as duplicates.
    """
    return as_of(table, date, periods).drop_columns([periods.start, periods.end])


@dataclass(frozen=True)
class Activations:
    """What changes between two times in a table that holds only the valid rows."""

    begun: pa.Table
    """The rows that have become valid since and still are; to be written."""
    ended: pa.Table
    """Entities (their columns only, each once) whose row has expired without a successor."""


def activations(
    table: pa.Table, periods: Periods, after: Moment | None, until: Moment
) -> Activations:
    """Which entities have another valid row at `until` than at `after`.

    `after` None: nothing was written yet.  Successive calls, each from where the last one ended,
    return every row once, when it becomes valid.

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
        msg = "the last activation is later than this one: was the clock set back?"
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
