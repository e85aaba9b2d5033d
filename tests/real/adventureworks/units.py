"""Units of measure, and what one is in terms of another, to the last digit.

AdventureWorks has 38 units whose codes are padded to three characters; `LB ` is the code,
not `LB`.  Where an exact conversion is about one of them it uses that code, otherwise the
unit is added under its customary symbol.

A conversion is (value + inner offset) x factor x numerator / denominator.  A factor that is
a decimal of ten digits or fewer is told as the factor; any other as a fraction, for the ERP's
column would cut it.  A fraction too large for its integers leaves powers of ten in the factor.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from dualwrite.link import Side
from dualwrite.sandbox.schema.definition import sandbox_tables
from tests.real.data import always, named, read

LARGEST_INTEGER = 2**31 - 1
SCALE = 10

_CLASSES = {
    "Length": "CM  DM  IN  KM  M   MM ",
    "Mass": "G   KG  KT  LB  MG  OZ ",
    "Volume": "CBM CCM CDM FT3 GAL L   M3  ML  PT ",
    "Area": "CM2 M2 ",
    "Quantity": "BOX BTL CAN CAR CR  CS  CTN DZ  EA  PAK PAL PC  PCT",
    "Density": "KGV",
    "Temperature": "C  ",
}
_SYMBOLS = {
    "millimetre": "MM ", "centimetre": "CM ", "metre": "M  ", "kilometre": "KM ", "inch": "IN ",
    "foot": "ft", "yard": "yd", "mile": "mi", "nautical_mile": "nmi",
    "milligram": "MG ", "gram": "G  ", "kilogram": "KG ", "tonne": "t", "grain": "gr",
    "ounce": "OZ ", "pound": "LB ", "stone": "st", "US_hundredweight": "cwt US",
    "UK_hundredweight": "cwt UK", "short_ton": "ton US", "long_ton": "ton UK",
    "troy_ounce": "oz t", "carat": "ct",
    "milliliter": "ML ", "centiliter": "cl", "liter": "L  ", "cubic_centimeter": "CCM",
    "meter ** 3": "M3 ", "cubic_inch": "in³", "cubic_foot": "FT3", "cubic_yard": "yd³",
    "US_fluid_ounce": "fl oz US", "US_pint": "PT ", "US_liquid_quart": "qt US",
    "US_liquid_gallon": "GAL", "imperial_fluid_ounce": "fl oz UK", "imperial_pint": "pt UK",
    "imperial_gallon": "gal UK", "oil_barrel": "bbl", "US_dry_gallon": "gal dry",
    "bushel": "bu",
    "centimeter ** 2": "CM2", "meter ** 2": "M2 ", "hectare": "ha", "inch ** 2": "in²",
    "foot ** 2": "ft²", "yard ** 2": "yd²", "acre": "ac",
    "second": "s", "minute": "min", "hour": "h", "day": "d", "week": "wk", "fortnight": "fn",
    "dimensionless": "EA ", "dozen": "DZ ", "gross": "gross", "ream": "ream", "percent": "PCT",
    "joule": "J", "watt_hour": "Wh", "kilowatt_hour": "kWh", "Btu": "Btu", "calorie": "cal",
    "kelvin": "K", "degree_Celsius": "C  ", "degree_Fahrenheit": "°F", "degree_Rankine": "°R",
    "pascal": "Pa", "bar": "bar", "standard_atmosphere": "atm",
    "pound_force_per_square_inch": "psi", "torr": "Torr",
}  # fmt: skip


def units(folder: Path) -> dict[str, pa.Table]:
    """The finops tables of this room."""
    return {
        "UnitOfMeasureEntity": _units(folder),
        "UnitOfMeasureConversionEntity": _conversions(folder),
    }


def _units(folder: Path) -> pa.Table:
    measures = read(folder, "adventureworks/Production.UnitMeasure")
    codes = {
        codes[at : at + 3]: name
        for name, codes in _CLASSES.items()
        for at in range(0, len(codes), 4)
    }
    ours = pa.table(
        {
            "UNITSYMBOL": measures["UnitMeasureCode"],
            "UNITCLASS": named(measures["UnitMeasureCode"], codes),
            "UNITDESCRIPTION": measures["Name"],
        }
    )
    known = set(measures["UnitMeasureCode"].to_pylist())
    added = [
        {
            "UNITSYMBOL": _SYMBOLS[row["unit"]],
            "UNITCLASS": row["unit_class"].capitalize(),
            "UNITDESCRIPTION": row["unit"].replace("_", " "),
        }
        for row in read(folder, "iso-units-currencies/unit_conversions").to_pylist()
        if _SYMBOLS[row["unit"]] not in known
    ]
    table = pa.concat_tables([ours, pa.Table.from_pylist(added, schema=ours.schema)])
    return table.append_column("DECIMALPRECISION", always(2, table)).append_column(
        "ISSYSTEMUNIT", always("No", table)
    )


def _conversions(folder: Path) -> pa.Table:
    """From every unit to the base of its class; a base unit needs none to itself."""
    rows = [
        {
            "FROMUNITSYMBOL": _SYMBOLS[row["unit"]],
            "TOUNITSYMBOL": _SYMBOLS[row["base_unit"]],
            **conversion(
                Fraction(int(row["numerator"]), int(row["denominator"])),
                finite=row["factor_is_finite_decimal"] == "1",
                offset=Decimal(row["offset_to_base"]),
            ),
            "ROUNDING": "Nearest",
        }
        for row in read(folder, "iso-units-currencies/unit_conversions").to_pylist()
        if row["unit"] != row["base_unit"]
    ]
    table = sandbox_tables(Side.FINOPS)["UnitOfMeasureConversionEntity"]
    schema = pa.schema([field for field in table.arrow_schema if field.name in rows[0]])
    return pa.Table.from_pylist(rows, schema=schema)


def conversion(exact: Fraction, *, finite: bool, offset: Decimal) -> dict[str, Decimal | int]:
    """`exact` as the ERP's three columns hold it, and `offset`, which is in the base unit."""
    ten = 10**SCALE
    factor, rest = Fraction(1), exact
    if finite and (exact * ten).denominator == 1:
        factor, rest = exact, Fraction(1)
    elif max(exact.numerator, exact.denominator) > LARGEST_INTEGER:
        billion = 10**9
        factor, rest = Fraction(exact.numerator, billion), Fraction(billion, exact.denominator)
    inner = offset * exact.denominator / exact.numerator
    return {
        "FACTOR": Decimal(int(factor * ten)).scaleb(-SCALE),
        "NUMERATOR": rest.numerator,
        "DENOMINATOR": rest.denominator,
        "INNEROFFSET": inner.quantize(Decimal(1).scaleb(-SCALE)),
        "OUTEROFFSET": Decimal(0).scaleb(-SCALE),
    }
