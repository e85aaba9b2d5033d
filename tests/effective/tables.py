"""Builds dated tables for tests from texts: a row is `A 1-9 x`, entity, days from and to, value.

Day 1 is 1 January 2030.  No `to` is no end, `?` in place of `from` no start.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from dualwrite.effective import Periods

FORBID = Periods(("ID",), "FROM", "TO")
ALLOW = Periods(("ID",), "FROM", "TO", gaps="allow")
SCHEMA = pa.schema({"ID": pa.string(), "FROM": pa.date32(), "TO": pa.date32(), "V": pa.string()})
_ZERO = dt.date(2029, 12, 31)


def day(number):
    return _ZERO + dt.timedelta(days=number)


def number(date):
    return None if date is None else (date - _ZERO).days


def table(*rows, was=None):
    """Rows as texts or as (entity, from, to, value); `was` by row number."""
    parsed = [_row(row) if isinstance(row, str) else row for row in rows]
    columns = list(zip(*parsed, strict=True)) if parsed else [[], [], [], []]
    dates = [[None if n is None else day(n) for n in columns[at]] for at in (1, 2)]
    made = pa.table([list(columns[0]), *dates, list(columns[3])], schema=SCHEMA)
    if was is None:
        return made
    starts = [day(was[n]) if n in was else None for n in range(len(parsed))]
    return made.append_column("was:FROM", pa.array(starts, pa.date32()))


def _row(text):
    entity, span, *value = text.split()
    first, _, last = span.partition("-")
    start = None if first == "?" else int(first)
    return entity, start, int(last) if last else None, value[0] if value else None


def texts_of(rows):
    """A table as sorted texts, the same way."""
    lines = []
    for row in rows.sort_by([("ID", "ascending"), ("FROM", "ascending")]).to_pylist():
        start, end = number(row["FROM"]), number(row["TO"])
        span = f"{'?' if start is None else start}-{'' if end is None else end}"
        lines.append(" ".join([row["ID"], span, *([row["V"]] if row.get("V") else [])]))
    return lines
