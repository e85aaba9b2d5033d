"""Expectations that a project adds: rules of its own, and classes of Great Expectations.

They are made from `expect:` of a map, or from the project's `expectations/` folder
(docs/how-to/own-expectations.md); in a suite of your own, name the classes themselves.
"""

from __future__ import annotations

from typing import ClassVar

from dualwrite.rules import Outside, Own, Rule
from expectations.expectation import RuleExpectation


class ExpectRowsToMeetOwnRule(RuleExpectation):
    """A rule that the project defines in a Python file of its `expectations/` folder.

    Args:
        type: The class in the file.
        column: The column that it looks at first.
        options: Its options as JSON, columns by their names in the gate table.
        file: The file.

    Example: `ExpectRowsToMeetOwnRule(type="NoPoBox", column="address1_line1",
    options='{"column": "address1_line1"}', file="expectations/addresses.py")`.
    """

    rule: ClassVar[type[Rule]] = Own
    says: ClassVar[str] = "$column meets the project's rule $type $options."

    type: str
    column: str
    options: str
    file: str


class ExpectRowsToMeetOutsideRule(RuleExpectation):
    """A class of Great Expectations, or of the project on top of it, asked row by row.

    Args:
        type: The class, such as `ExpectColumnValuesToMatchRegex`.
        column: The column that it looks at first.
        others: Further columns.
        options: Its options as JSON, columns by their names in the gate table.
        file: The project's file that has it; empty for one of Great Expectations' own.

    Example: `ExpectRowsToMeetOutsideRule(type="ExpectColumnValuesToMatchRegex",
    column="telephone1", options='{"column": "telephone1", "regex": "^[+]"}')`.
    """

    rule: ClassVar[type[Rule]] = Outside
    says: ClassVar[str] = "$column: $type $options."

    type: str
    column: str
    others: tuple[str, ...] = ()
    options: str = "{}"
    file: str = ""
