"""A YAML file as nodes that know their line, with nothing guessed.

YAML 1.2, so `No` is a word and not a boolean.  Numbers keep their text until it is
known what they are for: no value passes through a binary float.  What YAML would
silently read otherwise than a person wrote it (`0123`, which is the number 123) and a
key given twice are findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from dualwrite.tablemap.codes import Severity
from dualwrite.tablemap.findings import Finding, did_you_mean
from dualwrite.tablemap.model import Place

Plain = str | int | bool | Decimal | None
_CANONICAL_INT = re.compile(r"0|-?[1-9][0-9]*")
_CANONICAL_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_READ_AS = {"int": "a number", "float": "a number", "bool": "true or false"}
_DEEPEST = 20
_CUT = re.compile(r"""(?:^|[-:\[{,])\s*("[^"']*")\s*[^\s"',\]}:#]""")
"""A text in double quotes that goes on after them."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value."""

    value: Plain
    line: int


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping; its keys are single values, none of them twice."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int

    def get(self, word: str) -> Node | None:
        """The value of `word`."""
        return next((node for key, node in self.entries if key.value == word), None)

    def words(self) -> Iterator[tuple[str, Node]]:
        """The entries whose key is a word."""
        return ((key.value, node) for key, node in self.entries if isinstance(key.value, str))


Node = Scalar | Items | Fields


@dataclass(slots=True)
class FindingList:
    """Gathers the findings of one file while it is read."""

    file: Path
    map_name: str
    findings: list[Finding] = field(default_factory=list)

    def add(
        self,
        code: str,
        line: int,
        message: str,
        *,
        cure: str | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Record a fault and continue to read."""
        self.findings.append(
            Finding.of(
                code,
                message,
                map_name=self.map_name,
                place=Place(self.file, line),
                cure=cure,
                severity=severity,
            )
        )

    def place(self, line: int) -> Place:
        """A line of the file."""
        return Place(self.file, line)

    def unknown_words(self, entries: Fields, known: tuple[str, ...], where: str) -> None:
        """Record every key of `entries` that is not among `known`."""
        for key, _ in entries.entries:
            if key.value not in known:
                self.add(
                    "DW1101",
                    key.line,
                    f"{where}: there is no word {str(key.value)!r} here",
                    cure=did_you_mean(str(key.value), known),
                )

    def text(self, node: Node | None, word: str) -> str | None:
        """A word or sentence; None where it is absent or at fault."""
        match node:
            case None:
                return None
            case Scalar(value=str() as value) if value.strip():
                return value
            case _:
                self._shape(node, word, "text")
                return None

    def texts(self, node: Node | None, word: str) -> tuple[str, ...] | None:
        """A list of words."""
        match node:
            case None:
                return None
            case Items(items=items):
                found = [self.text(item, word) for item in items]
                return tuple(item for item in found if item is not None)
            case _:
                self._shape(node, word, "a list: [A, B]")
                return None

    def entries(self, node: Node | None, word: str) -> Fields | None:
        """A mapping."""
        match node:
            case None | Fields():
                return node
            case _:
                self._shape(node, word, "a mapping: {word: value}")
                return None

    def one_of(self, node: Node | None, word: str, known: tuple[str, ...]) -> str | None:
        """One word of a few."""
        found = self.text(node, word)
        if found is None or found in known:
            return found
        assert node is not None
        self.add(
            "DW1121",
            node.line,
            f"{word}: {found!r} is none of the words known here",
            cure=did_you_mean(found, known),
        )
        return None

    def _shape(self, node: Node, word: str, wanted: str) -> None:
        self.add("DW1102", node.line, f"{word}: {_described(node)} where {wanted} is expected")


def load(text: str, report: FindingList) -> Node | None:
    """The nodes of a document; None, with the reason in `report`, where there is none."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"not YAML: {error.problem or error.context}"
        report.add("DW1100", line, message, cure=_quoting(text.splitlines()[line - 1 : line]))
        return None
    except YAMLError as error:
        report.add("DW1100", 1, f"not YAML: {' '.join(str(error).split())}")
        return None
    if root is None:
        report.add("DW1100", 1, "the file is empty")
        return None
    return _node(root, report, depth=0)


def _quoting(lines: list[str]) -> str | None:
    """The cure where YAML took a name in double quotes for a whole text."""
    found = _CUT.search(lines[0]) if lines else None
    if found is None:
        return None
    return f"put single quotes around the whole text that begins with {found[1]}"


def plain(node: Node) -> Any:
    """The node as Python's own dict, list, text, int, bool, Decimal or None."""
    match node:
        case Scalar(value=value):
            return value
        case Items(items=items):
            return [plain(item) for item in items]
        case Fields(entries=entries):
            return {key.value: plain(item) for key, item in entries}


def _node(raw: Any, report: FindingList, depth: int) -> Node:
    line = raw.start_mark.line + 1
    if depth > _DEEPEST:
        report.add("DW1100", line, f"nested deeper than {_DEEPEST} levels")
        return Scalar(None, line)
    match raw:
        case ScalarNode():
            return _scalar(raw, report)
        case SequenceNode():
            return Items(tuple(_node(item, report, depth + 1) for item in raw.value), line)
        case MappingNode():
            return _entries(raw, report, depth)
        case _:
            report.add("DW1100", line, "no value, list or mapping")
            return Scalar(None, line)


def _entries(raw: MappingNode, report: FindingList, depth: int) -> Fields:
    found: list[tuple[Scalar, Node]] = []
    seen: set[tuple[type, Plain]] = set()
    for raw_key, raw_value in raw.value:
        key = _node(raw_key, report, depth + 1)
        value = _node(raw_value, report, depth + 1)
        if not isinstance(key, Scalar):
            report.add("DW1102", key.line, "a list or mapping where a word is expected")
        elif (type(key.value), key.value) in seen:
            report.add("DW1114", key.line, f"{str(key.value)!r} is there twice")
        else:
            seen.add((type(key.value), key.value))
            found.append((key, value))
    return Fields(tuple(found), raw.start_mark.line + 1)


def _scalar(raw: ScalarNode, report: FindingList) -> Scalar:
    line, text, tag = raw.start_mark.line + 1, str(raw.value), str(raw.tag)
    value: Plain = text
    match tag.rpartition(":")[2]:
        case "null":
            value = None
        case "bool" if text.lower() in ("true", "false"):
            value = text.lower() == "true"
        case "int" if _CANONICAL_INT.fullmatch(text):
            value = int(text)
        case "float" if _CANONICAL_DECIMAL.fullmatch(text):
            value = Decimal(text)
        case "int" | "float" | "bool" as kind:
            report.add(
                "DW1113",
                line,
                f"{text} is read as {_READ_AS[kind]}, not as it is written",
                cure=f"quote it if it is text: '{text}'",
            )
        case _ if tag.startswith("!"):
            report.add("DW1100", line, f"the tag {tag} has no meaning in a map")
        case _:
            pass
    return Scalar(value, line)


def _described(node: Node) -> str:
    match node:
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool() as value):
            return str(value).lower()
        case Scalar(value=value):
            return repr(value) if isinstance(value, str) else f"the number {value}"
        case Items():
            return "a list"
        case Fields():
            return "a mapping"
