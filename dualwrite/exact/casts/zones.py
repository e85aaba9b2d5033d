"""Local times and moments: the hour that the clocks repeat, and the one that they skip.

Of an hour that comes twice the first is meant.  A local time that the clocks skip is no moment.
Each row may have the zone of its company.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    if zone == "UTC":
        return pc.assume_timezone(local, zone)
    moments = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    moments = moments.cast(_INSTANT)
    return keep(moments, pc.equal(local_times(moments, zone), local))


def local_times(moments: pa.Array, zone: str) -> pa.Array:
    """timestamp[us], the local times of `zone` at n moments; two moments may share one."""
    return pc.local_timestamp(moments.cast(pa.timestamp("us", zone)))


def come_back(moments: pa.Array, zone: str) -> pa.BooleanArray:
    """Which of n moments are found again from their local time in `zone`; null for null."""
    return pc.equal(moments_of(local_times(moments, zone), zone), moments)


COMPANY = "company"
"""The word for the zone of the row's company."""


@dataclass(frozen=True, slots=True)
class CompanyZones:
    """The zones of companies, and that of all others."""

    default: str = "UTC"
    zones: tuple[tuple[str, str], ...] = ()
    """Companies and zones."""

    def of(self, companies: pa.Array) -> pa.StringArray:
        """The zone of each of n companies; their letter case is ignored."""
        names = pa.array([name.upper() for name, _ in self.zones], pa.string())
        zones = pa.array([zone for _, zone in self.zones], pa.string())
        at = pc.index_in(pc.utf8_upper(companies.cast(pa.string())), value_set=names)
        return pc.fill_null(zones.take(at), self.default)


NO_ZONES = CompanyZones()
"""All companies have UTC."""


def by_zone(zones: pa.StringArray, result_of: Callable[[str], pa.Array]) -> pa.Array:
    """Of each of n rows the result for its zone; `result_of` a zone gives all n, never none."""
    found: pa.Array | None = None
    for zone in pc.unique(zones).to_pylist():
        result = result_of(zone)
        found = result if found is None else pc.if_else(pc.equal(zones, zone), result, found)
    return result_of("UTC") if found is None else found
