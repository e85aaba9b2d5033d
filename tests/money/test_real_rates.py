"""The 13,532 exchange rates of AdventureWorks: from one currency to thirteen, for each day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dualwrite.money import ExchangeRates, NoRateError
from tests.real.data import data_folder, read


@pytest.fixture(scope="module")
def rates():
    table = read(data_folder() / "adventureworks", "Sales.CurrencyRate")
    first = table["CurrencyRateDate"].cast(pa.timestamp("s")).cast(pa.date32())
    return ExchangeRates.from_table(
        pa.table(
            {
                "type": pa.array(["Default"] * table.num_rows),
                "from": table["FromCurrencyCode"],
                "to": table["ToCurrencyCode"],
                "valid_from": first,
                "valid_to": first,
                "rate": table["EndOfDayRate"].cast(pa.decimal128(19, 4)),
            }
        )
    )


def test_all_real_rates_are_accepted(rates):
    assert rates.problems.num_rows == 0


def test_two_currencies_are_converted_over_the_dollar(rates):
    on = {"on": dt.date(2023, 1, 2)}
    euro, pound = (rates.exact("Default", "USD", code, **on) for code in ("EUR", "GBP"))

    assert rates.rate("Default", "USD", "EUR", **on) == Decimal("1.0369")
    assert rates.exact("Default", "EUR", "GBP", **on) == pound / euro


def test_a_historic_currency_has_no_rate_after_its_last_day(rates):
    with pytest.raises(NoRateError) as caught:
        rates.rate("Default", "USD", "DEM", on=dt.date(2023, 1, 2))

    assert caught.value.near == ("USD to DEM from 2022-11-29 to 2022-11-29",)


@pytest.fixture(scope="module")
def quotes():
    """Type, both currencies, first day and rate of each of them, dollars to euros."""
    table = read(data_folder() / "adventureworks", "Sales.CurrencyRate")
    table = table.filter(pc.equal(table["ToCurrencyCode"], "EUR"))
    return pa.table(
        {
            "type": pa.array(["Default"] * table.num_rows),
            "from": table["FromCurrencyCode"],
            "to": table["ToCurrencyCode"],
            "valid_from": table["CurrencyRateDate"].cast(pa.timestamp("s")).cast(pa.date32()),
            "rate": table["EndOfDayRate"].cast(pa.decimal128(19, 4)),
            "average": table["AverageRate"].cast(pa.decimal128(19, 4)),
        }
    )


@pytest.fixture(scope="module")
def workdays(quotes):
    """As a bank publishes them: none on a Saturday or a Sunday."""
    return quotes.filter(pc.less(pc.day_of_week(quotes["valid_from"]), 5))


FRIDAY, SUNDAY, MONDAY = (dt.date(2023, 1, day) for day in (6, 8, 9))


def test_the_rate_of_friday_is_valid_over_the_weekend(workdays):
    rates = ExchangeRates.from_table(workdays)

    on_sunday = rates.rate("Default", "USD", "EUR", on=SUNDAY)

    assert on_sunday == rates.rate("Default", "USD", "EUR", on=FRIDAY) == Decimal("1.0669")
    assert rates.rate("Default", "USD", "EUR", on=MONDAY) == Decimal("1.0686")


def test_a_rate_with_a_last_day_is_not_valid_over_the_weekend(workdays):
    rates = ExchangeRates.from_table(workdays.append_column("valid_to", workdays["valid_from"]))

    with pytest.raises(NoRateError) as caught:
        rates.rate("Default", "USD", "EUR", on=SUNDAY)

    assert caught.value.near == (
        "USD to EUR from 2023-01-06 to 2023-01-06",
        "USD to EUR from 2023-01-09 to 2023-01-09",
    )
    values, reasons = rates.rates("Default", "USD", "EUR", workdays["valid_from"])
    assert values.equals(workdays["rate"].combine_chunks().cast(values.type))
    assert reasons.null_count == len(workdays)


def test_a_pair_quoted_in_both_directions_uses_its_own_rate(quotes):
    """Bought at one rate and sold at another: neither is the other turned round."""
    sold = [round(1 / rate, 4) for rate in quotes["average"].to_pylist()]
    back = quotes.set_column(1, "from", quotes["to"]).set_column(2, "to", quotes["from"])
    back = back.set_column(4, "rate", pa.array(sold, pa.decimal128(19, 4)))
    rates = ExchangeRates.from_table(pa.concat_tables([quotes, back]))

    there = rates.exact("Default", "USD", "EUR", on=FRIDAY)
    again = rates.exact("Default", "EUR", "USD", on=FRIDAY)

    assert (there, again) == (Fraction("1.0669"), Fraction("0.9370"))
    assert there * again != 1
    assert rates.problems.num_rows == 0


def test_the_rate_of_a_currency_to_itself_is_1(rates):
    """The file has a rate from the dollar to the dollar for each day."""
    assert rates.exact("Default", "USD", "USD", on=dt.date(1999, 1, 1)) == 1
