"""`default: 3`: a constant, or what stands in for null.  Both ways alike."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.tablemap.model import Transform
from dualwrite.translate.casts import convert
from dualwrite.translate.texts import canonical_text
from dualwrite.translate.transforms.step import Alone, Way

Constant = str | int | bool


@dataclass(frozen=True, slots=True)
class Default(Alone):
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


def build(transform: Transform, _way: Way) -> Default:
    if not isinstance(transform.options, str | int | bool):
        # A decimal or a date of the map file: its text says it exactly.
        return Default(str(transform.options))
    return Default(transform.options)
