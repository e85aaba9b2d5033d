"""Between, one of, matches: what a project knows of single values.

No map derives them; `expect:` asks for them.  Bounds are texts, read as exactly as the
column holds its values, so the last digit of a long amount counts.  Null passes:
`required` asks for a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import as_decimals
from dualwrite.gate_column import plain_name
from dualwrite.rules.rule import Rule, certain, column_of, none_of
from dualwrite.rules.wording import listed, shown

_EXACT = Context(prec=100)


@dataclass(frozen=True)
class _OfColumn(Rule):
    """A rule about the values of one column."""

    column: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return f"correct {plain_name(self.column)} at the source"


@dataclass(frozen=True)
class Between(_OfColumn):
    """From `low` to `high`, both included, in `column`: numbers, dates or times; '' is no bound."""

    name: ClassVar[str] = "between"

    low: str = ""
    high: str = ""

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.column)
        if pa.types.is_integer(values.type) or pa.types.is_decimal(values.type):
            exact = as_decimals(values, self.column)
            values = exact.cast(pa.decimal256(76, exact.type.scale))
        none = none_of(table)
        low = _bound(self.low, values.type, ROUND_CEILING) if self.low else None
        high = _bound(self.high, values.type, ROUND_FLOOR) if self.high else None
        below = none if low is None else certain(pc.less(values, low))
        above = none if high is None else certain(pc.greater(values, high))
        return pc.or_(below, above)

    def reason(self, row: Mapping[str, Any], /) -> str:
        ends = [f"{word} {end}" for word, end in (("from", self.low), ("to", self.high)) if end]
        text = f"{plain_name(self.column)} is {shown(row[self.column])}"
        return f"{text}, which is not {' '.join(ends)}"


def _bound(text: str, kind: pa.DataType, rounding: str) -> pa.Scalar:
    """A bound in the column's type: the nearest value that the column can hold, inwards."""
    if pa.types.is_decimal(kind):
        step = Decimal(1).scaleb(-kind.scale)
        return pa.scalar(Decimal(text).quantize(step, rounding, _EXACT), kind)
    if pa.types.is_floating(kind):
        return pa.scalar(float(text), kind)
    if pa.types.is_date(kind):
        return pa.scalar(date.fromisoformat(text), pa.date32())
    if pa.types.is_timestamp(kind):
        return pa.scalar(datetime.fromisoformat(text), kind)
    return pa.scalar(text)


@dataclass(frozen=True)
class OneOf(_OfColumn):
    """One of `values` in `column`, as texts."""

    name: ClassVar[str] = "one_of"

    values: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return f"correct {plain_name(self.column)} at the source, or add the value"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        texts = column_of(table, self.column).cast(pa.string())
        known = pc.is_in(texts, value_set=pa.array(self.values, pa.string()))
        return pc.and_not(texts.is_valid(), known)

    def reason(self, row: Mapping[str, Any], /) -> str:
        text = f"{plain_name(self.column)} is {shown(row[self.column])}"
        return f"{text}, which is none of {listed(self.values)}"


@dataclass(frozen=True)
class Matches(_OfColumn):
    """Text in `column` in which `pattern`, an RE2 regular expression, is found."""

    name: ClassVar[str] = "matches"

    pattern: str = ""

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        texts = column_of(table, self.column).cast(pa.string())
        return certain(pc.invert(pc.match_substring_regex(texts, self.pattern)))

    def reason(self, row: Mapping[str, Any], /) -> str:
        return (
            f"{plain_name(self.column)} is {shown(row[self.column])}, "
            f"which does not match {self.pattern}"
        )
