"""All checks of a map, one after the other, into one list."""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.checks.accounting import Books, check_accounting
from dualwrite.tablemap.checks.column_maps import check_column_maps
from dualwrite.tablemap.checks.context import Context, SchemaOf
from dualwrite.tablemap.checks.ends import check_ends
from dualwrite.tablemap.checks.environment import Environment, check_environment
from dualwrite.tablemap.checks.lookups import check_lookups
from dualwrite.tablemap.checks.periods import check_periods
from dualwrite.tablemap.checks.quantities import check_quantities
from dualwrite.tablemap.checks.types import check_types
from dualwrite.tablemap.checks.zones import check_zones
from dualwrite.tablemap.findings import Finding, in_order
from dualwrite.tablemap.model import TableMap

_NOTHING_KNOWN = Environment()


def check(
    table_map: TableMap,
    schema_of: SchemaOf,
    *,
    catalogue: Catalogue | None = None,
    companies: Sequence[str] | None = None,
    environment: Environment = _NOTHING_KNOWN,
    books: Books | None = None,
) -> list[Finding]:
    """Everything that is wrong with a map, in the order of its file.

    `schema_of` may raise what `App.schema` raises; that is a finding too.  `companies`
    are the link's; where they are None, and without a catalogue, what needs them is not looked at.
    `books` gives the companies' accounting currencies, and is asked where the map needs them.
    """
    context = Context(table_map, schema_of, catalogue)
    try:
        check_environment(context, companies, environment)
        check_ends(context)
        check_column_maps(context)
        check_lookups(context)
        check_types(context)
        check_zones(context)
        check_periods(context)
        check_quantities(context)
        check_accounting(context, companies or (), books)
    except Exception as error:  # noqa: BLE001 - a fault of ours must not hide the findings so far
        context.add("DW1001", f"the check broke off: {type(error).__name__}: {error}")
    return in_order(context.findings)
