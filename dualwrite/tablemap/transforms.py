"""What transforms there are: how each is written, and whether it can be undone.

Going from finops to dataverse the transforms of a column apply in the order written;
going back, their inverses in reverse order.  A transform that loses what it would need
to be undone is one-way; where that matters it is said here and nowhere else.

    default: 3                                    the value where the source has none
    values: {No: false, Yes: true}                a value map, or the name of a shared one
    truncate: 30                                  at most so many characters
    trim: true    upper: true    lower: true
    concat: {with: [LASTNAME], separator: " "}    the source, then other source columns
    split: {separator: "-", part: 1}              one part, counted from 1, or -1 from the end
    round: 2      round: {digits: 2, mode: half_up}
    timezone: {finops: Europe/Berlin, dataverse: UTC}
    date: {finops: "%d.%m.%Y", dataverse: "%Y-%m-%d"}    the side that is text
    unit: {finops: SALESUNIT, dataverse: pcs}            see `dualwrite.tablemap.quantities`
    python: package.module:function               python: {function: m:f, inverse: m:g}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dualwrite.tablemap.document import Entries, Items, Node, Report, Scalar, plain
from dualwrite.tablemap.findings import did_you_mean
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.notation import ColumnPath, NotationError
from dualwrite.tablemap.quantities import fits_transform as _is_unit
from dualwrite.tablemap.valuemaps import SharedValues, read_values

ROUNDING = ("half_even", "half_up", "down", "up")
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of transform."""

    shape: str
    """How its options are written, for the cure of a wrong one."""
    fits: Callable[[Any], bool]
    """Whether options (in Python's own types) are such."""
    undone: bool
    """Whether going back is known: by an inverse, or because applying it again changes nothing."""
    merges: bool = False
    """Whether it may make two values one, which a key cannot bear."""


def _is_scalar(options: Any) -> bool:
    return not isinstance(options, dict | list)


def _is_true(options: Any) -> bool:
    return options is True


def _is_length(options: Any) -> bool:
    return isinstance(options, int) and not isinstance(options, bool) and options > 0


def _is_concat(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and options.keys() <= {"with", "separator"}
        and isinstance(options.get("with"), list)
        and len(options["with"]) > 0
        and all(_is_path(item) for item in options["with"])
        and isinstance(options.get("separator", ""), str)
    )


def _is_path(item: Any) -> bool:
    try:
        ColumnPath.parse(item)
    except (NotationError, TypeError):
        return False
    return True


def _is_split(options: Any) -> bool:
    if not isinstance(options, dict) or options.keys() != {"separator", "part"}:
        return False
    separator, part = options["separator"], options["part"]
    whole = isinstance(part, int) and not isinstance(part, bool) and part != 0
    return isinstance(separator, str) and separator != "" and whole


def _is_round(options: Any) -> bool:
    if isinstance(options, dict):
        if not options.keys() <= {"digits", "mode"} or options.get("mode", "down") not in ROUNDING:
            return False
        options = options.get("digits")
    return isinstance(options, int) and not isinstance(options, bool) and 0 <= options <= 18


def _is_pair(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and options.keys() == {"finops", "dataverse"}
        and all(isinstance(value, str) for value in options.values())
    )


def _is_date(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and len(options) > 0
        and options.keys() <= {"finops", "dataverse"}
        and all(isinstance(value, str) and "%" in value for value in options.values())
    )


def _is_function(options: Any) -> bool:
    names = list(options.values()) if isinstance(options, dict) else [options]
    if isinstance(options, dict) and not {"function"} <= options.keys() <= {"function", "inverse"}:
        return False
    return all(isinstance(name, str) and _FUNCTION.fullmatch(name) for name in names)


def _is_values(options: Any) -> bool:
    return isinstance(options, dict | str)


KINDS: Mapping[str, Kind] = {
    "default": Kind("default: VALUE", _is_scalar, undone=True, merges=True),
    "values": Kind("values: {FINOPS: DATAVERSE, ...}", _is_values, undone=True),
    "truncate": Kind("truncate: 30", _is_length, undone=False, merges=True),
    "trim": Kind("trim: true", _is_true, undone=True, merges=True),
    "upper": Kind("upper: true", _is_true, undone=True, merges=True),
    "lower": Kind("lower: true", _is_true, undone=True, merges=True),
    "concat": Kind('concat: {with: [COLUMN], separator: " "}', _is_concat, undone=False),
    "split": Kind('split: {separator: "-", part: 1}', _is_split, undone=False, merges=True),
    "round": Kind(
        "round: 2, or round: {digits: 2, mode: half_even}", _is_round, undone=False, merges=True
    ),
    "timezone": Kind("timezone: {finops: Europe/Berlin, dataverse: UTC}", _is_pair, undone=True),
    "date": Kind('date: {finops: "%d.%m.%Y", dataverse: "%Y-%m-%d"}', _is_date, undone=True),
    "unit": Kind("unit: {finops: SALESUNIT, dataverse: pcs}", _is_unit, undone=True, merges=True),
    "python": Kind(
        "python: package.module:function, or {function: m:f, inverse: m:g}",
        _is_function,
        undone=False,
    ),
}


def can_be_undone(transform: Transform) -> bool:
    """Whether the way back is known.  For a value map `ambiguous` tells more."""
    if transform.kind == "python":
        return isinstance(transform.options, dict) and "inverse" in transform.options
    return KINDS[transform.kind].undone


def read_transforms(
    node: Node, report: Report, where: str, shared: SharedValues
) -> tuple[Transform, ...]:
    """The transforms of a column, in the order written; those at fault are left out."""
    if not isinstance(node, Entries):
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
    key: Scalar, node: Node, report: Report, where: str, shared: SharedValues
) -> Transform | None:
    name = str(key.value)
    kind = KINDS.get(name)
    if kind is None:
        report.add(
            "DW1105",
            key.line,
            f"{where}: there is no transform {name!r}",
            cure=did_you_mean(name, KINDS),
        )
        return None
    if name == "values":
        values = read_values(node, report, where, shared)
        return None if values is None else Transform(name, plain(node), values)
    options = plain(node)
    if not kind.fits(options):
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
        case Entries():
            return "these words"
