"""Between, one of, matches, quantity convertible: what a project asks for, and its reasons."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.rules import Between, Matches, OneOf, QuantityConvertible
from tests.rules.gate import failing, reasons

DAY = dt.date(2026, 1, 31)


@pytest.mark.parametrize(
    ("rule", "values", "reason"),
    [
        (
            Between(column="c", low="0", high="9999999999.9999999999"),
            pa.array(
                [Decimal("1E10"), Decimal("9999999999.9999999999"), None], pa.decimal128(38, 10)
            ),
            ["c is 10000000000, which is not from 0 to 9999999999.9999999999"],
        ),
        (
            Between(column="c", low="0.5"),
            pa.array([0, 1]),
            ["c is 0, which is not from 0.5"],
        ),
        (
            Between(column="c", high="2026-01-30"),
            pa.array([DAY, DAY - dt.timedelta(1)]),
            ["c is 2026-01-31, which is not to 2026-01-30"],
        ),
        (
            Between(column="c", low="2026-01-31T12:00:00+00:00"),
            pa.array([dt.datetime(2026, 1, 31, 11, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")),
            ["c is 2026-01-31T11:00:00+00:00, which is not from 2026-01-31T12:00:00+00:00"],
        ),
        (
            Between(column="c", low="1", high="2"),
            pa.array([0.5, 1.5]),
            ["c is 0.5, which is not from 1 to 2"],
        ),
        (
            OneOf(column="c", values=("1", "A")),
            pa.array(["A", "B", None]),
            ["c is 'B', which is none of 1, A"],
        ),
        (OneOf(column="c", values=("1", "A")), pa.array([1, 2]), ["c is 2, which is none of 1, A"]),
        (
            Matches(column="c", pattern="^[+]"),
            pa.array(["+49", "0049", None]),
            ["c is '0049', which does not match ^[+]"],
        ),
    ],
)
def test_what_fails_has_its_reason(rule, values, reason):
    assert reasons(rule, pa.table({"c": values})) == reason


amounts = st.decimals(-1000, 1000, places=10)


@given(value=amounts, low=amounts, high=amounts)
def test_bounds_are_decimal_arithmetic(value, low, high):
    table = pa.table({"c": pa.array([value], pa.decimal128(38, 10))})

    assert failing(Between(column="c", low=f"{low:f}", high=f"{high:f}"), table) == [
        not low <= value <= high
    ]


ORDERS = pa.table(
    {
        "qty": pa.array([2, 2, 2, 30, 7, None, 1], pa.decimal128(10, 2)),
        "unit": ["box", "tin", None, "pcs", "pcs", "tin", "kg"],
        "to": ["pcs", "pcs", "pcs", "box", "box", "pcs", "g"],
        "product": ["A", "A", "A", "A", "B", "A", "A"],
    }
)
CONVERTS = QuantityConvertible(
    quantity="qty",
    unit="unit",
    to="to",
    product="product",
    units=("box: Quantity",),
    conversions=("1 box = 12 pcs", "1 box = 10 pcs of A"),
)


def test_quantities_convert_by_the_standard_units_and_those_given():
    assert reasons(CONVERTS, ORDERS) == [
        "qty is 2 tin: there is no unit 'tin'",
        "qty is 2: no unit is given",
        "qty is 7 pcs: it would come back as another quantity, 12",
    ]


@pytest.mark.parametrize(
    ("conversions", "problem"),
    [
        (("1 box = 0 pcs",), "the conversion from 'box' to 'pcs' has a factor of 0"),
        (
            ("1 box = 12 pcs", "1 box = 2 dz"),
            "the conversions between",
        ),
    ],
)
def test_a_conversion_that_cannot_be_right_fails_the_rows_that_need_it(conversions, problem):
    rule = QuantityConvertible(
        quantity="qty",
        symbol="box",
        to_symbol="pcs",
        units=("box: Quantity",),
        conversions=conversions,
    )

    (reason,) = reasons(rule, pa.table({"qty": [1, None]}))
    assert reason.startswith(f"qty is 1 box: {problem}")


def test_a_binary_float_is_no_quantity():
    rule = QuantityConvertible(quantity="qty", symbol="dz", to_symbol="ea")

    assert reasons(rule, pa.table({"qty": [0.1, None]})) == [
        "qty is 0.1 dz, which is no exact number"
    ]
    assert (
        rule.cure == "correct the quantity, or its unit in the expectation, or add its conversion"
    )


@pytest.mark.parametrize("written", ["box = 12 pcs", "1 box = twelve pcs", "2 box = 24 pcs"])
def test_what_is_written_otherwise_is_refused(written):
    rule = QuantityConvertible(quantity="qty", symbol="dz", to_symbol="ea", conversions=(written,))

    with pytest.raises(ValueError, match="does not have the form of '1 box = 12 pcs'"):
        rule.failing(pa.table({"qty": [1]}))
