"""Rows that are held back, rejected or parked, and why."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualwrite.errors import writing
from dualwrite.journal.held import HeldRowStore
from dualwrite.journal.records import Cause, HeldRow
from dualwrite.operations.dry_runs import kept_rows
from dualwrite.operations.known import known_map, known_rule
from dualwrite.operations.results import Exported, QueryResult, timestamp
from dualwrite.operations.session import Session

__all__ = [
    "Cause",
    "HeldCause",
    "HeldCauses",
    "HeldRow",
    "HeldRows",
    "export_held_rows",
    "held_causes",
    "held_rows",
]

_HEADS = (
    *("id", "kind", "map", "direction", "key"),
    *("cause", "column", "reason", "cure", "at", "row"),
)
"""The columns of the CSV file."""


@dataclass(frozen=True, slots=True)
class HeldRows(QueryResult):
    """Held rows, one by one."""

    rejected: tuple[HeldRow, ...]
    parked: tuple[HeldRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """`rejected` and `parked` (design section 10)."""
        return {
            "rejected": _dicts(self.rejected, "rule"),
            "parked": _dicts(self.parked, "waits_for"),
        }


@dataclass(frozen=True, slots=True)
class HeldCause:
    """Held rows of one cause, and the first of them."""

    cause: Cause
    first: tuple[HeldRow, ...]


@dataclass(frozen=True, slots=True)
class HeldCauses(QueryResult):
    """Why rows are held back, the most rows first."""

    causes: tuple[HeldCause, ...]

    def as_dict(self) -> dict[str, Any]:
        """`causes`: each with `rows`, one `reason`, and the first `ids` and their `keys`."""
        causes = [
            {
                "map": each.cause.map,
                "direction": each.cause.direction,
                "kind": each.cause.kind,
                "cause": each.cause.cause,
                "column": each.cause.column,
                "reason": each.cause.reason,
                "cure": each.cause.cure,
                "rows": each.cause.rows,
                "ids": [row.id for row in each.first],
                "keys": [dict(row.key) for row in each.first],
            }
            for each in self.causes
        ]
        return {"causes": causes}


def held_rows(
    session: Session,
    map_name: str | None = None,
    *,
    rule: str | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> HeldRows:
    """Held rows of a map, or of all; with `rule` only those that this rule rejected.

    Args:
        session: The project.
        map_name: One map; None for all.
        rule: One rule; parked rows have none and are left out.
        limit: At most so many rejected rows, and so many parked ones.
        dry_run: Of what the last dry run of each map would hold, in place of what is held.

    Raises:
        UnknownMapError, UnknownRuleError: There is no such map or rule.
        TransientError, PermanentError: From the journal.
    """
    map_name = known_map(session, map_name)
    with _rows(session, dry_run=dry_run) as held:
        if held is None:
            return HeldRows((), ())
        rule = known_rule(rule, held)
        rejected = held.rejected(map_name, rule=rule, limit=limit)
        parked = [] if rule is not None else held.parked(map_name, limit=limit)
    return HeldRows(tuple(rejected), tuple(parked))


def held_causes(
    session: Session, map_name: str | None = None, *, first: int = 8, dry_run: bool = False
) -> HeldCauses:
    """Why rows are held back, with at most `first` rows of each cause; `dry_run` as `held_rows`.

    Raises:
        UnknownMapError: There is no such map.
        TransientError, PermanentError: From the journal.
    """
    map_name = known_map(session, map_name)
    with _rows(session, dry_run=dry_run) as held:
        if held is None:
            return HeldCauses(())
        return HeldCauses(
            tuple(
                HeldCause(cause, _first_of(held, cause, first) if first else ())
                for cause in held.causes(map_name)
            )
        )


@contextmanager
def _rows(session: Session, *, dry_run: bool) -> Iterator[HeldRowStore | None]:
    """The rows that are held, or those of dry runs; None where there was no dry run."""
    if dry_run:
        with kept_rows(session.link) as rows:
            yield rows
    else:
        yield session.journal.held


def _first_of(held: HeldRowStore, cause: Cause, count: int) -> tuple[HeldRow, ...]:
    ids = held.ids_of(cause, limit=count)
    return tuple(held.parked(ids=ids) if cause.kind == "parked" else held.rejected(ids=ids))


def export_held_rows(
    session: Session,
    file: Path,
    map_name: str | None = None,
    *,
    rule: str | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> Exported:
    """Write held rows, with their values, to a CSV file; the arguments are as of `held_rows`.

    Raises:
        TransientError, PermanentError: From the journal.
        UnknownMapError, UnknownRuleError: There is no such map or rule.
        UnwritableFileError: The file cannot be written.
    """
    found = held_rows(session, map_name, rule=rule, limit=limit, dry_run=dry_run)
    rows = (*found.rejected, *found.parked)
    with writing(file), file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADS)
        writer.writerows(_line(row) for row in rows)
    return Exported(file, len(rows))


def _dicts(rows: Iterable[HeldRow], cause: str) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "map": row.map,
            "direction": row.direction,
            "key": row.key,
            cause: row.cause,
            "reason": row.reason,
            **({"column": row.column, "cure": row.cure} if row.kind == "rejected" else {}),
            "row": row.row,
            "at": timestamp(row.at),
        }
        for row in rows
    ]


def _line(row: HeldRow) -> list[Any]:
    key, values = (json.dumps(dict(each), ensure_ascii=False) for each in (row.key, row.row))
    return [
        *(row.id, row.kind, row.map, row.direction, key),
        *(row.cause, row.column, row.reason, row.cure, timestamp(row.at), values),
    ]
