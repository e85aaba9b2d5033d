"""The table maps: which there are, and what one says.

The standard maps can be looked at anywhere, so these queries take a folder that need not be a
project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualwrite.journal.overview import read_overview
from dualwrite.link import FILE_NAME, Side, load_link
from dualwrite.operations.results import QueryResult
from dualwrite.tablemap.catalogue import Catalogue, Entry
from dualwrite.tablemap.findings import MapError
from dualwrite.tablemap.model import TableMap, Transform

_NOT_RUNNING = "not running"
_AT_FAULT = "at fault"
_SHOWN_VALUES = 4


@dataclass(frozen=True, slots=True)
class ListedMap:
    """A map of the catalogue; `table_map` is None where its file is at fault."""

    entry: Entry
    status: str
    table_map: TableMap | None

    @property
    def origin(self) -> str:
        """`standard` or `project`."""
        return "standard" if self.entry.is_standard else "project"

    def mentions(self, text: str) -> bool:
        """Whether name, title or a table has the text, in any case of letters."""
        words = [self.entry.name]
        if self.table_map is not None:
            words += [self.table_map.title, *(self.table_map.end(side).table for side in Side)]
        return any(text.casefold() in word.casefold() for word in words)

    def as_dict(self) -> dict[str, Any]:
        """`map`, `status`, `from`, `file`; of a sound map also title, version and tables."""
        listed = {
            "map": self.entry.name,
            "status": self.status,
            "from": self.origin,
            "file": str(self.entry.file),
        }
        if self.table_map is None:
            return listed
        tables = {side.value: self.table_map.end(side).table for side in Side}
        about = {"title": self.table_map.title, "version": self.table_map.version}
        return {**listed, **about, **tables}


@dataclass(frozen=True, slots=True)
class ListedMaps(QueryResult):
    """All maps: the standard ones, with the project's own laid over them by name."""

    maps: tuple[ListedMap, ...]

    @property
    def at_fault(self) -> int:
        """How many cannot be read."""
        return sum(each.table_map is None for each in self.maps)

    def as_dict(self) -> dict[str, Any]:
        """`maps`: one element for each."""
        return {"maps": [each.as_dict() for each in self.maps]}


@dataclass(frozen=True, slots=True)
class ShownMap(QueryResult):
    """What one map says."""

    table_map: TableMap
    file: Path
    status: str

    @property
    def transforms(self) -> tuple[tuple[str, ...], ...]:
        """The transforms of each column map, as one reads them."""
        columns = self.table_map.columns
        return tuple(tuple(map(_transform, column.transforms)) for column in columns)

    def as_dict(self) -> dict[str, Any]:
        """Tables, keys and filters of both sides, `master`, and the `columns`."""
        table_map = self.table_map
        return {
            "map": table_map.name,
            "title": table_map.title,
            "version": table_map.version,
            "publisher": table_map.publisher,
            "status": self.status,
            "file": str(self.file),
            **{
                side.value: {
                    "table": table_map.end(side).table,
                    "key": [str(path) for path in table_map.end(side).key],
                    "filter": table_map.end(side).filter,
                }
                for side in Side
            },
            "master": table_map.master.value,
            "columns": [
                {
                    "finops": _text(column.end(Side.FINOPS)),
                    "sign": column.sign.value,
                    "dataverse": _text(column.end(Side.DATAVERSE)),
                    "transforms": list(transforms),
                }
                for column, transforms in zip(table_map.columns, self.transforms, strict=True)
            ],
        }


def list_maps(
    project: Path, *, text: str | None = None, own: bool = False, status: str | None = None
) -> ListedMaps:
    """The maps, the project's own first, then by name; outside a project the standard ones.

    Args:
        project: The folder.
        text: Only maps with this in their name, title or tables, in any case of letters.
        own: Only the project's own.
        status: Only maps of this status.

    Raises:
        ConfigError: `dualwrite.toml` is wrong.
    """
    catalogue, known = _catalogue(project), _status(project)
    listed = (_listed(catalogue, name, known) for name in catalogue.names())
    found = [
        each
        for each in listed
        if (text is None or each.mentions(text))
        and not (own and each.entry.is_standard)
        and status in (None, each.status)
    ]
    return ListedMaps(tuple(sorted(found, key=lambda each: each.entry.is_standard)))


def show_map(project: Path, name: str) -> ShownMap:
    """One map, read from its file.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        ConfigError: `dualwrite.toml` is wrong.
    """
    catalogue = _catalogue(project)
    table_map = catalogue.get(name)
    status = _status(project).get(name, _NOT_RUNNING)
    return ShownMap(table_map, catalogue.entry(name).file, status)


def _catalogue(project: Path) -> Catalogue:
    return Catalogue.load(project / "maps")


def _status(project: Path) -> Mapping[str, str]:
    """Status by map; empty outside a project."""
    if not (project / FILE_NAME).exists():
        return {}
    records = read_overview(load_link(project).journal_url) or []
    return {record.name: record.status.value for record in records}


def _listed(catalogue: Catalogue, name: str, status: Mapping[str, str]) -> ListedMap:
    entry = catalogue.entry(name)
    try:
        table_map = catalogue.get(name)
    except MapError:
        return ListedMap(entry, _AT_FAULT, None)
    return ListedMap(entry, status.get(name, _NOT_RUNNING), table_map)


def _text(path: object | None) -> str | None:
    return None if path is None else str(path)


def _transform(transform: Transform) -> str:
    values = transform.value_map
    if values is None:
        options = "" if transform.options in (None, True, {}) else f" {transform.options}"
        return f"{transform.kind}{options}"
    if values.name is not None:
        return f"values {values.name}"
    shown = ", ".join(f"{ours} = {theirs}" for ours, theirs in values.pairs[:_SHOWN_VALUES])
    return f"values {shown}" + (", ..." if len(values.pairs) > _SHOWN_VALUES else "")
