"""What a command works with: the link, both apps, the journal and the table maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dualwrite.apps.base import App
from dualwrite.apps.opening import open_app
from dualwrite.journal.store import Journal
from dualwrite.link import Link, Side, load_link
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.companies import companies_of
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.schema import Column, Reference, TableSchema


@dataclass(frozen=True)
class Session:
    """Everything open that one command or one worker needs."""

    link: Link
    apps: Mapping[Side, App]
    journal: Journal
    catalogue: Catalogue

    def schema(self, side: Side, table: str) -> TableSchema:
        """A table of one app."""
        return self.apps[side].schema(table)

    def reference(self, side: Side, table: str, column: str) -> Reference | None:
        """What a lookup column points at, by foreign key."""
        found: Column | None = self.schema(side, table).columns.get(column)
        return None if found is None else found.references

    def companies(self, table_map: TableMap) -> tuple[str, ...] | None:
        """The companies whose rows the map carries; None for a global map."""
        return companies_of(table_map, self.link.companies)


@contextmanager
def open_session(project: Path) -> Iterator[Session]:
    """Open the project in `project`, and close all of it at the end.

    Raises:
        ConfigError: `dualwrite.toml` is missing or wrong.
        TransientError, PermanentError: The journal cannot be opened.  The apps are
            reached when first used, not here.
    """
    link = load_link(project)
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
