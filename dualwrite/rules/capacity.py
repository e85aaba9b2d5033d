"""Length, scale, whole number range, fraction of a second: whether the target has room.

Nothing is cut and no digit dropped: a value that does not fit is held back, and the
reason shows what would have become of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import rescaled
from dualwrite.exact.casts.numbers import to_float
from dualwrite.rules.rule import Rule, certain, column_of, none_of
from dualwrite.rules.wording import shown

_EXACT = Context(prec=100)


@dataclass(frozen=True)
class Length(Rule):
    """At most `length` characters of text, or bytes of text or binary, in `column`."""

    name: ClassVar[str] = "length"

    column: str = ""
    length: int = 0
    unit: str = "characters"
    """Or `bytes`."""
    least: int = 0
    """Bytes that a binary needs, where the column would fill it up."""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        if self.unit == "bytes":
            return "correct it at the source, or widen the column"
        return f"shorten it at the source, or write {{truncate: {self.length}}} in the map"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        text = column_of(table, self.column)
        if self.unit == "bytes":
            octets = pc.binary_length(text)
            return certain(pc.or_(pc.greater(octets, self.length), pc.less(octets, self.least)))
        # Bytes are counted without looking at them, and there are never fewer than characters.
        if (pc.max(pc.binary_length(text)).as_py() or 0) <= self.length:
            return none_of(table)
        return certain(pc.greater(pc.utf8_length(text), self.length))

    def reason(self, row: Mapping[str, Any], /) -> str:
        text = row[self.column]
        if self.unit == "bytes":
            octets = len(text.encode() if isinstance(text, str) else text)
            if octets < self.least:
                return f"{self.column} has {octets:,} bytes, and would be filled to {self.least:,}"
            return f"{self.column} has {octets:,} bytes where {self.length:,} fit"
        reason = f"{self.column} has {len(text):,} characters where {self.length:,} fit"
        whole, cut = shown(text), shown(text[: self.length])
        # both are shown by their beginnings, and two equal ones would explain nothing
        return reason if whole == cut else f"{reason}: {whole} would become {cut}"


@dataclass(frozen=True)
class Scale(Rule):
    """No digit is lost in a decimal(`precision`, `scale`)."""

    name: ClassVar[str] = "scale"

    column: str = ""
    precision: int = 38
    scale: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return f"correct it at the source, or write {{round: {self.scale}}} in the map"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.column)
        try:
            # One kernel proves that all rows pass, as they mostly do.
            rescaled(values, pa.decimal128(self.precision, self.scale))
        except pa.ArrowInvalid:
            return pc.or_(self._cut(values), self._too_great(values))
        return none_of(table)

    def _cut(self, values: pa.Array) -> pa.BooleanArray:
        """Where a digit behind the point is lost."""
        kept = pc.round(values, ndigits=self.scale, round_mode="towards_zero")
        return certain(pc.not_equal(kept, values))

    def _too_great(self, values: pa.Array) -> pa.BooleanArray:
        """Where there are more digits before the point than fit."""
        before = self.precision - self.scale
        wide = values.cast(pa.decimal256(76, values.type.scale))
        if wide.type.precision - wide.type.scale <= before:
            return pa.repeat(pa.scalar(value=False), len(values))
        edge = pa.scalar(Decimal(10) ** before, pa.decimal256(76, 0))
        return certain(pc.greater_equal(pc.abs(wide), edge.cast(wide.type)))

    def reason(self, row: Mapping[str, Any], /) -> str:
        value: Decimal = row[self.column]
        if abs(value) >= Decimal(10) ** (self.precision - self.scale):
            fit = self.precision - self.scale
            return f"{self.column} is {shown(value)}, where {fit} digits before the point fit"
        kept = value.quantize(Decimal(1).scaleb(-self.scale), ROUND_DOWN, _EXACT)
        return (
            f"{self.column} is {shown(value)}, where {self.scale} digits behind the point fit: "
            f"it would become {shown(kept)}"
        )


@dataclass(frozen=True)
class WholeNumberRange(Rule):
    """A whole number from `low` to `high` in `column`."""

    name: ClassVar[str] = "whole_number_range"

    column: str = ""
    low: int = 0
    high: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return "correct it at the source, or widen the column"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.column)
        return certain(pc.or_(pc.less(values, self.low), pc.greater(values, self.high)))

    def reason(self, row: Mapping[str, Any], /) -> str:
        value = row[self.column]
        return f"{self.column} is {value}, where {self.low} to {self.high} fit"


@dataclass(frozen=True)
class SecondFraction(Rule):
    """At most `digits` digits of a second in the times of `column`, which may be texts."""

    name: ClassVar[str] = "second_fraction"

    column: str = ""
    digits: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return (
            f"let {self.column} keep more digits of a second, "
            f"or write {{seconds: {self.digits}}} in the map"
        )

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.column)
        if pa.types.is_string(values.type):
            finer = rf"\.\d{{{self.digits}}}\d*[1-9]"
            return certain(pc.match_substring_regex(values, finer))
        if not pa.types.is_timestamp(values.type):
            return none_of(table)
        moments = values.cast(pa.timestamp("us", values.type.tz)).view(pa.int64())
        step = 10 ** (6 - self.digits)
        kept = pc.multiply(pc.divide(moments, step), step)
        return certain(pc.not_equal(kept, moments))

    def reason(self, row: Mapping[str, Any], /) -> str:
        fit = f"{self.digits} digits of a second fit" if self.digits else "whole seconds fit"
        return f"{self.column} is {shown(row[self.column])}, where {fit}"


@dataclass(frozen=True)
class FloatDigits(Rule):
    """A number that a binary float of so many `octets` holds as it is, in `column`."""

    name: ClassVar[str] = "float_digits"

    column: str = ""
    octets: int = 4

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return f"make {self.column} a double or a decimal"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        values = column_of(table, self.column)
        if pa.types.is_decimal(values.type):
            return pc.and_(values.is_valid(), to_float(values).is_null())
        if not pa.types.is_floating(values.type) or self.octets > 4:
            return none_of(table)
        kept = values.cast(pa.float32()).cast(values.type)
        return certain(pc.and_(pc.is_finite(values), pc.not_equal(kept, values)))

    def reason(self, row: Mapping[str, Any], /) -> str:
        value = row[self.column]
        text = repr(value) if isinstance(value, float) else shown(value)
        return f"{self.column} is {text}, which a float of {self.octets} bytes does not hold"
