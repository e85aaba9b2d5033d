"""Builds tables of units and conversions for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from dualwrite.units import UnitSystem

NUMBERS = ("factor", "inner_offset", "outer_offset")
WHOLE = ("numerator", "denominator")
TEXTS = ("from", "to", "product", "variant", "rounding")


def units(*rows: tuple[Any, ...]) -> pa.Table:
    """(symbol, class[, decimals[, rounding]]); a symbol with a star is its class's base unit."""
    full = [(*row, *(0, "nearest")[len(row) - 2 :]) for row in rows]
    return pa.table(
        {
            "symbol": [row[0].rstrip("*") for row in full],
            "class": [row[1] for row in full],
            "decimals": pa.array([row[2] for row in full], pa.int32()),
            "rounding": [row[3] for row in full],
            "base": [row[0].endswith("*") for row in full],
        }
    )


def conversions(*rows: dict[str, Any]) -> pa.Table:
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in TEXTS}
    for name in NUMBERS:
        numbers = [None if row.get(name) is None else Decimal(row[name]) for row in rows]
        columns[name] = pa.array(numbers, pa.decimal128(38, 14))
    for name in WHOLE:
        columns[name] = pa.array(
            [None if row.get(name) is None else Decimal(row[name]) for row in rows],
            pa.decimal128(38, 0),
        )
    return pa.table(columns)


def system(all_units: pa.Table, *rows: dict[str, Any]) -> UnitSystem:
    return UnitSystem.from_tables(all_units, conversions(*rows))


def one(pair: str, factor: str | int = 1, **more: Any) -> dict[str, Any]:
    """A conversion, `box>pcs` by a factor."""
    from_, _, to = pair.partition(">")
    return {"from": from_, "to": to, "factor": factor, **more}
