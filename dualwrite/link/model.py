"""The settings of a project folder as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dualwrite.link.sides import AppNames, Side

DEFAULT_JOURNAL = "sqlite:///.dualwrite/journal.db"
DEFAULT_WORKERS = 2
DEFAULT_PARTITION_ROWS = 25_000

# Up to the last @: a password may contain one, and to show too little does no harm.
_PASSWORD = re.compile(r"(?P<start>://[^:/@\s\"']*:)[^\s\"']+(?=@)")
_SECRET_OPTION = re.compile(r"(?i)(?P<start>[?&;](?:password|pwd|secret|token)=)[^&;\s]+")


@dataclass(frozen=True, slots=True, repr=False)
class AppConfig:
    """How one app is reached.  `url` may hold a password; `repr` does not show it."""

    side: Side
    connector: str
    url: str
    title: str = ""
    """How people call the app, such as `Contoso ERP`; it stands beside the side's word."""

    def __repr__(self) -> str:
        return f"AppConfig({self.side.value}, {self.connector}, {safe_url(self.url)})"


@dataclass(frozen=True, slots=True, repr=False)
class Link:
    """The settings of a project folder, filled in and checked."""

    name: str
    companies: tuple[str, ...]
    apps: Mapping[Side, AppConfig]
    journal_url: str
    project: Path
    workers: int = DEFAULT_WORKERS
    """Partitions that are carried at the same time."""
    partition_rows: int = DEFAULT_PARTITION_ROWS
    """Rows of a partition, about; memory depends on it, and not on the size of the table."""
    currencies: Mapping[str, str] = field(default_factory=dict)
    """By company, the currency in which it keeps its books, where the file names one."""
    zone: str = "UTC"
    """The zone at whose midnight a day begins, where the company of a row names none."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """By company, the zone at whose midnight its days begin, where the file names one."""
    own_currencies: Mapping[str, int] = field(default_factory=dict)
    """Currencies that ISO 4217 does not list, and the decimal places of an amount in them."""

    def zone_of(self, company: str | None) -> str:
        """The zone at whose midnight the days of a company begin; its letter case is ignored."""
        known = {name.upper(): zone for name, zone in self.zones.items()}
        return known.get((company or "").upper(), self.zone)

    @property
    def names(self) -> AppNames:
        """How people know the two apps."""
        return AppNames({side: app.title for side, app in self.apps.items() if app.title})

    def __repr__(self) -> str:
        apps = ", ".join(map(repr, self.apps.values()))
        return f"Link({self.name}, {apps}, journal {safe_url(self.journal_url)})"


def safe_url(text: str) -> str:
    """`text`, a url or any text with urls in it, with every password replaced by `***`."""
    return _SECRET_OPTION.sub(r"\g<start>***", _PASSWORD.sub(r"\g<start>***", text))
