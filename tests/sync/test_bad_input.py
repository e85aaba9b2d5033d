"""What bad numbers get: a row is held back by the rule's name, with both values and the cure.

The rest goes on.  Periods that overlap and the like are in test_dated.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dualwrite.tablemap.findings import MapError
from tests.sync.stock import D, F, Stock, line

MONEY = (
    "quantity: {QTY",
    "money: {PRICE: {currency: CURRENCY}, AMOUNT: {currency: EUR}}\nquantity: {QTY",
)
AMOUNT = ("  - PRICE = price\n", "  - PRICE = price\n  - AMOUNT > amount\n  - WEIGHT > weight\n")
UNIT_CURE = "correct the unit in UNIT, or enter its conversion in the ERP"


def nothing(stock: Stock) -> None:
    """The units of the stock are in order."""


def factor_of_zero(stock: Stock) -> None:
    stock.unit("pal")
    stock.conversion("pal", "pcs", "0")


def circle_that_disagrees(stock: Stock) -> None:
    """A pallet is 40 boxes of 12, and 500 pieces."""
    stock.unit("pal")
    stock.conversion("pal", "box", "40")
    stock.conversion("pal", "pcs", "500")


Prepare = Callable[[Stock], None]
CASES: dict[str, tuple[Prepare, dict[str, Any], str, str, str]] = {
    "an unknown unit": (
        nothing,
        {"UNIT": "keg"},
        "quantity_converts",
        "QTY is 2 keg: there is no unit 'keg'",
        UNIT_CURE,
    ),
    "no unit": (
        nothing,
        {"UNIT": None},
        "quantity_converts",
        "QTY is 2: no unit is given",
        UNIT_CURE,
    ),
    "a unit of another class": (
        nothing,
        {"UNIT": "kg"},
        "quantity_converts",
        (
            "QTY is 2 kg: nothing converts 'kg' to 'pcs': between Mass and Quantity only the "
            "product's own conversion does, and it has none"
        ),
        UNIT_CURE,
    ),
    "a factor of zero": (
        factor_of_zero,
        {"UNIT": "pal"},
        "quantity_converts",
        "QTY is 2 pal: the conversion from 'pal' to 'pcs' has a factor of 0",
        UNIT_CURE,
    ),
    "a circle of conversions that disagrees": (
        circle_that_disagrees,
        {"UNIT": "pal"},
        "quantity_converts",
        (
            "QTY is 2 pal: the conversions between 'pal' and 'box' disagree: 1 pal is 40 box by "
            "one path and 41.6666666666666667 box by another"
        ),
        UNIT_CURE,
    ),
    "a quantity that would come back bent": (
        nothing,
        {"QTY": Decimal("0.0001"), "UNIT": "dz"},
        "quantity_converts",
        "QTY is 0.0001 dz: it would come back as another quantity, 0",
        UNIT_CURE,
    ),
    "an unknown currency": (
        nothing,
        {"PRICE": Decimal("10.5"), "CURRENCY": "EURO"},
        "currency_precision",
        "price is 10.5 with the unknown currency 'EURO' in CURRENCY (did you mean 'EUR'?)",
        (
            "correct the amount, or its currency in CURRENCY, or write "
            "`precision: {round: half_even}` for price in the map's money:"
        ),
    ),
    "an amount finer than its currency": (
        nothing,
        {"PRICE": Decimal("10.5"), "CURRENCY": "JPY"},
        "currency_precision",
        "price is 10.5 JPY, where 0 digits behind the point fit: it would become 10",
        (
            "correct the amount, or its currency in CURRENCY, or write "
            "`precision: {round: half_even}` for price in the map's money:"
        ),
    ),
    "money that is no number": (
        nothing,
        {"AMOUNT": "NaN"},
        "money_exact",
        "AMOUNT is 'NaN', which is no amount",
        "keep AMOUNT as a decimal in its app, and correct the value there",
    ),
    "money without end": (
        nothing,
        {"AMOUNT": "-Infinity"},
        "money_exact",
        "AMOUNT is '-Infinity', which is no amount",
        "keep AMOUNT as a decimal in its app, and correct the value there",
    ),
    "a float that is no number": (
        nothing,
        {"WEIGHT": math.nan},
        "finite",
        "WEIGHT is nan, which is no number",
        "correct WEIGHT at the source",
    ),
    "a float without end": (
        nothing,
        {"WEIGHT": math.inf},
        "finite",
        "WEIGHT is inf, which is no number",
        "correct WEIGHT at the source",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_row_is_held_with_its_reason_and_the_others_go_on(stock, case):
    prepare, bad, rule, reason, cure = CASES[case]
    stock.change(MONEY, AMOUNT)
    stock.unit("dz")
    stock.conversion("dz", "pcs", "12.5")
    prepare(stock)
    good = {"PRICE": Decimal("1.25"), "CURRENCY": "EUR", "AMOUNT": "1.25", "WEIGHT": 0.5}
    stock.put(F, "Line", line("1", "24", "pcs", **good), line("2", "2", "box") | good | bad)

    stock.run()

    (held,) = stock.journal.held.rejected("lines")
    assert (held.key, held.cause, held.reason, held.cure) == ({"ID": "2"}, rule, reason, cure)
    assert stock.rows(D, "id", "quantity", "amount") == [("1", Decimal(24), Decimal("1.25"))]


def test_a_money_column_of_binary_floats_is_refused_before_anything_runs(stock):
    stock.change(
        ("  - PRICE = price\n", "  - PRICE = price\n  - FLOATED > floated\n"),
        ("quantity: {QTY", "money: {FLOATED: {currency: EUR}}\nquantity: {QTY"),
    )

    with pytest.raises(MapError) as caught:
        stock.run()

    messages = [
        str(finding).partition("FLOATED > floated: ")[2] for finding in caught.value.findings
    ]
    assert messages == [
        (
            "finops->dataverse: float into decimal(28,2): the digits of a binary float are not "
            "those meant\n  map it onto a column of a fitting type, or add a transform"
        ),
        (
            "finops.Line column FLOATED (float) bends digits\n"
            "  keep the amount in an exact decimal column"
        ),
    ]
