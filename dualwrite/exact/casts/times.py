"""Into dates and timestamps.

A timestamp without a zone is taken as UTC when it meets one with a zone; where an
app keeps local time, the map has a `timezone` transform.  A timestamp
becomes a date only at midnight; the `date` transform drops the time on purpose.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.casts.numbers import keep

_COMMON_YEAR = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
)
_LEAP_YEAR = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = rf"(?:\d{{4}}-{_COMMON_YEAR}|{_LEAP_YEAR}-02-29)"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6}0*)?)?"
_ZONE = r"(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)"
_WHOLE_DATE = rf"^{_DATE}$"
_WHOLE_TIMESTAMP = rf"^{_DATE}(?:[T ]{_TIME}{_ZONE}?)?$"


def to_date(values: pa.Array) -> pa.Array:
    """date32; a timestamp only at midnight, text only as YYYY-MM-DD."""
    kind = values.type
    if pa.types.is_date(kind):
        return values
    if pa.types.is_timestamp(kind):
        days = values.cast(pa.date32(), safe=False)
        return keep(days, pc.equal(days.cast(kind), values))
    if pa.types.is_string(kind):
        return _years_from_one(values, _WHOLE_DATE).cast(pa.date32())
    return pa.nulls(len(values), pa.date32())


def to_timestamp(values: pa.Array, target: pa.DataType) -> pa.Array:
    """timestamp[us], with UTC where the target has a zone; a date is its midnight."""
    kind = values.type
    wide = pa.timestamp("us", "UTC" if target.tz else None)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return values.cast(wide)
    if pa.types.is_string(kind):
        return _text_to_instant(values).cast(wide)
    return pa.nulls(len(values), wide)


def _text_to_instant(values: pa.Array) -> pa.Array:
    text = _years_from_one(values, _WHOLE_TIMESTAMP)
    text = pc.replace_substring_regex(text, r"(\.\d{6})0+", r"\1")
    text = pc.replace_substring_regex(text, r"^(.{10})$", r"\1T00:00")
    zoned = pc.match_substring_regex(text, rf".{{11}}.*{_ZONE}$")
    text = pc.if_else(zoned, text, pc.binary_join_element_wise(text, "Z", ""))
    return text.cast(pa.timestamp("us", "UTC"))


def _years_from_one(values: pa.Array, pattern: str) -> pa.Array:
    """Texts that follow `pattern`; the calendar has no year 0."""
    good = pc.match_substring_regex(values, pattern)
    return keep(values, pc.and_not(good, pc.starts_with(values, "0000")))
