"""`seconds: 0`: times to so many digits of a second, cut off; the same in both directions.

Two sides that keep unlike digits are equal by those that both keep: what comes back cut is no
change, and the side with more digits keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms.kind import (
    ColumnStep,
    StepContext,
    TransformKind,
    is_whole_number,
)

_FINEST = 6
"""Digits of a second of a time: microseconds."""


@dataclass(frozen=True, slots=True)
class Seconds(ColumnStep):
    """To `digits` digits of a second; a time before 1970 to the earlier one too.

    Beside other transforms of a two-way column nothing would tell what was cut, so with `whole`
    nothing is: the rule `second_fraction` holds what does not fit.
    """

    digits: int
    whole: bool = False
    two_way: bool = False

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        if self.whole:
            return values
        if pa.types.is_string(values.type):
            return self._cut_text(values)
        if not pa.types.is_timestamp(values.type):
            return values
        kind = pa.timestamp("us", values.type.tz)
        moments: Any = values.cast(kind).view(pa.int64())
        step = 10 ** (_FINEST - self.digits)
        kept = pc.multiply(pc.divide(moments, step), step)
        kept = pc.if_else(pc.greater(kept, moments), pc.subtract(kept, step), kept)
        return kept.view(kind)

    def _cut_text(self, texts: pa.Array) -> pa.Array:
        """A time of day as text, which has no zeros at its end."""
        if self.digits:
            cut = rf"(:\d\d\.\d{{{self.digits}}})\d+"
            texts = pc.replace_substring_regex(texts, cut, r"\1")
            texts = pc.replace_substring_regex(texts, r"(:\d\d\.\d*[1-9])0+\b", r"\1")
            return pc.replace_substring_regex(texts, r"(:\d\d)\.0+\b", r"\1")
        return pc.replace_substring_regex(texts, r"(:\d\d)\.\d+", r"\1")

    @property
    def compares(self) -> bool:
        return self.two_way and not self.whole

    def back(self, _source: pa.DataType, /) -> Seconds:
        return self


def _build(transform: Transform, context: StepContext) -> Seconds:
    return Seconds(int(transform.options), context.whole, context.two_way)


def _is_digits(options: Any) -> bool:
    return is_whole_number(options) and 0 <= options <= _FINEST


def _cut(source: Column, transform: Transform) -> Column:
    fraction = _FINEST if source.fraction is None else source.fraction
    return replace(source, fraction=min(fraction, transform.options))


KINDS = (
    TransformKind(
        "seconds",
        "seconds: 0, or up to 6 digits of a second",
        _is_digits,
        _build,
        column_after=_cut,
        merges="error",
        equates=True,
    ),
)
