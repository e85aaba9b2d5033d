"""The 13,532 exchange rates of AdventureWorks: one currency to thirteen, day by day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
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


def test_every_one_of_them_is_accepted(rates):
    assert rates.problems.num_rows == 0


def test_two_currencies_meet_over_the_dollar(rates):
    on = {"on": dt.date(2023, 1, 2)}
    euro, pound = (rates.exact("Default", "USD", code, **on) for code in ("EUR", "GBP"))

    assert rates.rate("Default", "USD", "EUR", **on) == Decimal("1.0369")
    assert rates.exact("Default", "EUR", "GBP", **on) == pound / euro


def test_old_money_has_no_rate_after_its_last(rates):
    with pytest.raises(NoRateError) as caught:
        rates.rate("Default", "USD", "DEM", on=dt.date(2023, 1, 2))

    assert caught.value.near == ("USD to DEM from 2022-11-29 to 2022-11-29",)
