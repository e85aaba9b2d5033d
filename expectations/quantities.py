"""Expectations about quantities and the units they are told in."""

from __future__ import annotations

from typing import ClassVar

from dualwrite.rules import QuantityConverts, Rule
from expectations.expectation import RuleExpectation


class ExpectQuantityToHaveConverted(RuleExpectation):
    """The gate found a sound conversion for each quantity of a map.

    It is made for gate tables: the conversion is done before, and left beside the quantity
    what kept it from converting.  For a frame of your own take
    `ExpectQuantityToConvertBetweenUnits`, which converts by itself.

    Args:
        source: The quantity as the source holds it, such as `source:QTY`.
        trouble: The column that says what kept it from converting, `unit:quantity`; null: nothing.
        unit: The column of its unit; or
        symbol: the one unit of all rows.
        returned: The column of what would come back, `back:quantity`; empty for one way.

    Example: `ExpectQuantityToHaveConverted(source="source:QTY", trouble="unit:quantity",
    unit="source:UNIT", returned="back:quantity")` fails 2 tin where nobody knows a tin.
    """

    rule: ClassVar[type[Rule]] = QuantityConverts
    says: ClassVar[str] = "$source is converted into the unit of the other side."

    source: str
    trouble: str
    unit: str = ""
    symbol: str = ""
    returned: str = ""
