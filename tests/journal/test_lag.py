from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.journal.lag import GROWTH, Lag, added, bucket, end_of, lag_of, percentile, tally

seconds = st.floats(-10, 1e7, allow_nan=False)
counts = st.dictionaries(st.integers(0, 250), st.integers(1, 1000), max_size=6)


@pytest.mark.parametrize(
    ("lag", "told"),
    [
        pytest.param(-3.0, 0.001, id="clocks that disagree"),
        pytest.param(math.nan, 0.001, id="no number"),
        pytest.param(0.001, 0.001, id="a millisecond"),
        pytest.param(0.0011, 0.0011, id="the end of a bucket is in it"),
        pytest.param(0.00111, 0.00121, id="just past it"),
        pytest.param(86_400.0, 88_592.2, id="a day"),
    ],
)
def test_a_lag_is_told_as_the_end_of_its_bucket(lag: float, told: float) -> None:
    assert end_of(bucket(lag)) == pytest.approx(told, rel=0.001)


@pytest.mark.parametrize(
    ("lags", "share", "told"),
    [
        pytest.param({}, 0.5, None, id="nothing carried"),
        pytest.param({7: 0}, 0.5, None, id="none of them"),
        pytest.param({3: 1}, 0.5, 3, id="one change is every percentile"),
        pytest.param({3: 1}, 0.99, 3, id="one change is the highest too"),
        pytest.param({3: 98, 9: 2}, 0.95, 3, id="below the late ones"),
        pytest.param({3: 98, 9: 2}, 0.99, 9, id="among the late ones"),
        pytest.param({9: 2, 3: 98}, 0.98, 3, id="in whatever order they are given"),
    ],
)
def test_percentiles(lags: Mapping[int, int], share: float, told: int | None) -> None:
    assert percentile(lags, share) == (None if told is None else end_of(told))


def test_three_percentiles_are_told_or_none() -> None:
    assert lag_of({}) is None
    assert lag_of({0: 97, 5: 2, 9: 1}) == Lag(end_of(0), end_of(0), end_of(5))


@given(lag=seconds)
def test_a_lag_is_never_told_lower_nor_a_tenth_higher(lag: float) -> None:
    told = end_of(bucket(lag))

    assert told >= lag * (1 - 1e-6)
    assert told <= max(lag, 0.001) * GROWTH * (1 + 1e-6)


@given(lags=st.lists(st.none() | seconds, max_size=20))
def test_many_at_once_are_counted_as_one_by_one(lags: list[float | None]) -> None:
    one_by_one = added({bucket(lag): 1} for lag in lags if lag is not None)

    assert tally(pa.array(lags, pa.float64())) == one_by_one


@given(first=counts, second=counts)
@settings(max_examples=50)
def test_counts_add_up_whoever_counted(first: dict[int, int], second: dict[int, int]) -> None:
    both = added([first, second])

    assert sum(both.values()) == sum(first.values()) + sum(second.values())
    assert both == added([second, first])
    assert added([both]) == both
