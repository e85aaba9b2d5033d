"""Data-quality rules as pure functions of the gate table.

The hot path calls `judge`; Great Expectations carries the same rules by their name
and parameters.  A rule is added by a class in the file of its family and a place in
`RULES`.
"""

from collections.abc import Mapping

from dualwrite.rules.capacity import FloatDigits, Length, Scale, SecondFraction, WholeNumberRange
from dualwrite.rules.conversion import Convertible, Finite, Readable, ValueMapTotal
from dualwrite.rules.deriving import derive
from dualwrite.rules.judging import Failure, Verdict, explain, judge, weigh
from dualwrite.rules.keys import KeyExact, KeyPresent, KeyUnique
from dualwrite.rules.outside import Outside
from dualwrite.rules.own import Own
from dualwrite.rules.periods import PeriodsSound
from dualwrite.rules.precision import CurrencyPrecision, MoneyExact
from dualwrite.rules.presence import Required
from dualwrite.rules.quantities import QuantityConvertible, QuantityConverts
from dualwrite.rules.references import Resolvable
from dualwrite.rules.rule import Rule, Severity
from dualwrite.rules.times import LocalTime
from dualwrite.rules.values import Between, Matches, OneOf

RULES: Mapping[str, type[Rule]] = {
    rule.name: rule
    for rule in (
        Readable,
        LocalTime,
        KeyPresent,
        PeriodsSound,
        KeyUnique,
        ValueMapTotal,
        MoneyExact,
        Finite,
        QuantityConverts,
        Convertible,
        KeyExact,
        Required,
        Length,
        Scale,
        CurrencyPrecision,
        WholeNumberRange,
        SecondFraction,
        FloatDigits,
        Resolvable,
        Between,
        OneOf,
        Matches,
        QuantityConvertible,
        Own,
        Outside,
    )
}

__all__ = [
    "RULES",
    "Between",
    "Convertible",
    "CurrencyPrecision",
    "Failure",
    "Finite",
    "FloatDigits",
    "KeyExact",
    "KeyPresent",
    "KeyUnique",
    "Length",
    "LocalTime",
    "Matches",
    "MoneyExact",
    "OneOf",
    "Outside",
    "Own",
    "PeriodsSound",
    "QuantityConvertible",
    "QuantityConverts",
    "Readable",
    "Required",
    "Resolvable",
    "Rule",
    "Scale",
    "SecondFraction",
    "Severity",
    "ValueMapTotal",
    "Verdict",
    "WholeNumberRange",
    "derive",
    "explain",
    "judge",
    "weigh",
]
