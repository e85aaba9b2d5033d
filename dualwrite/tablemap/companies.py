"""Which companies of a link a map carries.

A global map carries its rows whatever the company.  A company-specific one carries those
of the link's companies that it includes (all, if it lists none) and does not exclude.
Companies that differ in case only are the same; the link's spelling is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.tablemap.model import TableMap


def companies_of(table_map: TableMap, link_companies: Sequence[str]) -> tuple[str, ...] | None:
    """The companies whose rows are carried, in the link's order; None for a global map."""
    if not table_map.is_company_specific():
        return None
    excluded = {company.casefold() for company in table_map.companies_excluded}
    named = table_map.companies
    included = None if named is None else {company.casefold() for company in named}
    return tuple(
        company
        for company in link_companies
        if company.casefold() not in excluded
        and (included is None or company.casefold() in included)
    )


def unknown_companies(table_map: TableMap, link_companies: Sequence[str]) -> tuple[str, ...]:
    """Companies that the map names and the link does not know."""
    known = {company.casefold() for company in link_companies}
    named = (*(table_map.companies or ()), *table_map.companies_excluded)
    return tuple(company for company in named if company.casefold() not in known)
