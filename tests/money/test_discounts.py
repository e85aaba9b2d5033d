"""The discount of a line per unit and back: the total of the document does not change."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.money import MODES, join_discount, split_discount


def column(kind, *numbers):
    return pa.array([None if each is None else Decimal(each) for each in numbers], kind)


MONEY = pa.decimal128(38, 2)
SOLD = pa.decimal128(20, 4)


@pytest.mark.parametrize(
    ("discount", "quantity", "per_unit", "charge"),
    [
        ("10", "3", "3.33", "-0.01"),
        ("20", "3", "6.67", "0.01"),
        ("10", "4", "2.50", "0"),
        ("-10", "3", "-3.33", "0.01"),
        ("10", "-3", "-3.33", "-0.01"),
        ("10", "1.5", "6.67", "0"),
        ("0.01", "1000", "0.00", "-0.01"),
        ("10", "0", "0", "-10"),
        (None, "3", None, None),
        ("10", None, None, None),
    ],
)
def test_the_charge_takes_the_rounding_difference(discount, quantity, per_unit, charge):
    split = split_discount(column(MONEY, discount), column(SOLD, quantity), 2)

    assert split.per_unit.to_pylist() == [None if per_unit is None else Decimal(per_unit)]
    assert split.charge.to_pylist() == [None if charge is None else Decimal(charge)]


@settings(max_examples=50)
@given(
    rows=st.lists(
        st.tuples(st.decimals(-(10**12), 10**12, places=4), st.decimals(-(10**9), 10**9, places=3)),
        min_size=1,
        max_size=5,
    ),
    places=st.integers(0, 6),
    mode=st.sampled_from(MODES),
)
def test_a_split_discount_is_joined_to_the_same_discount(rows, places, mode):
    discounts = pa.array([row[0] for row in rows], pa.decimal128(38, 10))
    quantities = pa.array([row[1] for row in rows], pa.decimal128(38, 6))

    split = split_discount(discounts, quantities, places, mode)

    assert join_discount(split.per_unit, quantities, split.charge, mode).to_pylist() == [
        row[0] for row in rows
    ]


@given(st.integers(1, 10**6), st.integers(1, 1000))
def test_a_charge_is_never_more_than_a_cent_a_unit(cents, quantity):
    split = split_discount(
        column(MONEY, Decimal(cents).scaleb(-2)), pa.array([quantity]), 2, "half_even"
    )

    assert abs(split.charge[0].as_py()) <= Decimal(quantity).scaleb(-2)
