"""Which columns are exact numbers, and their digits as whole numbers beside a scale.

Whole numbers and decimals of any width are exact.  Floats and texts are refused:
what 0.1 was before it became a float, nobody can tell any more.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.errors import PermanentError


class NotExactError(PermanentError):
    """A column that must hold exact numbers is of another type."""

    def __init__(self, *, what: str, kind: pa.DataType) -> None:
        self.what, self.kind = what, kind
        super().__init__(
            f"{what} are of type {kind}, which is not exact. Nothing was computed.\n"
            "  Read them as decimals or whole numbers; a float has lost its digits already."
        )


class TooManyDigitsError(PermanentError):
    """A rounded number needs more digits than a decimal has."""

    def __init__(self, *, what: str) -> None:
        self.what = what
        super().__init__(
            f"{what}: a number needs more than 76 digits. "
            "Nothing was computed.\n"
            "  No app holds such a number: look for a slip of the point at the source."
        )


def as_decimals(values: pa.Array | pa.ChunkedArray, what: str) -> pa.Array:
    """The same numbers as decimal128 or decimal256 of a scale of 0 or more.

    Raises:
        NotExactError: They are floats, texts or no numbers at all.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    kind = values.type
    if pa.types.is_null(kind):
        return values.cast(pa.decimal128(38, 0))
    if pa.types.is_integer(kind):
        return values.cast(pa.decimal128(20, 0))
    if not pa.types.is_decimal(kind):
        raise NotExactError(what=what, kind=kind)
    if kind.scale < 0:
        return values.cast(pa.decimal256(76, 0))
    if kind.bit_width < 128:
        return values.cast(pa.decimal128(38, kind.scale))
    return values


def scale_of(values: pa.Array) -> int:
    """The digits behind the point that a decimal column has room for."""
    return int(values.type.scale)


def whole_parts(values: pa.Array) -> pa.Array:
    """A decimal column without its point: 1.25 is 125.  Only the view changes."""
    wide = pa.decimal128(38, 0) if values.type.bit_width == 128 else pa.decimal256(76, 0)
    return values.view(wide)


def with_scale(wholes: pa.Array, scale: int) -> pa.Array:
    """`whole_parts` undone: 125 at a scale of 2 is 1.25."""
    narrow = wholes.type.bit_width == 128
    return wholes.view(pa.decimal128(38, scale) if narrow else pa.decimal256(76, scale))


def greatest(values: pa.Array) -> int:
    """The greatest absolute value in a column of whole numbers, 0 where it is empty."""
    ends = pc.min_max(values).as_py()
    return max(abs(int(end or 0)) for end in ends.values())


def narrow(values: pa.Array) -> pa.Array:
    """As decimal128 of 38 digits and the same scale; null where 38 are too few."""
    kind = pa.decimal128(38, values.type.scale)
    wholes = whole_parts(values)
    if len(str(greatest(wholes))) > 38:
        edge = pa.scalar(Decimal(10) ** 38, pa.decimal256(76, 0))
        wide = wholes.cast(pa.decimal256(76, 0))
        values = pc.if_else(pc.less(pc.abs(wide), edge), values, pa.scalar(None, values.type))
    return values.cast(kind)


def minus(left: pa.Array, right: pa.Array) -> pa.Array:
    """Two decimal columns' difference as decimal128, null where 38 digits are too few.

    Raises:
        TooManyDigitsError: Not even 75 digits hold one of them at the scale of both.
    """
    scale = max(left.type.scale, right.type.scale)
    try:
        left, right = (each.cast(pa.decimal256(75, scale)) for each in (left, right))
    except pa.ArrowInvalid:
        raise TooManyDigitsError(what="subtracting") from None
    return narrow(pc.subtract(left, right))


def times(left: pa.Array, right: pa.Array) -> pa.Array:
    """The product of two columns of whole numbers, as decimal256.

    Raises:
        TooManyDigitsError: 76 digits are too few for it.
    """
    digits = [len(str(greatest(each))) for each in (left, right)]
    if sum(digits) >= 76:
        raise TooManyDigitsError(what="multiplying")
    return pc.multiply(
        *(
            each.cast(pa.decimal256(most, 0))
            for each, most in zip((left, right), digits, strict=True)
        )
    )


def times_ten(wholes: pa.Array, power: int) -> pa.Array:
    """Whole numbers times 10 ** `power`.

    Raises:
        TooManyDigitsError: 76 digits are too few for it.
    """
    if power == 0:
        return wholes
    factor = pa.scalar(Decimal(10) ** power, pa.decimal256(power + 1, 0))
    return times(wholes, pa.repeat(factor, len(wholes)))
