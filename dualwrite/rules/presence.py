"""Required: a value where the target must have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from dualwrite.rules.rule import Rule, column_of


@dataclass(frozen=True)
class Required(Rule):
    """No null in `column`.  '' is a value."""

    name: ClassVar[str] = "required"

    column: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return f"fill it in at the source, or give {self.column} a default in the map"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return column_of(table, self.column).is_null()

    def reason(self, _row: Mapping[str, Any], /) -> str:
        return f"{self.column} must have a value and has none"
