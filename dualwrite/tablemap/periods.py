"""The word `effective` of a map: the entity of dated rows, and from when until when they are valid.

    effective: {entity: [LOCATIONID], from: VALIDFROM, to: VALIDTO, gaps: allow, mode: effective}

The end is the last day (or second) of a row, or with `end: exclusive` the first one after it.

The columns are those of finops; what the map carries them to are the same of dataverse.
Where it carries neither `from` nor `to`, dataverse has no dates: the map is a *projection*,
and only the row that is valid now is a row of the map at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from dualwrite.effective import Mode
from dualwrite.effective.periods import Gaps
from dualwrite.link import Side
from dualwrite.tablemap.document import FindingList, Node, plain
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath, path_of

MODES = ("new", "correction", "effective")
GAPS = ("forbid", "allow")
ENDS = ("inclusive", "exclusive")
_WORDS = ("entity", "from", "to", "end", "gaps", "mode")
_SHAPE = "write it as effective: {entity: [COLUMN], from: COLUMN, to: COLUMN}"


def read_effective(node: Node | None, report: FindingList) -> dict[str, Any] | None:
    """The word `effective` of a map, its shape checked."""
    entries = report.entries(node, "effective")
    if entries is None:
        return None
    report.unknown_words(entries, _WORDS, "effective")
    entity = report.texts(entries.get("entity"), "effective: entity")
    for word in ("from", "to"):
        report.text(entries.get(word), f"effective: {word}")
    report.one_of(entries.get("end"), "effective: end", ENDS)
    report.one_of(entries.get("gaps"), "effective: gaps", GAPS)
    report.one_of(entries.get("mode"), "effective: mode", MODES)
    for word in ("entity", "from", "to"):
        if entries.get(word) is None or (word == "entity" and entity == ()):
            message = f"effective: `{word}:` is missing"
            report.add("DW1103", entries.line, message, cure=_SHAPE)
    found: dict[str, Any] = plain(entries)
    return found


@dataclass(frozen=True, slots=True)
class DatedEnd:
    """The columns of dated rows on one side.

    With `inclusive` the end is the last day (or second) of a row, else the first moment after it.
    """

    entity: tuple[ColumnPath, ...]
    start: ColumnPath
    end: ColumnPath
    inclusive: bool = True

    @property
    def paths(self) -> tuple[ColumnPath, ...]:
        """All of them."""
        return (*self.entity, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Dated:
    """A map's word `effective`, its columns found on both sides."""

    finops: DatedEnd
    dataverse: DatedEnd | None
    """None where dataverse has no dates."""
    gaps: Gaps
    mode: Mode | None
    """How a write changes what the target holds; None where rows are copied as they are."""

    @property
    def is_projection(self) -> bool:
        """Whether the map shows only what is valid now, on a side that has no dates."""
        return self.dataverse is None

    def on(self, side: Side) -> DatedEnd | None:
        """The columns on a side, None where it has no dates."""
        return self.finops if side is Side.FINOPS else self.dataverse


def dated_of(table_map: TableMap) -> Dated | None:
    """The dated rows of a valid map; None where it has none."""
    options = table_map.effective
    if not options:
        return None
    names = (*options["entity"], options["from"], options["to"])
    own = [path_of(str(name)) for name in names]
    across = [_across(table_map, path) for path in own]
    start, end = across[-2:]
    entity = tuple(path for path in across[:-2] if path is not None)
    inclusive = options.get("end") != "exclusive"
    dataverse = None
    if start is not None and end is not None:
        dataverse = DatedEnd(entity, start, end, inclusive)
    return Dated(
        DatedEnd(tuple(own[:-2]), own[-2], own[-1], inclusive),
        dataverse,
        cast("Gaps", options.get("gaps", "forbid")),
        cast("Mode | None", options.get("mode")),
    )


def shown_of(table_map: TableMap, side: Side) -> DatedEnd | None:
    """The dated columns of a side of which the map shows only what is valid now."""
    dated = dated_of(table_map)
    return dated.on(side) if dated is not None and dated.is_projection else None


def _across(table_map: TableMap, path: ColumnPath) -> ColumnPath | None:
    """Where the map carries a column of finops to."""
    columns = (column for column in table_map.columns if column.end(Side.FINOPS) == path)
    return next((column.end(Side.DATAVERSE) for column in columns), None)
