"""The word `quantity` of a map: the unit in which each side holds a quantity.

    quantity: {QTY: {unit: SALESUNIT}}                                   one unit on both sides
    quantity: {QTY: {unit: {finops: SALESUNIT, dataverse: pcs}, product: ITEM}}
    - QTY >< quantity: {unit: {finops: SALESUNIT, dataverse: pcs}}       the same, in its line

A unit is a column of the map, named by either end, that holds the unit's symbol; else it
is the symbol itself.  Whatever a conversion needs of a row must be in the row that is read,
so both units, the product and the variant must be columns of the map on that side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dualwrite.link import Side
from dualwrite.tablemap.document import Fields, FindingList, Node, Scalar, plain
from dualwrite.tablemap.model import ColumnMap, TableMap
from dualwrite.tablemap.notation import ColumnPath, name_of

KIND = "unit"
"""The transform that declares it in the column's own line."""
OWNERS = ("product", "variant")
_SIDES = tuple(side.value for side in Side)


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit on the source side: one symbol for all rows, or the column that holds each row's."""

    symbol: str = ""
    path: ColumnPath | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity that leaves one side; all paths are that side's."""

    has: Measure
    """The unit in which the source holds it."""
    wants: Measure
    """The unit in which the target holds it."""
    product: ColumnPath | None = None
    variant: ColumnPath | None = None
    two_way: bool = False

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        """The paths that its conversion reads beside the quantity itself."""
        paths = (self.has.path, self.wants.path, self.product, self.variant)
        return tuple(path for path in paths if path is not None)


def read_quantity(node: Node | None, report: FindingList) -> dict[str, Mapping[str, Any]]:
    """The word `quantity` of a map, its shape checked."""
    entries = report.entries(node, "quantity")
    found: dict[str, Mapping[str, Any]] = {}
    for column, options in entries.words() if entries else ():
        where = f"quantity: {column}"
        inner = report.entries(options, where)
        if inner is None:
            continue
        before = len(report.findings)
        report.unknown_words(inner, (KIND, *OWNERS), where)
        _check_unit(inner, where, report)
        for word in OWNERS:
            report.text(inner.get(word), f"{where}: {word}")
        if len(report.findings) == before:
            found[name_of(column)] = _named(plain(inner))
    return found


def _named(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the columns by their names, as rows have them."""
    return {
        word: _named(value) if isinstance(value, Mapping) else name_of(value)
        for word, value in options.items()
    }


def _check_unit(options: Fields, where: str, report: FindingList) -> None:
    unit, where = options.get(KIND), f"{where}: {KIND}"
    match unit:
        case None:
            report.add(
                "DW1103", options.line, f"{where[:-6]}: `unit:` is missing", cure="add `unit:`"
            )
        case Scalar(value=str()):
            pass
        case Fields():
            report.unknown_words(unit, _SIDES, where)
            for side in _SIDES:
                report.text(unit.get(side), f"{where}: {side}")
                if unit.get(side) is None:
                    report.add(
                        "DW1103", unit.line, f"{where}: `{side}:` is missing", cure=f"add `{side}:`"
                    )
        case _:
            report.add(
                "DW1102",
                unit.line,
                f"{where}: neither a unit nor one for each side",
                cure="write it as unit: COLUMN or unit: {finops: COLUMN, dataverse: pcs}",
            )


def quantity_of(table_map: TableMap, column: ColumnMap, source: Side) -> Quantity | None:
    """The quantity options of a column that leaves `source`; None where it is no quantity."""
    options = options_of(table_map, column)
    if options is None:
        return None
    units = units_of(options)
    return Quantity(
        has=_measure(table_map, units[source], source),
        wants=_measure(table_map, units[source.other], source),
        product=_path(table_map, options.get("product"), source),
        variant=_path(table_map, options.get("variant"), source),
        two_way=len(column.sign.sources) == len(Side),
    )


def options_of(table_map: TableMap, column: ColumnMap) -> Mapping[str, Any] | None:
    """The options of a column under `quantity:`, or of its `unit` transform, in the same form."""
    for step in column.transforms:
        if step.kind == KIND:
            named = _named(step.options)
            owners = {word: named[word] for word in OWNERS if word in named}
            return {KIND: {side: named[side] for side in _SIDES}, **owners}
    names = names_of(column)
    return next((table_map.quantity[name] for name in names if name in table_map.quantity), None)


def units_of(options: Mapping[str, Any]) -> Mapping[Side, str]:
    """The unit of each side, as the map names it."""
    unit = options[KIND]
    return {side: unit if isinstance(unit, str) else unit[side.value] for side in Side}


def names_of(column: ColumnMap) -> set[str]:
    """Both ends of a column map, as a map file may name them."""
    return {str(path) for side in Side if (path := column.end(side)) is not None}


def columns_named(table_map: TableMap, name: str) -> Iterator[ColumnMap]:
    """The column maps one end of which is called so."""
    return (column for column in table_map.columns if name in names_of(column))


def _measure(table_map: TableMap, named: str, source: Side) -> Measure:
    path = _path(table_map, named, source)
    return Measure(symbol=named) if path is None else Measure(path=path)


def _path(table_map: TableMap, named: str | None, source: Side) -> ColumnPath | None:
    if named is None:
        return None
    ends = (column.end(source) for column in columns_named(table_map, named))
    return next((end for end in ends if end is not None), None)
