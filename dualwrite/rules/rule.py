"""A rule: a pure function of the gate table, with the reason for people.

A rule's parameters are texts, whole numbers, booleans and tuples of them, so that a
rule can be written down (`to_kwargs`) and made again (`from_kwargs`) anywhere, and a
Great Expectations class can carry the same.  `failing` runs over every row and makes
no Python objects; `reason` is asked only about rows that failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.gate_column import plain_name

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Rule:
    """One data-quality rule.  `critical` holds the row back, `warning` only reports it."""

    name: ClassVar[str]
    parks: ClassVar[bool] = False
    """Whether a row that fails nothing else waits for another row instead of being rejected."""

    severity: Severity = "critical"

    @property
    def columns(self) -> tuple[str, ...]:
        """The gate columns it looks at."""
        raise NotImplementedError

    @property
    def called(self) -> str:
        """The name under which rows are held back."""
        return self.name

    @property
    def reported_only(self) -> bool:
        """Whether only the suites of reports evaluate it, and no other gate."""
        return False

    @property
    def about(self) -> str:
        """The column that a person looks at first, as its app names it."""
        return plain_name(self.columns[0])

    @property
    def cure(self) -> str:
        """What a person can do about failing rows."""
        raise NotImplementedError

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        """Which rows fail: as long as the table, never null."""
        raise NotImplementedError

    def evidence(self, table: pa.Table, rows: pa.Array) -> list[dict[str, Any]]:
        """The values that `reason` needs, of failing rows by their numbers in the table."""
        found: list[dict[str, Any]] = (
            table.select(list(dict.fromkeys(self.columns))).take(rows).to_pylist()
        )
        return found

    def reason(self, row: Mapping[str, Any], /) -> str:
        """Why `row`, which failed, did."""
        raise NotImplementedError

    def waits_for(self, row: Mapping[str, Any], /) -> str:
        """What a parked row waits for."""
        raise NotImplementedError

    def to_kwargs(self) -> dict[str, Any]:
        """The parameters, in JSON's own types but for tuples."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any]) -> Self:
        """The rule of these parameters; lists, as JSON gives them, become tuples."""
        return cls(**{name: _tupled(value) for name, value in kwargs.items()})


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def column_of(table: pa.Table, name: str) -> pa.Array:
    """One column as one array."""
    column = table[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def none_of(table: pa.Table) -> pa.BooleanArray:
    """The mask of no failing row."""
    return pa.repeat(pa.scalar(value=False), table.num_rows)


def certain(mask: pa.Array) -> pa.BooleanArray:
    """The mask with null, which is unknown, as not failing."""
    return pc.fill_null(mask, fill_value=False) if mask.null_count else mask


def given(values: pa.Array) -> pa.Array:
    """Which rows hold a value: blank text is none."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return certain(pc.not_equal(values, ""))
    return values.is_valid()
