"""Rows that changed on both sides: which there are, and both versions of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dualwrite.errors import DualWriteError
from dualwrite.journal.records import StoredConflict
from dualwrite.link import Side
from dualwrite.operations.conflictrows import conflict_dict
from dualwrite.operations.known import known_map
from dualwrite.operations.results import QueryResult
from dualwrite.operations.session import Session
from dualwrite.sync.resolve.resolve import NoSuchConflictError
from dualwrite.tablemap.model import TableMap


@dataclass(frozen=True, slots=True)
class Conflicts(QueryResult):
    """Conflicts, the newest first."""

    rows: tuple[StoredConflict, ...]

    def as_dict(self) -> dict[str, Any]:
        """`conflicts`: each with both versions."""
        return {"conflicts": [conflict_dict(each) for each in self.rows]}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one side holds in a column of the map."""

    column: str
    value: Any
    changed: bool
    """Whether this side has changed it since both sides last agreed."""


@dataclass(frozen=True, slots=True)
class ColumnVersions:
    """One column of the map in both versions; a side without the column, or row, has no cell."""

    columns: Mapping[Side, str]
    cells: Mapping[Side, Cell]
    winner: str
    """The side whose value went to both; empty where nothing is decided."""


@dataclass(frozen=True, slots=True)
class ConflictVersions(QueryResult):
    """One conflict, with its versions laid side by side."""

    row: StoredConflict
    columns: tuple[ColumnVersions, ...] | None
    """Column by column; None where the map can no longer be read."""

    def as_dict(self) -> dict[str, Any]:
        """As an element of `conflicts`."""
        return conflict_dict(self.row)


def conflicts(
    session: Session, map_name: str | None = None, *, decided: bool = False, limit: int = 50
) -> Conflicts:
    """The newest `limit` conflicts that wait for a person; with `decided` the others too.

    Raises:
        UnknownMapError: There is no such map.
        TransientError, PermanentError: From the journal.
    """
    map_name = known_map(session, map_name)
    return Conflicts(
        tuple(session.journal.conflicts.find(map_name, open_only=not decided, limit=limit))
    )


def conflict_versions(session: Session, conflict_id: int) -> ConflictVersions:
    """Both versions of the row of one conflict.

    Raises:
        NoSuchConflictError: There is no such conflict.
        TransientError, PermanentError: From the journal.
    """
    found = session.journal.conflicts.find(ids=[conflict_id], open_only=False)
    if not found:
        raise NoSuchConflictError(conflict_id=conflict_id, reason="there is none")
    row = found[0]
    try:
        table_map = session.catalogue.get(row.map)
    except DualWriteError:
        return ConflictVersions(row, None)
    return ConflictVersions(row, _side_by_side(row, table_map))


def _side_by_side(row: StoredConflict, table_map: TableMap) -> tuple[ColumnVersions, ...]:
    conflict, lines = row.conflict, []
    for column in table_map.columns:
        names: dict[Side, str] = {}
        cells: dict[Side, Cell] = {}
        for side in Side:
            path = column.end(side)
            if path is None:
                continue
            names[side] = str(path)
            values, changed = conflict.rows.get(side), conflict.changed.get(side)
            if values is not None:
                is_changed = changed is None or path.column in changed
                cells[side] = Cell(str(path), values.get(str(path)), is_changed)
        of_dataverse = conflict.columns.get(names.get(Side.DATAVERSE, ""))
        winner = of_dataverse or conflict.columns.get(names.get(Side.FINOPS, ""), "")
        lines.append(ColumnVersions(names, cells, winner))
    return tuple(lines)
