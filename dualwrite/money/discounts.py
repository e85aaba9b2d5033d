"""Converts the discount of a document line to a discount per unit and back, without rounding loss.

One side stores a discount for the whole line, the other per unit.  10.00 for 3 pieces is 3.33
each, which would be 9.99 for the line, so the remaining cent becomes a charge of -0.01; 3.33 x 3
less that charge is 10.00 again.  The totals of the document stay equal for every quantity: the
charge takes the rounding difference, and the whole discount where the quantity is 0.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import (
    Mode,
    affine,
    as_decimals,
    by_pieces,
    minus,
    scale_of,
    times_ten,
    whole_parts,
    with_scale,
)


class SplitDiscount(NamedTuple):
    """The two parts of a discount: `per_unit x quantity - charge` is the whole."""

    per_unit: pa.Array
    charge: pa.Array


def split_discount(
    discounts: pa.Array, quantities: pa.Array, places: int, mode: Mode = "half_even"
) -> SplitDiscount:
    """Split discounts of whole lines into discounts per unit and charges.

    Shapes: both (n,) decimals or whole numbers; the parts (n,) decimal128, null where
    either is null or 38 digits are too few.  `places` are the decimal places of a
    discount per unit; a charge keeps all digits of the discount.

    Raises:
        NotExactError: A column is of floats or texts.
    """
    discounts, quantities = as_decimals(discounts, "discounts"), as_decimals(quantities, _SOLD)
    per_unit, charge = by_pieces(
        lambda these, sold: _split(these, sold, places, mode), discounts, quantities
    )
    return SplitDiscount(per_unit, charge)


def join_discount(
    per_unit: pa.Array, quantities: pa.Array, charges: pa.Array, mode: Mode = "half_even"
) -> pa.Array:
    """The discounts of whole lines; the inverse of `split_discount` in the same mode.

    Shapes: all (n,), `per_unit` with the decimal places it was split with; the result (n,)
    decimal128, null where any is null.

    Raises:
        NotExactError: A column is of floats or texts.
    """
    per_unit, quantities = as_decimals(per_unit, "discounts"), as_decimals(quantities, _SOLD)
    line = _of_line(whole_parts(per_unit), quantities, scale_of(per_unit), mode)
    return minus(line, as_decimals(charges, "charges"))


_SOLD = "quantities"


def _split(discounts: pa.Array, quantities: pa.Array, places: int, mode: Mode) -> SplitDiscount:
    whole, count = whole_parts(discounts), whole_parts(quantities)
    # the multiplier takes the sign, as a divisor is positive
    sign = pc.sign(count)
    shift = places + scale_of(quantities) - scale_of(discounts)
    powers = [Decimal(10 ** max(shift, 0) * each) for each in (-1, 0, 1)]
    multiplier = pa.array(powers, pa.decimal256(76, 0)).take(pc.add(sign, 1))
    one = pa.scalar(Decimal(1), count.type)
    divisor = times_ten(pc.if_else(pc.equal(sign, 0), one, pc.abs(count)), max(-shift, 0))
    per_unit = affine(whole, multiplier, divisor, mode)
    line = _of_line(per_unit, quantities, places, mode)
    return SplitDiscount(with_scale(per_unit, places), minus(line, discounts))


def _of_line(per_unit: pa.Array, quantities: pa.Array, places: int, mode: Mode) -> pa.Array:
    """The discount of the whole line that follows from the discount per unit."""
    parts = pa.repeat(
        pa.scalar(Decimal(10) ** scale_of(quantities), pa.decimal256(76, 0)), len(quantities)
    )
    return with_scale(affine(per_unit, whole_parts(quantities), parts, mode), places)
