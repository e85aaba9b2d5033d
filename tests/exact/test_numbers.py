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
    UnknownModeError,
    alike,
    as_decimals,
    mode_of,
    rescaled,
    round_to,
    round_to_step,
    same,
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


def test_a_number_without_room_for_a_carry_stands_alone():
    nines, half = Decimal("9." + "9" * 75), Decimal("0.5")

    rounded = round_to(pa.array([nines, half], pa.decimal256(76, 75)), 0, "up")

    assert rounded.to_pylist() == [None, 1]


@given(
    st.lists(st.tuples(st.integers(1, 38), st.data()), min_size=2, max_size=4),
    st.integers(0, 10),
    st.sampled_from(MODES),
)
def test_rounding_near_the_widest_number_agrees_with_python(drawn, places, mode):
    """Arrow gives 0 for a carry into a 39th digit, unless it is in the last row."""
    wholes = [data.draw(st.integers(10**digits - 60, 10**digits - 1)) for digits, data in drawn]
    numbers = [Decimal(each).scaleb(-10, LONG) for each in wholes]
    values = pa.array(numbers, pa.decimal128(38, 10))
    expected = [
        each.quantize(Decimal(1).scaleb(-places), f"ROUND_{mode.upper()}", LONG) for each in numbers
    ]

    assert round_to(values, places, mode).to_pylist() == expected
    step = round_to_step(values, Decimal(1).scaleb(-places), mode)
    assert step.to_pylist() == expected


@given(st.data(), st.booleans())
def test_a_rescaled_decimal_is_the_same_number_or_refused(data, wide):
    """From 1 to 76 digits; Arrow alone wraps one in seven of those that grow out of its width."""
    most, decimal = (76, pa.decimal256) if wide else (38, pa.decimal128)
    digits = data.draw(st.integers(1, most))
    number = data.draw(st.integers(10 ** (digits - 1), 10**digits - 1)) * data.draw(
        st.sampled_from([1, -1])
    )
    scale, more = data.draw(st.integers(0, most)), data.draw(st.integers(0, most))
    value = Decimal(number).scaleb(-scale, LONG)
    target = decimal(most, max(scale, more))
    fits = abs(value) < Decimal(10) ** (most - target.scale)

    try:
        found = rescaled(pa.array([None, value], decimal(most, scale)), target).to_pylist()
    except pa.ArrowInvalid:
        assert not fits
    else:
        assert fits
        assert found == [None, value]


def test_two_decimals_of_one_type_hold_all_of_either():
    great, small = Decimal("9" * 36 + ".25"), Decimal("0.0000000001")

    both = alike(pa.array([great], pa.decimal128(38, 2)), pa.array([small], pa.decimal128(20, 10)))

    assert [each[0].as_py() for each in both] == [great, small]
    assert both[0].type == both[1].type
    assert same(*both).to_pylist() == [False]
