"""docs/reference/rules.md: every rule, and the exact text of its reasons."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest

from dualwrite.rules import (
    RULES,
    Between,
    Convertible,
    CurrencyPrecision,
    Finite,
    FloatDigits,
    KeyExact,
    KeyPresent,
    KeyUnique,
    Length,
    LocalTime,
    Matches,
    MoneyExact,
    OneOf,
    Outside,
    Own,
    PeriodsSound,
    QuantityConvertible,
    QuantityConverts,
    Readable,
    Required,
    Resolvable,
    Scale,
    SecondFraction,
    ValueMapTotal,
    WholeNumberRange,
)
from dualwrite.sync.batch.held import REFUSED
from tests.docs.pages import DOCS, section, text_of
from tests.rules import own_example

PAGE = text_of(DOCS / "reference" / "rules.md")
TERMS = Resolvable(
    column="ref:msdyn_paymentterm",
    ambiguous="many:msdyn_paymentterm",
    parts=("msdyn_paymentterm.msdyn_name",),
    tables=("msdyn_paymentterm",),
)
ADDRESS = PeriodsSound(
    entity=("msdyn_location",), start="msdyn_validfrom", end="msdyn_validto", held=True
)
HOME = {
    "msdyn_location": "L1",
    "msdyn_validfrom": dt.date(2027, 1, 1),
    "msdyn_validto": None,
    **dict.fromkeys(ADDRESS.columns[3:]),
}
LENGTH = Scale(column="length", precision=19, scale=4)
ORDERED = QuantityConverts(
    source="source:ORDEREDQTY", problem="unit:quantity", unit="source:SALESUNIT"
)
PIECES = QuantityConverts(
    source="source:quantity", problem="unit:ORDEREDQTY", symbol="pcs", returned="back:ORDEREDQTY"
)
BENT = {
    "source:quantity": Decimal(13),
    "unit:ORDEREDQTY": "it would come back as another quantity",
    "back:ORDEREDQTY": Decimal(12),
}
LIMIT = CurrencyPrecision(
    column="creditlimit", currency="source:SALESCURRENCYCODE", precision=19, scale=4
)

REASONS = [
    (Readable(), {"unreadable:": '{"CREDITLIMIT": "NaN"}'}),
    (
        LocalTime(source="source:SHIPPEDAT", zone="Europe/Berlin"),
        {"source:SHIPPEDAT": dt.datetime(2026, 3, 29, 2, 30)},  # noqa: DTZ001 - as it is
    ),
    (
        LocalTime(source="source:shippedon", into="Europe/Berlin", whole=True),
        {"source:shippedon": dt.datetime(2026, 10, 25, 1, 30)},  # noqa: DTZ001 - as it is
    ),
    (KeyPresent(key=("CUSTOMERACCOUNT",)), {"CUSTOMERACCOUNT": None}),
    (
        ADDRESS,
        {**HOME, "before:msdyn_validfrom": dt.date(2023, 7, 1), "before:msdyn_validto": None},
    ),
    (ADDRESS, {**HOME, "msdyn_validto": dt.date(2026, 12, 31)}),
    (
        KeyUnique(key=("DATAAREAID", "CUSTOMERACCOUNT")),
        {"DATAAREAID": "USMF", "CUSTOMERACCOUNT": "C1"},
    ),
    (
        ValueMapTotal(
            source="source:ONHOLDSTATUS", target="msdyn_onholdstatus", known=("No", "All")
        ),
        {"source:ONHOLDSTATUS": "Frozen"},
    ),
    (MoneyExact(column="source:PRICE", scale=2), {"source:PRICE": 0.125}),
    (Finite(column="source:RATE"), {"source:RATE": float("nan")}),
    (
        ORDERED,
        {
            "source:ORDEREDQTY": Decimal(2),
            "source:SALESUNIT": "keg",
            "unit:quantity": "there is no unit 'keg'",
        },
    ),
    (PIECES, BENT),
    (
        Convertible(
            source="source:COUNTRYREGIONCODE", target="msdyn_country", type="a whole number"
        ),
        {"source:COUNTRYREGIONCODE": "+49x"},
    ),
    (
        KeyExact(source="source:ACCOUNTNUM", target="accountnumber"),
        {"source:ACCOUNTNUM": "007", "accountnumber": 7},
    ),
    (Required(column="currencysymbol"), {"currencysymbol": None}),
    (Length(column="CREDITRATING", length=10), {"CREDITRATING": "excellent so far"}),
    (Length(column="DESCRIPTION", length=255, unit="bytes"), {"DESCRIPTION": "ü" * 150}),
    (
        Length(column="FINGERPRINT", length=16, unit="bytes", least=16),
        {"FINGERPRINT": b"\0\1\2\3"},
    ),
    (LENGTH, {"length": Decimal("1000.1234500000")}),
    (LENGTH, {"length": Decimal(9000000000000000)}),
    *(
        (LIMIT, {"creditlimit": Decimal(amount), "source:SALESCURRENCYCODE": code})
        for amount, code in [("1000.12345", "GBP"), ("9E15", "GBP"), ("10", "EURO"), ("10", None)]
    ),
    (WholeNumberRange(column="days", low=-32768, high=32767), {"days": 40000}),
    (
        SecondFraction(column="modifiedon"),
        {"modifiedon": dt.datetime(2026, 5, 1, 10, 0, 0, 600_000)},  # noqa: DTZ001 - as it is
    ),
    (FloatDigits(column="weight"), {"weight": 0.1}),
    (TERMS, {"many:msdyn_paymentterm": False, "msdyn_paymentterm.msdyn_name": "Net999"}),
    (TERMS, {"many:msdyn_paymentterm": True, "msdyn_paymentterm.msdyn_name": "Net30"}),
    (Between(column="creditlimit", low="0", high="1000000"), {"creditlimit": Decimal("-0.01")}),
    (OneOf(column="freightterms", values=("FOB", "CIF")), {"freightterms": "X"}),
    (Matches(column="telephone1", pattern="^[+]"), {"telephone1": "0049"}),
    (
        QuantityConvertible(quantity="quantity", unit="unit", to_symbol="pcs"),
        {"quantity": 2, "unit": "tin"},
    ),
    (
        Own(
            type="AtMost",
            column="quantity",
            options='{"column": "quantity", "most": 30}',
            file=own_example.__file__,
        ),
        {"quantity": 36},
    ),
    (
        Outside(
            type="ExpectColumnValuesToMatchRegex",
            column="telephone1",
            options='{"column": "telephone1", "regex": "^[+]"}',
        ),
        {"telephone1": "0049"},
    ),
]


@pytest.mark.parametrize(("rule", "row"), REASONS, ids=lambda each: getattr(each, "name", ""))
def test_the_reasons_of_the_page_are_those_of_the_rules(rule, row):
    assert f"| `{rule.name}` | `{rule.reason(row)}` |" in PAGE


def test_a_long_text_is_shortened_as_in_the_rule():
    rule = Length(column="ORGANIZATIONNAME", length=100)

    assert f"`{rule.reason({rule.column: 'x' * 130})}`" in PAGE


@pytest.mark.parametrize("rule", [rule for rule, _ in REASONS], ids=lambda rule: rule.name)
def test_the_cures_of_the_page_are_those_of_the_rules(rule):
    assert f"| `{rule.name}` | {rule.cure} |" in PAGE


def test_the_page_has_every_rule_in_order_and_no_other():
    documented = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## The reasons")[0], re.MULTILINE)

    assert documented == [*RULES, REFUSED]


@pytest.mark.parametrize("title", ["The reasons", "The cures"])
def test_the_page_has_a_reason_and_a_cure_for_every_rule(title):
    documented = re.findall(r"^\| `([^`]+)` \|", section(PAGE, title), re.MULTILINE)

    assert list(dict.fromkeys(documented)) == list(RULES)
