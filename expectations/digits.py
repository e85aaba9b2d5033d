"""Expectations about conversions, decimals and amounts: no digit is lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from dualwrite.rules import Convertible, CurrencyPrecision, MoneyExact, Rule, Scale
from expectations.expectation import RuleExpectation


class ExpectColumnValuesToConvert(RuleExpectation):
    """What `source` holds can be converted to the type of `target`.

    Args:
        source: The column as it was before the conversion.
        target: The converted column; null where it could not be done.
        type: The target's type in words, for people.

    Example: `ExpectColumnValuesToConvert(source="source:CREDITLIMIT",
    target="creditlimit", type="a decimal(19, 4)")`.
    """

    rule: ClassVar[type[Rule]] = Convertible
    template: ClassVar[str] = "$source can be converted to $type."

    source: str
    target: str
    type: str

    @classmethod
    def _described(cls, kwargs: Mapping[str, Any]) -> dict[str, str]:
        described = super()._described(kwargs)
        if room := re.fullmatch(r"a decimal\((\d+), (\d+)\)", described["type"]):
            described["type"] = f"a number with {_digits(int(room[1]), int(room[2]))}"
        return described


class ExpectColumnValuesToKeepScale(RuleExpectation):
    """No digit of a decimal is lost, neither before nor behind the point.

    Args:
        column: The target column.
        precision: Digits that the target has room for in all.
        scale: Digits behind the point among them.

    Example: `ExpectColumnValuesToKeepScale(column="creditlimit", precision=19, scale=4)`
    fails 0.00001, and passes 0.10000 (unit: that of the amount; no value is ever a float).
    """

    rule: ClassVar[type[Rule]] = Scale
    template: ClassVar[str] = "$column has $digits."

    column: str
    precision: int
    scale: int

    @classmethod
    def _described(cls, kwargs: Mapping[str, Any]) -> dict[str, str]:
        return super()._described(kwargs) | {
            "digits": _digits(kwargs["precision"], kwargs["scale"])
        }


class ExpectColumnValuesToBeExactMoney(RuleExpectation):
    """Amounts as the source holds them are numbers that no float has changed.

    Args:
        column: The column as the source holds it; decimals and whole numbers always pass.
        scale: Digits behind the point that a float may have.

    Example: `ExpectColumnValuesToBeExactMoney(column="source:CREDITLIMIT", scale=4)` fails
    NaN, and 0.1 as a float, which is 0.1000000000000000055...; 0.25 passes.
    """

    rule: ClassVar[type[Rule]] = MoneyExact
    template: ClassVar[str] = (
        "$column is an exact amount: a number, no digit of it bent by a float."
    )

    column: str
    scale: int


class ExpectColumnValuesToKeepCurrencyPrecision(RuleExpectation):
    """No digit of an amount is lost, and its currency is one of ISO 4217 or `own`.

    Args:
        column: The target column: decimals or whole numbers, in units of the currency.
        code: The one currency of all rows, such as EUR; or
        currency: the gate column that holds each row's; or
        company: the gate column of the row's company, with
        companies: the companies, and
        accounting: their currencies, in the same order.
        own: Currencies that ISO 4217 does not list, with
        own_digits: the decimal places of each, in the same order.
        precision: Digits that the target has room for in all.
        scale: Digits behind the point among them.
        kind: `amount` (minor units of the currency), `price` (the scale alone), or `cash`.
        policy: `reject`, or `round:half_even` and the like: then only the room counts.

    Example: `ExpectColumnValuesToKeepCurrencyPrecision(column="creditlimit",
    currency="source:SALESCURRENCYCODE", precision=19, scale=4)` fails 10.005 EUR and 10.5 JPY.
    """

    rule: ClassVar[type[Rule]] = CurrencyPrecision
    template: ClassVar[str] = "$column $keeps."

    column: str
    code: str = ""
    currency: str = ""
    company: str = ""
    companies: tuple[str, ...] = ()
    accounting: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    own_digits: tuple[int, ...] = ()
    precision: int = 38
    scale: int = 0
    kind: str = "amount"
    policy: str = "reject"

    @classmethod
    def _described(cls, kwargs: Mapping[str, Any]) -> dict[str, str]:
        described = super()._described(kwargs)
        money = described["code"] or f"the currency in {described['currency']}"
        if described["company"]:
            money = f"the currency of the company in {described['company']}"
        precision, scale = kwargs.get("precision", 38), kwargs.get("scale", 0)
        whole = f"at most {precision - scale:,} digits before the point"
        match kwargs.get("kind", "amount"), kwargs.get("policy", "reject") == "reject":
            case "price", True:
                described["keeps"] = f"is a price in {money} with {_digits(precision, scale)}"
            case "cash", True:
                described["keeps"] = f"can be paid in the cash of {money}, and has {whole}"
            case _, True:
                described["keeps"] = f"has no more decimals than {money}, and {whole}"
            case _, _:
                described["keeps"] = f"is rounded as {money} asks, and then has {whole}"
        return described


def _digits(precision: int, scale: int) -> str:
    """The room of a decimal, in words."""
    after = f"{scale:,} after it" if scale else "none after it"
    return f"at most {precision - scale:,} digits before the point and {after}"
