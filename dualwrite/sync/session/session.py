"""What a command works with: the link, both apps, the journal and the table maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dualwrite.apps.app import App
from dualwrite.apps.cutting import order_of
from dualwrite.apps.opening import open_app
from dualwrite.apps.query import Query
from dualwrite.errors import MissingTableError
from dualwrite.journal.store import Journal
from dualwrite.link import Link, Side, load_link
from dualwrite.sync.session.measures import Measures, read_ledgers, read_units
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.companies import companies_of
from dualwrite.tablemap.functions import find_beside
from dualwrite.tablemap.model import End, TableMap
from dualwrite.tablemap.project import project_map
from dualwrite.tablemap.schema import Column, Reference, TableSchema
from dualwrite.units import UnitSystem


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Session:
    """Everything open that one command or one worker needs."""

    link: Link
    apps: Mapping[Side, App]
    journal: Journal
    catalogue: Catalogue
    measures: Measures = field(default_factory=Measures, compare=False, repr=False)
    now: Callable[[], datetime] = field(default=_now, compare=False)
    """The moment, in UTC, as of which dated rows are valid or not; a test may set the clock."""

    def units(self) -> UnitSystem:
        """The units of measure and their conversions, as the ERP keeps them."""
        return self.measures.fresh(read_units, self.apps[Side.FINOPS], self.catalogue)

    def books(self) -> Mapping[str, str]:
        """The accounting currencies of companies: the link's own, else those of the ERP."""
        ledgers = self.measures.fresh(read_ledgers, self.apps[Side.FINOPS], self.catalogue)
        return {**ledgers, **self.link.currencies}

    def map(self, name: str) -> TableMap:
        """A table map by name, its undeclared lookups pointing at columns.

        A map may name only the table that a lookup points at (`lookups: {groupid: group}`);
        then the one column of that table's primary key is meant.

        Raises:
            UnknownMapError, MapError: There is no such map, or it cannot be read.
            ConfigError: The project defines a currency that ISO 4217 has.
        """
        table_map = project_map(self.link, self.catalogue, name)
        ends = {side: self._pointing(side, table_map.end(side)) for side in Side}
        return replace(table_map, ends=ends)

    def _pointing(self, side: Side, end: End) -> End:
        vague = {c: r.table for c, r in end.lookups.items() if not r.column}
        lookups = dict(end.lookups)
        for column, table in vague.items():
            try:
                key = self.schema(side, table).primary_key
            except MissingTableError:
                continue  # the check of the map says so, with its place
            if len(key) == 1:
                lookups[column] = Reference(table, key[0])
        return replace(end, lookups=lookups) if vague else end

    def schema(self, side: Side, table: str) -> TableSchema:
        """A table of one app."""
        return self.apps[side].schema(table)

    def reference(self, side: Side, table: str, column: str) -> Reference | None:
        """What a lookup column points at, by foreign key."""
        found: Column | None = self.schema(side, table).columns.get(column)
        return None if found is None else found.references

    def together(self, side: Side, query: Query) -> tuple[str, ...]:
        """The integration key, by which a view or a table without a key is read in ranges.

        Empty where the table has a key, and where the integration key lies in other tables.
        """
        schema = self.schema(side, query.table)
        if order_of(schema, ()) or any(path.is_lookup for path in query.key):
            return ()
        key = tuple(path.column for path in query.key)
        return order_of(replace(schema, primary_key=key), ())

    def companies(self, table_map: TableMap) -> tuple[str, ...] | None:
        """The companies whose rows the map carries; None for a global map."""
        return companies_of(table_map, self.link.companies)


@contextmanager
def open_session(project: Path) -> Iterator[Session]:
    """Open the project in `project`, and close all of it at the end.

    Modules beside its `dualwrite.toml` can be imported from then on: maps may name functions.

    Raises:
        ConfigError: `dualwrite.toml` is missing or wrong.
        TransientError, PermanentError: The journal cannot be opened.  The apps are
            reached when first used, not here.
    """
    link = load_link(project)
    find_beside(project)
    apps: dict[Side, App] = {}
    journal = Journal.open(link.journal_url)
    try:
        for side in Side:
            apps[side] = open_app(side, link.apps[side].url)
        yield Session(link, apps, journal, Catalogue.load(project / "maps"))
    finally:
        for app in apps.values():
            app.close()
        journal.close()
