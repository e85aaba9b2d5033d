"""Amounts in the currency in which their company keeps its books."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dualwrite.apps.memory.app import MemoryApp
from dualwrite.errors import ConfigError
from dualwrite.tablemap.findings import MapError
from tests.sync.stock import LINES, D, F, line, table, text

MONEY = "money: {PRICE: {currency: company"


def of_companies(stock, more="}}", config=""):
    stock.change(
        (
            "finops: {table: Line, key: [ID]}",
            "finops: {table: Line, key: [COMPANY, ID], company: COMPANY}",
        ),
        (
            "dataverse: {table: line, key: [id]}",
            "dataverse: {table: line, key: [company, id], company: company}",
        ),
        ("  - CURRENCY = currency\n", "  - CURRENCY = currency\n  - COMPANY = company\n"),
        ("quantity: {QTY", f"{MONEY}{more}\nquantity: {{QTY"),
    )
    with (stock.folder / "dualwrite.toml").open("a", encoding="utf-8") as file:
        file.write(config)
    return stock


BOOKS = '[companies.USMF]\ncurrency = "USD"\n[companies.JPMF]\ncurrency = "JPY"\n'


def priced(key, company, price):
    return line(key, COMPANY=company, PRICE=Decimal(price))


def test_an_amount_is_judged_by_the_currency_of_its_company(stock):
    of_companies(stock, config=BOOKS)
    stock.put(F, "Line", priced("1", "USMF", "10.25"), priced("2", "JPMF", "10.25"))

    stock.run()

    assert [row[0] for row in stock.rows(D, "id")] == ["1"]
    assert stock.held() == [
        (
            "JPMF",
            "currency_precision",
            "price is 10.25 JPY, where 0 digits behind the point fit: it would become 10",
        )
    ]


def test_an_amount_is_rounded_by_the_currency_of_its_company_and_does_not_come_back(stock):
    of_companies(stock, ", precision: {round: half_even}}}", BOOKS)
    stock.put(F, "Line", priced("1", "USMF", "10.255"), priced("2", "JPMF", "10.255"))
    stock.run()
    stock.put(D, "line", {"id": "2", "company": "JPMF", "item": "A"})
    stock.cycle()

    assert stock.rows(D, "id", "price") == [("1", Decimal("10.26")), ("2", Decimal(10))]
    assert stock.rows(F, "ID", "PRICE", "ITEM")[1] == ("2", Decimal("10.255"), "A")
    assert stock.unexplained() == 0


def test_the_ledgers_of_the_erp_give_the_currency_too(stock):
    of_companies(stock, config='[companies.USMF]\ncurrency = "USD"\n')
    ledger = table("Ledger", 1, text("LEGALENTITYID", required=True), text("ACCOUNTINGCURRENCY"))
    stock.apps = {**stock.apps, F: MemoryApp(F, LINES[F], ledger)}
    stock.map(
        "map: ledger--msdyn-ledgers\ntitle: Ledgers\n"
        "finops: {table: Ledger, key: [LEGALENTITYID]}\n"
        "dataverse: {table: msdyn_ledger, key: [msdyn_company.cdm_companycode]}\n"
        "columns:\n"
        "  - LEGALENTITYID > msdyn_company.cdm_companycode\n"
        "  - ACCOUNTINGCURRENCY > msdyn_accountingcurrency.isocurrencycode\n",
        name="ledger--msdyn-ledgers",
    )
    stock.put(
        F,
        "Ledger",
        {"LEGALENTITYID": "USMF", "ACCOUNTINGCURRENCY": "JPY"},
        {"LEGALENTITYID": "JPMF", "ACCOUNTINGCURRENCY": "JPY"},
    )
    stock.put(
        F, "Line", *(priced("1", "USMF", "0.5") | {"UNIT": "pcs"}, priced("2", "JPMF", "0.5"))
    )

    stock.run()

    assert stock.rows(D, "id", "price") == [("1", Decimal("0.5"))]


@pytest.mark.parametrize(
    ("config", "messages"),
    [
        (
            "",
            [
                (
                    "15: DW1131 currency: company: the accounting currency of JPMF is not known\n"
                    '  set it in dualwrite.toml: [companies.JPMF] currency = "EUR"; '
                    "or map the ERP's ledgers"
                ),
                (
                    "15: DW1131 currency: company: the accounting currency of USMF is not known\n"
                    '  set it in dualwrite.toml: [companies.USMF] currency = "EUR"; '
                    "or map the ERP's ledgers"
                ),
            ],
        ),
        (
            BOOKS.replace("JPY", "JPX"),
            [
                (
                    "15: DW1131 currency: company: that of JPMF, 'JPX', is no currency of "
                    "ISO 4217\n"
                    "  did you mean 'JPY'? correct it in dualwrite.toml, or in the ERP's ledger; "
                    "or define it: [currencies.JPX] digits = 2"
                )
            ],
        ),
    ],
)
def test_a_company_without_a_currency_is_reported_before_anything_runs(stock, config, messages):
    of_companies(stock, config=config)

    with pytest.raises(MapError) as caught:
        stock.run()

    assert [str(each).rpartition("lines.yaml:")[2] for each in caught.value.findings] == messages


def test_a_map_without_companies_has_no_accounting_currency(stock):
    stock.change(("quantity: {QTY", f"{MONEY}}}}}\nquantity: {{QTY"))

    with pytest.raises(
        MapError, match="money: PRICE: currency: company, but the rows belong to no"
    ):
        stock.run()


POINTS = '[currencies.POINT]\ndigits = 1\n[companies.USMF]\ncurrency = "POINT"\n'


def test_an_amount_in_a_currency_of_the_project_has_its_decimal_places(stock):
    books = POINTS + '[companies.JPMF]\ncurrency = "JPY"\n'
    of_companies(stock, config=books)
    stock.put(F, "Line", priced("1", "USMF", "10.5"), priced("2", "USMF", "10.25"))

    stock.run()

    assert [row[0] for row in stock.rows(D, "id")] == ["1"]
    assert [reason for *_, reason in stock.held()] == [
        "price is 10.25 POINT, where 1 digits behind the point fit: it would become 10.2"
    ]


def test_a_rounded_amount_in_a_currency_of_the_project_does_not_come_back(stock):
    of_companies(
        stock,
        ", precision: {round: half_even}}}",
        POINTS + '[companies.JPMF]\ncurrency = "JPY"\n',
    )
    stock.put(F, "Line", priced("1", "USMF", "10.255"))
    stock.run()
    stock.put(D, "line", {"id": "1", "company": "USMF", "item": "B"})
    stock.cycle()

    assert stock.rows(D, "id", "price") == [("1", Decimal("10.3"))]
    assert stock.rows(F, "ID", "PRICE", "ITEM") == [("1", Decimal("10.255"), "B")]
    assert stock.unexplained() == 0


def test_a_currency_of_iso_is_not_defined_anew(stock):
    of_companies(stock, config="[currencies.EUR]\ndigits = 3\n")

    with pytest.raises(ConfigError) as caught:
        stock.run()

    assert str(caught.value) == (
        f"{stock.folder}/dualwrite.toml: [currencies.EUR]: ISO 4217 has EUR already, Euro. "
        "Nothing was read or written.\n"
        "  Take it out, or give the currency a code of your own"
    )
