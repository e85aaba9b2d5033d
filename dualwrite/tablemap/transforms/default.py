"""`default: 3`: a constant, or the value that replaces null; the same in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.casts import convert
from dualwrite.exact.texts import canonical_text
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms.kind import ColumnStep, StepContext, TransformKind

Constant = str | int | bool


@dataclass(frozen=True, slots=True)
class Default(ColumnStep):
    """Fills null, and nothing else, with `value`."""

    value: Constant

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        if not values.null_count:
            return values
        constant = convert(pa.array([self.value]), values.type)
        if constant.null_count:
            # The value is of another kind than the column: text holds both until the last cast.
            return pc.fill_null(canonical_text(values), canonical_text(pa.array([self.value]))[0])
        if constant.type != values.type:
            values = convert(values, constant.type)
        return pc.fill_null(values, constant[0])


def _build(transform: Transform, _context: StepContext) -> Default:
    if not isinstance(transform.options, str | int | bool):
        # A decimal or a date of the map file: its text is exact.
        return Default(str(transform.options))
    return Default(transform.options)


def _accepts(options: Any) -> bool:
    return not isinstance(options, dict | list)


def _unchanged(source: Column, _transform: Transform) -> Column:
    return source


KINDS = (
    TransformKind(
        "default",
        "default: VALUE",
        _accepts,
        _build,
        column_after=_unchanged,
        merges="warning",
        fills_null=True,
    ),
)
