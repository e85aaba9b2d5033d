"""The currencies compared with the lists of ISO and CLDR, if available."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from dualwrite.money import (
    UnknownCurrencyError,
    accounting_currencies,
    cash_steps,
    currencies,
    currency,
    known,
    minor_units,
)
from tests.real.data import data_folder


@pytest.mark.parametrize(
    ("code", "minor", "step"),
    [
        ("EUR", 2, "0.01"),
        ("JPY", 0, "1"),
        ("KWD", 3, "0.001"),
        ("CLF", 4, "0.0001"),
        ("CHF", 2, "0.05"),
        ("DKK", 2, "0.5"),
        ("SEK", 2, "1"),
        ("ITL", 0, "1"),
        ("DEM", 2, "0.01"),
        ("XAU", None, None),
    ],
)
def test_a_currency_has_its_minor_unit_and_cash_step(code, minor, step):
    found = currency(code)

    assert found.minor_unit == minor
    assert found.cash_step == (None if step is None else Decimal(step))


def test_a_project_has_currencies_of_its_own():
    own = (("POINT", 0), ("XBT", 8))
    codes = pa.array(["XBT", "POINT", "EUR", "XBTC", None])

    assert known(codes, own).to_pylist() == [True, True, True, False, False]
    assert known(codes).to_pylist() == [False, False, True, False, False]
    assert minor_units(codes, own).to_pylist() == [8, 0, 2, None, None]
    assert cash_steps(codes, own)[0].as_py() == Decimal("0.00000001")
    assert currency("XBT", own).minor_unit == 8
    with pytest.raises(UnknownCurrencyError, match="Did you mean 'XBT'"):
        currency("XBTC", own)


def test_a_historic_currency_has_its_last_day():
    assert currency("DEM").withdrawn == dt.date(2002, 5, 15)
    assert currency("EUR").withdrawn is None
    assert (currency("EUR").number, currency("DEM").number) == ("978", None)


def test_minor_units_are_those_of_iso():
    folder = data_folder() / "iso-units-currencies"
    with (folder / "currencies.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))

    assert len(listed) == 178
    for row in listed:
        minor = row["iso4217_minor_unit"]
        found = currency(row["code"])
        assert (found.minor_unit, found.name) == (int(minor) if minor else None, row["name"])


def test_every_historic_currency_of_a_territory_is_known():
    folder = data_folder() / "iso-units-currencies"
    with (folder / "territory_currencies.csv").open(encoding="utf-8") as file:
        codes = {row["currency"] for row in csv.DictReader(file)}

    assert codes - currencies().keys() == set()


@pytest.mark.parametrize(
    ("code", "hint"), [("eur", " Did you mean 'EUR'?"), ("EURO", " Did you mean 'EUR'?"), ("?", "")]
)
def test_the_error_about_an_unknown_code_names_the_nearest(code, hint):
    with pytest.raises(UnknownCurrencyError) as caught:
        currency(code)

    assert str(caught.value) == (
        f"there is no currency {code!r}.{hint} Nothing was computed.\n"
        "  A code is three capital letters of ISO 4217, such as EUR."
    )


def test_a_column_of_codes_is_looked_up_vectorised():
    codes = pa.array(["EUR", "JPY", "eur", None, "XAU"])

    assert known(codes).to_pylist() == [True, True, False, False, True]
    assert minor_units(codes).to_pylist() == [2, 0, None, None, None]
    assert cash_steps(codes).to_pylist() == [Decimal("0.01"), 1, None, None, None]
    assert known(codes.dictionary_encode()).to_pylist() == known(codes).to_pylist()
    assert known(pa.chunked_array([codes])).to_pylist() == known(codes).to_pylist()
    assert known(pa.nulls(1)).to_pylist() == [False]


def test_the_accounting_currency_of_a_company_ignores_case():
    companies = pa.array(["usmf", "DEMF", "gbsi", None])

    codes = accounting_currencies(companies, {"USMF": "USD", "demf": "EUR"})

    assert codes.to_pylist() == ["USD", "EUR", None, None]
