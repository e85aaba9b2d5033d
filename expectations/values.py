"""Expectations about single values, exact where Great Expectations' own would take floats."""

from __future__ import annotations

from typing import ClassVar

from dualwrite.rules import Between, Matches, OneOf, Rule
from expectations.expectation import RuleExpectation


class ExpectColumnValuesToBeFromTo(RuleExpectation):
    """Numbers, dates or times from `low` to `high`, both included.  Null passes.

    Args:
        column: The column; bounds are compared in its own unit.
        low: The smallest, as text; empty for none.
        high: The greatest, as text; empty for none.

    Example: `ExpectColumnValuesToBeFromTo(column="price", low="0", high="9999999999.9999999999")`
    fails 10000000000.0000000000, and -0.0000000001: no bound is ever a float.
    """

    rule: ClassVar[type[Rule]] = Between
    template: ClassVar[str] = "$column is from $low to $high."

    column: str
    low: str = ""
    high: str = ""


class ExpectColumnValuesToBeOneOf(RuleExpectation):
    """One of a few values, compared as texts.  Null passes.

    Args:
        column: The column.
        values: What it may hold.

    Example: `ExpectColumnValuesToBeOneOf(column="hold", values=["No", "All"])`.
    """

    rule: ClassVar[type[Rule]] = OneOf
    template: ClassVar[str] = "$column is one of $values."

    column: str
    values: tuple[str, ...]


class ExpectColumnValuesToMatchPattern(RuleExpectation):
    """Text in which a regular expression (RE2) is found.  Null passes.

    Args:
        column: The column.
        pattern: The expression; `^` and `$` hold it to the whole.

    Example: `ExpectColumnValuesToMatchPattern(column="telephone1", pattern="^[+][0-9 ]+$")`.
    """

    rule: ClassVar[type[Rule]] = Matches
    template: ClassVar[str] = "$column matches $pattern."

    column: str
    pattern: str
