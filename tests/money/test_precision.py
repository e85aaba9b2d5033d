"""Decimal places of money: what fits, how it is rounded, and what counts as no change."""

from __future__ import annotations

from decimal import Context, Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.money import (
    MODES,
    NotExactError,
    UnknownCurrencyError,
    currency,
    fits,
    rounded,
    same_after_rounding,
)

LONG = Context(prec=100)
MONEY = pa.decimal128(38, 10)
CODES = ["EUR", "JPY", "KWD", "CLF", "CHF", "DKK", "SEK", "XAU", "nonsense"]


def money(*texts):
    return pa.array([None if text is None else Decimal(text) for text in texts], MONEY)


@pytest.mark.parametrize(
    ("amount", "code", "kind", "well"),
    [
        ("10.00", "EUR", "amount", True),
        ("10.005", "EUR", "amount", False),
        ("10.005", "EUR", "price", True),
        ("10.00001", "EUR", "price", False),
        ("10.5", "JPY", "amount", False),
        ("10.5", "JPY", "price", True),
        ("10.005", "KWD", "amount", True),
        ("10.0005", "KWD", "amount", False),
        ("10.0005", "CLF", "amount", True),
        ("10.03", "CHF", "amount", True),
        ("10.03", "CHF", "cash", False),
        ("10.05", "CHF", "cash", True),
        ("10.25", "DKK", "cash", False),
        ("10.50", "DKK", "cash", True),
        ("10.50", "SEK", "cash", False),
        ("10.1234", "XAU", "amount", True),
        ("10.12345", "XAU", "amount", False),
        ("10.1234", "XAU", "cash", True),
        ("10.1234", "nonsense", "amount", True),
    ],
)
def test_an_amount_has_the_decimal_places_of_its_currency_and_its_column(amount, code, kind, well):
    assert fits(money(amount), 4, pa.array([code]), kind).to_pylist() == [well]
    if code != "nonsense":
        assert fits(money(amount), 4, code, kind).to_pylist() == [well]


def test_a_column_with_fewer_places_than_the_currency_decides():
    assert fits(money("10.5", "10.05"), 1, "EUR").to_pylist() == [True, False]
    assert fits(money("10.5", "10.05"), 1, "CHF", "cash").to_pylist() == [True, False]


def test_digits_before_the_point_are_checked_only_with_a_precision():
    amounts = money("99.99", "100", "-100", None)

    assert fits(amounts, 2).to_pylist() == [True] * 4
    assert fits(amounts, 2, precision=4).to_pylist() == [True, False, False, True]


def test_an_unknown_code_for_the_column_is_refused():
    with pytest.raises(UnknownCurrencyError):
        fits(money("1"), 2, "EURO")


def test_floats_are_refused_as_amounts():
    with pytest.raises(NotExactError):
        rounded(pa.array([0.1]), 2, "half_even")


NUMBERS = st.none() | st.decimals(-(10**20), 10**20, places=10, allow_nan=False)
ROWS = st.lists(st.tuples(NUMBERS, st.sampled_from(CODES)), max_size=6)


def oracle(number, code, scale, kind, mode):
    """What Python's decimal makes of one amount."""
    if number is None:
        return None
    exponent = Decimal(1).scaleb(-scale)
    known = currency(code) if code != "nonsense" else None
    if known and known.minor_unit is not None and kind != "price":
        exponent = max(exponent, Decimal(1).scaleb(-known.minor_unit))
        if kind == "cash" and known.cash_step % Decimal(1).scaleb(-scale) == 0:
            exponent = known.cash_step
    steps = LONG.divide(number, exponent)
    whole = steps.quantize(Decimal(1), f"ROUND_{mode.upper()}", LONG)
    return LONG.multiply(whole, exponent)


@settings(max_examples=50)
@given(
    rows=ROWS,
    scale=st.integers(0, 10),
    kind=st.sampled_from(["amount", "price", "cash"]),
    mode=st.sampled_from(MODES),
    wide=st.booleans(),
)
def test_rounding_and_fitting_agree_with_pythons_decimal(rows, scale, kind, mode, wide):
    column = pa.array([row[0] for row in rows], pa.decimal256(76, 12) if wide else MONEY)
    codes = pa.array([row[1] for row in rows], pa.string())
    expected = [oracle(*row, scale, kind, mode) for row in rows]

    assert rounded(column, scale, mode, codes, kind).to_pylist() == expected
    kept = [oracle(*row, scale, kind, "down") == row[0] for row in rows]
    assert fits(column, scale, codes, kind).to_pylist() == kept


@settings(max_examples=50)
@given(rows=ROWS, mode=st.sampled_from(MODES), kind=st.sampled_from(["amount", "price", "cash"]))
def test_a_rounded_value_that_comes_back_is_no_change(rows, mode, kind):
    column = pa.array([row[0] for row in rows], MONEY)
    codes = pa.array([row[1] for row in rows], pa.string())
    back = rounded(column, 4, mode, codes, kind).cast(pa.decimal256(76, 10))

    assert same_after_rounding(column, back, 4, mode, codes, kind).to_pylist() == [True] * len(rows)
    assert rounded(back, 4, mode, codes, kind).to_pylist() == back.to_pylist()


def test_another_value_and_a_null_are_changes():
    sent, back = money("10.005", "10.005", None, "1"), money("10", "10.01", "1", None)

    assert same_after_rounding(sent, back, 4, "half_even", "EUR").to_pylist() == [
        True,
        False,
        False,
        False,
    ]
