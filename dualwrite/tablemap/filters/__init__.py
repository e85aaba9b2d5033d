"""Filters of a table map: OData `$filter`, parsed once, run in SQL or over Arrow.

`parse_filter` gives the tree.  `filters.sql` and `filters.arrow` run it; both keep the
same rows, nulls included.  SQLAlchemy is imported only by the first.
"""

from dualwrite.tablemap.filters.model import Filter
from dualwrite.tablemap.filters.odata import FilterError, parse_filter

__all__ = ["Filter", "FilterError", "parse_filter"]
