"""Row filters: OData `$filter`, read once, compiled for SQL and for Arrow.

Null follows SQL: a comparison with a null value is unknown, and a row is chosen
only when the whole filter is true.  `x eq null` and `x ne null` ask for null itself.
"""

from dualwrite.tablemap.filters.odata import Filter, FilterError

__all__ = ["Filter", "FilterError"]
