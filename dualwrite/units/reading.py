"""Reads units and conversions from Arrow tables, and checks each row by itself.

Master data is read row by row, as it is small and each row has a reason of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from dualwrite.exact import as_decimals
from dualwrite.units.model import MODES, Conversion, Rounding, Unit

MOST_DECIMALS = 12
"""Decimal places of a quantity; the ERP has no more."""

_EXACT = ("factor", "inner_offset", "outer_offset", "numerator", "denominator", "decimals")


def units_of(table: pa.Table) -> Iterator[tuple[int, Unit, str | None]]:
    """The number of each row, its unit, and the fault of the unit if it has one."""
    for row, values in enumerate(_rows(table)):
        decimals, rounding = values.get("decimals") or 0, _rounding(values.get("rounding"))
        fault = None
        if decimals != int(decimals) or not 0 <= decimals <= MOST_DECIMALS:
            fault = f"decimals must be 0 to {MOST_DECIMALS} and is {_shown(decimals)}"
        elif rounding not in MODES and rounding is not None:
            fault = f"rounding must be nearest, up or down and is {rounding!r}"
        elif not values.get("symbol") or not values.get("class"):
            fault = "symbol and class must both be given"
        unit = Unit(
            symbol=values.get("symbol") or "",
            unit_class=values.get("class") or "",
            decimals=0 if fault else int(decimals),
            rounding="nearest" if fault or rounding is None else rounding,
            is_base=bool(values.get("base")),
            is_system=bool(values.get("system")),
        )
        yield row, unit, fault


def conversions_of(
    table: pa.Table, units: Mapping[str, Unit]
) -> Iterator[tuple[int, Conversion | None, str | None]]:
    """The number of each row, its conversion, and the fault of the conversion if it has one.

    There is no conversion where one of its units is unknown.
    """
    for row, values in enumerate(_rows(table)):
        from_, to = values.get("from"), values.get("to")
        unknown = next((each for each in (from_, to) if each not in units), "")
        product, variant = values.get("product") or None, values.get("variant") or None
        if unknown != "":
            fault = "no unit is given" if unknown is None else f"there is no unit {unknown!r}"
            yield row, None, fault
        elif variant is not None and product is None:
            yield row, None, f"variant {variant!r} is given without a product"
        else:
            conversion = _conversion(values, product, variant)
            yield row, conversion, _fault(conversion, units)


def _conversion(values: Mapping[str, Any], product: str | None, variant: str | None) -> Conversion:
    def number(name: str, default: int) -> Decimal:
        value = values.get(name)
        return Decimal(default) if value is None else value

    rounding = _rounding(values.get("rounding"))
    return Conversion(
        values["from"],
        values["to"],
        factor=number("factor", 1),
        numerator=int(number("numerator", 1)),
        denominator=int(number("denominator", 1)),
        inner_offset=number("inner_offset", 0),
        outer_offset=number("outer_offset", 0),
        product=product,
        variant=variant,
        rounding=rounding,
    )


def _fault(conversion: Conversion, units: Mapping[str, Unit]) -> str | None:
    """The fault of a conversion by itself."""
    from_, to = conversion.from_unit, conversion.to_unit
    about = f"the conversion from {from_!r} to {to!r}"
    if conversion.product is not None:
        about += f" of product {conversion.product!r}"
    wrong = None
    for name in ("factor", "numerator", "denominator"):
        value = getattr(conversion, name)
        if value <= 0:
            wrong = f"has a {name} of {_shown(value)}"
            break
    if wrong is None and conversion.rounding not in (None, *MODES):
        wrong = f"is rounded {conversion.rounding!r}, which must be nearest, up or down"
    if wrong is None and from_ == to:
        wrong = "converts a unit to itself"
    classes = units[from_].unit_class, units[to].unit_class
    if wrong is None and conversion.product is None and classes[0] != classes[1]:
        wrong = f"converts {classes[0]} to {classes[1]}, which needs a product"
    return None if wrong is None else f"{about} {wrong}"


def _rounding(value: str | None) -> Rounding | None:
    """In lower case; the caller checks whether it is valid."""
    return value.lower() if value else None  # type: ignore[return-value]  # checked by callers


def _shown(number: Decimal | int) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = {
        name: as_decimals(table[name], name) if name in _EXACT else table[name]
        for name in table.column_names
    }
    rows: list[dict[str, Any]] = pa.table(columns).to_pylist()
    return rows
