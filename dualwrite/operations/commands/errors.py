"""Held rows tried again, or removed from the journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dualwrite.errors import PermanentError
from dualwrite.operations.known import known_map
from dualwrite.operations.results import CommandResult
from dualwrite.operations.session import Session
from dualwrite.operations.wording import plural
from dualwrite.sync import retry as engine
from dualwrite.sync.retry import Retried


class UnknownIdsError(PermanentError):
    """Ids were given that no held row has."""

    def __init__(self, *, ids: Sequence[int], untouched: str) -> None:
        self.ids = tuple(ids)
        listed = ", ".join(map(str, ids))
        which = "no row waits under the id" if len(ids) == 1 else "no rows wait under the ids"
        super().__init__(
            f"{which} {listed}. {untouched}\n  See the ids that there are: dualwrite errors"
        )


@dataclass(frozen=True, slots=True)
class RetriedRows(CommandResult):
    """What became of the rows that were tried again, by map and direction."""

    retried: tuple[Retried, ...]

    def as_dict(self) -> dict[str, Any]:
        """`retried`: `map`, `direction`, the counts, and `gone`, of each."""
        retried = [
            {"map": r.map, "direction": r.direction, **r.counts.as_dict(), "gone": r.gone}
            for r in self.retried
        ]
        return {"retried": retried}


@dataclass(frozen=True, slots=True)
class DiscardedRows(CommandResult):
    """Held rows that were removed from the journal."""

    ids: tuple[int, ...]
    rows: int

    def as_dict(self) -> dict[str, Any]:
        """`discarded`: the ids."""
        return {"discarded": list(self.ids)}


def retry(
    session: Session, ids: Sequence[int] | None = None, *, map_name: str | None = None
) -> RetriedRows:
    """Try held rows again, as they are now in their app.

    Args:
        session: The project.
        ids: The rows; None for all.
        map_name: Rows of this map only.

    Raises:
        UnknownIdsError, UnknownMapError: There is no such row or map; nothing was tried.
        LeaseHeldError: Another worker has the map.
        TransientError, PermanentError: From the apps; the rows stay held.
    """
    journal = session.journal
    map_name = known_map(session, map_name)
    if ids:
        _refuse_unknown(session, ids, untouched="Nothing was tried.")
    rows = [
        *journal.held.rejected(map_name, ids=ids or None),
        *journal.held.parked(map_name, ids=ids or None),
    ]
    return RetriedRows(tuple(engine.retry(session, rows)))


def discard(session: Session, ids: Sequence[int]) -> DiscardedRows:
    """Remove held rows from the journal; the apps are not touched.

    Raises:
        UnknownIdsError: An id is of no held row; nothing was discarded.
        TransientError, PermanentError: From the journal.
    """
    journal = session.journal
    _refuse_unknown(session, ids, untouched="Nothing was discarded.")
    gone = journal.held.discard(ids)
    journal.activity.log(
        None, "discard", f"{plural(gone, 'held row')} discarded", {"ids": sorted(ids)}
    )
    return DiscardedRows(tuple(sorted(set(ids))), gone)


def _refuse_unknown(session: Session, ids: Iterable[int], *, untouched: str) -> None:
    wanted, journal = set(ids), session.journal
    held = {
        row.id for row in (*journal.held.rejected(ids=wanted), *journal.held.parked(ids=wanted))
    }
    if unknown := sorted(wanted - held):
        raise UnknownIdsError(ids=unknown, untouched=untouched)
