"""The standard units that come with dualwrite, for apps without units of their own.

They are exact by definition: the inch is 25.4 mm, the pound 0.45359237 kg, the gallon 231 cubic
inches.  The first unit of a class is its base unit, to which the others convert.  Units without
a definition, such as a box, are not included.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import cache
from importlib import resources

import pyarrow as pa

from dualwrite.units.system import UnitSystem

_OFFSETS = pa.decimal128(9, 2)


@cache
def standard_tables() -> tuple[pa.Table, pa.Table]:
    """Units and conversions, as `UnitSystem.from_tables` takes them."""
    file = resources.files("dualwrite.units").joinpath("standard.csv")
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    bases: dict[str, str] = {}
    for row in rows:
        bases.setdefault(row["class"], row["symbol"])
    units = pa.table(
        {
            "symbol": [row["symbol"] for row in rows],
            "class": [row["class"] for row in rows],
            "decimals": [int(row["decimals"]) for row in rows],
            "base": [row["symbol"] == bases[row["class"]] for row in rows],
        }
    )
    others = [row for row in rows if row["symbol"] != bases[row["class"]]]
    conversions = pa.table(
        {
            "from": [row["symbol"] for row in others],
            "to": [bases[row["class"]] for row in others],
            "numerator": [int(row["numerator"]) for row in others],
            "denominator": [int(row["denominator"]) for row in others],
            "inner_offset": pa.array([Decimal(row["inner_offset"]) for row in others], _OFFSETS),
        }
    )
    return units, conversions


@cache
def standard_units() -> UnitSystem:
    """The unit system of the standard units."""
    return UnitSystem.from_tables(*standard_tables())
