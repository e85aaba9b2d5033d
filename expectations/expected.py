"""Expectations that a project adds: rules of its own, and classes of Great Expectations.

They are made from `expect:` of a map, or from the project's `expectations/` folder
(docs/how-to/own-expectations.md); in a suite of your own, name the classes themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from dualwrite.rules import Outside, Own, Rule
from dualwrite.rules.expected import names_columns
from dualwrite.rules.wording import listed
from expectations.expectation import RuleExpectation


class _Worded(RuleExpectation):
    """Options in a person's words, and not as JSON."""

    @classmethod
    def is_abstract(cls) -> bool:
        return "rule" not in vars(cls)

    @classmethod
    def _described(cls, kwargs: Mapping[str, Any]) -> dict[str, str]:
        options = json.loads(kwargs.get("options") or "{}")
        words = [f"{name} {value}" for name, value in options.items() if not names_columns(name)]
        others = [str(each) for each in kwargs.get("others") or ()]
        return super()._described(kwargs) | {
            "with": f", {listed(words)}" if words else "",
            "and": "".join(f", {name}" for name in others),
        }


class ExpectRowsToMeetOwnRule(_Worded):
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
    template: ClassVar[str] = "$column meets the project's own rule $type$with."

    type: str
    column: str
    options: str
    file: str


class ExpectRowsToMeetOutsideRule(_Worded):
    """A class of Great Expectations, or of the project on top of it, evaluated row by row.

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
    template: ClassVar[str] = "$column$and: $type$with."

    type: str
    column: str
    others: tuple[str, ...] = ()
    options: str = "{}"
    file: str = ""
