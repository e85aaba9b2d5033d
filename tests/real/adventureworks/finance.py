"""Currencies and their daily rates, terms of payment, sales tax groups.

ISO 4217 gives the currencies of today, AdventureWorks adds 30 that are gone (DEM, FRF,
VEB ...).  It has no symbols, so those come without one: dataverse, which asks for a symbol,
cannot take them, and their rates have to wait.  That is the data's fault and stays.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.real.data import (
    Column,
    always,
    blank_as_null,
    dates,
    decimals,
    found,
    join,
    named,
    read,
)

COMPANIES = {"USMF": "AdventureWorks Cycles, Inc.", "DEMF": "AdventureWorks Europa GmbH"}
FOREVER = dt.date(2154, 12, 31)

RATE_COLUMNS = {"EndOfDay": "EndOfDayRate", "Average": "AverageRate"}
"""Rate type and the column of `Sales.CurrencyRate` that it reads."""

_TERMS = {
    "N010": ("Net 10 days", 10, "No"),
    "N030": ("Net 30 days", 30, "No"),
    "COD": ("Cash on delivery", 0, "Yes"),
}
_TAXED = {"1": "retail", "2": "wholesale", "3": "all"}


def finance(folder: Path) -> dict[str, pa.Table]:
    """The finops tables of this room."""
    return {
        "OMLegalEntity": pa.table(
            {"LEGALENTITYID": list(COMPANIES), "NAME": list(COMPANIES.values())}
        ),
        "CurrencyEntity": _currencies(folder),
        "ExchangeRateTypeEntity": pa.table(
            {
                "NAME": list(RATE_COLUMNS),
                "DESCRIPTION": ["Rate at the end of the day", "Average of the day"],
            }
        ),
        "ExchangeRateCurrencyPairEntity": _pairs(folder),
        "ExchangeRateCDSEntity": pa.concat_tables(
            _rates(folder, kind, column) for kind, column in RATE_COLUMNS.items()
        ),
        "PaymentTermEntity": pa.concat_tables(map(_terms, COMPANIES)),
        "TaxGroupEntity": _tax_groups(folder),
    }


def company_of(territories: Column, folder: Path) -> Column:
    """Europe buys in DEMF, the rest of the world in USMF."""
    region = found(territories, read(folder, "adventureworks/Sales.SalesTerritory"), *_REGION)
    return named(region, {"Europe": "DEMF", "North America": "USMF", "Pacific": "USMF"})


_REGION = ("TerritoryID", "Group")


def _currencies(folder: Path) -> pa.Table:
    iso = read(folder, "iso-units-currencies/currencies")
    old = read(folder, "adventureworks/Sales.Currency")
    old = old.filter(
        pc.invert(pc.is_in(old["CurrencyCode"], value_set=iso["code"].combine_chunks()))
    )
    today = pa.table(
        {
            "CURRENCYCODE": iso["code"],
            "NAME": iso["name"],
            "SYMBOL": blank_as_null(iso["symbol_en"]),
        }
    )
    gone = pa.table(
        {
            "CURRENCYCODE": old["CurrencyCode"],
            "NAME": old["Name"],
            "SYMBOL": always(None, old, pa.string()),
        }
    )
    return pa.concat_tables([today, gone])


def _pairs(folder: Path) -> pa.Table:
    rates = read(folder, "adventureworks/Sales.CurrencyRate")
    pairs = rates.group_by(["FromCurrencyCode", "ToCurrencyCode"]).aggregate([])
    return pa.concat_tables(
        pa.table(
            {
                "EXCHANGERATETYPENAME": always(kind, pairs),
                "FROMCURRENCYCODE": pairs["FromCurrencyCode"],
                "TOCURRENCYCODE": pairs["ToCurrencyCode"],
                "EXCHANGERATEDISPLAYFACTOR": always("One", pairs),
            }
        )
        for kind in RATE_COLUMNS
    )


def _rates(folder: Path, kind: str, column: str) -> pa.Table:
    """A rate holds until the day before the next one of its pair; the last one for ever."""
    rates = read(folder, "adventureworks/Sales.CurrencyRate").sort_by(
        [(name, "ascending") for name in ("ToCurrencyCode", "CurrencyRateDate")]
    )
    start, pair = dates(rates["CurrencyRateDate"]), rates["ToCurrencyCode"].combine_chunks()
    following = pa.concat_arrays([start.combine_chunks()[1:], pa.array([None], pa.date32())])
    next_pair = pa.concat_arrays([pair[1:], pa.array([""])])
    day_before = pc.subtract(following.cast(pa.int32()), pa.scalar(1, pa.int32())).cast(pa.date32())
    return pa.table(
        {
            "EXCHANGERATETYPENAME": always(kind, rates),
            "FROMCURRENCYCODE": rates["FromCurrencyCode"],
            "TOCURRENCYCODE": rates["ToCurrencyCode"],
            "VALIDFROM": start,
            "VALIDTO": pc.if_else(pc.equal(pair, next_pair), day_before, pa.scalar(FOREVER)),
            "RATE": decimals(rates[column], 38, 10),
        }
    )


def _terms(company: str) -> pa.Table:
    rows = [
        {
            "DATAAREAID": company,
            "NAME": name,
            "DESCRIPTION": text,
            "NUMBEROFDAYS": days,
            "ISCASHPAYMENT": cash,
            "ISDEFAULTPAYMENTTERM": "Yes" if name == "N030" else "No",
            "PAYMENTMETHODTYPE": "Cod" if name == "COD" else "Net",
        }
        for name, (text, days, cash) in _TERMS.items()
    ]
    return pa.Table.from_pylist(rows)


def _tax_groups(folder: Path) -> pa.Table:
    """A state's rate for retail, wholesale or both, in the company that sells there."""
    rates = read(folder, "adventureworks/Sales.SalesTaxRate")
    states = read(folder, "adventureworks/Person.StateProvince")
    territory = found(rates["StateProvinceID"], states, "StateProvinceID", "TerritoryID")
    return pa.table(
        {
            "DATAAREAID": company_of(territory, folder),
            "TAXGROUPCODE": tax_group_code(rates["StateProvinceID"], rates["TaxType"], folder),
            "DESCRIPTION": join([rates["Name"], named(rates["TaxType"], _TAXED)], ", "),
        }
    )


def tax_group_code(states: Column, tax_types: Column, folder: Path) -> Column:
    """`US-WA-1`; null where AdventureWorks has no rate of that kind for the state."""
    provinces = read(folder, "adventureworks/Person.StateProvince")
    country = found(states, provinces, "StateProvinceID", "CountryRegionCode")
    code = pc.utf8_trim_whitespace(found(states, provinces, "StateProvinceID", "StateProvinceCode"))
    rates = read(folder, "adventureworks/Sales.SalesTaxRate")
    known = join([rates["StateProvinceID"], rates["TaxType"]], "-").combine_chunks()
    exists = pc.is_in(join([states, tax_types], "-"), value_set=known)
    return pc.if_else(exists, join([country, code, tax_types], "-"), pa.scalar(None, pa.string()))
