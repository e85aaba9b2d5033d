"""Our expectations, one for each kind of rule in `dualwrite.rules`.

They are made for the gate table of one direction of a map: target columns are named by path
(`creditlimit`), the source's values have a prefix (`source:CREDITLIMIT`), what a
lookup found is under `ref:<column>`.  `suite.suite_of` makes them from a map; by hand:

    import great_expectations as gx
    from expectations.catalogue import ExpectColumnValuesToFitLength

    gx.ExpectationSuite(
        name="accounts",
        expectations=[ExpectColumnValuesToFitLength(column="name", length=160)],
    )

A column that the frame does not have makes the expectation raise (`exception_info`),
which is not the same as rows that fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from dualwrite.rules import (
    Convertible,
    CurrencyPrecision,
    Finite,
    KeyPresent,
    KeyUnique,
    Length,
    MoneyExact,
    PeriodsSound,
    Required,
    Resolvable,
    Rule,
    Scale,
    ValueMapTotal,
    WholeNumberRange,
)
from expectations.expectation import RuleExpectation
from expectations.expected import ExpectRowsToMeetOutsideRule, ExpectRowsToMeetOwnRule
from expectations.quantities import (
    ExpectQuantityToConvertBetweenUnits,
    ExpectQuantityToHaveConverted,
)
from expectations.values import (
    ExpectColumnValuesToBeFromTo,
    ExpectColumnValuesToBeOneOf,
    ExpectColumnValuesToMatchPattern,
)


class ExpectKeyToBePresent(RuleExpectation):
    """Every part of the integration key is there, and not all of them blank.

    Args:
        key: The columns that name a row.

    Example: `ExpectKeyToBePresent(key=["msdyn_company.cdm_companycode", "accountnumber"])`
    fails a row whose account number is null, and one in which both are blank.
    """

    rule: ClassVar[type[Rule]] = KeyPresent
    template: ClassVar[str] = "Every row has its key: $key."

    key: list[str]


class ExpectPeriodsNotToOverlap(RuleExpectation):
    """Each row is valid from a day to a day, and no two of one entity at the same time.

    Args:
        entity: The columns of which one row is valid at a time.
        start: The column of the first day (a date), or of the first moment in UTC.
        end: The column of the last day or moment; null, 2154-12-31 and 9999-12-31 are no end.
        kind: `date`, or `instant` for moments.
        gaps: `forbid`: each period but the first begins where another ends; or `allow`.
        end_inclusive: Whether the end belongs to the period, as in Finance and Operations.
        tick: The finest step of a moment: `second`, `millisecond` or `microsecond`.
        held: Whether the frame has the columns `before:<start>`, `before:<end>`,
            `after:<start>` and `after:<end>`, as `dualwrite.effective.beside` lays what
            another table holds there; without them the frame is to hold whole histories.

    Example: `ExpectPeriodsNotToOverlap(entity=["LOCATIONID"], start="VALIDFROM",
    end="VALIDTO", kind="instant", gaps="allow")` fails both of two rows of a location without an
    end, and a row that ends before it begins.  A column that holds neither dates nor
    timestamps makes it raise.
    """

    rule: ClassVar[type[Rule]] = PeriodsSound
    template: ClassVar[str] = "Of $entity one row is valid at a time, from $start to $end."

    entity: list[str]
    start: str
    end: str
    kind: str = "date"
    gaps: str = "forbid"
    end_inclusive: bool = True
    tick: str = "second"
    held: bool = False


class ExpectKeyToBeUnique(RuleExpectation):
    """No two rows of the batch have the same key; all of those that do fail.

    Args:
        key: The columns that name a row.  A key with a null has no duplicate.

    Example: `ExpectKeyToBeUnique(key=["accountnumber"])`.
    """

    rule: ClassVar[type[Rule]] = KeyUnique
    template: ClassVar[str] = "No other row has the same key: $key."

    key: list[str]


class ExpectValuesToBeInValueMap(RuleExpectation):
    """The value map that fills `target` lists every value of `source`.

    Args:
        source: The column as the source holds it, such as `source:ONHOLDSTATUS`.
        target: The column that the value map fills.
        known: The values that it lists.
        to_null: Those of them that it makes null on purpose.

    Example: `ExpectValuesToBeInValueMap(source="source:ONHOLDSTATUS",
    target="msdyn_onholdstatus", known=["No", "All"])`.
    """

    rule: ClassVar[type[Rule]] = ValueMapTotal
    template: ClassVar[str] = "$source is one of the values that the value map lists: $known."

    source: str
    target: str
    known: list[str]
    to_null: tuple[str, ...] = ()


class ExpectColumnValuesToBeFinite(RuleExpectation):
    """Binary floats that are numbers: neither NaN nor infinite.  Null is fine.

    Args:
        column: The column as the source holds it.

    Example: `ExpectColumnValuesToBeFinite(column="source:FACTOR")`.
    """

    rule: ClassVar[type[Rule]] = Finite
    template: ClassVar[str] = "$column is a number, neither NaN nor infinite."

    column: str


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


class ExpectColumnValuesToBeRequired(RuleExpectation):
    """No null where the target must have a value.  Blank text is a value.

    Args:
        column: The target column.

    Example: `ExpectColumnValuesToBeRequired(column="name")`.
    """

    rule: ClassVar[type[Rule]] = Required
    template: ClassVar[str] = "$column has a value."

    column: str


class ExpectColumnValuesToFitLength(RuleExpectation):
    """Text of at most `length` characters (not bytes).  Longer text is never cut.

    Args:
        column: The target column.
        length: Characters that the target has room for.

    Example: `ExpectColumnValuesToFitLength(column="name", length=160)`.
    """

    rule: ClassVar[type[Rule]] = Length
    template: ClassVar[str] = "$column has at most $length characters."

    column: str
    length: int


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
    """No digit of an amount is lost, and its currency is one of ISO 4217.

    Args:
        column: The target column: decimals or whole numbers, in units of the currency.
        code: The one currency of all rows, such as EUR; or
        currency: the gate column that holds each row's; or
        company: the gate column of the row's company, with
        companies: the companies, and
        accounting: their currencies, in the same order.
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


class ExpectColumnValuesToFitWholeNumberRange(RuleExpectation):
    """Whole numbers that the target's type can hold.

    Args:
        column: The target column.
        low: The smallest.
        high: The largest.

    Example: `ExpectColumnValuesToFitWholeNumberRange(column="day", low=-32768, high=32767)`.
    """

    rule: ClassVar[type[Rule]] = WholeNumberRange
    template: ClassVar[str] = "$column is from $low to $high."

    column: str
    low: int
    high: int


class ExpectLookupsToResolve(RuleExpectation):
    """Where a row names a row of another table, that row is there, and only once.

    A row that fails nothing else is parked: it waits for the row it names.

    Args:
        column: The gate column with the reference that was found, `ref:<lookup column>`.
        ambiguous: The gate column that holds whether more than one row was found.
        parts: The gate columns that name the other row.
        tables: The tables that it may be in.

    Example: `ExpectLookupsToResolve(column="ref:transactioncurrencyid",
    ambiguous="many:transactioncurrencyid", parts=["transactioncurrencyid.isocurrencycode"],
    tables=["transactioncurrency"])`.
    """

    rule: ClassVar[type[Rule]] = Resolvable
    template: ClassVar[str] = "$column finds its row in $tables."

    column: str
    ambiguous: str
    parts: list[str]
    tables: list[str]


EXPECTATIONS: Mapping[type[Rule], type[RuleExpectation]] = {
    expectation.rule: expectation
    for expectation in (
        ExpectKeyToBePresent,
        ExpectPeriodsNotToOverlap,
        ExpectKeyToBeUnique,
        ExpectValuesToBeInValueMap,
        ExpectColumnValuesToBeExactMoney,
        ExpectColumnValuesToBeFinite,
        ExpectQuantityToHaveConverted,
        ExpectColumnValuesToConvert,
        ExpectColumnValuesToBeRequired,
        ExpectColumnValuesToFitLength,
        ExpectColumnValuesToKeepScale,
        ExpectColumnValuesToKeepCurrencyPrecision,
        ExpectColumnValuesToFitWholeNumberRange,
        ExpectLookupsToResolve,
        ExpectColumnValuesToBeFromTo,
        ExpectColumnValuesToBeOneOf,
        ExpectColumnValuesToMatchPattern,
        ExpectQuantityToConvertBetweenUnits,
        ExpectRowsToMeetOwnRule,
        ExpectRowsToMeetOutsideRule,
    )
}
"""The expectation of each kind of rule."""


def _digits(precision: int, scale: int) -> str:
    """The room of a decimal, in words."""
    after = f"{scale:,} after it" if scale else "none after it"
    return f"at most {precision - scale:,} digits before the point and {after}"


def expectation_of(rule: Rule) -> RuleExpectation:
    """The expectation that carries `rule`."""
    return EXPECTATIONS[type(rule)].of(rule)


def rule_of(kind: str, kwargs: Mapping[str, Any], severity: str) -> Rule:
    """The rule that an expectation of this type and these arguments carries."""
    own = {name: value for name, value in kwargs.items() if name != "batch_id"}
    severity = "critical" if severity == "critical" else "warning"
    return KINDS[kind].rule.from_kwargs({**own, "severity": severity})


KINDS: Mapping[str, type[RuleExpectation]] = {
    each.expectation_type: each for each in EXPECTATIONS.values()
}
"""Our expectations by what Great Expectations calls them."""
