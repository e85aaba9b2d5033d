from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.journal.lag import GROWTH, Lag, added, end_of, lag_of, percentile, tally

seconds = st.floats(-10, 1e7, allow_nan=False)


def bucket(lag: float) -> int:
    """The bucket of one lag."""
    [number] = tally(pa.array([lag], pa.float64()))
    return number


counts = st.dictionaries(st.integers(0, 250), st.integers(1, 1000), max_size=6)


@pytest.mark.parametrize(
    ("lag", "reported"),
    [
        pytest.param(-3.0, 0.001, id="clocks that disagree"),
        pytest.param(math.nan, 0.001, id="no number"),
        pytest.param(0.001, 0.001, id="a millisecond"),
        pytest.param(0.0011, 0.0011, id="the upper bound of a bucket"),
        pytest.param(0.00111, 0.00121, id="just above it"),
        pytest.param(86_400.0, 88_592.2, id="a day"),
    ],
)
def test_a_lag_is_reported_as_the_upper_bound_of_its_bucket(lag: float, reported: float) -> None:
    assert end_of(bucket(lag)) == pytest.approx(reported, rel=0.001)


@pytest.mark.parametrize(
    ("lags", "share", "number"),
    [
        pytest.param({}, 0.5, None, id="no change"),
        pytest.param({7: 0}, 0.5, None, id="an empty bucket"),
        pytest.param({3: 1}, 0.5, 3, id="one change is every percentile"),
        pytest.param({3: 1}, 0.99, 3, id="one change is the highest too"),
        pytest.param({3: 98, 9: 2}, 0.95, 3, id="below the late ones"),
        pytest.param({3: 98, 9: 2}, 0.99, 9, id="among the late ones"),
        pytest.param({9: 2, 3: 98}, 0.98, 3, id="in whatever order they are given"),
    ],
)
def test_percentiles(lags: Mapping[int, int], share: float, number: int | None) -> None:
    assert percentile(lags, share) == (None if number is None else end_of(number))


def test_a_histogram_has_three_percentiles_and_an_empty_one_none() -> None:
    assert lag_of({}) is None
    assert lag_of({0: 97, 5: 2, 9: 1}) == Lag(end_of(0), end_of(0), end_of(5))


@given(lag=seconds)
def test_a_reported_lag_is_never_lower_and_at_most_10_percent_higher(lag: float) -> None:
    reported = end_of(bucket(lag))

    assert reported >= lag * (1 - 1e-6)
    assert reported <= max(lag, 0.001) * GROWTH * (1 + 1e-6)


@given(lags=st.lists(st.none() | seconds, max_size=20))
def test_a_histogram_of_an_array_equals_counting_one_by_one(lags: list[float | None]) -> None:
    one_by_one = added({bucket(lag): 1} for lag in lags if lag is not None)

    assert tally(pa.array(lags, pa.float64())) == one_by_one


@given(first=counts, second=counts)
@settings(max_examples=50)
def test_histograms_add_up_in_any_order(first: dict[int, int], second: dict[int, int]) -> None:
    both = added([first, second])

    assert sum(both.values()) == sum(first.values()) + sum(second.values())
    assert both == added([second, first])
    assert added([both]) == both
