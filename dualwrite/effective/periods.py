"""The period columns of a date-effective table, and its periods as whole numbers.

A period is measured in ticks: days, or seconds of UTC (or a finer `tick`).  Internally every
period runs from its first tick up to, but without, `ends`, whether or not the table's own end is
inclusive, so that two periods touch when the numbers are equal.  A value finer than a tick
counts as the tick that contains it: 23:59:59.997 ends a day as 23:59:59 does.

As an end, null, 2154-12-31 (the last day of Finance and Operations) and 9999-12-31 all mean
"no end".  Any other day after 2154-12-31 is a fault: mostly a "no end" that a time zone has
moved into the next year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.gate_column import Role, gate_name

Kind = Literal["date", "instant"]
Gaps = Literal["forbid", "allow"]
Tick = Literal["second", "millisecond", "microsecond"]
Moment = date | datetime
Ticks = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEVER = 2**62
"""The end of a period without end."""
EPOCH = date(1970, 1, 1)
DAY = 86_400_000_000
"""Microseconds."""
LAST_DAYS = (date(2154, 12, 31), date(9999, 12, 31))
"""The days that mean "no end": that of Finance and Operations, and the common one."""
_LAST = tuple((day - EPOCH).days for day in LAST_DAYS)
_STEPS: dict[Tick, int] = {"second": 1_000_000, "millisecond": 1_000, "microsecond": 1}
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}


@dataclass(frozen=True)
class Periods:
    """Which columns of a table hold the entity and the period of validity.

    `entity` are the columns of which one row is valid at a time: no two of its periods
    overlap, and with `gaps` forbidden they leave no gap between the first and the last.
    With `end_inclusive` the end is the last day (or tick) of the period, as in Finance and
    Operations, and else the first one after it.  `tick` matters only for instants with an
    inclusive end: the next period starts one tick after it.

    Raises:
        ValueError: No entity, or a column with two roles.
    """

    entity: tuple[str, ...]
    start: str
    end: str
    kind: Kind = "date"
    gaps: Gaps = "forbid"
    end_inclusive: bool = True
    tick: Tick = "second"

    def __post_init__(self) -> None:
        if not self.entity:
            msg = "periods need an entity: the columns of which one row is valid at a time"
            raise ValueError(msg)
        names = (*self.entity, self.start, self.end)
        if len(set(names)) < len(names):
            msg = f"a column occurs twice among entity, start and end: {', '.join(names)}"
            raise ValueError(msg)

    @property
    def was(self) -> str:
        """The column with the present start of a row whose start changes."""
        return gate_name(Role.FORMER, self.start)

    @property
    def step(self) -> int:
        """Microseconds in a tick."""
        if self.kind == "date":
            return DAY
        return _STEPS[self.tick] if self.end_inclusive else 1


@dataclass(frozen=True)
class Placed:
    """The periods of n rows, in ticks."""

    begins: Ticks
    ends: Ticks
    """Exclusive: the first tick after the period."""
    no_start: Mask
    beyond: Mask
    """A bound is after the last day, and does not mean "no end"."""

    @property
    def sound(self) -> Mask:
        """Which rows have a valid period."""
        return ~(self.no_start | self.beyond | (self.begins >= self.ends))

    def __len__(self) -> int:
        return len(self.begins)


def place(table: pa.Table, periods: Periods) -> Placed:
    """The periods of `table` in ticks.

    Raises:
        KeyError: The table lacks a column.
        TypeError: A bound is neither a date nor a timestamp.
    """
    starts, has_start, start_unit = _numbers_of(table, periods.start)
    ends, has_end, end_unit = _numbers_of(table, periods.end)
    step, is_day = periods.step, end_unit == DAY
    start_days, end_days = _counted(starts, start_unit, DAY), _counted(ends, end_unit, DAY)
    endless = ~has_end | np.isin(end_days, _LAST)
    beyond = (has_start & (start_days > _LAST[0])) | (~endless & (end_days > _LAST[0]))
    # as an instant, the end of a day is the end of its last tick
    last = DAY // step - 1 if is_day and periods.kind == "instant" else 0
    stop = _counted(ends, end_unit, step)
    after = stop + last + 1 if periods.end_inclusive else stop
    return Placed(
        begins=_counted(starts, start_unit, step),
        ends=np.where(endless, NEVER, after),
        no_start=~has_start,
        beyond=beyond,
    )


def begins_of(table: pa.Table, periods: Periods, name: str | None = None) -> tuple[Ticks, Mask]:
    """The starts (or another column of starts) in ticks, and which are not null."""
    starts, has_start, unit = _numbers_of(table, name or periods.start)
    return _counted(starts, unit, periods.step), has_start


def _numbers_of(table: pa.Table, name: str) -> tuple[Ticks, Mask, int]:
    """A bound as numbers since 1970 in UTC, which are not null, and their unit in microseconds."""
    column = column_of(table, name)
    kind = column.type
    if pa.types.is_null(kind):
        nothing = np.zeros(len(column), np.int64)
        return nothing, np.zeros(len(column), np.bool_), 1
    has = np.ones(len(column), np.bool_)
    if column.null_count:
        has = column.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_date(kind):
        return _numbers(column.cast(pa.date32()).view(pa.int32())), has, DAY
    if not pa.types.is_timestamp(kind):
        msg = f"column {name} is of type {kind}, but a period needs dates or timestamps"
        raise TypeError(msg)
    numbers = _numbers(column.view(pa.int64()))
    if kind.unit == "ns":
        return numbers // 1_000, has, 1
    return numbers * _MICROSECONDS[kind.unit], has, 1


def _counted(numbers: Ticks, unit: int, step: int) -> Ticks:
    """Convert numbers of a unit to whole steps, both given in microseconds."""
    if unit == step:
        return numbers
    return numbers * (unit // step) if unit > step else numbers // (step // unit)


def _numbers(values: pa.Array) -> Ticks:
    filled = pc.fill_null(values, 0) if values.null_count else values
    numbers: Ticks = filled.to_numpy().astype(np.int64, copy=False)
    return numbers


def column_of(table: pa.Table, name: str) -> pa.Array:
    """One column as one array."""
    column = table[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def tick_of(moment: Moment, periods: Periods, *, last: bool = False) -> int:
    """The tick that contains `moment`; of a date the first one, or the `last`.

    Raises:
        ValueError: A time without a time zone, which is ambiguous.
    """
    if not isinstance(moment, datetime):
        day = (moment - EPOCH).days * DAY
        return (day + DAY - 1 if last else day) // periods.step
    if moment.tzinfo is None:
        msg = f"{moment.isoformat()} has no time zone: give it one, such as UTC"
        raise ValueError(msg)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since // timedelta(microseconds=1)) // periods.step


def starts_of(ticks: Ticks, periods: Periods, kind: pa.DataType) -> pa.Array:
    """Starts as values of the type `kind`."""
    return _bounds(ticks * periods.step, kind)


def ends_of(ticks: Ticks, periods: Periods, kind: pa.DataType) -> pa.Array:
    """Ends as values of the type `kind`; no end is null."""
    endless = ticks == NEVER
    bounds = np.where(endless, 0, ticks - 1 if periods.end_inclusive else ticks)
    return _bounds(bounds * periods.step, kind, without=endless)


def _bounds(microseconds: Ticks, kind: pa.DataType, without: Mask | None = None) -> pa.Array:
    moments = pa.array(microseconds, mask=without).view(pa.timestamp("us", "UTC"))
    if pa.types.is_date(kind):
        return moments.cast(pa.date32(), safe=False).cast(kind)
    if kind.tz is None:
        return moments.cast(pa.timestamp("us")).cast(kind)
    return moments.cast(kind)


def written(begins: int, ends: int, periods: Periods) -> str:
    """A period as text for messages, with its end as the table holds it."""
    last = "no end" if ends == NEVER else _moment(ends - periods.end_inclusive, periods)
    return f"{_moment(begins, periods)} to {last}"


def _moment(tick: int, periods: Periods) -> str:
    if periods.kind == "date":
        return (EPOCH + timedelta(days=tick)).isoformat()
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=tick * periods.step)
    return moment.isoformat().replace("+00:00", "Z")


def numbered(tables: Sequence[pa.Table], columns: Sequence[str]) -> tuple[list[Ticks], int]:
    """A number for each distinct combination of `columns`, common to all `tables`, and a bound.

    All numbers are below the bound, which is at most a few times the number of rows.  null
    counts as a value.
    """
    lengths = [table.num_rows for table in tables]
    total = sum(lengths)
    codes, count = np.zeros(total, np.int64), 1
    for name in columns:
        own, size = _encoded(_stacked(tables, name))
        codes, count = (own, size) if count == 1 else (codes * size + own, count * size)
        if count > 4 * total + 1:
            codes, count = _encoded(pa.array(codes))
    return np.split(codes, np.cumsum(lengths)[:-1]), count


def _stacked(tables: Sequence[pa.Table], name: str) -> pa.Array:
    first, *others = [column_of(table, name) for table in tables]
    if not others:
        return first
    kind = first.type
    return pa.concat_arrays([first, *(o if o.type == kind else o.cast(kind) for o in others)])


def _encoded(values: pa.Array) -> tuple[Ticks, int]:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if len(values) > 1 and not values.null_count and not pa.types.is_boolean(values.type):
        # rows mostly come sorted by their key: then each change is a new value
        before, after = values[:-1], values[1:]
        if pc.all(pc.less_equal(before, after)).as_py():
            changes = pc.not_equal(before, after).to_numpy(zero_copy_only=False)
            ordered: Ticks = np.append(0, np.cumsum(changes))
            return ordered, int(ordered[-1]) + 1
    encoded: Any = values.dictionary_encode(null_encoding="encode")
    indices = encoded.indices.to_numpy().astype(np.int64, copy=False)
    return indices, max(len(encoded.dictionary), 1)


def in_line(codes: Ticks, begins: Ticks) -> Ticks:
    """A number for each row that sorts by entity, then start, and is equal only if both are."""
    if not len(codes):
        return codes
    low = int(begins.min())
    span = int(begins.max()) - low + 1
    if (int(codes.max()) + 1) * span >= 2**63:
        begins = np.unique(begins, return_inverse=True)[1].astype(np.int64)
        low, span = 0, int(begins.max()) + 1
    return codes * span + (begins - low)


def order_of(line: Ticks) -> Ticks:
    """The positions of the rows in sorted order; the sort is stable."""
    count = len(line)
    if np.all(line[:-1] <= line[1:]):
        return np.arange(count)
    bits = count.bit_length()
    if int(line.min()) < 0 or int(line.max()) >= 2 ** (63 - bits):
        return np.argsort(line, kind="stable")
    # numbers sort several times faster than an argsort, so each carries its position
    packed: Ticks = (line << bits) | np.arange(count)
    packed.sort()
    packed &= 2**bits - 1
    return packed
