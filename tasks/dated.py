"""Steps of dated rows: look what has become valid or has run out, and carry it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from prefect.artifacts import acreate_table_artifact

from dualwrite.cli.output import plural
from dualwrite.journal.records import Counts
from dualwrite.sync.activation.activate import activate, projections
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.runner import run_cycle
from tasks.sessions import session_of
from tasks.step import step


@dataclass(frozen=True)
class Looked:
    """What became of a map's entities that show another row."""

    map: str
    until: datetime
    entities: int
    written: int = 0
    deleted: int = 0
    rejected: int = 0
    note: str = ""
    """Why the map waits, if it does."""

    def with_result(self, results: Sequence[MapResult]) -> Looked:
        """The same, with what the cycle did."""
        mine = next((each for each in results if each.map == self.map), None)
        if mine is None:
            return self
        counts = sum(mine.counts.values(), Counts())
        return replace(
            self,
            written=counts.written,
            deleted=counts.deleted,
            rejected=counts.rejected,
            note=mine.note,
        )

    @property
    def told(self) -> str:
        """One line for a person."""
        what = plural(self.entities, "row begins or ends", "rows begin or end")
        line = (
            f"{self.map}: {what} by {self.until:%Y-%m-%d}; "
            f"{self.written:,} written, {self.deleted:,} taken away"
        )
        rejected = f", {self.rejected:,} rejected" if self.rejected else ""
        return f"{line}{rejected}" + (f"\n  waits: {self.note}" if self.note else "")


def shown_maps(project: Path, maps: Sequence[str] | None) -> list[str]:
    """Which of these maps, or of all at work, show only what is valid now.

    Raises:
        UnknownMapError, MapError: One of them is no map, or cannot be read.
    """
    return projections(session_of(project), maps)


@step(name="look for dates", task_run_name="look for dates {map_name}", tags=["reads"])
def look_for_dates(project: Path, map_name: str, now: datetime) -> Looked:
    """Queue what began or ended since the last look."""
    session = replace(session_of(project), now=lambda: now)
    found = activate(session, map_name)
    return Looked(map_name, now, found.entities)


@step(name="carry activated", task_run_name="carry what is valid as of {now}", tags=["writes"])
def carry_activated(project: Path, maps: Sequence[str], now: datetime) -> list[MapResult]:
    """One cycle over these maps; what other changes they have queued crosses too."""
    return run_cycle(replace(session_of(project), now=lambda: now), maps)


async def show_activated(found: Sequence[Looked]) -> None:
    """A table: in which maps rows began or ended, and what became of that."""
    rows = [
        {
            "map": each.map,
            "as of": f"{each.until:%Y-%m-%d %H:%M} UTC",
            "began or ended": each.entities,
            "written": each.written,
            "taken away": each.deleted,
            "rejected": each.rejected,
            "waits": each.note,
        }
        for each in found
    ]
    about = "Dated rows that have become valid, or have run out"
    await acreate_table_artifact(rows, key="activated-by-map", description=about)
