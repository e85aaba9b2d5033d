"""`round: 2`: decimals to so many digits behind the point, in the mode that is named.

Never a float: a float in the source becomes a decimal first, and only where that is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.tablemap.model import Transform
from dualwrite.translate.casts.numbers import to_decimal
from dualwrite.translate.transforms.step import Alone, Way

_MODES = {
    "half_even": "half_to_even",
    "half_up": "half_towards_infinity",
    "down": "towards_zero",
    "up": "towards_infinity",
}


@dataclass(frozen=True, slots=True)
class Round(Alone):
    """To `digits` digits; `mode` as Python's decimal names it."""

    digits: int
    mode: str

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        exact = to_decimal(values, pa.decimal128(38, self.digits))
        # One digit more may come in front, and 38 are not always enough for it.
        wide = exact.cast(pa.decimal256(76, exact.type.scale))
        rounded = pc.round(wide, ndigits=self.digits, round_mode=_MODES[self.mode])
        return rounded.cast(pa.decimal256(76, self.digits))


def build(transform: Transform, way: Way) -> Round:
    if not way.forward:
        raise way.no_way_back(transform)
    if isinstance(transform.options, int):
        return Round(transform.options, "half_even")
    return Round(transform.options["digits"], transform.options.get("mode", "half_even"))
