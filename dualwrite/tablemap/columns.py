"""The lines under `columns:`, each a notation with or without transforms.

    - CUSTOMERACCOUNT = accountnumber
    - ONHOLDSTATUS >< msdyn_onholdstatus: {values: hold}

A plain sign carries the value as it is; a crossed or doubled one must name how the value
is changed.  A column that goes both ways through a transform needs the way back.
"""

from __future__ import annotations

from dualwrite.link import Side
from dualwrite.tablemap.column_transforms import read_transforms
from dualwrite.tablemap.document import Fields, FindingList, Items, Node, Scalar
from dualwrite.tablemap.model import ColumnMap, Place, Transform, Unmapped
from dualwrite.tablemap.names import NotationError
from dualwrite.tablemap.notation import Notation, Sign
from dualwrite.tablemap.transforms import is_reversible
from dualwrite.tablemap.valuemaps import SharedValues, Value, ambiguous


def read_columns(
    node: Node | None, report: FindingList, shared: SharedValues
) -> tuple[ColumnMap, ...]:
    """The column maps in the order of the file; those at fault are left out."""
    match node:
        case None:
            return ()
        case Items(items=()):
            report.add("DW1103", node.line, "columns: there is none", cure="map a column")
            return ()
        case Items(items=items):
            found = (_read_column(item, report, shared) for item in items)
            return tuple(column for column in found if column is not None)
        case _:
            report.add(
                "DW1102",
                node.line,
                "columns: no list of column maps",
                cure="write it as a list: - FINOPS_COLUMN = dataverse_column",
            )
            return ()


def _read_column(node: Node, report: FindingList, shared: SharedValues) -> ColumnMap | None:
    before = len(report.findings)
    options: Node | None = None
    match node:
        case Scalar(value=str() as text):
            pass
        case Fields(entries=((Scalar(value=str() as text), options),)):
            pass
        case _:
            report.add(
                "DW1102",
                node.line,
                "columns: neither a column map nor one with transforms",
                cure="write it as FINOPS_COLUMN >< dataverse_column: {transform: options}",
            )
            return None
    try:
        notation = Notation.parse(text)
    except NotationError as error:
        report.add("DW1104", node.line, str(error))
        return None
    where = str(notation)
    transforms = () if options is None else read_transforms(options, report, where, shared)
    faulty = len(report.findings) > before
    column = ColumnMap(notation, transforms, Place(report.file, node.line))
    _check_sign(column, report, written=options is not None, faulty=faulty)
    return column


def _check_sign(column: ColumnMap, report: FindingList, *, written: bool, faulty: bool) -> None:
    sign, where, line = column.sign, str(column.notation), column.place.line
    if written and not sign.transformed:
        crossed = {"=": "><", ">": ">>", "<": "<<"}[sign.value]
        report.add(
            "DW1107",
            line,
            f"{where}: the plain sign {sign.value} has a transform",
            cure=f"write {crossed} for {sign.value}, or take the transform out",
        )
    is_whole = None not in (column.notation.finops, column.notation.dataverse)
    if sign.transformed and not column.transforms and not faulty and is_whole:
        plain = {"><": "=", ">>": ">", "<<": "<"}[sign.value]
        report.add(
            "DW1108",
            line,
            f"{where}: the sign {sign.value} has no transform",
            cure=f"write {plain} for {sign.value}, or add a transform",
        )
    _check_ends(column, report, faulty=faulty)
    for transform in column.transforms:
        _check_way_back(column, transform, report)


def _check_ends(column: ColumnMap, report: FindingList, *, faulty: bool) -> None:
    """`none` is allowed only as the source of values, and then a constant must be given."""
    where, line = str(column.notation), column.place.line
    for side in Side:
        if column.end(side) is not None:
            continue
        if column.flows_from(side.other):
            report.add(
                "DW1024",
                line,
                f"{where}: no {side.value} column to write to",
                cure=f"name one, or take the line out; a constant for {side.other.value} "
                f"is written with {_one_way(side).value}",
            )
        elif not faulty and all(step.kind != "default" for step in column.transforms):
            report.add(
                "DW1021",
                line,
                f"{where}: no {side.value} column to read from",
                cure=f"name one, or give a constant: {_constant(column, side)}",
            )


def _one_way(source: Side) -> Sign:
    is_finops = source is Side.FINOPS
    return Sign.TO_DATAVERSE_TRANSFORMED if is_finops else Sign.TO_FINOPS_TRANSFORMED


def _constant(column: ColumnMap, side: Side) -> str:
    sign = _one_way(side).value
    ends = (column.end(Side.FINOPS) or "none", column.end(Side.DATAVERSE) or "none")
    return f"{ends[0]} {sign} {ends[1]}: {{default: ...}}"


def _check_way_back(column: ColumnMap, transform: Transform, report: FindingList) -> None:
    where, line = str(column.notation), column.place.line
    two_way = len(column.sign.sources) > 1
    if two_way and not is_reversible(transform):
        report.add("DW1109", line, f"{where}: `{transform.kind}` cannot be undone on the way back")
    values = transform.value_map
    if values is None:
        return
    for side, value in ambiguous(values, column.sign):
        report.add(
            "DW1029",
            line,
            f"{where}: {_shown_value(value)} of {side.value} matches several "
            f"values of {side.other.value}",
        )
    if two_way and values.unmapped is Unmapped.USE:
        report.add(
            "DW1029",
            line,
            f"{where}: every unlisted value becomes "
            f"{_shown_value(values.fallback)}, which has no way back",
            cure="make the column one-way, or set `unmapped: reject` or `unmapped: pass`",
        )


def _shown_value(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case _:
            return repr(value)
