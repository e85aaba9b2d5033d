"""`trim`, `upper`, `lower`, `truncate`.

The first three are the same in both directions: applied again they change nothing, so
both sides get the same spelling.  `truncate` loses what it cuts and has no context back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.texts import canonical_text
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms.kind import (
    ColumnStep,
    StepContext,
    TransformKind,
    as_text,
    irreversible,
    is_whole_number,
)

_KERNELS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "trim": pc.utf8_trim_whitespace,
    "upper": pc.utf8_upper,
    "lower": pc.utf8_lower,
}


@dataclass(frozen=True, slots=True)
class Spelling(ColumnStep):
    """Trims, or changes the case."""

    kind: str

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        return _KERNELS[self.kind](canonical_text(values))


@dataclass(frozen=True, slots=True)
class Truncate(ColumnStep):
    """At most `length` characters."""

    length: int

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        return pc.utf8_slice_codeunits(canonical_text(values), 0, self.length)


def _build_spelling(transform: Transform, _context: StepContext) -> Spelling:
    return Spelling(transform.kind)


def _build_truncate(transform: Transform, context: StepContext) -> Truncate:
    if not context.forward:
        raise context.no_inverse(transform)
    return Truncate(int(transform.options))


def _is_true(options: Any) -> bool:
    return options is True


def _is_length(options: Any) -> bool:
    return is_whole_number(options) and options > 0


def _truncated(source: Column, transform: Transform) -> Column:
    length = min(source.length or transform.options, transform.options)
    return replace(as_text(source, transform), length=length)


KINDS = (
    *(
        TransformKind(
            name,
            f"{name}: true",
            _is_true,
            _build_spelling,
            column_after=as_text,
            merges="warning",
        )
        for name in _KERNELS
    ),
    TransformKind(
        "truncate",
        "truncate: 30",
        _is_length,
        _build_truncate,
        column_after=_truncated,
        reversible=irreversible,
        merges="error",
    ),
)
