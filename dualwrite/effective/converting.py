"""Converts periods between days and instants in UTC, and between the values that mean "no end".

Every conversion is exact or refused.  The last day of a period, the 29th, becomes the last tick
of that day, 23:59:59Z; in the other direction only such bounds are whole days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.effective.periods import (
    DAY,
    EPOCH,
    LAST_DAYS,
    NEVER,
    Mask,
    Periods,
    column_of,
    ends_of,
    place,
    starts_of,
)

NoEnd = Literal["2154-12-31", "9999-12-31", "null"]
_INSTANT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class ConvertedTable:
    """A table with its bounds converted to the other kind."""

    table: pa.Table
    periods: Periods
    inexact: pa.BooleanArray
    """Rows whose bounds cannot be converted exactly.  Both of their bounds are null, and a row
    without a start is rejected, so that no shortened or widened period is written."""


def to_instants(table: pa.Table, periods: Periods) -> ConvertedTable:
    """Convert days to instants: the first midnight (UTC) and the last tick of each period.

    Raises:
        ValueError: The periods are instants already.
        KeyError, TypeError: As `place`.
    """
    if periods.kind != "date":
        msg = "the periods are instants already"
        raise ValueError(msg)
    placed = place(table, periods)
    other = replace(periods, kind="instant")
    per_day = DAY // other.step
    ends = np.where(placed.ends == NEVER, NEVER, placed.ends * per_day)
    begins = starts_of(placed.begins * per_day, other, _INSTANT)
    bounds = _as_before(ends_of(ends, other, _INSTANT), column_of(table, periods.end))
    inexact = ~_midnights(column_of(table, periods.start))
    return _rebuilt(table, other, begins, bounds, placed.no_start, inexact)


def to_days(table: pa.Table, periods: Periods) -> ConvertedTable:
    """Convert instants to days, where a period begins and ends with a day in UTC.

    Raises:
        ValueError: The periods are days already.
        KeyError, TypeError: As `place`.
    """
    if periods.kind != "instant":
        msg = "the periods are days already"
        raise ValueError(msg)
    placed = place(table, periods)
    other = replace(periods, kind="date")
    per_day = DAY // periods.step
    endless = placed.ends == NEVER
    inexact = ~_midnights(column_of(table, periods.start))
    inexact |= ~endless & (placed.ends % per_day != 0)
    ends = np.where(endless, NEVER, placed.ends // per_day)
    begins = starts_of(placed.begins // per_day, other, pa.date32())
    bounds = _as_before(ends_of(ends, other, pa.date32()), column_of(table, periods.end))
    return _rebuilt(table, other, begins, bounds, placed.no_start, inexact)


def _midnights(values: pa.Array) -> Mask:
    """Which values are whole days; null counts as one."""
    if not pa.types.is_timestamp(values.type):
        return np.ones(len(values), np.bool_)
    cut = values.cast(pa.date32(), safe=False).cast(values.type)
    mask: Mask = pc.fill_null(pc.equal(cut, values), fill_value=True).to_numpy(zero_copy_only=False)
    return mask


def _without(values: pa.Array, rows: Mask) -> pa.Array:
    return pc.if_else(pa.array(rows), pa.scalar(None, values.type), values)


def _as_before(ends: pa.Array, bounds: pa.Array) -> pa.Array:
    """Restore the value that meant "no end" before the conversion."""
    if pa.types.is_null(bounds.type):
        return ends
    days = bounds.cast(pa.date32(), safe=False)
    for day in LAST_DAYS:
        there = pc.fill_null(pc.equal(days, pa.scalar(day)), fill_value=False)
        ends = pc.if_else(there, _last(day, ends.type), ends)
    return ends


def _rebuilt(
    table: pa.Table,
    periods: Periods,
    starts: pa.Array,
    ends: pa.Array,
    no_start: Mask,
    inexact: Mask,
) -> ConvertedTable:
    bounds = {
        periods.start: _without(starts, no_start | inexact),
        periods.end: _without(ends, inexact),
    }
    for name, values in bounds.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return ConvertedTable(table, periods, pa.array(inexact))


def spell_no_end(ends: pa.Array, spelling: NoEnd) -> pa.Array:
    """The same ends, with one value for "no end"; as a timestamp, the last second of that day.

    Where two sides use different values, apply it to both before comparing them.
    """
    if isinstance(ends, pa.ChunkedArray):
        ends = ends.combine_chunks()
    if pa.types.is_null(ends.type):
        return ends
    days = ends.cast(pa.date32(), safe=False)
    none = pc.is_in(days, value_set=pa.array([*LAST_DAYS, None], pa.date32()))
    day = next((day for day in LAST_DAYS if day.isoformat() == spelling), None)
    return pc.if_else(none, _last(day, ends.type), ends)


def _last(day: date | None, kind: pa.DataType) -> pa.Scalar:
    if day is None:
        return pa.scalar(None, kind)
    if pa.types.is_date(kind):
        return pa.scalar(day, pa.date32()).cast(kind)
    microseconds = ((day - EPOCH).days + 1) * DAY - 1_000_000
    return pa.array([microseconds]).view(pa.timestamp("us", kind.tz)).cast(kind)[0]
