"""Rounds decimal columns to decimal places or to multiples of a step, and compares them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.modes import ARROW_MODES, Mode
from dualwrite.exact.numbers import alike, greatest, whole_parts
from dualwrite.exact.texts import canonical_text


def round_to(values: pa.Array, places: int | pa.Array, mode: Mode) -> pa.Array:
    """Round to `places` decimal places.

    Shapes: `values` (n,) decimal128 or decimal256; `places` one number, or (n,) whole
    numbers, null to keep all.  The result has the scale of `values`, and the full precision of
    its width, since 9.99 may become 10.0; null where a number has 76 digits, so no room for that.
    """
    if isinstance(places, int) and places >= values.type.scale:
        return values
    return _with_room(values, lambda wide: _rounded(wide, places, mode))


def _rounded(values: pa.Array, places: int | pa.Array, mode: Mode) -> pa.Array:
    if isinstance(places, int):
        return pc.round(values, ndigits=places, round_mode=ARROW_MODES[mode])
    digits = pc.fill_null(places.cast(pa.int32()), values.type.scale)
    return pc.round_binary(values, digits, round_mode=ARROW_MODES[mode])


def round_to_step(values: pa.Array, step: Decimal, mode: Mode) -> pa.Array:
    """Round to multiples of `step`, which has no more decimal places than `values`.

    Shapes: as in `round_to`, and null where it is null there.
    """
    return _with_room(
        values,
        lambda wide: pc.round_to_multiple(wide, pa.scalar(step, wide.type), ARROW_MODES[mode]),
    )


def _with_room(values: pa.Array, rounded: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Round where no number needs all digits of its type.

    One that does may get a digit more; Arrow then gives 0, and says so of the last row only.
    """
    kind, digits = values.type, len(str(greatest(whole_parts(values))))
    if digits < 38 and kind.bit_width == 128:
        return rounded(values.cast(pa.decimal128(38, kind.scale)))
    wide = values.cast(pa.decimal256(76, kind.scale))
    if digits < 76:
        return rounded(wide)
    edge = pa.scalar(Decimal(10) ** 75, pa.decimal256(76, 0))
    short = pc.less(pc.abs(whole_parts(wide)), edge)
    return rounded(pc.if_else(short, wide, pa.scalar(None, wide.type)))


def same(left: pa.Array, right: pa.Array) -> pa.BooleanArray:
    """Where two decimal columns hold the same number, whatever their scales; null equals null.

    Shapes: both (n,); so is the result, which is never null.
    """
    try:
        left, right = alike(left, right)
    except pa.ArrowInvalid:
        left, right = canonical_text(left), canonical_text(right)
    equal = pc.equal(left, right)
    if not equal.null_count:
        return equal
    neither = pc.and_(left.is_null(), right.is_null())
    return pc.or_(pc.fill_null(equal, fill_value=False), neither)
