"""`round: 2`, `round: {digits: 2, mode: half_up}`: decimals rounded to so many digits.

Never a float: a float in the source becomes a decimal first, and only where that is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from dualwrite.exact import Mode, round_to
from dualwrite.exact.casts.numbers import to_decimal
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms.kind import (
    ColumnStep,
    StepContext,
    TransformKind,
    irreversible,
    is_whole_number,
)

_MODES: tuple[Mode, ...] = ("half_even", "half_up", "down", "up")


@dataclass(frozen=True, slots=True)
class Round(ColumnStep):
    """To `digits` digits; `mode` as Python's decimal names it."""

    digits: int
    mode: Mode

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        exact = to_decimal(values, pa.decimal128(38, self.digits))
        return round_to(exact, self.digits, self.mode).cast(pa.decimal256(76, self.digits))


def _build(transform: Transform, context: StepContext) -> Round:
    if not context.forward:
        raise context.no_inverse(transform)
    if isinstance(transform.options, int):
        return Round(transform.options, "half_even")
    return Round(transform.options["digits"], transform.options.get("mode", "half_even"))


def _accepts(options: Any) -> bool:
    digits = options
    if isinstance(options, dict):
        if not options.keys() <= {"digits", "mode"} or options.get("mode", "down") not in _MODES:
            return False
        digits = options.get("digits")
    return is_whole_number(digits) and 0 <= digits <= 18


def _rounded(source: Column, transform: Transform) -> Column:
    options = transform.options
    digits = options["digits"] if isinstance(options, dict) else options
    if not pa.types.is_decimal(source.type) or source.type.scale <= digits:
        return source
    # Rounding up may add a digit in front: 9.99 becomes 10.0.
    precision = source.type.precision - source.type.scale + digits
    kind = pa.decimal128(max(precision, 1), digits)
    return replace(source, type=kind, native=f"rounded {source.native}")


KINDS = (
    TransformKind(
        "round",
        "round: 2, or round: {digits: 2, mode: half_even}",
        _accepts,
        _build,
        column_after=_rounded,
        reversible=irreversible,
        merges="error",
    ),
)
