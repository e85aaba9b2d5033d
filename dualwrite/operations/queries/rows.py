"""The dated rows of a map on one side: as of a moment, over a range, or all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import csv

from dualwrite.link import Side
from dualwrite.operations.dated_rows import Range, When, dated_rows
from dualwrite.operations.results import Exported, QueryResult
from dualwrite.operations.session import Session
from dualwrite.sync.batch.keys import plain_rows

__all__ = ["DatedRows", "Range", "When", "export_rows", "rows"]


@dataclass(frozen=True, slots=True)
class DatedRows(QueryResult):
    """Rows of one side, each from column to value; `more` says whether there are others."""

    map: str
    side: Side
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    more: bool

    def as_dict(self) -> dict[str, Any]:
        """`map`, `side`, `rows`, `more`."""
        return {
            "map": self.map,
            "side": self.side.value,
            "rows": list(self.rows),
            "more": self.more,
        }


def rows(
    session: Session,
    name: str,
    side: Side,
    when: When,
    *,
    keys: Mapping[str, str] | None = None,
    limit: int = 50,
) -> DatedRows:
    """The first `limit` rows of a side that are valid at `when`, by entity and period.

    Args:
        session: The project.
        name: A map that says `effective:`.
        side: The side to read.
        when: A moment in UTC, a `Range` of two, `now`, or None for all rows.
        keys: Only rows with these values, by column.
        limit: At most so many rows.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        NotDatedError: That side has no dates.
        NoSuchKeyError: `keys` names no column, or no value of it.
        TransientError, PermanentError: From the app.
    """
    found = dated_rows(session, session.map(name), side, when, keys=keys, limit=limit + 1)
    shown = plain_rows(found.slice(0, limit))
    return DatedRows(name, side, tuple(found.column_names), tuple(shown), found.num_rows > limit)


def export_rows(
    session: Session,
    name: str,
    side: Side,
    when: When,
    file: Path,
    *,
    keys: Mapping[str, str] | None = None,
) -> Exported:
    """Write all rows that are valid at `when` to a CSV file; the arguments are as of `rows`.

    Raises:
        UnknownMapError, MapError, NotDatedError, NoSuchKeyError: As of `rows`.
        TransientError, PermanentError: From the app.
        OSError: The file cannot be written.
    """
    found = dated_rows(session, session.map(name), side, when, keys=keys)
    csv.write_csv(found, file)
    return Exported(file, found.num_rows)
