"""Readable, convertible, finite, value map total: what could not be read, or not carried over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.gate_column import UNREADABLE, plain_name
from dualwrite.rules.rule import Rule, certain, column_of, given, none_of
from dualwrite.rules.wording import listed, shown


def _lost(table: pa.Table, source: str, target: str) -> pa.BooleanArray:
    """Where the source holds a value and the target none."""
    values = column_of(table, target)
    if not values.null_count:
        return none_of(table)
    return pc.and_(values.is_null(), given(column_of(table, source)))


@dataclass(frozen=True)
class Readable(Rule):
    """Every mapped value of the row has an exact place among the types that are synced.

    `column` holds, as JSON, the values that have none; null elsewhere.
    """

    name: ClassVar[str] = "readable"

    column: str = UNREADABLE

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def about(self) -> str:
        return "its values"

    @property
    def cure(self) -> str:
        return "correct the value in its app, or leave the column out of the map"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return column_of(table, self.column).is_valid()

    def reason(self, row: Mapping[str, Any], /) -> str:
        values = json.loads(row[self.column])
        told = " and ".join(f"{name} is {shown(value)}" for name, value in values.items())
        where = "" if self.column == UNREADABLE else "in the row that it would be written to, "
        return f"{where}{told}, which has no exact place among the types that are synced"


@dataclass(frozen=True)
class Convertible(Rule):
    """What `source` holds could be converted to the type of `target`, which is called `type`."""

    name: ClassVar[str] = "convertible"

    source: str = ""
    target: str = ""
    type: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.source, self.target)

    @property
    def cure(self) -> str:
        return f"correct {plain_name(self.source)} at the source, or transform it in the map"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return _lost(table, self.source, self.target)

    def reason(self, row: Mapping[str, Any], /) -> str:
        value = shown(row[self.source])
        return (
            f"{plain_name(self.source)} is {value}, which {self.target} cannot hold as {self.type}"
        )


@dataclass(frozen=True)
class Finite(Rule):
    """Neither NaN nor infinity in the floats of `column`."""

    name: ClassVar[str] = "finite"

    column: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def cure(self) -> str:
        return f"correct {plain_name(self.column)} at the source"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return certain(pc.invert(pc.is_finite(column_of(table, self.column))))

    def reason(self, row: Mapping[str, Any], /) -> str:
        return f"{plain_name(self.column)} is {shown(row[self.column])}, which is no number"


@dataclass(frozen=True)
class ValueMapTotal(Rule):
    """Every value of `source` is listed in the value map that fills `target`.

    `known` are the texts that it lists, `to_null` those of them that it makes null.
    """

    name: ClassVar[str] = "value_map_total"

    source: str = ""
    target: str = ""
    known: tuple[str, ...] = ()
    to_null: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.source, self.target)

    @property
    def cure(self) -> str:
        return "add the value to the value map, or set `unmapped:` in it"

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        mask = _lost(table, self.source, self.target)
        if not self.to_null or not pc.any(mask).as_py():
            return mask
        text = column_of(table, self.source).cast(pa.string())
        if pa.types.is_decimal(table.schema.field(self.source).type):
            text = pc.replace_substring_regex(text, r"\.0+$", "")
        meant = pa.array([word.lower() for word in self.to_null])
        return pc.and_not(mask, pc.is_in(pc.utf8_lower(text), value_set=meant))

    def reason(self, row: Mapping[str, Any], /) -> str:
        value = shown(row[self.source])
        return (
            f"{plain_name(self.source)} is {value}, which the value map of {self.target} "
            f"does not list (it lists {listed(self.known)})"
        )
