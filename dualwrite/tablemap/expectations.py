"""What a map expects of its rows beside what is derived: `expect:`, and the folder `expectations/`.

    expect:
      - length: {column: name, length: 30, severity: warning}
      - ExpectColumnValuesToMatchRegex: {column: telephone1, regex: "^[+]", into: dataverse}
      - no_po_box: {column: ADDRESSSTREET}

A file `expectations/*.yaml` of the project adds the same to the maps that it names:

    maps: [customers-v3--accounts]
    expect:
      - required: {column: SALESCURRENCYCODE}

Here are only the shapes; which rule a name means is decided in `dualwrite.rules.expected`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path

from dualwrite.link import Side
from dualwrite.tablemap.document import Fields, FindingList, Items, Node, load, plain
from dualwrite.tablemap.findings import Finding, MapError, in_order
from dualwrite.tablemap.model import ExpectedRule, TableMap

FOLDER = "expectations"
_SEVERITIES = ("critical", "warning")
_SIDES = tuple(side.value for side in Side)
_ASIDE = ("severity", "into")
"""Words of every expectation; the others are its own."""


def read_expected(node: Node | None, report: FindingList) -> tuple[ExpectedRule, ...]:
    """A list of expectations, its shape checked."""
    match node:
        case None:
            return ()
        case Items(items=items):
            found = (_read_one(item, report) for item in items)
            return tuple(each for each in found if each is not None)
        case _:
            report.add(
                "DW1102",
                node.line,
                "expect: no list of expectations",
                cure="write it as a list: - {rule: options}",
            )
            return ()


def _read_one(node: Node, report: FindingList) -> ExpectedRule | None:
    match node:
        case Fields(entries=((key, Fields() as options),)) if isinstance(key.value, str):
            pass
        case _:
            report.add(
                "DW1102",
                node.line,
                "expect: no expectation with its options",
                cure="write it as - name: {option: value}",
            )
            return None
    where = f"expect: {key.value}"
    severity = report.one_of(options.get("severity"), f"{where}: severity", _SEVERITIES)
    into = report.one_of(options.get("into"), f"{where}: into", _SIDES)
    return ExpectedRule(
        key.value,
        {word: plain(value) for word, value in options.words() if word not in _ASIDE},
        "warning" if severity == "warning" else "critical",
        None if into is None else Side(into),
        report.place(node.line),
    )


def with_folder(table_map: TableMap, project: Path, known: Container[str]) -> TableMap:
    """A map, and what the files of the project's `expectations/` expect of it.

    Raises:
        MapError: A file is at fault; it carries every finding of all of them.
    """
    found = read_folder(project, known).get(table_map.name)
    return replace(table_map, expect=(*table_map.expect, *found)) if found else table_map


def read_folder(project: Path, known: Container[str]) -> Mapping[str, tuple[ExpectedRule, ...]]:
    """What the files of `expectations/` expect, by map; `known` are the maps that there are.

    Raises:
        MapError: A file is at fault; it carries every finding of all of them.
    """
    found: dict[str, tuple[ExpectedRule, ...]] = {}
    findings: list[Finding] = []
    for file in sorted((project / FOLDER).glob("*.yaml")):
        report = FindingList(file, file.stem)
        try:
            root = load(file.read_text(encoding="utf-8"), report)
        except (OSError, UnicodeDecodeError) as error:
            report.add("DW1126", 1, f"cannot be read: {error}")
            root = None
        if isinstance(root, Fields):
            for name, expected in _read_file(root, known, report).items():
                found[name] = (*found.get(name, ()), *expected)
        elif root is not None:
            report.add(
                "DW1102", root.line, "a file of expectations is a mapping: maps: [NAME], ..."
            )
        findings += report.findings
    if findings:
        raise MapError(FOLDER, in_order(findings))
    return found


def _read_file(
    root: Fields, known: Container[str], report: FindingList
) -> dict[str, tuple[ExpectedRule, ...]]:
    report.unknown_words(root, ("maps", "expect"), FOLDER)
    for word in ("maps", "expect"):
        if root.get(word) is None:
            report.add("DW1103", root.line, f"`{word}:` is missing", cure=f"add `{word}:`")
    maps = root.get("maps")
    names = report.texts(maps, "maps") or ()
    for name in names:
        if name not in known and maps is not None:
            report.add(
                "DW1132", maps.line, f"maps: there is no map {name!r}", cure="correct the name"
            )
    expected = read_expected(root.get("expect"), report)
    return dict.fromkeys(names, expected)
