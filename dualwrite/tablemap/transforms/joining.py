"""`concat` and `split`: several columns as one text, one part of a text.  Both are one-way.

concat: {with: [LASTNAME], separator: " "}    the column, then other source columns
split: {separator: "-", part: 1}              one part, counted from 1, or from -1 at the end
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text, column_of
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.names import NotationError
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms.kind import (
    ColumnStep,
    StepContext,
    TransformKind,
    as_text,
    irreversible,
    is_whole_number,
)


@dataclass(frozen=True, slots=True)
class Concat:
    """The column and `others`, those without a value left out; null when none has one."""

    others: tuple[ColumnPath, ...]
    separator: str

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return self.others

    @property
    def makes_nulls(self) -> bool:
        return False

    def apply(self, values: pa.Array, rows: pa.Table, /) -> pa.Array:
        columns = [values, *(column_of(rows, str(path)) for path in self.others)]
        return reduce(self._joined, (_filled(canonical_text(column)) for column in columns))

    def _joined(self, left: pa.Array, right: pa.Array) -> pa.Array:
        # Arrow's own null_handling="skip" leaves out a row that has nulls only.
        both = pc.binary_join_element_wise(left, right, self.separator)
        return pc.coalesce(both, left, right)


def _filled(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


@dataclass(frozen=True, slots=True)
class Split(ColumnStep):
    """Part `part` (from 1, or from -1 at the end) of the text; null where there is no such part."""

    separator: str
    part: int

    @property
    def makes_nulls(self) -> bool:
        return True

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        parts = pc.split_pattern(canonical_text(values), self.separator)
        count = pc.fill_null(pc.list_value_length(parts), 0)
        # list_element wants one index for all and refuses one that is not there.
        place = pc.add(
            parts.offsets[:-1], self.part - 1 if self.part > 0 else pc.add(count, self.part)
        )
        there = pc.greater_equal(count, abs(self.part))
        return parts.values.take(pc.if_else(there, place, pa.scalar(None, pa.int32())))


def _build_concat(transform: Transform, context: StepContext) -> Concat:
    if not context.forward:
        raise context.no_inverse(transform)
    others = tuple(ColumnPath.parse(path) for path in transform.options["with"])
    return Concat(others, transform.options.get("separator", ""))


def _build_split(transform: Transform, context: StepContext) -> Split:
    if not context.forward:
        raise context.no_inverse(transform)
    return Split(transform.options["separator"], transform.options["part"])


def _is_concat(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and options.keys() <= {"with", "separator"}
        and isinstance(options.get("with"), list)
        and len(options["with"]) > 0
        and all(_is_path(item) for item in options["with"])
        and isinstance(options.get("separator", ""), str)
    )


def _is_path(item: Any) -> bool:
    try:
        ColumnPath.parse(item)
    except (NotationError, TypeError):
        return False
    return True


def _is_split(options: Any) -> bool:
    if not isinstance(options, dict) or options.keys() != {"separator", "part"}:
        return False
    separator, part = options["separator"], options["part"]
    return isinstance(separator, str) and separator != "" and is_whole_number(part) and part != 0


def _text_of_any_length(source: Column, transform: Transform) -> Column:
    return replace(as_text(source, transform), length=None)


KINDS = (
    TransformKind(
        "concat",
        'concat: {with: [COLUMN], separator: " "}',
        _is_concat,
        _build_concat,
        column_after=_text_of_any_length,
        reversible=irreversible,
    ),
    TransformKind(
        "split",
        'split: {separator: "-", part: 1}',
        _is_split,
        _build_split,
        column_after=as_text,
        reversible=irreversible,
        merges="error",
    ),
)
