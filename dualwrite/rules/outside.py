"""Rules that another package evaluates: classes of Great Expectations, and of the user on top.

The engine imports neither.  A package that evaluates such rules has an entry point of
the group `dualwrite.rules`, a function from the rule and a gate table to the mask of failing
rows; `great_expectations` is the name of this project's own (`expectations/outside.py`).
Where none is installed, nothing is written: rows that cannot be judged must not pass.

One evaluation takes a tenth of a second whatever the number of rows, and the first one takes
seconds.  So a critical rule is evaluated by every gate, a warning only by quality reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

import pyarrow as pa

from dualwrite.errors import PermanentError
from dualwrite.gate_column import plain_name
from dualwrite.rules.rule import Rule
from dualwrite.rules.wording import shown

GROUP = "dualwrite.rules"
"""The group of entry points that evaluate rules from outside."""
EVALUATOR = "great_expectations"

ROW_BY_ROW = (
    "ExpectColumnPairValuesAToBeGreaterThanB", "ExpectColumnPairValuesToBeEqual",
    "ExpectColumnPairValuesToBeInSet", "ExpectColumnValueLengthsToBeBetween",
    "ExpectColumnValueLengthsToEqual", "ExpectColumnValuesToBeBetween",
    "ExpectColumnValuesToBeDateutilParseable", "ExpectColumnValuesToBeInSet",
    "ExpectColumnValuesToBeJsonParseable", "ExpectColumnValuesToBeNull",
    "ExpectColumnValuesToBeUnique", "ExpectColumnValuesToMatchJsonSchema",
    "ExpectColumnValuesToMatchRegex", "ExpectColumnValuesToMatchRegexList",
    "ExpectColumnValuesToMatchStrftimeFormat", "ExpectColumnValuesToNotBeInSet",
    "ExpectColumnValuesToNotBeNull", "ExpectColumnValuesToNotMatchRegex",
    "ExpectColumnValuesToNotMatchRegexList", "ExpectCompoundColumnsToBeUnique",
    "ExpectMulticolumnSumToEqual", "ExpectSelectColumnValuesToBeUniqueWithinRecord",
)  # fmt: skip
"""The classes of Great Expectations whose verdict on a row does not depend on other batches.
A class that judges a whole table cannot say which row to hold back."""


class OutsideError(PermanentError):
    """A rule from outside cannot be evaluated."""

    def __init__(self, *, called: str, reason: str) -> None:
        self.called, self.reason = called, reason
        super().__init__(
            f"{called}: cannot be evaluated ({reason}). Nothing of this batch was written.\n"
            "  Install what it needs (pip install 'dualwrite[flows]', in a checkout), correct it, "
            "or make it `severity: warning`: then only quality reports evaluate it."
        )


@dataclass(frozen=True)
class Outside(Rule):
    """A class of Great Expectations, `type`, with its `options` as JSON.

    `column` is what it looks at first, `others` the further columns.  `file` is the user's
    file that has the class; empty for one of Great Expectations' own.
    """

    name: ClassVar[str] = "outside"

    type: str = ""
    column: str = ""
    others: tuple[str, ...] = ()
    options: str = "{}"
    file: str = ""

    @property
    def called(self) -> str:
        return self.type

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *self.others)

    @property
    def reported_only(self) -> bool:
        return self.severity == "warning"

    @property
    def cure(self) -> str:
        return f"correct {plain_name(self.column)}, or the expectation in the project"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        try:
            evaluate = _evaluator()
        except (ImportError, LookupError) as error:
            reason = f"Great Expectations is not installed: {error}"
            raise OutsideError(called=self.type, reason=reason) from error
        return evaluate(self, table)

    def reason(self, row: Mapping[str, Any], /) -> str:
        text = ", ".join(f"{plain_name(name)} is {shown(row[name])}" for name in self.columns)
        return f"{text}: {self.type} {self.options} is not met"


Evaluator = Callable[[Outside, pa.Table], pa.BooleanArray]


def _evaluator() -> Evaluator:
    """The installed function that evaluates rules from outside.

    Raises:
        LookupError: No installed package provides one.
        ImportError: The package that provides it lacks something.
    """
    entry = _entry_point()
    if entry is None:
        msg = f"no package provides the entry point {EVALUATOR} of {GROUP}"
        raise LookupError(msg)
    found: Evaluator = entry.load()
    return found


@cache
def _entry_point() -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=EVALUATOR)), None)
