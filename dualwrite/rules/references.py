"""Resolvable: a lookup that names a row finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.gate_column import plain_name
from dualwrite.rules.rule import Rule, column_of, given, none_of
from dualwrite.rules.wording import shown
from dualwrite.tablemap.notation import path_of


@dataclass(frozen=True)
class Resolvable(Rule):
    """Where any of `parts` names a row of `tables`, `column` holds its reference.

    `ambiguous` holds whether more than one row was found.  A row that only fails
    here waits until the row that it names is there.
    """

    name: ClassVar[str] = "resolvable"
    parks: ClassVar[bool] = True

    column: str = ""
    ambiguous: str = ""
    parts: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, self.ambiguous, *self.parts)

    @property
    def cure(self) -> str:
        return (
            f"bring the row into {' or '.join(self.tables)} first; then this one follows by itself"
        )

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        found = column_of(table, self.column)
        if not found.null_count:
            return none_of(table)
        named = reduce(pc.or_, (given(column_of(table, part)) for part in self.parts))
        return pc.and_(found.is_null(), named)

    def reason(self, row: Mapping[str, Any], /) -> str:
        tables = " or ".join(self.tables)
        if row[self.ambiguous]:
            return (
                f"{plain_name(self.column)}: {tables} has more than one row with {self._key(row)}"
            )
        empty = [part for part in self.parts if row[part] is None]
        if empty:
            return f"{plain_name(self.column)}: only {self._key(row)} is given, and no {empty[0]}"
        return f"{plain_name(self.column)}: {tables} has no row with {self._key(row)}"

    def waits_for(self, row: Mapping[str, Any], /) -> str:
        return f"{' or '.join(self.tables)} with {self._key(row)}"

    def _key(self, row: Mapping[str, Any], /) -> str:
        return ", ".join(
            f"{_end(part)} {shown(row[part])}" for part in self.parts if row[part] is not None
        )


def _end(path: str) -> str:
    """The column at the end of a path, as the other table names it."""
    found = path_of(path)
    return str(found.rest) if len(found.steps) > 1 else path
