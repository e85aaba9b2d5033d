"""(value x multiplier + addend) / divisor: equal to Python's fractions."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.exact import MODES, affine, round_ratio

WIDE = pa.decimal256(76, 0)
LONG = Context(prec=400)


def by_python(number: Fraction, mode: str) -> int:
    """Python's decimal as the oracle: 300 digits are as good as all for these numbers."""
    whole, rest = divmod(abs(number), 1)
    # what no decimal ends is told from a half, and from nothing, by one digit
    digit = (rest > 0) + 4 * (rest * 2 == 1) + 5 * (rest * 2 > 1)
    exact = Decimal(f"{'-' if number < 0 else ''}{whole}.{digit}")
    return int(exact.quantize(Decimal(1), f"ROUND_{mode.upper()}", LONG))


def column(numbers):
    return pa.array([None if n is None else Decimal(n) for n in numbers], WIDE)


def sized(most):
    return st.integers(-(10**most), 10**most)


@settings(max_examples=50)
@given(data=st.data(), mode=st.sampled_from(MODES), most=st.sampled_from([3, 9, 18, 30, 38]))
def test_a_formula_of_any_size_agrees_with_python(data, mode, most):
    row = st.tuples(
        st.none() | sized(min(most, 38)), sized(most), st.integers(1, 10**most), sized(most)
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    value, multiplier, divisor, addend = (column(part) for part in zip(*rows, strict=True))

    given_back = affine(value, multiplier, divisor, mode, addend).to_pylist()

    def expected(n, p, q, r):
        if n is None:
            return None
        whole = by_python(Fraction(n * p + r, q), mode)
        return whole if abs(whole) < 10**38 else None

    assert given_back == [expected(*each) for each in rows]


@pytest.mark.parametrize("length", range(1, 60))
@pytest.mark.parametrize("addend", [0, 10**20, 10**65])
@pytest.mark.parametrize("mode", ["half_even", "up"])
def test_numbers_of_every_length_are_computed(length, addend, mode):
    """Each way is taken exactly as far as it can bear."""
    n, p, q = 10**length - 1, 10**9 - 1, 10 ** (length // 2) - 1 or 3
    values = [n, -n, n - 7]

    result = affine(
        column(values), column([p] * 3), column([q] * 3), mode, column([addend] * 3)
    ).to_pylist()

    expected = [by_python(Fraction(value * p + addend, q), mode) for value in values]
    assert result == [whole if abs(whole) < 10**38 else None for whole in expected]


@pytest.mark.parametrize("great", [1, 10**12, 10**30, 10**70])
def test_each_row_may_have_its_own_mode(great):
    ties = [25 * great, -25 * great, 35 * great]
    modes = {
        "half_up": pa.array([True, True, False]),
        "half_even": pa.array([False, False, True]),
    }

    result = affine(column(ties), column([1] * 3), column([10 * great] * 3), modes)

    assert result.to_pylist() == [3, -3, 4]


def test_one_large_value_does_not_affect_the_others():
    values = column([7, 10**60, None, -7])

    result = affine(values, column([10**30] * 4), column([2 * 10**30] * 4), "half_even")

    assert result.to_pylist() == [4, None, None, -4]


@pytest.mark.parametrize("mode", MODES)
@given(st.integers(-1000, 1000), st.integers(1, 40))
def test_a_single_ratio_agrees_with_python(mode, numerator, denominator):
    assert round_ratio(numerator, denominator, mode) == by_python(
        Fraction(numerator, denominator), mode
    )


def test_an_empty_column_gives_an_empty_one():
    nothing = column([])

    assert affine(nothing, nothing, nothing, "half_up").to_pylist() == []
