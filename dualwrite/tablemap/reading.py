"""A map file, read strictly: every fault is reported, all at once.

Nothing is guessed and nothing passed over.  A word that a map does not know, a value of
another shape, a transform under a plain sign, a filter that cannot be parsed: each is a
finding with its code, its line and its cure, and one `MapError` carries them all.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dualwrite.exact.casts.zones import COMPANY
from dualwrite.link import Side
from dualwrite.link.zones import is_zone, near_zones
from dualwrite.tablemap.amounts import read_money
from dualwrite.tablemap.columns import read_columns
from dualwrite.tablemap.document import Fields, FindingList, Node, Scalar, load, plain
from dualwrite.tablemap.expectations import read_expected
from dualwrite.tablemap.filters import FilterError, parse_filter
from dualwrite.tablemap.findings import Finding, MapError, in_order
from dualwrite.tablemap.model import End, Master, Place, TableMap
from dualwrite.tablemap.names import NotationError, TableName, quoted
from dualwrite.tablemap.notation import ColumnPath, name_of, parse_reference
from dualwrite.tablemap.periods import read_effective
from dualwrite.tablemap.quantities import read_quantity
from dualwrite.tablemap.schema import Reference
from dualwrite.tablemap.valuemaps import SharedValues

_WORDS = (
    "map", "title", "version", "publisher", "finops", "dataverse", "columns", "master",
    "companies", "depends_on", "max_rejected", "money", "quantity", "effective", "conflicts",
    "expect", "replay", "when_left",
)  # fmt: skip
_END_WORDS = ("table", "key", "company", "filter", "modified", "zone", "lookups")
_POLICIES = ("newest", "finops", "dataverse", "merge", "ask")
_REPLAY = ("newest", "every")
_WHEN_LEFT = ("keep", "delete")
_PERCENT = re.compile(r"(100|[0-9]{1,2})(\.[0-9]+)?%")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){3}")


def read_map(path: Path, shared: SharedValues | None = None) -> TableMap:
    """Read a map file.

    `shared` finds shared value maps; without it they are looked for in `values/`
    beside the file and in the folders above it, up to one named `maps`.

    Raises:
        MapError: The file cannot be read, or something in it is not right.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        message = f"cannot be read: {reason}"
        place = Place(path, 1)
        finding = Finding.of("DW1126", message, map_name=path.stem, place=place)
        raise MapError(path.stem, [finding]) from error
    return read_map_text(text, path, shared)


def read_map_text(text: str, file: Path, shared: SharedValues | None = None) -> TableMap:
    """Read a map from its text; `file` is its path, for places and its name.

    Raises:
        MapError: Something in it is not right; it carries every finding.
    """
    report = FindingList(file, file.stem)
    root = load(text, report)
    table_map = None
    if isinstance(root, Fields):
        table_map = _read_root(root, report, shared or values_beside(file))
    elif root is not None:
        report.add("DW1102", root.line, "a map file is a mapping: map: NAME, ...")
    if report.findings or table_map is None:
        raise MapError(file.stem, in_order(report.findings))
    return table_map


def values_beside(file: Path) -> SharedValues:
    """Looks for `values/NAME.yaml` beside `file` and in the folders above it, up to `maps`."""

    def find(name: str) -> Path | None:
        for folder in file.absolute().parents:
            candidate = folder / "values" / f"{name}.yaml"
            if candidate.is_file():
                return candidate
            if folder.name == "maps":
                break
        return None

    return find


def _read_root(root: Fields, report: FindingList, shared: SharedValues) -> TableMap | None:
    report.unknown_words(root, _WORDS, "map")
    for word in ("map", "title", "finops", "dataverse", "columns"):
        if root.get(word) is None:
            report.add("DW1103", root.line, f"`{word}:` is missing", cure=f"add `{word}:`")
    name = _name(root, report)
    ends = {side: _read_end(root.get(side.value), side, report) for side in Side}
    columns = read_columns(root.get("columns"), report, shared)
    companies, excluded = _companies(root.get("companies"), report)
    read = TableMap(
        name=name,
        title=report.text(root.get("title"), "title") or name,
        version=_version(root.get("version"), report),
        publisher=report.text(root.get("publisher"), "publisher") or "dualwrite",
        ends={side: end or End("", ()) for side, end in ends.items()},
        columns=columns,
        place=Place(report.file, root.line),
        master=_master(root.get("master"), report),
        companies=companies,
        companies_excluded=excluded,
        depends_on=report.texts(root.get("depends_on"), "depends_on") or (),
        max_rejected=_max_rejected(root.get("max_rejected"), report),
        money=read_money(root.get("money"), report),
        quantity=read_quantity(root.get("quantity"), report),
        effective=read_effective(root.get("effective"), report),
        conflicts=_conflicts(root.get("conflicts"), report),
        expect=read_expected(root.get("expect"), report),
        replay=report.one_of(root.get("replay"), "replay", _REPLAY) or "newest",
        when_left=report.one_of(root.get("when_left"), "when_left", _WHEN_LEFT) or "keep",
        places={str(key.value): Place(report.file, key.line) for key, _ in root.entries},
    )
    return None if None in ends.values() else read


def _name(root: Fields, report: FindingList) -> str:
    node = root.get("map")
    name = report.text(node, "map")
    if name is not None and node is not None and name != report.file.stem:
        report.add(
            "DW1111",
            node.line,
            f"the map is {name!r}, but its file {report.file.name!r}",
            cure=f"name the file {name}.yaml, or the map {report.file.stem}",
        )
    return report.file.stem


def _read_end(node: Node | None, side: Side, report: FindingList) -> End | None:
    word = side.value
    entries = report.entries(node, word)
    if entries is None:
        return None
    report.unknown_words(entries, _END_WORDS, word)
    table = _table(entries.get("table"), report, f"{word}: table")
    if entries.get("table") is None:
        report.add("DW1103", entries.line, f"{word}: `table:` is missing", cure="add `table:`")
    names = report.texts(entries.get("key"), f"{word}: key") or ()
    if not names and not isinstance(entries.get("key"), Scalar):
        report.add(
            "DW1003",
            entries.line,
            f"{word}: no integration key",
            cure="name the natural key: `key: [COLUMN, ...]`",
        )
    key_line = (entries.get("key") or entries).line
    key = tuple(_path(name, key_line, report, f"{word}: key") for name in names)
    zone = _zone(entries.get("zone"), report, f"{word}: zone")
    modified, modified_zone = _modified(entries.get("modified"), report, f"{word}: modified")
    return End(
        table=table or "",
        key=tuple(path for path in key if path is not None),
        company=_path_at(entries.get("company"), report, f"{word}: company"),
        filter=_filter(entries.get("filter"), report, word),
        modified=modified,
        zone=zone,
        modified_zone=modified_zone or zone,
        lookups=_lookups(entries.get("lookups"), report, f"{word}: lookups"),
    )


def _modified(
    node: Node | None, report: FindingList, word: str
) -> tuple[ColumnPath | None, str | None]:
    """The column, or the column with the zone of its times: `{column: CHANGED, zone: UTC}`."""
    if not isinstance(node, Fields):
        return _path_at(node, report, word), None
    report.unknown_words(node, ("column", "zone"), word)
    if node.get("column") is None:
        report.add("DW1103", node.line, f"{word}: `column:` is missing", cure="add `column:`")
    path = _path_at(node.get("column"), report, f"{word}: column")
    return path, _zone(node.get("zone"), report, f"{word}: zone")


def _zone(node: Node | None, report: FindingList, word: str) -> str | None:
    name = report.text(node, word)
    if name is not None and node is not None and name != COMPANY and not is_zone(name):
        message = f"{word}: there is no time zone {name!r}"
        report.add("DW1121", node.line, message, cure=near_zones(name))
    return name


def _table(node: Node | None, report: FindingList, word: str) -> str | None:
    text = report.text(node, word)
    if text is None or node is None:
        return None
    try:
        return str(TableName.parse(text))
    except NotationError as error:
        cure = "write table or schema.table, a name that holds a dot in double quotes"
        report.add("DW1104", node.line, f"{word}: {error}", cure=cure)
        return None


def _path_at(node: Node | None, report: FindingList, word: str) -> ColumnPath | None:
    text = report.text(node, word)
    return None if text is None or node is None else _path(text, node.line, report, word)


def _path(text: str, line: int, report: FindingList, word: str) -> ColumnPath | None:
    try:
        return ColumnPath.parse(text)
    except NotationError as error:
        cure = "write a column's name, or lookup.column; a name with other signs in double quotes"
        if not set(text) & set('.()"'):
            cure += f": '{quoted(text)}'"
        report.add("DW1104", line, f"{word}: {error}", cure=cure)
        return None


def _filter(node: Node | None, report: FindingList, word: str) -> str | None:
    text = report.text(node, f"{word}: filter")
    if text is None or node is None:
        return None
    try:
        parse_filter(text)
    except FilterError as error:
        report.add("DW1012", node.line, f"{word}: filter: {error}")
    return text


def _lookups(node: Node | None, report: FindingList, word: str) -> dict[str, Reference]:
    entries = report.entries(node, word)
    found: dict[str, Reference] = {}
    for column, target in entries.words() if entries else ():
        text = report.text(target, f"{word}: {column}")
        if not text:
            continue
        try:
            found[name_of(column)] = Reference(*parse_reference(text))
        except NotationError as error:
            report.add(
                "DW1104",
                target.line,
                f"{word}: {error}",
                cure=f"write it as {{{column}: table}} or {{{column}: table(column)}}",
            )
    return found


def _version(node: Node | None, report: FindingList) -> str:
    text = None
    if node is not None:
        text = str(node.value) if isinstance(node, Scalar) else ""
        if not _VERSION.fullmatch(text):
            report.add("DW1125", node.line, f"version: {text!r} is not four numbers")
    return text or "1.0.0.0"


def _master(node: Node | None, report: FindingList) -> Master:
    known = tuple(master.value for master in Master)
    found = report.one_of(node, "master", known)
    return Master.DATAVERSE if found is None else Master(found)


def _companies(
    node: Node | None, report: FindingList
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    if not isinstance(node, Fields):
        return report.texts(node, "companies"), ()
    report.unknown_words(node, ("include", "exclude"), "companies")
    include = report.texts(node.get("include"), "companies: include")
    return include, report.texts(node.get("exclude"), "companies: exclude") or ()


def _max_rejected(node: Node | None, report: FindingList) -> str | None:
    match node:
        case None:
            return None
        case Scalar(value=bool()):
            pass
        case Scalar(value=int() as count) if count >= 0:
            return str(count)
        case Scalar(value=str() as text) if _PERCENT.fullmatch(text):
            return text
        case _:
            pass
    report.add(
        "DW1102",
        node.line,
        "max_rejected: neither a number of rows nor a percentage",
        cure="write it as max_rejected: 5% or max_rejected: 100",
    )
    return None


def _conflicts(node: Node | None, report: FindingList) -> dict[str, Any]:
    if isinstance(node, Scalar):
        policy = report.one_of(node, "conflicts", _POLICIES)
        return {} if policy is None else {"policy": policy}
    entries = report.entries(node, "conflicts")
    if entries is None:
        return {}
    report.unknown_words(entries, ("policy", "then", "columns"), "conflicts")
    for word in ("policy", "then"):
        report.one_of(entries.get(word), f"conflicts: {word}", _POLICIES)
    columns = report.entries(entries.get("columns"), "conflicts: columns")
    for column, policy_node in columns.words() if columns else ():
        report.one_of(policy_node, f"conflicts: columns: {column}", _POLICIES)
    found: dict[str, Any] = plain(entries)
    if columns:
        found["columns"] = {name_of(str(name)): word for name, word in found["columns"].items()}
    return found
