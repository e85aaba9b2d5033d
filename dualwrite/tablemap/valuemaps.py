"""Value maps: which finops value answers which dataverse value.

Written in place, `{No: false, Yes: true}`, or with what happens to other values,
`{map: {...}, unmapped: pass}`; or shared, by name, from `maps/values/NAME.yaml`, which
holds the same.  Left is finops, right is dataverse, whatever the direction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from dualwrite.link import Side
from dualwrite.tablemap.document import Fields, FindingList, Node, Scalar, load
from dualwrite.tablemap.model import Unmapped, ValueMap
from dualwrite.tablemap.notation import Sign

Value = str | int | bool | None

SharedValues = Callable[[str], Path | None]
"""Finds the file of a shared value map; None where there is none."""


def read_values(
    node: Node, report: FindingList, where: str, shared: SharedValues
) -> ValueMap | None:
    """The value map under `values:`; None, with the reason in `report`, where it is at fault."""
    match node:
        case Scalar(value=str() as name):
            return _read_shared(name, node.line, report, where, shared)
        case Fields():
            return _read_entries(node, report, where, name=None)
        case _:
            report.add(
                "DW1102",
                node.line,
                f"{where}: `values` is neither a mapping nor the name of a shared value map",
                cure="write it as {values: {No: false, Yes: true}} or {values: NAME}",
            )
            return None


def ambiguous(values: ValueMap, sign: Sign) -> tuple[tuple[Side, Value], ...]:
    """Values of a source side that match several values of the other side."""
    found: list[tuple[Side, Value]] = []
    for side in Side:
        if side not in sign.sources:
            continue
        mine = [pair[0] if side is Side.FINOPS else pair[1] for pair in values.pairs]
        times = Counter((type(value), value) for value in mine)
        found += [(side, value) for (_, value), count in times.items() if count > 1]
    return tuple(found)


def _read_shared(
    name: str, line: int, report: FindingList, where: str, shared: SharedValues
) -> ValueMap | None:
    path = shared(name)
    if path is None:
        report.add(
            "DW1112",
            line,
            f"{where}: there is no shared value map {name!r}",
            cure=f"create maps/values/{name}.yaml, or write the values in place",
        )
        return None
    inner = FindingList(path, report.map_name, report.findings)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        inner.add("DW1126", 1, f"cannot be read: {error}")
        return None
    node = load(text, inner)
    if node is None:
        return None
    if not isinstance(node, Fields):
        inner.add("DW1102", node.line, "a value map is a mapping: finops value: dataverse value")
        return None
    return _read_entries(node, inner, f"value map {name}", name)


def _read_entries(
    node: Fields, report: FindingList, where: str, name: str | None
) -> ValueMap | None:
    options = node
    body = node.get("map")
    # A mapping under `map` is the long form; `map: 3` is a finops value named "map".
    if not isinstance(body, Fields):
        body, options = node, Fields((), node.line)
    report.unknown_words(options, ("map", "unmapped"), f"{where}: values")

    before = len(report.findings)
    pairs = []
    for key, value in body.entries:
        left, right = _value(key, report, where), _single(value, report, where)
        pairs.append((left, right))
    if not pairs:
        report.add(
            "DW1103",
            body.line,
            f"{where}: the value map is empty",
            cure="give at least one pair: {No: false}",
        )
    unmapped, fallback = _unmapped(options.get("unmapped"), report, where)
    if len(report.findings) > before:
        return None
    return ValueMap(tuple(pairs), unmapped, fallback, name)


def _unmapped(node: Node | None, report: FindingList, where: str) -> tuple[Unmapped, Value]:
    match node:
        case None | Scalar(value="reject"):
            return Unmapped.REJECT, None
        case Scalar(value="pass"):
            return Unmapped.PASS, None
        case _:
            return Unmapped.USE, _single(node, report, where)


def _single(node: Node, report: FindingList, where: str) -> Value:
    if isinstance(node, Scalar):
        return _value(node, report, where)
    report.add(
        "DW1102",
        node.line,
        f"{where}: a list or mapping where one value is expected",
        cure="write each pair as finops value: dataverse value",
    )
    return None


def _value(node: Scalar, report: FindingList, where: str) -> Value:
    if isinstance(node.value, Decimal):
        report.add(
            "DW1113",
            node.line,
            f"{where}: {node.value} is read as a number with decimals",
            cure=f"quote it: '{node.value}'",
        )
        return None
    return node.value
