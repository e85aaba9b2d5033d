"""`trim`, `upper`, `lower`, `truncate`.

The first three are the same both ways: applied again they change nothing, so the
two sides come to one spelling.  `truncate` loses what it cuts and has no way back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.tablemap.model import Transform
from dualwrite.translate.texts import canonical_text
from dualwrite.translate.transforms.step import Alone, Way

_KERNELS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "trim": pc.utf8_trim_whitespace,
    "upper": pc.utf8_upper,
    "lower": pc.utf8_lower,
}


@dataclass(frozen=True, slots=True)
class Spelling(Alone):
    """Trims, or changes the case."""

    kind: str

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        return _KERNELS[self.kind](canonical_text(values))


@dataclass(frozen=True, slots=True)
class Truncate(Alone):
    """At most `length` characters."""

    length: int

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        return pc.utf8_slice_codeunits(canonical_text(values), 0, self.length)


def build_spelling(transform: Transform, _way: Way) -> Spelling:
    return Spelling(transform.kind)


def build_truncate(transform: Transform, way: Way) -> Truncate:
    if not way.forward:
        raise way.no_way_back(transform)
    return Truncate(int(transform.options))
