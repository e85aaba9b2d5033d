"""Checks that columns are exact numbers, and handles their digits as whole numbers with a scale.

Whole numbers and decimals of any width are exact.  Floats and texts are refused: a float
has lost the digits of the value that it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.errors import PermanentError


class NotExactError(PermanentError):
    """A column that must hold exact numbers has another type."""

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
            "  No app holds such a number: look for a misplaced decimal point at the source."
        )


def as_decimals(values: pa.Array | pa.ChunkedArray, what: str) -> pa.Array:
    """Cast to decimal128 or decimal256 with a scale of 0 or more.

    Raises:
        NotExactError: They are floats, texts or not numbers.
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
    """The decimal places of a decimal column."""
    return int(values.type.scale)


def rescaled(values: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Cast decimals to another decimal type, all digits kept.

    Arrow alone would wrap a number that grows out of its width when its scale is raised.

    Raises:
        ArrowInvalid: A number has no place in `kind`.
    """
    whole = kind.precision - kind.scale
    if kind.scale > values.type.scale and values.type.precision - values.type.scale > whole:
        ends = pc.min_max(values).as_py().values()
        if any(end is not None and abs(end) >= Decimal(10) ** whole for end in ends):
            msg = f"a number has more than {whole} digits before the point"
            raise pa.ArrowInvalid(msg)
    return values.cast(kind)


def alike(
    left: pa.Array | pa.ChunkedArray, right: pa.Array | pa.ChunkedArray
) -> tuple[pa.Array | pa.ChunkedArray, pa.Array | pa.ChunkedArray]:
    """Two columns in one type: of decimals one that holds all of either, else the left one's.

    Raises:
        ArrowInvalid: No type holds all of both.
    """
    if left.type == right.type:
        return left, right
    if not (pa.types.is_decimal(left.type) and pa.types.is_decimal(right.type)):
        return left, right.cast(left.type)
    scale = max(left.type.scale, right.type.scale)
    for kind in (pa.decimal128(38, scale), pa.decimal256(76, scale)):
        try:
            return rescaled(left, kind), rescaled(right, kind)
        except pa.ArrowInvalid:
            if kind.bit_width == 256:
                raise
    raise AssertionError


def whole_parts(values: pa.Array) -> pa.Array:
    """A decimal column without its decimal point: 1.25 is 125.  No data is copied."""
    wide = pa.decimal128(38, 0) if values.type.bit_width == 128 else pa.decimal256(76, 0)
    return values.view(wide)


def with_scale(wholes: pa.Array, scale: int) -> pa.Array:
    """The inverse of `whole_parts`: 125 with a scale of 2 is 1.25."""
    narrow = wholes.type.bit_width == 128
    return wholes.view(pa.decimal128(38, scale) if narrow else pa.decimal256(76, scale))


def tightened(wholes: pa.Array, kind: Callable[[int, int], pa.DataType]) -> pa.Array:
    """Cast to decimals of `kind` that are no wider than the numbers need."""
    return _tight(wholes, kind, len(str(greatest(wholes))))


def greatest(values: pa.Array) -> int:
    """The greatest absolute value in a column of whole numbers; 0 if it is empty."""
    ends = pc.min_max(values).as_py()
    return max(abs(int(end or 0)) for end in ends.values())


def narrow(values: pa.Array) -> pa.Array:
    """Cast to decimal128 of 38 digits and the same scale; null where 38 digits are too few."""
    kind = pa.decimal128(38, values.type.scale)
    wholes = whole_parts(values)
    if len(str(greatest(wholes))) > 38:
        edge = pa.scalar(Decimal(10) ** 38, pa.decimal256(76, 0))
        wide = wholes.cast(pa.decimal256(76, 0))
        values = pc.if_else(pc.less(pc.abs(wide), edge), values, pa.scalar(None, values.type))
    return values.cast(kind)


def minus(left: pa.Array, right: pa.Array) -> pa.Array:
    """The difference of two decimal columns as decimal128; null where 38 digits are too few.

    Raises:
        TooManyDigitsError: 75 digits are too few for one of them at their common scale.
    """
    scale = max(left.type.scale, right.type.scale)
    try:
        left, right = (rescaled(each, pa.decimal256(75, scale)) for each in (left, right))
    except pa.ArrowInvalid:
        raise TooManyDigitsError(what="subtracting") from None
    return narrow(pc.subtract(left, right))


def wholes_of(numbers: Sequence[int | None]) -> pa.Array:
    """Whole numbers in the narrowest type that `affine` takes.

    Raises:
        TooManyDigitsError: 76 digits are too few.
    """
    most = max((abs(number) for number in numbers if number is not None), default=0)
    if most < 2**62:
        return pa.array(numbers, pa.int64())
    digits = len(str(most))
    if digits > 76:
        raise TooManyDigitsError(what="a ratio")
    kind = pa.decimal128(38, 0) if digits <= 38 else pa.decimal256(76, 0)
    return pa.array([None if each is None else Decimal(each) for each in numbers], kind)


def times(left: pa.Array, right: pa.Array) -> pa.Array:
    """The product of two columns of whole numbers, as a decimal no wider than it needs.

    Raises:
        TooManyDigitsError: 76 digits are too few for it.
    """
    digits = [len(str(greatest(each))) for each in (left, right)]
    if sum(digits) >= 76:
        raise TooManyDigitsError(what="multiplying")
    kind = pa.decimal128 if sum(digits) < 38 else pa.decimal256
    return pc.multiply(
        *(_tight(each, kind, most) for each, most in zip((left, right), digits, strict=True))
    )


def _tight(wholes: pa.Array, kind: Callable[[int, int], pa.DataType], digits: int) -> pa.Array:
    """Via 19 digits, as Arrow casts 64-bit numbers to no narrower decimal."""
    if pa.types.is_integer(wholes.type):
        wholes = wholes.cast(pa.decimal128(19, 0))
    return wholes.cast(kind(digits, 0))


def times_ten(wholes: pa.Array, power: int) -> pa.Array:
    """Whole numbers times 10 ** `power`.

    Raises:
        TooManyDigitsError: 76 digits are too few for it.
    """
    if power == 0:
        return wholes
    return times(wholes, pa.repeat(wholes_of([10**power])[0], len(wholes)))


def powers_of_ten(powers: pa.Array) -> pa.Array:
    """10 ** each of `powers`, which are 0 or more; null stays null."""
    most = pc.max(powers).as_py() or 0
    return wholes_of([10**power for power in range(most + 1)]).take(powers)


def raised(wholes: pa.Array, powers: pa.Array) -> pa.Array:
    """Whole decimals times 10 ** each of `powers`; null where 38 digits are too few."""
    if not pc.any(pc.not_equal(powers, 0)).as_py():
        return wholes
    return narrow(times(wholes, powers_of_ten(powers)))
