"""Expectations about quantities and their units."""

from __future__ import annotations

from typing import ClassVar

from dualwrite.rules import QuantityConvertible, QuantityConverts, Rule
from expectations.expectation import RuleExpectation


class ExpectQuantityToHaveConverted(RuleExpectation):
    """The gate found a sound conversion for each quantity of a map.

    It is made for gate tables: the conversion is done before, and left beside the quantity
    what kept it from converting.  For a frame of your own take
    `ExpectQuantityToConvertBetweenUnits`, which converts by itself.

    Args:
        source: The quantity as the source holds it, such as `source:QTY`.
        problem: The column of why it could not be converted, `unit:quantity`; null where it could.
        unit: The column of its unit; or
        symbol: the one unit of all rows.
        returned: The column of what would come back, `back:quantity`; empty for one way.

    Example: `ExpectQuantityToHaveConverted(source="source:QTY", problem="unit:quantity",
    unit="source:UNIT", returned="back:quantity")` fails 2 tin where nobody knows a tin.
    """

    rule: ClassVar[type[Rule]] = QuantityConverts
    template: ClassVar[str] = "$source is converted into the unit of the other side."

    source: str
    problem: str
    unit: str = ""
    symbol: str = ""
    returned: str = ""


class ExpectQuantityToConvertBetweenUnits(RuleExpectation):
    """Quantities convert from one unit into another: both are known, and a conversion exists.

    Shapes: any frame.  The quantities are decimals or whole numbers, in the unit that is
    beside each; a binary float fails, for its digits are not those meant.  Null passes.

    Args:
        quantity: The column of the quantities.
        unit: The column of their units' symbols; or
        symbol: the one unit of all rows.
        to: The column of the unit to convert into; or
        to_symbol: the one for all rows.
        product: The column of the product, for conversions of its own.
        two_way: Whether a quantity must come back as it was, rounded to its unit's decimals.
        units: Units beside the standard ones, each `symbol: class decimals`.
        conversions: Conversions, each `1 box = 12 pcs`, or `1 pal = 40 box of A0001`.

    Raises (in `exception_info`): a unit or conversion that is written in another way; a column that
    the frame does not have.  A conversion of factor 0, and a circle of conversions that
    disagree, are no error: the rows that need them fail.

    Example: `ExpectQuantityToConvertBetweenUnits(quantity="qty", unit="unit", to_symbol="pcs",
    units=["box: Quantity 0"], conversions=["1 box = 12 pcs"])` passes 2 box, and fails 2 tin and
    2 kg.
    """

    rule: ClassVar[type[Rule]] = QuantityConvertible
    template: ClassVar[str] = "$quantity converts from $unit$symbol into $to$to_symbol."

    quantity: str
    unit: str = ""
    symbol: str = ""
    to: str = ""
    to_symbol: str = ""
    product: str = ""
    two_way: bool = True
    units: tuple[str, ...] = ()
    conversions: tuple[str, ...] = ()
