"""Quantities: the units are known, and so is a conversion, in both directions if needed.

`QuantityConverts` judges what the translation of a map has converted by the ERP's units: it puts
beside the target column why a quantity could not be converted (`unit:<column>`) and, where the
map goes both ways and the quantity would change, what it would come back as (`back:<column>`).
`QuantityConvertible` needs no map.  It is for suites that users write, and converts by the
standard units and those that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from dualwrite.gate_column import plain_name
from dualwrite.rules.rule import Rule, column_of
from dualwrite.rules.wording import shown
from dualwrite.units.system import ConvertedQuantities
from dualwrite.units.written import written_system


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


@dataclass(frozen=True)
class QuantityConvertible(Rule):
    """The quantities in the column `quantity` convert from unit to unit, exactly enough.

    The unit is in the column `unit`, or is `symbol` for all rows; the one to convert to in
    `to`, or is `to_symbol`.  `product` is the column of the product whose own conversions
    come first.  With `two_way` a quantity must come back as it was.  `units` and
    `conversions` are added to the standard ones, as `dualwrite.units.written` reads them.
    """

    name: ClassVar[str] = "quantity_convertible"

    quantity: str = ""
    unit: str = ""
    symbol: str = ""
    to: str = ""
    to_symbol: str = ""
    product: str = ""
    two_way: bool = True
    units: tuple[str, ...] = ()
    conversions: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(n for n in (self.quantity, self.unit, self.to, self.product) if n)

    @property
    def cure(self) -> str:
        named = plain_name(self.unit) or "the expectation"
        return f"correct the quantity, or its unit in {named}, or add its conversion"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.quantity)
        if not _is_exact(values.type):
            return values.is_valid()
        return self._converted(table).reasons.is_valid()

    def reason(self, row: Mapping[str, Any], /) -> str:
        value = row[self.quantity]
        unit = row[self.unit] if self.unit else self.symbol
        text = f"{plain_name(self.quantity)} is {shown(value)} {unit or ''}".rstrip()
        one = pa.table({name: pa.array([row[name]]) for name in self.columns})
        if not _is_exact(one[self.quantity].type):
            return f"{text}, which is no exact number"
        found = self._converted(one)
        back = found.returned[0].as_py()
        text = f"{text}: {found.reasons[0].as_py()}"
        return text if back is None else f"{text}, {shown(back)}"

    def _converted(self, table: pa.Table) -> ConvertedQuantities:
        def texts(name: str) -> pa.Array:
            return column_of(table, name).cast(pa.string())

        return written_system(self.units, self.conversions).convert(
            column_of(table, self.quantity),
            texts(self.unit) if self.unit else self.symbol,
            texts(self.to) if self.to else self.to_symbol,
            texts(self.product) if self.product else None,
            both_ways=self.two_way,
        )


def _is_exact(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind))
