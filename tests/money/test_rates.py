"""Exchange rates: which one is valid, over which currencies, and the reasons where none is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.money import (
    ExchangeRates,
    NoRateError,
    NotExactError,
    RefusedRateError,
    rate,
)

RATE = pa.decimal128(38, 12)


def day(text):
    return dt.date.fromisoformat(text)


def quoted(*rows, pivots=None, kind=RATE):
    """Rates written as (pair, first day, rate[, factor[, last day]]), all of one type."""
    full = [(*row, *(1, None)[len(row) - 3 :]) for row in rows]
    table = pa.table(
        {
            "type": pa.array(["Default"] * len(full), pa.string()),
            "from": [row[0][:3] for row in full],
            "to": [row[0][3:] for row in full],
            "valid_from": pa.array([row[1] and day(row[1]) for row in full], pa.date32()),
            "valid_to": pa.array([row[4] and day(row[4]) for row in full], pa.date32()),
            "rate": pa.array([row[2] and Decimal(row[2]) for row in full], kind),
            "display_factor": pa.array([row[3] for row in full], pa.int32()),
        }
    )
    return ExchangeRates.from_table(table, pivots)


YEAR = quoted(
    ("EURUSD", "2024-01-01", "1.10"),
    ("EURUSD", "2024-02-01", "1.20"),
    ("EURUSD", "2024-03-01", "1.30", 1, "2024-03-15"),
    ("EURGBP", "2024-01-01", "0.80"),
    ("JPYEUR", "2024-01-01", "0.64", 100),
    ("GBPJPY", "2024-06-01", "190"),
    ("USDCAD", "2024-01-01", "1.25"),
    ("CADMXN", "2024-01-01", "16"),
)


@pytest.mark.parametrize(
    ("pair", "on", "exact"),
    [
        pytest.param("EURUSD", "2024-01-31", Fraction("1.1"), id="until the next begins"),
        pytest.param("EURUSD", "2024-02-01", Fraction("1.2"), id="from its first day"),
        pytest.param("EURUSD", "2024-03-15", Fraction("1.3"), id="through its last day"),
        pytest.param("USDEUR", "2024-02-10", Fraction(10, 12), id="turned round"),
        pytest.param("JPYEUR", "2024-02-10", Fraction("0.0064"), id="by a display factor"),
        pytest.param("EURJPY", "2024-02-10", Fraction(10000, 64), id="turned, with a factor"),
        pytest.param("USDGBP", "2024-02-10", Fraction(8, 12), id="over a third currency"),
        pytest.param("GBPJPY", "2024-02-10", Fraction(10000, 64) / Fraction("0.8"), id="before"),
        pytest.param("GBPJPY", "2024-06-10", Fraction(190), id="its own before a way over others"),
        pytest.param("GBPMXN", "2024-02-10", Fraction("1.5") * 20, id="over as many as it takes"),
        pytest.param("XYZXYZ", "1999-01-01", Fraction(1), id="to itself"),
    ],
)
def test_the_rate_that_is_valid_on_the_day(pair, on, exact):
    told = {"on": day(on)}

    assert YEAR.exact("Default", pair[:3], pair[3:], **told) == exact
    short = exact.numerator * 10**12 // exact.denominator
    assert abs(int(rate("Default", pair[:3], pair[3:], rates=YEAR, **told) * 10**12) - short) <= 1
    column = YEAR.rates("Default", pa.array([pair[:3]]), pa.array([pair[3:]]), told["on"])
    assert column.values.to_pylist() == [YEAR.rate("Default", pair[:3], pair[3:], **told)]
    assert column.reasons.to_pylist() == [None]


def test_the_pivot_comes_before_the_alphabet():
    rows = [
        (f"{a}{b}", "2024-01-01", n)
        for a, b, n in [
            ("AUD", "EUR", "2"),
            ("AUD", "USD", "3"),
            ("CHF", "EUR", "5"),
            ("CHF", "USD", "7"),
        ]
    ]

    on = {"on": day("2024-01-01")}
    assert quoted(*rows).exact("Default", "EUR", "USD", **on) == Fraction(3, 2)
    over_chf = quoted(*rows, pivots={"Default": "CHF"})
    assert over_chf.exact("Default", "EUR", "USD", **on) == Fraction(7, 5)


def test_the_error_about_a_missing_rate_names_the_nearest_ones():
    with pytest.raises(NoRateError) as caught:
        YEAR.rate("Default", "GBP", "EUR", on=day("2023-12-31"))

    assert str(caught.value) == (
        "no exchange rate of type 'Default' from GBP to EUR is valid on 2023-12-31, nor from "
        "EUR to GBP, nor over other currencies. Nothing was computed.\n"
        "  Nearest: EUR to GBP from 2024-01-01\n"
        "  Enter a rate for that day in the ERP, or choose a day that has one."
    )
    assert caught.value.near == ("EUR to GBP from 2024-01-01",)


def test_no_rate_is_valid_in_a_gap_between_two_rates():
    rates = quoted(("EURUSD", "2024-03-01", "1", 1, "2024-03-01"), ("EURUSD", "2024-03-04", "2"))

    with pytest.raises(NoRateError) as caught:
        rates.rate("Default", "EUR", "USD", on=day("2024-03-02"))

    assert caught.value.near == (
        "EUR to USD from 2024-03-01 to 2024-03-01",
        "EUR to USD from 2024-03-04",
    )


@pytest.mark.parametrize(
    ("type_", "hint"),
    [
        ("Defualt", "There is no such type. Did you mean 'Default'?"),
        ("Budget", "There is no such type; there are: Default"),
    ],
)
def test_an_unknown_rate_type_is_refused(type_, hint):
    with pytest.raises(NoRateError, match=r"(?s).*") as caught:
        YEAR.rate(type_, "EUR", "USD", on=day("2024-01-01"))

    assert f"\n  {hint}\n" in str(caught.value)


def test_a_column_has_a_reason_for_each_row_without_a_rate():
    found = YEAR.rates(
        pa.array(["Default", "Default", "Budget", None, "Default"]),
        pa.array(["EUR", "EUR", "EUR", "EUR", "EUR"]),
        pa.array(["USD", "USD", "USD", "USD", "XXX"]),
        pa.array(
            [day("2024-01-05"), day("2023-01-05"), day("2024-01-05"), None, None], pa.date32()
        ),
        places=4,
    )

    given = "the rate's type, both currencies and the date must be given"
    assert found.values.to_pylist() == [Decimal("1.1"), None, None, None, None]
    assert found.reasons.to_pylist() == [
        None,
        "no rate of type Default from EUR to USD is valid on 2023-01-05",
        "no rate of type Budget from EUR to USD is valid on 2024-01-05",
        given,
        given,
    ]


@pytest.mark.parametrize(
    ("rows", "reasons"),
    [
        ([("EURUSD", "2024-01-01", None)], ["there is no rate"]),
        ([("EURUSD", "2024-01-01", "0")], ["the rate must be above zero and is 0"]),
        ([("EURUSD", "2024-01-01", "-1.5")], ["the rate must be above zero and is -1.5"]),
        (
            [("EURUSD", "2024-01-01", "1", 5)],
            ["the display factor must be 1, 10, 100, 1000 or 10000 and is 5"],
        ),
        (
            [("EURUSD", "2024-01-02", "1", 1, "2024-01-01")],
            ["valid_to is before valid_from"],
        ),
        (
            [("EURUSD", "2024-01-01", "1"), ("EURUSD", "2024-01-01", "2")],
            ["another rate begins on the same day"] * 2,
        ),
        ([("EURUSD", None, "1")], ["type, from, to and valid_from must all be given"]),
        ([("EUREUR", "2024-01-01", "2")], ["the rate of a currency to itself must be 1 and is 2"]),
        (
            [("EURUSD", "2024-01-01", "1" * 19)],
            [f"the rate has more than 18 digits before the decimal point: {'1' * 19}"],
        ),
    ],
)
def test_an_invalid_rate_is_refused_and_the_others_stay_valid(rows, reasons):
    rates = quoted(*rows, ("GBPUSD", "2024-01-01", "1.5"))

    assert rates.problems.to_pydict() == {"row": list(range(len(rows))), "reason": reasons}
    assert rates.exact("Default", "GBP", "USD", on=day("2024-01-01")) == Fraction("1.5")


def test_a_rate_of_too_many_places_is_refused():
    rates = quoted(("EURUSD", "2024-01-01", "0." + "1" * 19), kind=pa.decimal128(38, 20))

    assert rates.problems["reason"].to_pylist() == [
        "the rate has more than 18 digits after the decimal point: 0.1111111111111111111"
    ]


def test_a_refused_rate_keeps_an_older_one_from_staying_valid():
    rates = quoted(("EURUSD", "2024-01-01", "1.1"), ("EURUSD", "2024-02-01", "0"))

    with pytest.raises(RefusedRateError) as caught:
        rates.rate("Default", "EUR", "USD", on=day("2024-02-02"))
    assert str(caught.value) == (
        "Default rate from EUR to USD of 2024-02-01: the rate must be above zero and is 0. "
        "Nothing was computed.\n  Correct the rate in the ERP."
    )
    found = rates.rates("Default", "USD", "EUR", pa.array([day("2024-02-02"), day("2024-01-02")]))
    assert found.reasons.to_pylist() == [caught.value.reason, None]
    assert found.values.is_valid().to_pylist() == [False, True]


def test_an_amount_in_a_currency_of_the_project_has_its_decimal_places():
    rates = pa.table(
        {
            "type": ["Default"],
            "from": ["EUR"],
            "to": ["POINT"],
            "valid_from": [day("2024-01-01")],
            "rate": pa.array([Decimal("1.25")], RATE),
        }
    )
    amounts = pa.array([Decimal("1.00")])

    found = {
        own: ExchangeRates.from_table(rates, own=own)
        .convert(amounts, "Default", "EUR", "POINT", day("2024-06-01"), scale=2)
        .values.to_pylist()
        for own in ((), (("POINT", 1),))
    }

    assert found == {(): [Decimal("1.25")], (("POINT", 1),): [Decimal("1.2")]}


def test_amounts_are_converted_and_rounded_once_to_the_minor_unit():
    amounts = pa.array(
        [Decimal("100.00"), Decimal("1.00"), None, Decimal("3.33")], pa.decimal128(20, 2)
    )

    found = YEAR.convert(
        amounts,
        "Default",
        pa.array(["EUR", "EUR", "EUR", "EUR"]),
        pa.array(["JPY", "USD", "USD", "EUR"]),
        day("2024-02-10"),
        scale=4,
    )

    assert found.values.to_pylist() == [Decimal(15625), Decimal("1.20"), None, Decimal("3.33")]
    assert found.reasons.null_count == 4
    price = YEAR.convert(
        pa.array([Decimal("0.001")]),
        "Default",
        "EUR",
        "GBP",
        day("2024-02-10"),
        scale=6,
        kind="price",
    )
    assert price.values.to_pylist() == [Decimal("0.0008")]


def test_an_amount_of_too_many_digits_has_a_reason():
    found = YEAR.convert(
        pa.array([Decimal("9" * 38), Decimal(1)], pa.decimal128(38, 0)),
        "Default",
        "EUR",
        "JPY",
        day("2024-02-10"),
        scale=2,
    )

    assert found.reasons.to_pylist() == ["the value has more than 38 digits", None]
    assert found.values.to_pylist() == [None, Decimal(156)]


def test_a_timestamp_counts_as_its_day():
    moment = pa.array([dt.datetime(2024, 1, 31, 23, 59)], pa.timestamp("us"))  # noqa: DTZ001

    assert YEAR.rates("Default", "EUR", "USD", moment).values.to_pylist() == [Decimal("1.1")]


def test_floats_are_refused_as_rates_and_an_empty_table_is_accepted():
    with pytest.raises(NotExactError):
        ExchangeRates.from_table(
            pa.table(
                {
                    "type": ["D"],
                    "from": ["EUR"],
                    "to": ["USD"],
                    "valid_from": [day("2024-01-01")],
                    "rate": [1.5],
                }
            )
        )
    found = quoted().rates("Default", pa.array(["EUR", "USD"]), "USD", day("2024-01-01"))
    assert found.values.to_pylist() == [None, 1]


CODES = ["AAA", "BBB", "CCC", "DDD", "EEE"]
FIRST = day("2024-01-01")
ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(CODES),
        st.sampled_from(CODES),
        st.integers(0, 6),
        st.none() | st.integers(0, 3),
        st.decimals("0.0001", 1000, places=4),
        st.sampled_from([1, 10, 100, 1000, 10_000]),
    ).filter(lambda entry: entry[0] != entry[1]),
    unique_by=lambda entry: entry[:3],
    max_size=12,
)


def slow_leg(entries, from_, to, on):
    """The pair's own rate of a day, as one reads it in a list."""
    begun = [entry for entry in entries if entry[:2] == (from_, to) and entry[2] <= on]
    if not begun:
        return None
    *_, first, length, number, factor = max(begun, key=lambda entry: entry[2])
    return Fraction(number) / factor if length is None or on <= first + length else None


def slow_rate(entries, from_, to, on, pivot):
    """The obvious search: level by level, in the order of choice."""
    if from_ == to:
        return Fraction(1)
    reached, edge = {from_: Fraction(1)}, [from_]
    while edge and to not in reached:
        beyond = []
        for here in edge:
            for there in sorted(CODES, key=lambda code: (code != pivot, code)):
                straight = slow_leg(entries, here, there, on)
                turned = slow_leg(entries, there, here, on)
                if there not in reached and (straight or turned):
                    reached[there] = reached[here] * (straight or 1 / turned)
                    beyond.append(there)
        edge = beyond
    return reached.get(to)


@settings(max_examples=50)
@given(
    entries=ENTRIES,
    asked=st.lists(
        st.tuples(st.sampled_from(CODES), st.sampled_from(CODES), st.integers(0, 8)),
        min_size=1,
        max_size=8,
    ),
    pivot=st.none() | st.sampled_from(CODES),
)
def test_the_fast_search_agrees_with_the_slow_one(entries, asked, pivot):
    day_of = [FIRST + dt.timedelta(each) for each in range(20)]
    rates = quoted(
        *(
            (
                from_ + to,
                str(day_of[first]),
                number,
                factor,
                None if length is None else str(day_of[first + length]),
            )
            for from_, to, first, length, number, factor in entries
        ),
        pivots=None if pivot is None else {"Default": pivot},
    )
    froms, tos = pa.array([row[0] for row in asked]), pa.array([row[1] for row in asked])
    days = pa.array([day_of[row[2]] for row in asked], pa.date32())

    found = rates.rates("Default", froms, tos, days, places=6, mode="floor").values.to_pylist()

    expected = [slow_rate(entries, *row, pivot) for row in asked]
    assert found == [
        None if each is None else Decimal(each.numerator * 10**6 // each.denominator).scaleb(-6)
        for each in expected
    ]
