"""Which rows of a dated table a side without dates shows: those that are valid now.

A day begins at the midnight of the row's company, which may be another day than that of UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from dualwrite.tablemap.filters.model import And, Compare, Filter, Operand, Operator, Or
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.periods import DatedEnd


@dataclass(frozen=True, slots=True)
class Clocks:
    """The zones at whose midnight the days of rows begin.

    `zones` are those of companies, each with the spellings of its companies in the column
    `company`; without one all rows have the zone `default`.
    """

    default: str = "UTC"
    company: ColumnPath | None = None
    zones: Sequence[tuple[str, tuple[str, ...]]] = ()

    def choose(self, kind: pa.DataType, rows_of: Callable[[Clock], Filter]) -> Filter:
        """The rows of each company by its own clock; times are moments everywhere."""
        if not pa.types.is_date(kind):
            return rows_of(in_utc)
        if self.company is None or not self.zones:
            return rows_of(clock_of(self.default))
        companies: dict[Filter, list[str]] = {}
        for zone, names in self.zones:
            companies.setdefault(rows_of(clock_of(zone)), []).extend(names)
        if len(companies) == 1:
            return next(iter(companies))
        parts = [both(_one_of(self.company, names), each) for each, names in companies.items()]
        text = " or ".join(f"({part.text})" for part in parts)
        return Filter(text, Or(tuple(part.root for part in parts)))


UTC_CLOCKS = Clocks()
Clock = Callable[[datetime], datetime]
"""What the clock of a zone shows at a moment, written as if it were UTC."""


def in_utc(moment: datetime) -> datetime:
    """The clock of UTC."""
    return moment.astimezone(UTC)


def clock_of(zone: str) -> Clock:
    """The clock of a zone."""
    return lambda moment: moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)


def valid_now(
    kept: Filter | None,
    dated: DatedEnd,
    kind: pa.DataType,
    now: datetime,
    clocks: Clocks = UTC_CLOCKS,
) -> Filter:
    """The rows of a filter that are valid at `now`, as `dualwrite.effective.as_of`.

    The app itself chooses them, so what is counted, read and compared is the same.
    """

    def valid(clock: Clock) -> Filter:
        return valid_between(dated, kind, clock(now), clock(now))

    return both(kept, clocks.choose(kind, valid))


def valid_between(dated: DatedEnd, kind: pa.DataType, first: datetime, last: datetime) -> Filter:
    """The rows that are valid at any time from one moment to another, both within."""
    tick, begun = _tick_of(dated, kind), _next(dated, kind, last)
    low = _text(kind, _floor(first, tick))
    over = "ge" if dated.inclusive else "gt"
    return parse_filter(
        f"{dated.start} lt {begun} and ({dated.end} {over} {low} or {dated.end} eq null)"
    )


def changing(
    dated: DatedEnd,
    kind: pa.DataType,
    since: datetime,
    until: datetime,
    clocks: Clocks = UTC_CLOCKS,
) -> Filter:
    """The rows that begin or end between two moments."""
    return clocks.choose(kind, lambda clock: _changing(dated, kind, clock(since), clock(until)))


def _changing(dated: DatedEnd, kind: pa.DataType, since: datetime, until: datetime) -> Filter:
    tick = _tick_of(dated, kind)
    begun, ended = (_next(dated, kind, each) for each in (since, until))
    before, now = (_text(kind, _floor(each, tick)) for each in (since, until))
    # an inclusive end is over when its tick is, an exclusive one when it is reached
    over = f"{dated.end} ge {before} and {dated.end} lt {now}"
    if not dated.inclusive:
        over = f"{dated.end} gt {before} and {dated.end} le {now}"
    return parse_filter(f"({dated.start} ge {begun} and {dated.start} lt {ended}) or ({over})")


def _tick_of(dated: DatedEnd, kind: pa.DataType) -> timedelta:
    """A day, a second, or of exclusive moments, which need no last one, a microsecond."""
    if pa.types.is_date(kind):
        return timedelta(days=1)
    return timedelta(seconds=1) if dated.inclusive else timedelta(microseconds=1)


def _next(dated: DatedEnd, kind: pa.DataType, moment: datetime) -> str:
    """The first tick after the one that a moment lies in."""
    tick = _tick_of(dated, kind)
    return _text(kind, _floor(moment, tick) + tick)


def _floor(moment: datetime, tick: timedelta) -> datetime:
    """The beginning of the tick that a moment lies in, in UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment.astimezone(UTC) - epoch) // tick * tick


def _text(kind: pa.DataType, moment: datetime) -> str:
    """A moment as a filter has it."""
    if pa.types.is_date(kind):
        return moment.date().isoformat()
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


def _one_of(company: ColumnPath, names: Sequence[str]) -> Filter:
    quoted = (name.replace("'", "''") for name in names)
    text = " or ".join(f"{company} eq '{name}'" for name in quoted)
    equal = tuple(Compare(Operand(company), Operator.EQ, name) for name in names)
    return Filter(text, Or(equal) if len(equal) > 1 else equal[0])


def both(kept: Filter | None, other: Filter) -> Filter:
    """The rows that both filters keep."""
    if kept is None:
        return other
    return Filter(f"({kept.text}) and ({other.text})", And((kept.root, other.root)))
