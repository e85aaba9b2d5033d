"""How far behind the other side is: lags counted in buckets, and percentiles out of them.

A lag is the time from the commit of a change to the commit of it across.  Buckets grow by
a tenth each, from a millisecond on, so a count of any size is a few dozen numbers, two
counts add up exactly, and a percentile is at most a tenth too high.  What comes out below
the first bucket, negative ones where two clocks disagree too, counts as a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Lags = Mapping[int, int]
"""Bucket to how many changes had a lag in it."""

FLOOR = 0.001
"""Seconds that the first bucket, number 0, ends at."""
GROWTH = 1.1
"""Each bucket ends that many times later than the one before."""
_EDGE = 1e-9
"""Keeps a lag that stands on the end of a bucket in it, whatever its last bit says."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Half, 95 and 99 of 100 changes were across in so many seconds, or sooner."""

    p50: float
    p95: float
    p99: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"p50": self.p50, "p95": self.p95, "p99": self.p99}


def bucket(seconds: float) -> int:
    """The bucket of one lag."""
    if not seconds > FLOOR:
        return 0
    return max(0, math.ceil(math.log(seconds / FLOOR) / math.log(GROWTH) - _EDGE))


def end_of(number: int) -> float:
    """The longest lag of a bucket, in seconds."""
    return FLOOR * GROWTH**number


def tally(seconds: pa.Array[Any] | pa.ChunkedArray[Any]) -> dict[int, int]:
    """Count many lags at once; those that are null are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.max_element_wise(pc.drop_null(seconds).cast(pa.float64()), FLOOR)
    steps = pc.divide(pc.ln(pc.divide(known, FLOOR)), math.log(GROWTH))
    numbers = pc.ceil(pc.subtract(steps, _EDGE)).cast(pa.int64())
    counted = pc.value_counts(pc.max_element_wise(numbers, 0))
    return {each["values"]: each["counts"] for each in counted.to_pylist()}


def added(several: Iterable[Lags]) -> dict[int, int]:
    """Counts taken together."""
    total: dict[int, int] = {}
    for lags in several:
        for number, times in lags.items():
            total[number] = total.get(number, 0) + times
    return total


def percentile(lags: Lags, share: float) -> float | None:
    """Within how many seconds that share (0 to 1) of the changes was across; None for none."""
    wanted = share * sum(lags.values())
    reached = 0
    for number in sorted(number for number, times in lags.items() if times):
        reached += lags[number]
        if reached >= wanted:
            return end_of(number)
    return None


def lag_of(lags: Lags) -> Lag | None:
    """The three percentiles that are told; None where nothing was carried."""
    found = [percentile(lags, share) for share in (0.5, 0.95, 0.99)]
    told = [each for each in found if each is not None]
    return Lag(*told) if len(told) == len(found) else None
