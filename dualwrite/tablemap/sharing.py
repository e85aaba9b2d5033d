"""Maps over one pair of tables: what two of them both carry.

Each map has a queue of its own in both apps, so what one map writes must not look like a change
of the application to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dualwrite.link import Side
from dualwrite.tablemap.filters import parse_filter
from dualwrite.tablemap.findings import Finding
from dualwrite.tablemap.model import ColumnMap, TableMap
from dualwrite.tablemap.notation import ColumnPath


def over_one_pair(one: TableMap, other: TableMap) -> bool:
    """Whether two maps carry rows of the same two tables under the same keys."""
    return one.name != other.name and all(
        one.end(side).table.casefold() == other.end(side).table.casefold()
        and set(one.end(side).key) == set(other.end(side).key)
        for side in Side
    )


def echoed_columns(writer: TableMap, other: TableMap, side: Side) -> tuple[str, ...]:
    """The own columns of a table of `side` that `writer` writes and `other` relates alike.

    What `writer` writes there came out of the very column to which `other` would carry it.  A
    column of the other map's filter is not among them: its change decides what takes part.
    """
    written = {_ends(column) for column in writer.columns if column.flows_from(side.other)}
    key = {path.column for path in other.end(side).key}
    alike, apart = set(key), _filtered(other, side)
    for column in other.columns:
        name = _own(column, side)
        if name is not None:
            (alike if _ends(column) in written else apart).add(name)
    return tuple(sorted(alike - (apart - key)))


def shared_findings(table_map: TableMap, others: Iterable[TableMap]) -> Iterator[Finding]:
    """Columns that another map over the same pair of tables writes too.

    Maps whose filters differ carry different rows: they may share columns.
    """
    for other in others:
        if not over_one_pair(table_map, other) or _rows_apart(table_map, other):
            continue
        for column in table_map.columns:
            side = next((each for each in Side if _both_write(column, other, each)), None)
            if side is not None:
                path = column.end(side)
                yield Finding.of(
                    "DW1133",
                    f"{path} of {side.value} is written by the map {other.name!r} too",
                    map_name=table_map.name,
                    place=column.place,
                )


def _both_write(column: ColumnMap, other: TableMap, side: Side) -> bool:
    """Whether a column that is no key is written on a side by both maps."""
    path = column.end(side)
    if path is None or path in other.end(side).key or not column.flows_from(side.other):
        return False
    written = {_own(each, side) for each in other.columns if each.flows_from(side.other)}
    return path.column in written


def _own(column: ColumnMap, side: Side) -> str | None:
    path = column.end(side)
    return None if path is None else path.column


def _rows_apart(one: TableMap, other: TableMap) -> bool:
    filters = [(one.end(side).filter, other.end(side).filter) for side in Side]
    return any(mine and theirs and mine != theirs for mine, theirs in filters)


def _filtered(table_map: TableMap, side: Side) -> set[str]:
    text = table_map.end(side).filter
    return {path.column for path in parse_filter(text).columns} if text else set()


def _ends(column: ColumnMap) -> tuple[ColumnPath | None, ColumnPath | None]:
    return column.end(Side.FINOPS), column.end(Side.DATAVERSE)
