"""A rule of a user's own, as it would lie in the `expectations/` folder of a project."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.rules import Rule
from dualwrite.rules.rule import certain, column_of


@dataclass(frozen=True)
class AtMost(Rule):
    """No more than `most` in `column`."""

    name: ClassVar[str] = "at_most"

    column: str = ""
    most: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return f"order {self.most} or less"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return certain(pc.greater(column_of(table, self.column), self.most))

    def reason(self, row: Mapping[str, Any], /) -> str:
        return f"{self.column} is {row[self.column]}, and at most {self.most} may be ordered"
