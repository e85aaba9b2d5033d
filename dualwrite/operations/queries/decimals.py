"""Which decimal columns of dataverse keep too few digits, and what other digits would change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dualwrite.operations.results import Progress, QueryResult, ignore_progress
from dualwrite.operations.session import Session
from dualwrite.sync.decimals import decimals as engine
from dualwrite.sync.decimals.decimals import DIGITS, Change, spelled

__all__ = ["DIGITS", "Change", "DecimalChanges", "decimals_to_undo", "decimals_to_widen"]


@dataclass(frozen=True, slots=True)
class DecimalChanges(QueryResult):
    """The columns that would get other digits; nothing was changed."""

    names: tuple[str, ...]
    """The maps that were looked at."""
    changes: tuple[Change, ...]

    @property
    def possible(self) -> tuple[Change, ...]:
        """Those that can be carried out."""
        return tuple(each for each in self.changes if not each.refused)

    def as_dict(self) -> dict[str, Any]:
        """`columns`, and as of a command that changed none `changed`, `queued`, `retried`."""
        columns = [_as_dict(each) for each in self.changes]
        return {"columns": columns, "changed": [], "queued": 0, "retried": []}


def _as_dict(change: Change) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "table": change.table,
        "column": change.column,
        "maps": list(change.maps),
        "now": spelled(change.now),
        "to": spelled(change.to),
        "rows": change.rows,
        "still": change.still,
        "rejected": change.rejected,
        "rounded": change.rounded,
    }
    if change.refused:
        shown["refused"] = change.refused
    if change.keys:
        shown["keys"] = [dict(key) for key in change.keys]
    return shown


def decimals_to_widen(
    session: Session,
    maps: Sequence[str] | None = None,
    *,
    table: str | None = None,
    to: int = DIGITS,
    progress: Progress = ignore_progress,
) -> DecimalChanges:
    """The decimal columns with fewer than `to` digits after the point, and the rows that lose some.

    Args:
        session: The project.
        maps: The maps whose columns are meant; None for all maps at work.
        table: Only columns of this table of dataverse.
        to: Digits after the point; an exchange rate gets two more.
        progress: Called with a map and how many of its rows were looked at.

    Raises:
        UnknownMapError, MapError: A map is not there, or cannot be read.
        TransientError, PermanentError: From the apps.
    """
    names = maps or engine.at_work(session)
    counted = _counting(progress)
    found = engine.widening(session, names, table=table, to=to, progress=counted)
    return DecimalChanges(tuple(names), tuple(found))


def decimals_to_undo(
    session: Session,
    maps: Sequence[str] | None = None,
    *,
    table: str | None = None,
    progress: Progress = ignore_progress,
) -> DecimalChanges:
    """What undoing the last widening of each column would change; as `decimals_to_widen`.

    Raises:
        UnknownMapError, MapError: A map is not there, or cannot be read.
        TransientError, PermanentError: From the apps.
    """
    names = maps or engine.at_work(session)
    found = engine.narrowing(session, names, table=table, progress=_counting(progress))
    return DecimalChanges(tuple(names), tuple(found))


def _counting(progress: Progress) -> Callable[[str, int], None]:
    def counted(name: str, rows: int) -> None:
        progress(name, rows, None)

    return counted
