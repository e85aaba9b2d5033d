"""Steps of dated rows: look what has become valid or has run out, and carry it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from prefect.artifacts import acreate_table_artifact

from dualwrite.operations.commands import activate
from dualwrite.operations.commands.activate import ActivatedMap
from dualwrite.operations.commands.sync import sync
from dualwrite.operations.counts import MapCounts
from dualwrite.operations.wording import plural
from tasks.artifacts import names_of
from tasks.sessions import session_of
from tasks.step import step


def in_a_line(found: ActivatedMap) -> str:
    """What became of a map's dated rows, for a person."""
    what = plural(found.entities, "row begins or ends", "rows begin or end")
    line = (
        f"{found.map}: {what} by {found.until:%Y-%m-%d}; "
        f"{found.written:,} written, {found.deleted:,} deleted"
    )
    rejected = f", {found.rejected:,} rejected" if found.rejected else ""
    return f"{line}{rejected}" + (f"\n  waits: {found.note}" if found.note else "")


def shown_maps(project: Path, maps: Sequence[str] | None) -> list[str]:
    """Which of these maps, or of all at work, show only what is valid now.

    Raises:
        UnknownMapError, MapError: One of them is not a map, or cannot be read.
    """
    return activate.maps_with_validity(session_of(project), maps)


@step(name="look for dates", task_run_name="look for dates {map_name}", tags=["reads"])
def look_for_dates(project: Path, map_name: str, now: datetime) -> ActivatedMap:
    """Queue what began or ended since the last look."""
    return activate.queue_due(activate.at_moment(session_of(project), now), map_name)


@step(name="carry activated", task_run_name="carry what is valid as of {now}", tags=["writes"])
def carry_activated(project: Path, maps: Sequence[str], now: datetime) -> list[MapCounts]:
    """One cycle over these maps; what other changes they have queued crosses too."""
    return list(sync(activate.at_moment(session_of(project), now), maps).maps)


async def show_activated(project: Path, found: Sequence[ActivatedMap]) -> None:
    """A table: in which maps rows began or ended, and what became of that."""
    rows = [
        {
            "map": each.map,
            "as of": f"{each.until:%Y-%m-%d %H:%M} UTC",
            "began or ended": each.entities,
            "written": each.written,
            "deleted": each.deleted,
            "rejected": each.rejected,
            "waits": names_of(project).in_text(each.note),
        }
        for each in found
    ]
    about = "Dated rows that have become valid, or have run out"
    await acreate_table_artifact(rows, key="activated-by-map", description=about)
