"""Reading `dualwrite.toml`.

Settings that the file does not know are refused with their line, so a typing error never turns
into a default; all problems are reported at once.  `${NAME}` is filled in from the environment
when the file is read; the filled-in text never leaves the link (its `repr` hides it).  A relative
SQLite path starts at the project folder, wherever the command is called.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dualwrite.errors import ConfigError
from dualwrite.link.model import (
    DEFAULT_JOURNAL,
    DEFAULT_PARTITION_ROWS,
    DEFAULT_WORKERS,
    AppConfig,
    Link,
)
from dualwrite.link.sides import AppNames, Side
from dualwrite.link.zones import is_zone, near_zones

FILE_NAME = "dualwrite.toml"

_LATER_CONNECTORS = ("dataverse", "finops")
_APP_DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")
_JOURNAL_DATABASES = ("sqlite", "postgresql")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SQLITE = re.compile(r"(?P<start>sqlite(?:\+\w+)?:///)(?P<path>[^?]*)(?P<rest>.*)", re.DOTALL)
_CURRENCY = re.compile(r"[A-Z]{3}")
_OWN_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{1,9}")
_HEADER = re.compile(r"\s*\[+\s*(?P<name>[\w.\"' -]+?)\s*\]+\s*(?:#.*)?")
_SETTING = re.compile(r"\s*(?P<name>[\w.\"'-]+)\s*=")


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


def app_names(project: Path) -> AppNames:
    """How people know the apps of a project; without titles where it cannot be read."""
    try:
        return load_link(project).names
    except ConfigError:
        return AppNames()


class _Reader:
    """Reads one document, and collects all problems instead of stopping at the first."""

    def __init__(
        self, path: Path, document: dict[str, Any], lines: Mapping[tuple[str, ...], int]
    ) -> None:
        self.path, self.document, self.lines = path, document, lines
        self.problems: list[tuple[int, str]] = []

    def link(self, project: Path) -> Link:
        words = ("link", "companies", "currencies", "apps", "journal", "engine")
        self.only_known((), self.document, words)
        link = self.table(("link",), ("name", "companies", "zone"))
        name = self.text(("link", "name"), link)
        companies = self.companies(link)
        own = self.own_currencies()
        currencies, zones = self.of_companies(companies, own)
        zone = self.zone(("link", "zone"), link) or "UTC"
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
        return Link(
            name,
            companies,
            apps,
            journal_url,
            project,
            workers,
            rows,
            currencies,
            zone,
            zones,
            own,
        )

    def refuse(self) -> None:
        if not self.problems:
            return
        lines = [
            f"{self.path}:{line}: {text}" if line else f"{self.path}: {text}"
            for line, text in sorted(self.problems)
        ]
        if len(lines) == 1:
            msg = f"{lines[0]}\n  Nothing was read or written."
            raise ConfigError(msg)
        listed = "".join(f"\n  {each}" for each in lines)
        msg = f"{self.path}: {len(lines)} problems. Nothing was read or written.{listed}"
        raise ConfigError(msg)

    def app(self, side: Side, project: Path) -> AppConfig:
        where = ("apps", side.value)
        found = self.table(where, ("connector", "url", "title"))
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
        url = self.url((*where, "url"), found, project)
        title = self.text((*where, "title"), found) if "title" in found else ""
        return AppConfig(side, connector, url, title)

    def companies(self, link: Mapping[str, Any]) -> tuple[str, ...]:
        where = ("link", "companies")
        given = link.get("companies", [])
        if not isinstance(given, list) or not all(isinstance(each, str) and each for each in given):
            self.problem(where, 'companies must be a list of texts, such as ["USMF", "DEMF"]')
            return ()
        if twice := sorted({each for each in given if given.count(each) > 1}):
            self.problem(where, f"companies names {', '.join(twice)} twice")
        return tuple(given)

    def own_currencies(self) -> dict[str, int]:
        """The decimal places of `[currencies.XBT]` and the like."""
        given = self.document.get("currencies", {})
        codes = tuple(given) if isinstance(given, dict) else ()
        digits = {}
        for code in self.table(("currencies",), codes, optional=True):
            where = ("currencies", code)
            found = self.table(where, ("digits",))
            if not _OWN_CURRENCY.fullmatch(code):
                self.problem(where, f"{code!r} is no code of 2 to 10 capital letters and digits")
            elif "digits" not in found:
                self.problem(where, f"[currencies.{code}] lacks digits, such as: digits = 2")
            else:
                digits[code] = self.number((*where, "digits"), found, 0, range(13))
        return digits

    def of_companies(
        self, companies: tuple[str, ...], own: Mapping[str, int]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The currencies and the zones of `[companies.USMF]` and the like."""
        found = self.table(("companies",), companies, optional=True)
        codes, zones = {}, {}
        for company in (each for each in found if each in companies):
            where = ("companies", company)
            given = self.table(where, ("currency", "zone"))
            zone = self.zone((*where, "zone"), given)
            if zone:
                zones[company] = zone
            if "currency" not in given and zone:
                continue
            code = self.text((*where, "currency"), given)
            if code and code not in own and not _CURRENCY.fullmatch(code):
                self.problem((*where, "currency"), f"{code!r} is no currency, such as EUR")
            elif code:
                codes[company] = code
        return codes, zones

    def zone(self, where: tuple[str, ...], found: Mapping[str, Any]) -> str:
        """The time zone of a table, empty where it names none."""
        name = self.text(where, found) if where[-1] in found else ""
        if name and not is_zone(name):
            self.problem(where, f"there is no time zone {name!r}; {near_zones(name)}")
        return name

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
            # A table that is missing as a whole is reported once.
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
            # The url itself is not quoted: it may be a mistyped secret.
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
    """The line of each table and each setting; `tomllib` does not keep them."""
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
