"""Which maps a check covers, and the findings of each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from dualwrite.journal.overview import read_overview
from dualwrite.link import Link, Side
from dualwrite.sync.routes.expectations import expectation_faults
from dualwrite.sync.session.measures import read_ledgers
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.checks import check
from dualwrite.tablemap.filters import parse_filter
from dualwrite.tablemap.findings import Finding, MapError, in_order
from dualwrite.tablemap.functions import find_beside
from dualwrite.tablemap.project import project_map
from dualwrite.tablemap.schema import TableSchema, tables_on_path
from dualwrite.tablemap.sharing import shared_findings

if TYPE_CHECKING:
    from dualwrite.apps.app import App
    from dualwrite.tablemap.model import TableMap


def chosen_maps(catalogue: Catalogue, link: Link, targets: Sequence[str]) -> list[str]:
    """The maps named in `targets`; if none, those that run and the project's own.

    Raises:
        UnknownMapError: A target is not a map.
    """
    if targets:
        return [catalogue.entry(name).name for name in targets]
    known = {record.name for record in read_overview(link.journal_url) or []}
    own = {name for name in catalogue.names() if not catalogue.entry(name).is_standard}
    return sorted(own | (known & set(catalogue.names())))


def findings_of(
    catalogue: Catalogue, name: str, link: Link, apps: Mapping[Side, App]
) -> list[Finding]:
    """The findings of a map: of its file, or if that is sound, against the tables of both apps."""
    if found := file_findings(catalogue, name):
        return found

    def schema_of(side: Side, table: str) -> TableSchema:
        return apps[side].schema(table)

    find_beside(link.project)
    table_map = project_map(link, catalogue, name)

    def books() -> Mapping[str, str]:
        return {**read_ledgers(apps[Side.FINOPS], catalogue), **link.currencies}

    found = check(table_map, schema_of, catalogue=catalogue, companies=link.companies, books=books)
    shared = shared_findings(table_map, _beside(catalogue, link, name))
    return in_order([*found, *shared, *expectation_faults(table_map, link.project)])


def _beside(catalogue: Catalogue, link: Link, name: str) -> Iterator[TableMap]:
    """The other maps of the project that can be read: its own, and those that run."""
    for other in chosen_maps(catalogue, link, []):
        if other != name and not file_findings(catalogue, other):
            yield catalogue.get(other)


def tables_looked_up(table_map: TableMap, side: Side, app: App) -> tuple[str, ...]:
    """The tables of one side that the map's lookups read; the map must have no error."""
    end = table_map.end(side)
    paths = [*end.key, end.company, end.modified]
    paths += [column.end(side) for column in table_map.columns]
    paths += parse_filter(end.filter).columns if end.filter else ()
    tables = (
        tables_on_path(path, end.table, app.schema, end.lookups)
        for path in paths
        if path is not None
    )
    return tuple(dict.fromkeys(chain.from_iterable(tables)))


def file_findings(catalogue: Catalogue, name: str) -> list[Finding]:
    """The findings of a map's file alone."""
    try:
        catalogue.get(name)
    except MapError as error:
        return list(error.findings)
    return []
