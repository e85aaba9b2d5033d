"""From what a map expects to rules over its gate tables.

A name is looked for among our own rules, by rule or by expectation (`length`,
`ExpectColumnValuesToFitLength`), then among the classes of the project's `expectations/`
folder, then among those of Great Expectations.  A column may be named by either end: in
each direction the one that is written is meant.  A direction without a column that an
expectation names does without the expectation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from dualwrite.rules.outside import ROW_BY_ROW, Outside
from dualwrite.rules.own import Defined, Own, defined_in, load_class
from dualwrite.rules.rule import Rule
from dualwrite.tablemap.model import ExpectedRule

DERIVED_ONLY = ("outside", "own", "periods_sound", "quantity_converts", "resolvable")
"""Rules that need more of a map than an expectation can hold; they are derived from the map."""

FACES: Mapping[str, str] = {
    "readable": "ExpectRowsToBeReadable",
    "local_time": "ExpectColumnValuesToBeLocalTimes",
    "key_present": "ExpectKeyToBePresent",
    "key_unique": "ExpectKeyToBeUnique",
    "value_map_total": "ExpectValuesToBeInValueMap",
    "money_exact": "ExpectColumnValuesToBeExactMoney",
    "finite": "ExpectColumnValuesToBeFinite",
    "convertible": "ExpectColumnValuesToConvert",
    "key_exact": "ExpectKeyToComeBack",
    "required": "ExpectColumnValuesToBeRequired",
    "length": "ExpectColumnValuesToFitLength",
    "scale": "ExpectColumnValuesToKeepScale",
    "currency_precision": "ExpectColumnValuesToKeepCurrencyPrecision",
    "whole_number_range": "ExpectColumnValuesToFitWholeNumberRange",
    "float_digits": "ExpectColumnValuesToFitFloat",
    "second_fraction": "ExpectColumnValuesToKeepSecondFraction",
    "between": "ExpectColumnValuesToBeFromTo",
    "one_of": "ExpectColumnValuesToBeOneOf",
    "matches": "ExpectColumnValuesToMatchPattern",
    "quantity_convertible": "ExpectQuantityToConvertBetweenUnits",
}
"""Our rules by the names of their expectations, which a map may use too."""

_COLUMNS = frozenset(
    {"key", "source", "target", "currency", "company", "parts", "entity", "start", "end"}
    | {"unit", "to", "quantity", "product", "variant"}
)


class UnknownExpectationError(LookupError):
    """There is no expectation of that name; `known` are those that exist."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"there is no expectation {name!r}")


class WrongOptionError(ValueError):
    """An option that the expectation does not take, or not so."""

    def __init__(self, reason: str, known: Collection[str] = ()) -> None:
        self.known = tuple(known)
        super().__init__(reason)


def names_columns(option: str) -> bool:
    """Whether an option of that name names columns."""
    return option in _COLUMNS or option.startswith("column")


@dataclass(frozen=True)
class Kinds:
    """What expectations may be called: our rules by both names, and the project's classes."""

    rules: Mapping[str, type[Rule]]
    own: Mapping[str, Defined]

    @classmethod
    def of(cls, rules: Mapping[str, type[Rule]], project: Path | None) -> Kinds:
        """With the classes of a project's folder; raises as `defined_in`."""
        offered = {n: rule for n, rule in rules.items() if n not in DERIVED_ONLY}
        faces = {FACES[name]: rule for name, rule in offered.items()}
        return cls(offered | faces, {} if project is None else defined_in(project))

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.rules, *self.own, *ROW_BY_ROW]

    def rule_of(self, expected: ExpectedRule, named: Callable[[str], str | None]) -> Rule | None:
        """The rule of an expectation in one direction; None where a column is not part of it.

        `named` gives the column of the gate table that a word of the map means, or None.

        Raises:
            UnknownExpectationError, WrongOptionError: What is written is at fault.
            OwnCodeError: A file of the project cannot be run.
        """
        columns: list[str] = []
        options: dict[str, Any] = {}
        for option, value in expected.options.items():
            if names_columns(option):
                meant = _meant(value, named)
                if meant is None:
                    return None
                options[option] = meant
                columns += [meant] if isinstance(meant, str) else meant
            else:
                options[option] = value
        rule = self._made(expected, options, columns)
        if not rule.columns or not all(rule.columns):
            msg = "no column is named"
            raise WrongOptionError(msg)
        return rule

    def _made(self, expected: ExpectedRule, options: dict[str, Any], columns: list[str]) -> Rule:
        severity = expected.severity
        kind = self.rules.get(expected.name)
        if kind is not None:
            _check(kind, options)
            return kind.from_kwargs(options | {"severity": severity})
        text = json.dumps(options, sort_keys=True, default=_plain)
        column = columns[0] if columns else ""
        own = self.own.get(expected.name)
        if own is not None:
            found = load_class(own.file, own.type)
            if isinstance(found, type) and issubclass(found, Rule):
                _check(found, options)
                return Own(severity, own.type, column, text, str(own.file))
            others = tuple(columns[1:])
            return Outside(severity, own.type, column, others, text, str(own.file))
        if expected.name in ROW_BY_ROW:
            return Outside(severity, expected.name, column, tuple(columns[1:]), text)
        raise UnknownExpectationError(expected.name, self.names)


def _meant(value: Any, named: Callable[[str], str | None]) -> Any:
    """The columns that are meant by one name or several; None where one is not there."""
    if isinstance(value, list):
        found = [named(each) if isinstance(each, str) else None for each in value]
        return None if None in found or not found else found
    return named(value) if isinstance(value, str) else None


def _check(kind: type[Rule], options: Mapping[str, Any]) -> None:
    known = {field.name: field.default for field in fields(kind) if field.name != "severity"}
    for option, value in options.items():
        if option not in known:
            msg = f"it has no option {option!r}"
            raise WrongOptionError(msg, known)
        default = known[option]
        wanted = list if isinstance(default, tuple) else type(default)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            words = {list: "a list", str: "a text", int: "a whole number", bool: "true or false"}
            msg = f"{option} is to be {words.get(wanted, 'another value')}"
            raise WrongOptionError(msg)


def _plain(value: Any) -> Any:
    """A decimal as Great Expectations takes it."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError
