"""Local times and moments: the hour that the clocks repeat, and the one that they skip.

Of an hour that comes twice the first is meant.  A local time that the clocks skip is no moment.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.casts.numbers import keep
from dualwrite.exact.casts.times import to_timestamp

_NAIVE = pa.timestamp("us")
_INSTANT = pa.timestamp("us", "UTC")


def moments_of(values: pa.Array, zone: str) -> pa.Array:
    """timestamp[us, UTC] of n dates, times or texts; null for a local time that `zone` skips.

    Times without a zone are local times of `zone`, an IANA name; others are moments already.
    """
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        return to_timestamp(values, _INSTANT)
    local = to_timestamp(values, _NAIVE)
    moments = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    moments = moments.cast(_INSTANT)
    return keep(moments, pc.equal(local_times(moments, zone), local))


def local_times(moments: pa.Array, zone: str) -> pa.Array:
    """timestamp[us], the local times of `zone` at n moments; two moments may share one."""
    return pc.local_timestamp(moments.cast(pa.timestamp("us", zone)))


def come_back(moments: pa.Array, zone: str) -> pa.BooleanArray:
    """Which of n moments are found again from their local time in `zone`; null for null."""
    return pc.equal(moments_of(local_times(moments, zone), zone), moments)
