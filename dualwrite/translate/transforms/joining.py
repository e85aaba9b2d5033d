"""`concat` and `split`: several columns into one text, one part out of a text.  One-way both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.texts import canonical_text, column_of
from dualwrite.translate.transforms.step import Alone, Way


@dataclass(frozen=True, slots=True)
class Concat:
    """The column and `others`, those without a value left out; null when none has one."""

    others: tuple[ColumnPath, ...]
    separator: str

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return self.others

    @property
    def silences(self) -> bool:
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
class Split(Alone):
    """Part `part` (from 1, or from -1 at the end) of the text; null where there is no such part."""

    separator: str
    part: int

    @property
    def silences(self) -> bool:
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


def build_concat(transform: Transform, way: Way) -> Concat:
    if not way.forward:
        raise way.no_way_back(transform)
    others = tuple(ColumnPath.parse(path) for path in transform.options["with"])
    return Concat(others, transform.options.get("separator", ""))


def build_split(transform: Transform, way: Way) -> Split:
    if not way.forward:
        raise way.no_way_back(transform)
    return Split(transform.options["separator"], transform.options["part"])
