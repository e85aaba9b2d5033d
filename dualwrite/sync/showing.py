"""Which rows of a dated table a side without dates shows: those that are valid now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from dualwrite.tablemap.filters.model import Filter
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.periods import DatedEnd


def valid_now(kept: Filter | None, dated: DatedEnd, kind: pa.DataType, now: datetime) -> Filter:
    """The rows of a filter that are valid at `now`, ends within, as `dualwrite.effective.as_of`.

    The app itself chooses them, so what is counted, read and compared is the same.
    """
    first, after = ticks(kind, now)
    shown = f"{dated.start} lt {after} and ({dated.end} ge {first} or {dated.end} eq null)"
    return both(kept, parse_filter(shown))


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
        return f"{moment:%Y-%m-%d}", f"{moment + timedelta(days=1):%Y-%m-%d}"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"


def both(kept: Filter | None, other: Filter) -> Filter:
    """The rows that both filters keep."""
    return other if kept is None else parse_filter(f"({kept.text}) and ({other.text})")
