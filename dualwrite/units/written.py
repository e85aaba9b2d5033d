"""Parses units and conversions written in a suite: `box: Quantity 0`, `1 box = 12 pcs`.

They extend the standard units.  A conversion may be valid for one product only, and its factor
may be a fraction: `1 pal = 40 box of A0001`, `1 slug = 1/3 stone`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

import pyarrow as pa

from dualwrite.units.standard import standard_tables
from dualwrite.units.system import UnitSystem

_UNIT = re.compile(r"(?P<symbol>.+): (?P<unit_class>\S+)(?: (?P<decimals>[0-9]+))?")
_CONVERSION = re.compile(
    r"1 (?P<start>.+?) = (?P<number>[0-9]+(?:\.[0-9]+)?)(?:/(?P<under>[0-9]+))? "
    r"(?P<end>.+?)(?: of (?P<product>.+))?"
)
_EXACT = pa.decimal128(38, 14)


@lru_cache(maxsize=32)
def written_system(units: tuple[str, ...], conversions: tuple[str, ...]) -> UnitSystem:
    """The standard units extended by these.

    Raises:
        ValueError: A text does not have the expected form.
    """
    own_units = [_read(_UNIT, each, "box: Quantity 0") for each in units]
    own = [_read(_CONVERSION, each, "1 box = 12 pcs") for each in conversions]
    standard = standard_tables()
    added = (
        pa.table(
            {
                "symbol": pa.array([each["symbol"] for each in own_units], pa.string()),
                "class": pa.array([each["unit_class"] for each in own_units], pa.string()),
                "decimals": pa.array(
                    [int(each["decimals"] or 0) for each in own_units], pa.int64()
                ),
            }
        ),
        pa.table(
            {
                "from": pa.array([each["start"] for each in own], pa.string()),
                "to": pa.array([each["end"] for each in own], pa.string()),
                "factor": pa.array([Decimal(each["number"]) for each in own], _EXACT),
                "denominator": pa.array([int(each["under"] or 1) for each in own], pa.int64()),
                "product": pa.array([each["product"] for each in own], pa.string()),
            }
        ),
    )
    both = (
        pa.concat_tables(pair, promote_options="default")
        for pair in zip(standard, added, strict=True)
    )
    return UnitSystem.from_tables(*both)


def _read(form: re.Pattern[str], text: str, example: str) -> dict[str, str]:
    found = form.fullmatch(text)
    if found is None:
        msg = f"{text!r} does not have the form of {example!r}"
        raise ValueError(msg)
    return found.groupdict()
