"""Which rows of a dated table a side without dates shows: those that are valid now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from dualwrite.tablemap.filters.model import And, Filter
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.periods import DatedEnd


def valid_now(kept: Filter | None, dated: DatedEnd, kind: pa.DataType, now: datetime) -> Filter:
    """The rows of a filter that are valid at `now`, as `dualwrite.effective.as_of`.

    The app itself chooses them, so what is counted, read and compared is the same.
    """
    return both(kept, valid_between(dated, kind, now, now))


def valid_between(dated: DatedEnd, kind: pa.DataType, first: datetime, last: datetime) -> Filter:
    """The rows that are valid at any time from one moment to another, both within."""
    tick, begun = _tick_of(dated, kind), _next(dated, kind, last)
    low = _text(kind, _floor(first, tick))
    over = "ge" if dated.inclusive else "gt"
    return parse_filter(
        f"{dated.start} lt {begun} and ({dated.end} {over} {low} or {dated.end} eq null)"
    )


def changing(dated: DatedEnd, kind: pa.DataType, since: datetime, until: datetime) -> Filter:
    """The rows that begin or end between two moments."""
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


def both(kept: Filter | None, other: Filter) -> Filter:
    """The rows that both filters keep."""
    if kept is None:
        return other
    return Filter(f"({kept.text}) and ({other.text})", And((kept.root, other.root)))
