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

from collections.abc import Mapping
from typing import Any, ClassVar

from dualwrite.rules import (
    Finite,
    FloatDigits,
    KeyExact,
    KeyPresent,
    KeyUnique,
    Length,
    LocalTime,
    PeriodsSound,
    Readable,
    Required,
    Resolvable,
    Rule,
    SecondFraction,
    ValueMapTotal,
    WholeNumberRange,
)
from expectations.digits import (
    ExpectColumnValuesToBeExactMoney,
    ExpectColumnValuesToConvert,
    ExpectColumnValuesToKeepCurrencyPrecision,
    ExpectColumnValuesToKeepScale,
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
        noted: The gate column that tells which rows share a key, where it is known already.

    Example: `ExpectKeyToBeUnique(key=["accountnumber"])`.
    """

    rule: ClassVar[type[Rule]] = KeyUnique
    template: ClassVar[str] = "No other row has the same key: $key."

    key: list[str]
    noted: str = ""


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


class ExpectRowsToBeReadable(RuleExpectation):
    """All mapped values of a row have an exact place among the types that are synced.

    Infinite dates, years before 1 or after 9999, NaN among decimals, more digits than 38 and texts
    that are none have no such place.

    Args:
        column: Where those of a row are noted, `unreadable:`.

    Example: `ExpectRowsToBeReadable(column="unreadable:")`.
    """

    rule: ClassVar[type[Rule]] = Readable
    template: ClassVar[str] = "All values of the row can be read exactly."

    column: str


class ExpectColumnValuesToBeFinite(RuleExpectation):
    """Binary floats that are numbers: neither NaN nor infinite.  Null is fine.

    Args:
        column: The column as the source holds it.

    Example: `ExpectColumnValuesToBeFinite(column="source:FACTOR")`.
    """

    rule: ClassVar[type[Rule]] = Finite
    template: ClassVar[str] = "$column is a number, neither NaN nor infinite."

    column: str


class ExpectColumnValuesToBeRequired(RuleExpectation):
    """No null where the target must have a value.  Blank text is a value.

    Args:
        column: The target column.

    Example: `ExpectColumnValuesToBeRequired(column="name")`.
    """

    rule: ClassVar[type[Rule]] = Required
    template: ClassVar[str] = "$column has a value."

    column: str


class ExpectKeyToComeBack(RuleExpectation):
    """Texts of a key that come back from the target as they are: `007` from a number would not.

    Args:
        source: The column as the source holds it, such as `source:ACCOUNTNUM`.
        target: The part of the target's key that is made of it.

    Example: `ExpectKeyToComeBack(source="source:ACCOUNTNUM", target="accountnumber")`.
    """

    rule: ClassVar[type[Rule]] = KeyExact
    template: ClassVar[str] = "$target gives $source back as it is."

    source: str
    target: str


class ExpectColumnValuesToFitLength(RuleExpectation):
    """Text of at most `length` characters, or text or binary of as many bytes.

    Longer text is never cut.

    Args:
        column: The target column.
        length: Characters that the target has room for.
        unit: `bytes` where the target counts these.
        least: Bytes that a binary needs, where the target would fill it up.

    Example: `ExpectColumnValuesToFitLength(column="name", length=160)`.
    """

    rule: ClassVar[type[Rule]] = Length
    template: ClassVar[str] = "$column has at most $length $unit."

    column: str
    length: int
    unit: str = "characters"
    least: int = 0


class ExpectColumnValuesToBeLocalTimes(RuleExpectation):
    """Times that the clocks of a zone show, and that come back from another as they were.

    Args:
        source: The source column, such as `source:SHIPPEDAT`.
        zone: The IANA name of the zone of its times without a zone.
        into: That of the zone into which they go.
        whole: Whether each must come back as it was, as a part of a key.
        company: The column of the company whose zone the word `company` means, with
        companies: the companies,
        zones: their zones, in the same order, and
        otherwise: the zone of all others.

    Example: `ExpectColumnValuesToBeLocalTimes(source="source:SHIPPEDAT", zone="Europe/Berlin")`.
    """

    rule: ClassVar[type[Rule]] = LocalTime
    template: ClassVar[str] = "$source is on the clocks of $zone."

    source: str
    zone: str
    into: str = "UTC"
    whole: bool = False
    company: str = ""
    companies: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    otherwise: str = "UTC"


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


class ExpectColumnValuesToKeepSecondFraction(RuleExpectation):
    """Times of which the target's type keeps every digit of a second.

    Args:
        column: The target column.
        digits: Digits of a second that the target keeps.

    Example: `ExpectColumnValuesToKeepSecondFraction(column="modifiedon", digits=3)`.
    """

    rule: ClassVar[type[Rule]] = SecondFraction
    template: ClassVar[str] = "$column has at most $digits digits of a second."

    column: str
    digits: int


class ExpectColumnValuesToFitFloat(RuleExpectation):
    """Numbers that a binary float holds as they are; a decimal has 15 digits at most.

    Args:
        column: The target column.
        octets: Bytes of the float.

    Example: `ExpectColumnValuesToFitFloat(column="weight")`.
    """

    rule: ClassVar[type[Rule]] = FloatDigits
    template: ClassVar[str] = "$column is a number that a float of $octets bytes holds."

    column: str
    octets: int = 4


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
        ExpectRowsToBeReadable,
        ExpectKeyToBePresent,
        ExpectPeriodsNotToOverlap,
        ExpectKeyToBeUnique,
        ExpectValuesToBeInValueMap,
        ExpectColumnValuesToBeExactMoney,
        ExpectColumnValuesToBeFinite,
        ExpectQuantityToHaveConverted,
        ExpectColumnValuesToConvert,
        ExpectColumnValuesToBeRequired,
        ExpectKeyToComeBack,
        ExpectColumnValuesToFitLength,
        ExpectColumnValuesToKeepScale,
        ExpectColumnValuesToKeepCurrencyPrecision,
        ExpectColumnValuesToBeLocalTimes,
        ExpectColumnValuesToFitWholeNumberRange,
        ExpectColumnValuesToKeepSecondFraction,
        ExpectColumnValuesToFitFloat,
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
