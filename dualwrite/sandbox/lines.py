"""The contents of document lines: products, quantities, and amounts that add up.

They follow from the number of the line alone, so that an order, the quotation that it came of
and its invoice agree.  Amounts are whole thousandths until they become decimals, rounded to the
minor units of the currency.  Products sold by weight are quoted and never ordered, so that orders
can be counted in pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.sandbox.drawing import Numbers, below, code, constant, exact, pick, where
from dualwrite.sandbox.parties import by_company, company_codes
from dualwrite.sandbox.population import Population, company_numbers
from dualwrite.sandbox.reference import reference
from dualwrite.sandbox.trade import (
    CURRENCIES,
    are_weighed,
    minor_units,
    product_code,
    product_names,
    sales_units,
)
from dualwrite.sandbox.words import MEMOS

MONEY = pa.decimal128(28, 10)
_VAT = 20
_FREIGHT = 15_000


@dataclass(frozen=True, slots=True)
class Lines:
    """The contents of lines; quantities and amounts in thousandths, prices in ten-thousandths."""

    product: Numbers
    unit: pa.Array
    currency: pa.Array
    quantity: Numbers
    price: Numbers
    percent: Numbers
    discount: Numbers
    amount: Numbers
    tax: Numbers
    charges: Numbers


def line_numbers(documents: Numbers) -> Numbers:
    """The lines of the documents: one to four each."""
    count = 1 + documents % 4
    first = np.repeat(documents * 10 + 1, count)
    return first + np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)


def lines_of(numbers: Numbers, population: Population, *, weighed: bool = False) -> Lines:
    """The lines of these numbers; `weighed`, where they are those of quotations."""
    n = numbers // 10
    product = _products(numbers, population, weighed=weighed)
    unit, currency = sales_units(product), currencies(n)
    parts = 10 ** (3 - _decimals(unit))
    most = np.where(are_weighed(product), 25_000 // parts, 48)
    quantity = (1 + below(10**6, numbers, 381) % most) * parts
    price = 10_000 * (1 + below(2000, numbers, 382))
    price = price + np.where(numbers % 5 == 0, below(10_000, numbers, 383), 0)
    percent = np.array([0, 0, 0, 5, 10])[below(5, numbers, 384)]
    step = 10 ** (3 - minor_units(currency))
    gross = _rounded(quantity * price, 10_000, step)
    discount = _rounded(gross * percent, 100, step)
    return Lines(
        product,
        unit,
        currency,
        quantity,
        price,
        percent,
        discount,
        amount=gross - discount,
        tax=_rounded((gross - discount) * _VAT, 100, step),
        charges=np.where((n % 6 == 0) & (numbers % 10 == 1), _FREIGHT, 0),
    )


def common_columns(numbers: Numbers, lines: Lines) -> dict[str, Any]:
    """The columns that the lines of all documents have in common."""
    return {
        "DATAAREAID": company_codes(numbers // 10),
        "LINECREATIONSEQUENCENUMBER": pa.array(numbers % 10),
        "CURRENCYCODE": lines.currency,
        "PRODUCTNUMBER": product_code(lines.product),
        "PRODUCTNAME": product_names(lines.product),
        "SALESUNITSYMBOL": lines.unit,
        "SALESPRICE": exact(lines.price, 4, MONEY),
        "SALESPRICEQUANTITY": exact(np.ones_like(numbers), 0, MONEY),
        "LINEAMOUNT": exact(lines.amount, 3, MONEY),
        "LINEDESCRIPTION": where(numbers % 7 == 0, pick(MEMOS, numbers, 391)),
        "LINEDISCOUNTPERCENTAGE": exact(lines.percent, 0, MONEY),
        "TOTALDISCOUNTAMOUNT": exact(lines.discount, 3, MONEY),
        "TOTALTAXAMOUNT": exact(lines.tax, 3, MONEY),
        "TOTALCHARGESAMOUNT": exact(lines.charges, 3, MONEY),
        "EXTERNALITEMNUMBER": where(numbers % 11 == 0, code("X", lines.product, 6)),
        "REQUESTEDSHIPPINGDATE": where(numbers % 3 == 0, days(numbers, 392)),
        "ISDELIVERYADDRESSORDERSPECIFIC": constant("No", numbers),
        "ISDELIVERYADDRESSPRIVATE": constant("No", numbers),
    }


def _products(numbers: Numbers, population: Population, *, weighed: bool) -> Numbers:
    """A product that both sides hold and that every company sells.

    Where `weighed`, the second line of a quotation that became no order is one that only
    the first company sells, by weight.
    """
    n, tens = numbers // 10, population.products.finops // 10
    counted = 10 * below(tens, numbers, 395) + np.where(numbers % 2 == 0, 2, 0)
    if not weighed:
        return counted
    by_weight = (n % 2 == 1) & (numbers % 10 == 2) & (company_numbers(n) == 0)
    return np.where(by_weight, 11 + 20 * below(tens // 2, numbers, 396), counted)


def currencies(n: Numbers) -> pa.Array:
    """CURRENCYCODE of the documents."""
    return by_company(CURRENCIES, n, 360)


def days(numbers: Numbers, salt: int) -> pa.Array:
    """A day within a year or so."""
    return pa.array((20_100 + below(400, numbers, salt)).astype(np.int32)).cast(pa.date32())


def _decimals(units: pa.Array) -> Numbers:
    """How many digits a quantity in each unit has."""
    known = reference("UnitOfMeasureEntity", "UNITSYMBOL")
    digits = np.array(reference("UnitOfMeasureEntity", "DECIMALPRECISION"))
    found: Numbers = digits[pc.index_in(units, pa.array(known)).to_numpy()]
    return found


def _rounded(values: Numbers, by: int, step: Numbers) -> Numbers:
    """`values` divided, to the nearest multiple of `step`, a half up."""
    whole: Numbers = (values + by * step // 2) // (by * step) * step
    return whole
