"""Reading the transforms of a column map: each kind known, its options valid."""

from __future__ import annotations

from dualwrite.tablemap.document import (
    Fields,
    FindingList,
    Items,
    Node,
    Scalar,
    plain,
)
from dualwrite.tablemap.findings import did_you_mean
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.transforms import TRANSFORMS
from dualwrite.tablemap.valuemaps import SharedValues, read_values


def read_transforms(
    node: Node, report: FindingList, where: str, shared: SharedValues
) -> tuple[Transform, ...]:
    """The transforms of a column, in the order written; those at fault are left out."""
    if not isinstance(node, Fields):
        report.add(
            "DW1102",
            node.line,
            f"{where}: no transform, but {plain(node)!r}",
            cure="write it as {transform: options}, such as {default: 3}",
        )
        return ()
    found = (_read_one(kind, options, report, where, shared) for kind, options in node.entries)
    return tuple(transform for transform in found if transform is not None)


def _read_one(
    key: Scalar, node: Node, report: FindingList, where: str, shared: SharedValues
) -> Transform | None:
    name = str(key.value)
    kind = TRANSFORMS.get(name)
    if kind is None:
        report.add(
            "DW1105",
            key.line,
            f"{where}: there is no transform {name!r}",
            cure=did_you_mean(name, TRANSFORMS),
        )
        return None
    if name == "values":
        values = read_values(node, report, where, shared)
        return None if values is None else Transform(name, plain(node), values)
    options = plain(node)
    if not kind.accepts(options):
        report.add(
            "DW1106",
            node.line,
            f"{where}: `{name}` does not take {_shown(node)}",
            cure=f"write it as {{{kind.shape}}}",
        )
        return None
    return Transform(name, options)


def _shown(node: Node) -> str:
    match node:
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool() as value):
            return str(value).lower()
        case Scalar(value=value):
            return str(value)
        case Items():
            return "a list"
        case Fields():
            return "these words"
