"""The decimal places of money values: limits, rounding, and comparison after rounding.

There are three kinds of money.  An *amount* of a document has no more decimal places than the
minor unit of its currency; a *price* per unit may use all places of its column; *cash* is a
multiple of the currency's cash step.

A value that one side holds as 10.005 and the other, by the rounding policy of the map, as 10.00
has not changed when 10.00 comes back; `same_after_rounding` tests this.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import Mode, as_decimals, round_to, round_to_step, same, scale_of
from dualwrite.money.currencies import Own, cash_steps, currency, minor_units

Kind = Literal["amount", "price", "cash"]
"""What a money column holds."""

Currencies: TypeAlias = str | pa.Array | None
"""One code for the whole column, a code for each row, or None if only the scale counts."""


def places(
    scale: int, currencies: Currencies = None, kind: Kind = "amount", own: Own = ()
) -> int | pa.Array:
    """The decimal places that a money column of `scale` may use: one number, or (n,).

    `own` are the currencies that the project defines, here and in the functions below.

    Raises:
        UnknownCurrencyError: The code for the column is unknown.
    """
    if currencies is None or kind == "price":
        return scale
    if isinstance(currencies, str):
        minor = currency(currencies, own).minor_unit
        return scale if minor is None else min(scale, minor)
    return pc.min_element_wise(minor_units(currencies, own), pa.scalar(scale, pa.int8()))


def rounded(
    amounts: pa.Array,
    scale: int,
    mode: Mode,
    currencies: Currencies = None,
    kind: Kind = "amount",
    own: Own = (),
) -> pa.Array:
    """Round `amounts` to what a column of `scale` holds under the policy `round: mode`.

    Shapes: `amounts` (n,) decimals or whole numbers; the result (n,) decimals with the
    scale of `amounts`, null where `amounts` is, and where a number has 76 digits.
    For a currency that is unknown or has no minor unit, the scale alone decides.

    Raises:
        NotExactError: The amounts are floats or texts.
        UnknownCurrencyError: The code for the column is unknown.
    """
    amounts = as_decimals(amounts, "amounts")
    if kind == "cash" and currencies is not None:
        return _in_cash(amounts, scale, mode, currencies, own)
    return round_to(amounts, places(scale, currencies, kind, own), mode)


def fits(
    amounts: pa.Array,
    scale: int,
    currencies: Currencies = None,
    kind: Kind = "amount",
    precision: int | None = None,
    own: Own = (),
) -> pa.BooleanArray:
    """Which amounts a column of `scale` holds without losing a digit; null fits.

    With `precision`, the total digits of the column, the digits before the point must fit too.

    Shapes, currencies and errors as in `rounded`.
    """
    amounts = as_decimals(amounts, "amounts")
    digits = places(scale, currencies, kind, own)
    if isinstance(digits, int) and digits >= scale_of(amounts) and kind != "cash":
        mask = _all_true(amounts)
    else:
        mask = same(rounded(amounts, scale, "down", currencies, kind, own), amounts)
    return mask if precision is None else pc.and_(mask, has_room(amounts, precision - scale))


def has_room(amounts: pa.Array, digits: int) -> pa.BooleanArray:
    """Which amounts have at most `digits` digits before the decimal point; true for null."""
    edge = Decimal(10) ** digits
    ends = pc.min_max(amounts).as_py().values()
    if all(end is None or abs(end) < edge for end in ends):
        return _all_true(amounts)
    wide = amounts.cast(pa.decimal256(76, scale_of(amounts)))
    return pc.fill_null(pc.less(pc.abs(wide), pa.scalar(edge, wide.type)), fill_value=True)


def same_after_rounding(
    sent: pa.Array,
    came_back: pa.Array,
    scale: int,
    mode: Mode,
    currencies: Currencies = None,
    kind: Kind = "amount",
    own: Own = (),
) -> pa.BooleanArray:
    """Where `came_back` equals the rounded `sent`, so that nothing has changed.

    Shapes: both (n,); the result (n,), never null.  Null equals only null.
    """
    sent = rounded(sent, scale, mode, currencies, kind, own)
    return same(sent, as_decimals(came_back, "amounts"))


def _in_cash(
    amounts: pa.Array, scale: int, mode: Mode, currencies: Currencies, own: Own
) -> pa.Array:
    """Round to multiples of the cash step; where there is none, to the places of an amount."""
    codes = currencies
    if isinstance(codes, str):
        codes = pa.repeat(pa.scalar(currency(codes, own).code), len(amounts))
    steps = cash_steps(codes, own)
    result = round_to(amounts, places(scale, currencies, own=own), mode)
    for step in pc.unique(steps.drop_null()).to_pylist():
        # a coarser column, and amounts with fewer decimal places, hold multiples only
        if _decimal_places(step) > min(scale, scale_of(amounts)):
            continue
        rows = pc.fill_null(pc.equal(steps, pa.scalar(step, steps.type)), fill_value=False)
        chosen = round_to_step(amounts.filter(rows), step, mode)
        if chosen.type.bit_width > result.type.bit_width:
            result = result.cast(chosen.type)
        result = pc.replace_with_mask(result, rows, chosen.cast(result.type))
    return result


def _decimal_places(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))


def _all_true(values: pa.Array) -> pa.BooleanArray:
    return pa.repeat(pa.scalar(value=True), len(values))
