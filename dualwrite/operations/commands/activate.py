"""Dated rows shown from the day on which they become valid, and no longer than they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dualwrite.operations.commands.sync import sync
from dualwrite.operations.counts import MapCounts, total
from dualwrite.operations.results import CommandResult, timestamp
from dualwrite.operations.session import Session
from dualwrite.sync.activation import activate as engine


@dataclass(frozen=True, slots=True)
class ActivatedMap:
    """What became of the entities of one map that show another row."""

    map: str
    until: datetime
    entities: int
    """Entities whose row began or ended since the last look; they are queued."""
    written: int = 0
    deleted: int = 0
    rejected: int = 0
    note: str = ""
    """Why the map waits, if it does."""
    stuck: bool = False
    """Whether a person must act first."""

    def with_counts(self, results: Sequence[MapCounts]) -> ActivatedMap:
        """The same, with what a cycle did with this map."""
        mine = next((each for each in results if each.map == self.map), None)
        if mine is None:
            return self
        sums = total([mine])
        return replace(
            self,
            written=sums.written,
            deleted=sums.deleted,
            rejected=sums.rejected,
            note=mine.note,
            stuck=mine.stuck,
        )


@dataclass(frozen=True, slots=True)
class Activated(CommandResult):
    """Every map that shows a dated table on a side without dates."""

    maps: tuple[ActivatedMap, ...]

    def as_dict(self) -> dict[str, Any]:
        """`maps`: `map`, `until`, `entities`, `written`, `deleted`, `rejected`, `note`."""
        maps = [
            {
                "map": each.map,
                "until": timestamp(each.until),
                "entities": each.entities,
                "written": each.written,
                "deleted": each.deleted,
                "rejected": each.rejected,
                "note": each.note,
            }
            for each in self.maps
        ]
        return {"maps": maps}


def activate(
    session: Session, names: Sequence[str] | None = None, *, now: datetime | None = None
) -> Activated:
    """Queue the dated rows that began or ended since the last look, then run a cycle.

    Args:
        session: The project.
        names: Maps that show a dated table on a side without dates; None for all of them.
        now: The moment that counts, in UTC; None for the session's clock.

    Raises:
        UnknownMapError, MapError: A name is not a map, or the map cannot be read.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
        TransientError, PermanentError: From the apps.
    """
    at = session.now() if now is None else now
    clocked = at_moment(session, at)
    queued = [queue_due(clocked, name) for name in maps_with_validity(session, names)]
    if not queued:
        return Activated(())
    carried = sync(clocked, [each.map for each in queued])
    return Activated(tuple(each.with_counts(carried.maps) for each in queued))


def maps_with_validity(session: Session, names: Sequence[str] | None = None) -> list[str]:
    """Which of these maps, or of all at work, show only the rows that are valid now.

    Raises:
        UnknownMapError, MapError: A name is not a map, or the map cannot be read.
    """
    return engine.projections(session, names)


def at_moment(session: Session, now: datetime) -> Session:
    """The same session with its clock set to a moment in UTC."""
    return replace(session, now=lambda: now)


def queue_due(session: Session, name: str) -> ActivatedMap:
    """Queue the entities of one map whose row began or ended since the last look.

    Raises:
        TransientError, PermanentError: From the app; the moment of the last look stays.
    """
    found = engine.activate(session, name)
    return ActivatedMap(name, found.until, found.entities)
