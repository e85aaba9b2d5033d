"""Units of measure, exact: classes, units, conversions, and quantities between them."""

from dualwrite.units.graph import Way
from dualwrite.units.model import Conversion, Formula, Rounding, Unit, UnitClass
from dualwrite.units.standard import standard_tables, standard_units
from dualwrite.units.system import Converted, NotConvertibleError, UnitSystem, convert

__all__ = [
    "Conversion",
    "Converted",
    "Formula",
    "NotConvertibleError",
    "Rounding",
    "Unit",
    "UnitClass",
    "UnitSystem",
    "Way",
    "convert",
    "standard_tables",
    "standard_units",
]
