"""Quantity converts: the units are known, a sound conversion leads on, and where it must, back.

The conversion itself is done before the rules, by `dualwrite.units`, and leaves beside the
target column what was the matter (`unit:<column>`) and, where the map goes both ways and
a quantity would be bent, what it would come back as (`back:<column>`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from dualwrite.gate_column import plain_name
from dualwrite.rules.rule import Rule, column_of
from dualwrite.rules.wording import shown


@dataclass(frozen=True)
class QuantityConverts(Rule):
    """No trouble in `trouble`, which tells what kept the quantity of `source` from converting.

    `unit` is the column of its unit, or empty where `symbol` is the unit of all rows;
    `returned` is the column of what would come back, or empty for a one-way quantity.
    """

    name: ClassVar[str] = "quantity_converts"

    source: str = ""
    trouble: str = ""
    unit: str = ""
    symbol: str = ""
    returned: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        names = (self.source, self.trouble, self.unit, self.returned)
        return tuple(name for name in names if name)

    @property
    def cure(self) -> str:
        named = plain_name(self.unit) or "the map"
        return f"correct the unit in {named}, or enter its conversion in the ERP"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return column_of(table, self.trouble).is_valid()

    def reason(self, row: Mapping[str, Any], /) -> str:
        unit = row[self.unit] if self.unit else self.symbol
        quantity = f"{shown(row[self.source])} {unit}" if unit else shown(row[self.source])
        told = f"{plain_name(self.source)} is {quantity}: {row[self.trouble]}"
        back = row[self.returned] if self.returned else None
        return told if back is None else f"{told}, {shown(back)}"
