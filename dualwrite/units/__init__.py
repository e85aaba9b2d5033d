"""Units of measure: unit classes, units, conversions, and exact conversion of quantities."""

from dualwrite.units.graph import ConversionPath
from dualwrite.units.model import Conversion, Formula, Rounding, Unit, UnitClass
from dualwrite.units.standard import standard_tables, standard_units
from dualwrite.units.system import ConvertedQuantities, NotConvertibleError, UnitSystem, convert

__all__ = [
    "Conversion",
    "ConversionPath",
    "ConvertedQuantities",
    "Formula",
    "NotConvertibleError",
    "Rounding",
    "Unit",
    "UnitClass",
    "UnitSystem",
    "convert",
    "standard_tables",
    "standard_units",
]
