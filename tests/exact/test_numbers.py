"""Which types are exact, and rounding to decimal places."""

from __future__ import annotations

from decimal import Context, Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.exact import (
    MODES,
    NotExactError,
    TooManyDigitsError,
    UnknownModeError,
    as_decimals,
    mode_of,
    round_to,
    whole_parts,
    with_scale,
)

LONG = Context(prec=100)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, None], pa.int8()),
        pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([Decimal("1.5"), None], pa.decimal32(5, 1)),
        pa.array([Decimal(1200), None], pa.decimal128(10, -2)),
        pa.array([Decimal("-0.5"), None], pa.decimal256(76, 76)),
        pa.chunked_array([[1], [None]], pa.int64()),
        pa.nulls(2),
    ],
    ids=lambda values: str(values.type),
)
def test_whole_numbers_and_decimals_of_any_width_are_exact(values):
    exact = as_decimals(values, "amounts")

    assert exact.to_pylist() == values.to_pylist()
    assert pa.types.is_decimal(exact.type)
    assert with_scale(whole_parts(exact), exact.type.scale).to_pylist() == values.to_pylist()


@pytest.mark.parametrize("values", [pa.array([0.5]), pa.array(["1"])], ids=lambda v: str(v.type))
def test_floats_and_texts_are_not_exact(values):
    with pytest.raises(NotExactError) as caught:
        as_decimals(values, "amounts")

    assert str(caught.value) == (
        f"amounts are of type {values.type}, which is not exact. Nothing was computed.\n"
        "  Read them as decimals or whole numbers; a float has lost its digits already."
    )


def test_a_rounding_mode_is_found_by_its_name():
    assert [mode_of(mode) for mode in MODES] == list(MODES)
    with pytest.raises(UnknownModeError) as caught:
        mode_of("bankers")
    assert str(caught.value) == (
        "there is no rounding mode 'bankers'. Nothing was rounded.\n"
        "  There are: half_even, half_up, half_down, up, down, ceiling, floor"
    )


@settings(max_examples=50)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.decimals(-(10**20), 10**20, places=10, allow_nan=False),
            st.none() | st.integers(0, 12),
        ),
        max_size=5,
    ),
    kind=st.sampled_from([pa.decimal128(31, 10), pa.decimal128(38, 10), pa.decimal256(50, 20)]),
    mode=st.sampled_from(MODES),
)
def test_rounding_agrees_with_python(rows, kind, mode):
    def expected(number, places):
        if number is None or places is None:
            return number
        return number.quantize(Decimal(1).scaleb(-places), f"ROUND_{mode.upper()}", LONG)

    numbers, places = [row[0] for row in rows], [row[1] for row in rows]
    values = pa.array(numbers, kind)

    assert round_to(values, pa.array(places, pa.int8()), mode).to_pylist() == [
        expected(*row) for row in rows
    ]
    assert round_to(values, 2, mode).to_pylist() == [expected(n, 2) for n in numbers]


def test_a_carry_widens_the_decimal_up_to_76_digits():
    nines = Decimal("9" * 37 + ".9")

    assert round_to(pa.array([nines], pa.decimal128(38, 1)), 0, "up").to_pylist() == [10**37]
    assert round_to(
        pa.array([Decimal("0." + "9" * 38)], pa.decimal128(38, 38)), 0, "half_even"
    ).to_pylist() == [1]


def test_a_carry_past_76_digits_is_an_error():
    with pytest.raises(TooManyDigitsError) as caught:
        round_to(pa.array([Decimal("0." + "9" * 76)], pa.decimal256(76, 76)), 0, "up")

    assert str(caught.value) == (
        "rounding: a number needs more than 76 digits. Nothing was computed.\n"
        "  No app holds such a number: look for a misplaced decimal point at the source."
    )
