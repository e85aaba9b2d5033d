"""The link: two apps, the companies that take part, and our journal.

Everything a project folder says in `dualwrite.toml`.  Words that the file does
not know are refused with their line, so a typing error never turns into a
default; all problems are told at once.  `${NAME}` is filled in from the
environment when the file is read; the filled-in text never leaves this object
(its `repr` hides it).  A relative SQLite path starts at the project folder,
wherever the command is called.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from dualwrite.errors import ConfigError

FILE_NAME = "dualwrite.toml"
DEFAULT_JOURNAL = "sqlite:///.dualwrite/journal.db"
DEFAULT_WORKERS = 2
DEFAULT_PARTITION_ROWS = 25_000

_LATER_CONNECTORS = ("dataverse", "finops")
_APP_DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")
_JOURNAL_DATABASES = ("sqlite", "postgresql")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Up to the last @: a password may hold one, and showing too little does no harm.
_PASSWORD = re.compile(r"(?P<start>://[^:/@\s\"']*:)[^\s\"']+(?=@)")
_SECRET_OPTION = re.compile(r"(?i)(?P<start>[?&;](?:password|pwd|secret|token)=)[^&;\s]+")
_SQLITE = re.compile(r"(?P<start>sqlite(?:\+\w+)?:///)(?P<path>[^?]*)(?P<rest>.*)", re.DOTALL)
_CURRENCY = re.compile(r"[A-Z]{3}")
_HEADER = re.compile(r"\s*\[+\s*(?P<name>[\w.\"' -]+?)\s*\]+\s*(?:#.*)?")
_SETTING = re.compile(r"\s*(?P<name>[\w.\"'-]+)\s*=")


class Side(Enum):
    """One of the two apps of a link.  Code takes a `Side`; nothing is written twice."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"

    @property
    def other(self) -> Side:
        """The side across."""
        return Side.DATAVERSE if self is Side.FINOPS else Side.FINOPS

    @property
    def direction(self) -> str:
        """`finops->dataverse`, the name of the way out of this side."""
        return f"{self.value}->{self.other.value}"


@dataclass(frozen=True, slots=True, repr=False)
class AppConfig:
    """How one app is reached.  `url` may hold a password; `repr` does not show it."""

    side: Side
    connector: str
    url: str

    def __repr__(self) -> str:
        return f"AppConfig({self.side.value}, {self.connector}, {safe_url(self.url)})"


@dataclass(frozen=True, slots=True, repr=False)
class Link:
    """A project folder's settings, filled in and checked."""

    name: str
    companies: tuple[str, ...]
    apps: Mapping[Side, AppConfig]
    journal_url: str
    project: Path
    workers: int = DEFAULT_WORKERS
    """Partitions carried at the same time."""
    partition_rows: int = DEFAULT_PARTITION_ROWS
    """Rows of one partition, about: memory depends on it, the table's size does not matter."""
    currencies: Mapping[str, str] = field(default_factory=dict)
    """The currencies in which companies keep their books, where the file says so."""

    def __repr__(self) -> str:
        apps = ", ".join(map(repr, self.apps.values()))
        return f"Link({self.name}, {apps}, journal {safe_url(self.journal_url)})"


def safe_url(text: str) -> str:
    """`text`, a url or any text with urls in it, with every password replaced by `***`."""
    return _SECRET_OPTION.sub(r"\g<start>***", _PASSWORD.sub(r"\g<start>***", text))


def load_link(project: Path) -> Link:
    """Read `dualwrite.toml` of a project folder.

    Raises:
        ConfigError: The file is missing, is no TOML, has words that we do not know,
            lacks some, or names an environment variable that is not set.  The text
            lists every problem with its line.
    """
    path = project / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        msg = (
            f"{path}: there is no such file, so {project} is no project folder. "
            "Nothing was read or written.\n"
            "  Make a project with: dualwrite init DIR\n"
            "  Or say where yours is: --project DIR"
        )
        raise ConfigError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error}). Nothing was read or written."
        raise ConfigError(msg) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        line = f":{where[1]}" if where else ""
        msg = (
            f"{path}{line}: this is no TOML: {error}. Nothing was read or written.\n"
            '  Texts stand in double quotes, as in: name = "contoso"'
        )
        raise ConfigError(msg) from error
    return _Reader(path, document, _lines(text)).link(project)


class _Reader:
    """Reads one document, collecting what is wrong instead of stopping at it."""

    def __init__(
        self, path: Path, document: dict[str, Any], lines: Mapping[tuple[str, ...], int]
    ) -> None:
        self.path, self.document, self.lines = path, document, lines
        self.problems: list[tuple[int, str]] = []

    def link(self, project: Path) -> Link:
        self.only_known((), self.document, ("link", "companies", "apps", "journal", "engine"))
        link = self.table(("link",), ("name", "companies"))
        name = self.text(("link", "name"), link)
        companies = self.companies(link)
        currencies = self.currencies(companies)
        self.table(("apps",), tuple(side.value for side in Side))
        apps = {side: self.app(side, project) for side in Side}
        journal = self.table(("journal",), ("url",), optional=True)
        journal_url = self.url(("journal", "url"), {"url": DEFAULT_JOURNAL} | journal, project)
        engine = self.table(("engine",), ("workers", "partition_rows"), optional=True)
        workers = self.number(("engine", "workers"), engine, DEFAULT_WORKERS, range(1, 65))
        rows = self.number(
            ("engine", "partition_rows"), engine, DEFAULT_PARTITION_ROWS, range(100, 10_000_001)
        )
        self.refuse()
        return Link(name, companies, apps, journal_url, project, workers, rows, currencies)

    def refuse(self) -> None:
        if not self.problems:
            return
        told = [
            f"{self.path}:{line}: {text}" if line else f"{self.path}: {text}"
            for line, text in sorted(self.problems)
        ]
        if len(told) == 1:
            msg = f"{told[0]}\n  Nothing was read or written."
            raise ConfigError(msg)
        listed = "".join(f"\n  {each}" for each in told)
        msg = f"{self.path}: {len(told)} problems. Nothing was read or written.{listed}"
        raise ConfigError(msg)

    def app(self, side: Side, project: Path) -> AppConfig:
        where = ("apps", side.value)
        found = self.table(where, ("connector", "url"))
        connector = self.text((*where, "connector"), found)
        if connector in _LATER_CONNECTORS:
            self.problem(
                (*where, "connector"),
                f"connector '{connector}' is not in this release; it has 'sql', for the app's "
                "database",
            )
        elif connector not in ("", "sql"):
            self.problem(
                (*where, "connector"),
                f"there is no connector {connector!r}; this release has 'sql'",
            )
        return AppConfig(side, connector, self.url((*where, "url"), found, project))

    def companies(self, link: Mapping[str, Any]) -> tuple[str, ...]:
        where = ("link", "companies")
        if link and "companies" not in link:
            self.problem(("link",), '[link] lacks companies, such as: companies = ["USMF"]')
            return ()
        given = link.get("companies", [])
        if not isinstance(given, list) or not all(isinstance(each, str) and each for each in given):
            self.problem(where, 'companies must be a list of texts, such as ["USMF", "DEMF"]')
            return ()
        if twice := sorted({each for each in given if given.count(each) > 1}):
            self.problem(where, f"companies names {', '.join(twice)} twice")
        return tuple(given)

    def currencies(self, companies: tuple[str, ...]) -> dict[str, str]:
        """What `[companies.USMF]` and the like say."""
        found = self.table(("companies",), companies, optional=True)
        codes = {}
        for company in (each for each in found if each in companies):
            where = ("companies", company)
            code = self.text((*where, "currency"), self.table(where, ("currency",)))
            if code and not _CURRENCY.fullmatch(code):
                self.problem((*where, "currency"), f"{code!r} is no currency, such as EUR")
            elif code:
                codes[company] = code
        return codes

    def table(
        self, where: tuple[str, ...], known: Iterable[str], *, optional: bool = False
    ) -> dict[str, Any]:
        found: Any = self.document
        for step in where:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            if not optional:
                self.problem(where[:-1], f"there is no [{'.'.join(where)}]")
            return {}
        if not isinstance(found, dict):
            self.problem(where, f"{'.'.join(where)} must be a table: [{'.'.join(where)}]")
            return {}
        self.only_known(where, found, tuple(known))
        return found

    def only_known(
        self, where: tuple[str, ...], found: Mapping[str, Any], known: tuple[str, ...]
    ) -> None:
        for word in found:
            if word in known:
                continue
            near = difflib.get_close_matches(word, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            place = f"[{'.'.join(where)}]" if where else "the file"
            self.problem(
                (*where, word), f"{place} has no {word!r}.{hint} Known: {', '.join(known)}"
            )

    def text(self, where: tuple[str, ...], found: Mapping[str, Any]) -> str:
        name = where[-1]
        if name not in found:
            # A table that is missing as a whole is told once.
            if found:
                self.problem(where[:-1], f"[{'.'.join(where[:-1])}] lacks {name}")
            return ""
        value = found[name]
        if not isinstance(value, str) or not value:
            self.problem(where, f"{name} must be a text in double quotes, and not empty")
            return ""
        missing = [each for each in _VARIABLE.findall(value) if each not in os.environ]
        for each in missing:
            self.problem(where, f"{name} needs the environment variable {each}, which is not set")
        if missing:
            return ""
        return _VARIABLE.sub(lambda found: os.environ[found[1]], value)

    def url(self, where: tuple[str, ...], found: Mapping[str, Any], project: Path) -> str:
        url = self.text(where, found)
        if not url:
            return ""
        known = _JOURNAL_DATABASES if where[0] == "journal" else _APP_DATABASES
        database = url.partition("://")[0].partition("+")[0]
        if "://" not in url or database not in known:
            # Not a word of the url itself: it may be a mistyped secret.
            self.problem(
                where, f"url must begin with one of: {', '.join(d + '://' for d in known)}"
            )
            return ""
        if database != "sqlite":
            return url
        parts = _SQLITE.fullmatch(url)
        if parts is None or parts["path"] in ("", ":memory:"):
            self.problem(where, "url must name a file: sqlite:///folder/file.db")
            return ""
        file = (project.absolute() / parts["path"]).as_posix()
        return f"{parts['start']}{file}{parts['rest']}"

    def number(
        self, where: tuple[str, ...], found: Mapping[str, Any], default: int, allowed: range
    ) -> int:
        value = found.get(where[-1], default)
        if isinstance(value, int) and not isinstance(value, bool) and value in allowed:
            return value
        low, high = allowed[0], allowed[-1]
        self.problem(where, f"{where[-1]} must be a whole number from {low:,} to {high:,}")
        return default

    def problem(self, where: tuple[str, ...], text: str) -> None:
        """Keep a problem, at the nearest line that is known."""
        while where and where not in self.lines:
            where = where[:-1]
        self.problems.append((self.lines.get(where, 0), text))


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The line on which each table and each setting stands; `tomllib` does not keep them."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            table = _words(header["name"])
            for length in range(1, len(table) + 1):
                lines.setdefault(table[:length], number)
        elif setting := _SETTING.match(line):
            lines.setdefault((*table, *_words(setting["name"])), number)
    return lines


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.strip().strip("\"'") for word in name.split("."))


_TEMPLATE = """\
# The two apps that dualwrite keeps equal. Check it with: dualwrite check
# A text may take its value from the environment: url = "${{FINOPS_URL}}". Keep passwords there.

[link]
name = {name}
companies = {companies}             # legal entities whose rows take part

[apps.finops]                       # the ERP
connector = "sql"                   # its database: SQLite, PostgreSQL, MariaDB or MySQL
url = {finops}

[apps.dataverse]                    # the customer engagement side
connector = "sql"
url = {dataverse}

[journal]                           # what is done, what waits and why; PostgreSQL for many machines
url = {journal}

[engine]
workers = 2                         # partitions carried at the same time
partition_rows = 25000              # rows of one; memory depends on it
"""


def write_config(
    project: Path,
    *,
    name: str,
    companies: Iterable[str],
    urls: Mapping[Side, str],
    journal_url: str = DEFAULT_JOURNAL,
) -> Path:
    """Write a new `dualwrite.toml`, with comments, into an existing folder.

    Raises:
        ConfigError: There is one already; it is left as it is.
    """
    path = project / FILE_NAME
    listed = ", ".join(map(_quoted, companies))
    text = _TEMPLATE.format(
        name=_quoted(name),
        companies=f"[{listed}]",
        finops=_quoted(urls[Side.FINOPS]),
        dataverse=_quoted(urls[Side.DATAVERSE]),
        journal=_quoted(journal_url),
    )
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        msg = (
            f"{path}: is there already, and was left as it is.\n"
            "  Choose another folder, or edit the file."
        )
        raise ConfigError(msg) from error
    return path


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
