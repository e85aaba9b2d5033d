"""The data sets themselves: complete, exact, and with the expected columns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dualwrite.link import Side
from dualwrite.sandbox.schema.definition import TableDef, sandbox_tables
from tests.real import northwind
from tests.real.adventureworks import finops_tables
from tests.real.adventureworks.units import conversion
from tests.real.data import data_folder, decimals, read

ROWS = {
    "OMLegalEntity": 2,
    "CurrencyEntity": 208,
    "ExchangeRateTypeEntity": 2,
    "ExchangeRateCurrencyPairEntity": 28,
    "ExchangeRateCDSEntity": 2 * 13_532,
    "PaymentTermEntity": 6,
    "TaxGroupEntity": 29,
    "UnitOfMeasureEntity": 88,
    "UnitOfMeasureConversionEntity": 64,
    "DirPartyCDSEntity": 20_777,
    "DirPartyPostalAddressLocationCDSEntity": 19_614,
    "LogisticsPostalAddressHistoryV2CDSEntity": 19_614,
    "DirPartyLocationPostalAddressCDSEntity": 19_614,
    "DirPartyContactV3Entity": 2 * 19_972,
    "SalesContactPersonTitleEntity": 20,
    "smmContactPersonV2Entity": 909,
    "EcoResEveryProductEntity": 504,
    "EcoResProductColorEntity": 9,
    "EcoResProductSizeEntity": 18,
    "EcoResProductStyleEntity": 3,
    "EcoResReleasedDistinctProductCDSEntity": 504 + 295,
    "EcoResProductSpecificUnitConversionEntity": 205,
    "CustCustomerGroupEntity": 8,
    "CustCustomerV3Entity": 19_820,
    "VendVendorGroupEntity": 2,
    "VendVendorV2Entity": 104,
}


def test_every_file_is_loaded_completely():
    tables = finops_tables(data_folder())

    assert {name: rows.num_rows for name, rows in tables.items()} == ROWS


@pytest.mark.parametrize("name", ROWS)
def test_a_table_fits_the_finops_table_of_the_same_name(name):
    _assert_fits(finops_tables(data_folder())[name], sandbox_tables(Side.FINOPS)[name])


@pytest.mark.parametrize("side", Side)
def test_northwind_fits_the_tables_of_both_sides(side):
    tables = {
        Side.FINOPS: northwind.finops_tables,
        Side.DATAVERSE: northwind.dataverse_tables,
    }[side](data_folder())

    for name, rows in tables.items():
        _assert_fits(rows, sandbox_tables(side)[name])


def _assert_fits(rows: pa.Table, table: TableDef) -> None:
    for field in rows.schema:
        column = table.columns[field.name]
        assert field.type == column.arrow, field.name
        if column.required or field.name in table.key:
            assert rows[field.name].null_count == 0, field.name
        if column.length and column.scale is None:
            longest = pc.max(pc.utf8_length(rows[field.name])).as_py() or 0
            assert longest <= column.length, field.name
    assert rows.group_by(list(table.key)).aggregate([]).num_rows == rows.num_rows


def test_decimals_are_read_from_text_without_loss():
    texts = read(data_folder(), "adventureworks/Production.Product")["StandardCost"]

    exact = decimals(texts, 28, 10).to_pylist()

    assert ".0000" in texts.to_pylist()
    assert exact == [Decimal(text) for text in texts.to_pylist()]


def test_rates_of_a_pair_follow_each_other_without_a_gap():
    rates = finops_tables(data_folder())["ExchangeRateCDSEntity"]
    marks = rates.filter(
        pc.and_(
            pc.equal(rates["TOCURRENCYCODE"], "DEM"),
            pc.equal(rates["EXCHANGERATETYPENAME"], "Average"),
        )
    ).to_pylist()

    for each, following in pairwise(marks):
        assert each["VALIDTO"] + dt.timedelta(days=1) == following["VALIDFROM"]
    assert len(marks) == 184
    assert marks[-1]["VALIDTO"] == dt.date(2154, 12, 31)


def test_every_conversion_is_exact_in_the_columns_of_the_erp():
    """Factor, numerator and denominator together lose nothing, even where none of them could."""
    for row in read(data_folder(), "iso-units-currencies/unit_conversions").to_pylist():
        exact = Fraction(int(row["numerator"]), int(row["denominator"]))

        converted = conversion(
            exact,
            finite=row["factor_is_finite_decimal"] == "1",
            offset=Decimal(row["offset_to_base"]),
        )

        assert (
            Fraction(converted["FACTOR"]) * converted["NUMERATOR"] / converted["DENOMINATOR"]
            == exact
        )
        assert max(converted["NUMERATOR"], converted["DENOMINATOR"]) < 2**31


def test_water_freezes_at_32_fahrenheit():
    converted = conversion(
        Fraction(5, 9), finite=False, offset=Decimal("255.3722222222222222222222")
    )

    assert converted["INNEROFFSET"] == Decimal("459.67")


def test_names_keep_their_characters():
    parties = finops_tables(data_folder())["DirPartyCDSEntity"]

    assert {"François", "Niñia", "Desirée", "Begoña"} <= set(parties["PERSONFIRSTNAME"].to_pylist())
