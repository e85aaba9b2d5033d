"""Quantity converts: the units are known, and so is a conversion, in both directions if needed.

The conversion itself is done before the rules, by `dualwrite.units`, and puts beside the
target column what the problem was (`unit:<column>`) and, where the map goes both ways and
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
    """No problem in `problem`, which holds why the quantity of `source` could not be converted.

    `unit` is the column of its unit, or empty where `symbol` is the unit of all rows;
    `returned` is the column of what would come back, or empty for a one-way quantity.
    """

    name: ClassVar[str] = "quantity_converts"

    source: str = ""
    problem: str = ""
    unit: str = ""
    symbol: str = ""
    returned: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        names = (self.source, self.problem, self.unit, self.returned)
        return tuple(name for name in names if name)

    @property
    def cure(self) -> str:
        named = plain_name(self.unit) or "the map"
        return f"correct the unit in {named}, or enter its conversion in the ERP"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return column_of(table, self.problem).is_valid()

    def reason(self, row: Mapping[str, Any], /) -> str:
        unit = row[self.unit] if self.unit else self.symbol
        quantity = f"{shown(row[self.source])} {unit}" if unit else shown(row[self.source])
        text = f"{plain_name(self.source)} is {quantity}: {row[self.problem]}"
        back = row[self.returned] if self.returned else None
        return text if back is None else f"{text}, {shown(back)}"
