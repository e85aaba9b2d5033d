"""Units of measure, exact: classes, units, conversions, and quantities between them."""
