"""Which maps a check looks at, and everything that is wrong with one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from dualwrite.journal.overview import read_overview
from dualwrite.link import FILE_NAME, Link, Side, load_link
from dualwrite.sync.routes.expectations import expectation_faults
from dualwrite.sync.session.measures import read_ledgers
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.checks import check
from dualwrite.tablemap.expecting import with_folder
from dualwrite.tablemap.filters import parse_filter
from dualwrite.tablemap.findings import Finding, MapError, in_order
from dualwrite.tablemap.functions import find_beside
from dualwrite.tablemap.reading import read_map
from dualwrite.tablemap.schema import TableSchema, tables_on_path

if TYPE_CHECKING:
    from dualwrite.apps.base import App
    from dualwrite.tablemap.model import TableMap


def check_maps(
    project: Path, catalogue: Catalogue, targets: Sequence[str]
) -> tuple[list[str], list[Finding]]:
    """Check maps by name or file; the names checked, and what was found.

    Outside a project, a map is read and no more: there are no tables to hold it against.

    Raises:
        UnknownMapError: A target is neither a file nor a map.
        ConfigError, TransientError, PermanentError: The project or an app is at fault.
    """
    files = [Path(target) for target in targets if target.endswith((".yaml", ".yml"))]
    names = [target for target in targets if Path(target) not in files]
    found = [each for file in files for each in _read_only(file)]
    checked = [file.stem for file in files]
    if files and not names:
        return checked, found
    if project == Path() and not (project / FILE_NAME).exists():
        names = names or list(catalogue.names())
        for name in names:
            found += _parse_findings(catalogue, name)
        return [*checked, *names], found
    link = load_link(project)
    names = chosen_maps(catalogue, link, names)
    apps = _open_apps(link)
    try:
        for name in names:
            found += findings_of(catalogue, name, link, apps)
    finally:
        for app in apps.values():
            app.close()
    return [*checked, *names], found


def chosen_maps(catalogue: Catalogue, link: Link, targets: Sequence[str]) -> list[str]:
    """`targets`, or else the maps that run and those that the project has of its own.

    Raises:
        UnknownMapError: A target is no map.
    """
    if targets:
        return [catalogue.entry(name).name for name in targets]
    known = {record.name for record in read_overview(link.journal_url) or []}
    own = {name for name in catalogue.names() if not catalogue.entry(name).is_standard}
    return sorted(own | (known & set(catalogue.names())))


def findings_of(
    catalogue: Catalogue, name: str, link: Link, apps: Mapping[Side, App]
) -> list[Finding]:
    """All that is wrong with a map: its file, or else how it stands to the tables."""
    if found := _parse_findings(catalogue, name):
        return found

    def schema_of(side: Side, table: str) -> TableSchema:
        return apps[side].schema(table)

    find_beside(link.project)
    table_map = with_folder(catalogue.get(name), link.project, catalogue)

    def books() -> Mapping[str, str]:
        return {**read_ledgers(apps[Side.FINOPS], catalogue), **link.currencies}

    found = check(table_map, schema_of, catalogue=catalogue, companies=link.companies, books=books)
    return in_order([*found, *expectation_faults(table_map, link.project)])


def looked_into(table_map: TableMap, side: Side, app: App) -> tuple[str, ...]:
    """The tables of one side that the map's lookups lead into; its findings bear no error."""
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


def _parse_findings(catalogue: Catalogue, name: str) -> list[Finding]:
    try:
        catalogue.get(name)
    except MapError as error:
        return list(error.findings)
    return []


def _read_only(file: Path) -> list[Finding]:
    try:
        read_map(file)
    except MapError as error:
        return list(error.findings)
    return []


def _open_apps(link: Link) -> dict[Side, App]:
    from dualwrite.apps.opening import open_app

    return {side: open_app(side, link.apps[side].url) for side in Side}
