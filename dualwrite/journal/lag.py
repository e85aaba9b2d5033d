"""The lag of changes, as a histogram and its percentiles.

The lag of a change is the time between its commit on one side and the commit of its copy on the
other.  Each bucket of the histogram is 10 % longer than the one before, from a millisecond on:
any number of changes is a few dozen numbers, two histograms add up exactly, and a percentile is
at most 10 % too high.  A lag below a millisecond, and a negative one from clocks that disagree,
counts as a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Lags = Mapping[int, int]
"""Bucket number to the number of changes in it."""

FLOOR = 0.001
"""Upper bound of the first bucket, number 0, in seconds."""
GROWTH = 1.1
"""Upper bound of a bucket, divided by that of the bucket before."""
_EDGE = 1e-9
"""Keeps a lag that equals the upper bound of a bucket in it, despite rounding."""


@dataclass(frozen=True, slots=True)
class Lag:
    """The seconds within which 50, 95 and 99 % of the changes reached the other side."""

    p50: float
    p95: float
    p99: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"p50": self.p50, "p95": self.p95, "p99": self.p99}


def end_of(number: int) -> float:
    """The upper bound of a bucket, in seconds."""
    return FLOOR * GROWTH**number


def tally(seconds: pa.Array[Any] | pa.ChunkedArray[Any]) -> dict[int, int]:
    """The histogram of n lags; nulls are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.max_element_wise(pc.drop_null(seconds).cast(pa.float64()), FLOOR)
    steps = pc.divide(pc.ln(pc.divide(known, FLOOR)), math.log(GROWTH))
    numbers = pc.ceil(pc.subtract(steps, _EDGE)).cast(pa.int64())
    counted = pc.value_counts(pc.max_element_wise(numbers, 0))
    return {each["values"]: each["counts"] for each in counted.to_pylist()}


def added(several: Iterable[Lags]) -> dict[int, int]:
    """The sum of several histograms."""
    total: dict[int, int] = {}
    for lags in several:
        for number, times in lags.items():
            total[number] = total.get(number, 0) + times
    return total


def percentile(lags: Lags, share: float) -> float | None:
    """The lag that a share (0 to 1) of the changes did not exceed; None without changes."""
    wanted = share * sum(lags.values())
    reached = 0
    for number in sorted(number for number, times in lags.items() if times):
        reached += lags[number]
        if reached >= wanted:
            return end_of(number)
    return None


def lag_of(lags: Lags) -> Lag | None:
    """The percentiles of a histogram; None when it is empty."""
    found = [percentile(lags, share) for share in (0.5, 0.95, 0.99)]
    known = [each for each in found if each is not None]
    return Lag(*known) if len(known) == len(found) else None
