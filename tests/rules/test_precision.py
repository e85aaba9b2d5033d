"""The rules over money: exactly the rows that would lose a digit, and the whole reason."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Context, Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.money import MODES, currencies
from dualwrite.rules.capacity import Scale
from dualwrite.rules.precision import CurrencyPrecision, MoneyExact
from tests.rules.gate import failing, gate, reasons

MONEY = pa.decimal128(38, 10)
LIMIT = CurrencyPrecision(column="creditlimit", currency="source:CUR", precision=10, scale=4)
LONG = Context(prec=100)


def rows(*pairs):
    return gate(
        creditlimit=pa.array([None if n is None else Decimal(n) for n, _ in pairs], MONEY),
        source_CUR=pa.array([code for _, code in pairs], pa.string()),
    )


@pytest.mark.parametrize(
    ("amount", "code", "more", "reason"),
    [
        ("10.00", "EUR", {}, None),
        (None, None, {}, None),
        (
            "10.00",
            "EURO",
            {},
            "creditlimit is 10 with the unknown currency 'EURO' in CUR (did you mean 'EUR'?)",
        ),
        ("10.00", None, {}, "creditlimit is 10 with no currency in CUR"),
        ("10.00", "", {}, "creditlimit is 10 with no currency in CUR"),
        (
            "10.005",
            "EUR",
            {},
            "creditlimit is 10.005 EUR, where 2 digits behind the point fit: it would become 10",
        ),
        (
            "10.5",
            "JPY",
            {},
            "creditlimit is 10.5 JPY, where 0 digits behind the point fit: it would become 10",
        ),
        ("10.5", "JPY", {"kind": "price"}, None),
        (
            "10.00005",
            "JPY",
            {"kind": "price"},
            "creditlimit is 10.00005 JPY, where 4 digits behind the point fit: it would become 10",
        ),
        (
            "10.03",
            "CHF",
            {"kind": "cash"},
            "creditlimit is 10.03 CHF, where cash is paid in 0.05: it would become 10",
        ),
        (
            "10.03",
            "SEK",
            {"kind": "cash"},
            "creditlimit is 10.03 SEK, where cash is paid in whole units: it would become 10",
        ),
        ("1000000", "EUR", {}, "creditlimit is 1000000 EUR, where 6 digits before the point fit"),
        ("10.005", "EUR", {"policy": "round:half_even"}, None),
        (
            "999999.995",
            "EUR",
            {"policy": "round:half_up"},
            "creditlimit is 999999.995 EUR, where 6 digits before the point fit",
        ),
    ],
)
def test_an_amount_keeps_its_digits_or_is_reported(amount, code, more, reason):
    rule = replace(LIMIT, **more)
    table = rows((amount, code), ("1", "EUR"))

    assert failing(rule, table) == [reason is not None, False]
    assert reasons(rule, table) == ([] if reason is None else [reason])


def test_one_currency_may_be_given_for_the_column():
    table = rows(("10.005", None), ("10", None))

    assert failing(CurrencyPrecision(column="creditlimit", code="EUR", scale=4), table) == [
        True,
        False,
    ]
    wrong = CurrencyPrecision(column="creditlimit", code="EURO", scale=4)
    assert reasons(wrong, table)[0] == (
        "creditlimit is 10.005 with the unknown currency 'EURO' in the map (did you mean 'EUR'?)"
    )


def test_a_companys_books_may_give_the_currency():
    rule = CurrencyPrecision(
        column="m",
        company="source:CO",
        companies=("usmf", "jpmf"),
        accounting=("USD", "JPY"),
        scale=4,
    )
    table = gate(
        m=pa.array([Decimal("1.5")] * 3, MONEY), source_CO=pa.array(["USMF", "JPMF", "GBSI"])
    )

    assert reasons(rule, table) == [
        "m is 1.5 JPY, where 0 digits behind the point fit: it would become 1",
        "m is 1.5 with no currency in CO 'GBSI'",
    ]


def test_a_target_of_floats_holds_no_money():
    rule = CurrencyPrecision(column="m", code="EUR", scale=2)

    assert reasons(rule, gate(m=[0.5, None])) == [
        "m would hold 0.5 as a binary float, which is no money"
    ]


def test_the_cure_names_what_can_be_changed():
    assert LIMIT.cure == (
        "correct the amount, or its currency in CUR, or write `precision: {round: half_even}` "
        "for creditlimit in the map's money:"
    )
    assert replace(LIMIT, policy="round:down").cure == "correct the amount, or its currency in CUR"


@settings(max_examples=50)
@given(
    pairs=st.lists(
        st.tuples(
            st.none() | st.decimals(-(10**8), 10**8, places=10, allow_nan=False),
            st.sampled_from(["EUR", "JPY", "KWD", "XAU", "?", None]),
        ),
        max_size=6,
    ),
    scale=st.integers(0, 8),
    policy=st.sampled_from(["reject", *(f"round:{mode}" for mode in MODES)]),
)
def test_a_row_fails_exactly_when_a_digit_would_be_lost(pairs, scale, policy):
    """Python's decimal is the oracle; under `round` only what finds no room is lost."""

    def lost(number, code):
        if number is None:
            return False
        if code not in currencies():
            return True
        minor = currencies()[code].minor_unit
        places = Decimal(1).scaleb(-min(scale, 10 if minor is None else minor))
        mode = "DOWN" if policy == "reject" else policy.removeprefix("round:").upper()
        kept = number.quantize(places, f"ROUND_{mode}", LONG)
        return abs(kept) >= 10**6 or (policy == "reject" and kept != number)

    rule = replace(LIMIT, precision=6 + scale, scale=scale, policy=policy)

    assert failing(rule, rows(*pairs)) == [lost(*pair) for pair in pairs]


def test_a_float_is_money_only_where_it_is_just_those_digits():
    rule = MoneyExact(column="source:M", scale=2)
    table = gate(source_M=[0.5, 0.1, math.nan, -math.inf, None, 3.125])

    assert reasons(rule, table) == [
        (
            "M is 0.1 as a binary float, which is "
            "0.1000000000000000055511151231257827021181583404541015625: "
            "more than 2 digits behind the point"
        ),
        "M is nan, which is no amount",
        "M is -inf, which is no amount",
        "M is 3.125 as a binary float, which is 3.125: more than 2 digits behind the point",
    ]
    assert failing(rule, table) == [False, True, True, True, False, True]
    assert rule.reason({"source:M": 2.0**54}) == (
        "M is 1.8014398509481984e+16 as a binary float, which is 18014398509481984: "
        "a float of this size has lost its last digits"
    )
    assert rule.cure == "keep M as a decimal in its app, and correct the value there"


def test_text_that_is_no_number_is_no_money():
    table = gate(source_M=["NaN", " -Infinity", "12.50", "", None])

    assert reasons(MoneyExact(column="source:M"), table) == [
        "M is 'NaN', which is no amount",
        "M is ' -Infinity', which is no amount",
    ]


def test_decimals_are_exact_already():
    assert failing(MoneyExact(column="m"), gate(m=pa.array([Decimal("0.1")]))) == [False]


@settings(max_examples=50)
@given(st.floats(), st.integers(0, 10))
def test_a_float_passes_exactly_when_its_decimal_has_so_few_digits(number, scale):
    exact = Decimal(number)
    well = abs(number) <= 2**53 and (
        exact == 0 or -exact.normalize(Context(prec=2000)).as_tuple().exponent <= scale
    )

    assert failing(MoneyExact(column="m", scale=scale), gate(m=[number])) == [not well]


def test_an_amount_whose_rounding_needs_a_39th_digit_is_held():
    great = Decimal("9" * 36 + ".95")
    rule = CurrencyPrecision(
        column="m", code="JPY", precision=38, scale=2, policy="round:half_even"
    )
    table = pa.table({"m": pa.array([great, Decimal(5)], pa.decimal128(38, 2))})

    assert failing(rule, table) == [True, False]
    assert "36 digits before the point fit" in reasons(rule, table)[0]


def test_a_number_that_arrow_would_wrap_does_not_fit():
    wrapping = Decimal(345 * 10**34)
    table = pa.table({"n": pa.array([wrapping, Decimal(5)], pa.decimal128(38, 0))})

    assert failing(Scale(column="n", precision=38, scale=2), table) == [True, False]
