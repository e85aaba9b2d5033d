"""Rules that Great Expectations brings, or a class of the user's that stands on it.

The engine does not know Great Expectations.  Where such a rule must be asked, it is looked
up by name in the room above, `expectations.outside`; where that is not installed, nothing
is written, for a gate that cannot be asked must stay shut.

A question costs it a tenth of a second whatever the number of rows, and the first one
seconds.  So a critical one is asked everywhere, and a warning only where suites run anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import pyarrow as pa

from dualwrite.errors import PermanentError
from dualwrite.rules.rule import Rule
from dualwrite.rules.wording import plain_name, shown

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
"""The classes of Great Expectations that say of each row whether it fails, whatever its neighbours
in another batch; one that judges a table as a whole cannot say which row to hold back."""


class OutsideError(PermanentError):
    """A rule from outside cannot be asked."""

    def __init__(self, *, called: str, reason: str) -> None:
        self.called, self.reason = called, reason
        super().__init__(
            f"{called}: cannot be asked ({reason}). Nothing of this batch was written.\n"
            "  Install what it needs (pip install 'dualwrite[flows]', in a checkout), correct it, "
            "or make it `severity: warning`: then only quality reports ask it."
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
            room = import_module("expectations.outside")
        except ImportError as error:
            reason = f"Great Expectations is not installed: {error}"
            raise OutsideError(called=self.type, reason=reason) from error
        mask: pa.BooleanArray = room.failing(self, table)
        return mask

    def reason(self, row: Mapping[str, Any], /) -> str:
        told = ", ".join(f"{plain_name(name)} is {shown(row[name])}" for name in self.columns)
        return f"{told}: {self.type} {self.options} is not met"
