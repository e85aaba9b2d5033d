"""Which rows of a dated table a side without dates shows: those that are valid now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from dualwrite.tablemap.filters.model import And, Filter
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.periods import DatedEnd


def valid_now(kept: Filter | None, dated: DatedEnd, kind: pa.DataType, now: datetime) -> Filter:
    """The rows of a filter that are valid at `now`, ends within, as `dualwrite.effective.as_of`.

    The app itself chooses them, so what is counted, read and compared is the same.
    """
    return both(kept, valid_between(dated, kind, now, now))


def valid_between(dated: DatedEnd, kind: pa.DataType, first: datetime, last: datetime) -> Filter:
    """The rows that are valid at any time from one moment to another, both within."""
    low, high = ticks(kind, first)[0], ticks(kind, last)[1]
    return parse_filter(
        f"{dated.start} lt {high} and ({dated.end} ge {low} or {dated.end} eq null)"
    )


def changing(dated: DatedEnd, kind: pa.DataType, since: datetime, until: datetime) -> Filter:
    """The rows that begin or end between two moments."""
    begun, ended = ticks(kind, since), ticks(kind, until)
    return parse_filter(
        f"({dated.start} ge {begun[1]} and {dated.start} lt {ended[1]}) or "
        f"({dated.end} ge {begun[0]} and {dated.end} lt {ended[0]})"
    )


def ticks(kind: pa.DataType, now: datetime) -> tuple[str, str]:
    """The day (or second, in UTC) that `now` lies in, and the one after it, as a filter has it."""
    moment = now.astimezone(UTC)
    if pa.types.is_date(kind):
        day = moment.date()
        return day.isoformat(), (day + timedelta(days=1)).isoformat()
    second = moment.replace(microsecond=0, tzinfo=None)
    return f"{second.isoformat()}Z", f"{(second + timedelta(seconds=1)).isoformat()}Z"


def both(kept: Filter | None, other: Filter) -> Filter:
    """The rows that both filters keep."""
    if kept is None:
        return other
    return Filter(f"({kept.text}) and ({other.text})", And((kept.root, other.root)))
