"""Steps for dated rows: find what became valid or expired, and sync it."""

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


def summary_text(found: ActivatedMap) -> str:
    """The result of a map as text."""
    what = plural(found.entities, "row begins or ends", "rows begin or end")
    line = (
        f"{found.map}: {what} by {found.until:%Y-%m-%d}; "
        f"{found.written:,} written, {found.deleted:,} deleted"
    )
    rejected = f", {found.rejected:,} rejected" if found.rejected else ""
    return f"{line}{rejected}" + (f"\n  waits: {found.note}" if found.note else "")


def projection_maps(project: Path, maps: Sequence[str] | None) -> list[str]:
    """Those of these maps, or of all active ones, that sync only the currently valid rows.

    Raises:
        UnknownMapError, MapError: One of them is not a map, or cannot be read.
    """
    return activate.maps_with_validity(session_of(project), maps)


@step(name="queue activations", task_run_name="queue activations {map_name}", tags=["reads"])
def queue_activations(project: Path, map_name: str, now: datetime) -> ActivatedMap:
    """Queue the rows that became valid or expired since the last run."""
    return activate.queue_due(activate.at_moment(session_of(project), now), map_name)


@step(name="sync activated", task_run_name="sync what is valid as of {now}", tags=["writes"])
def sync_activated(project: Path, maps: Sequence[str], now: datetime) -> list[MapCounts]:
    """Run one cycle over these maps; their other queued changes are synced too."""
    return list(sync(activate.at_moment(session_of(project), now), maps).maps)


async def show_activations(project: Path, found: Sequence[ActivatedMap]) -> None:
    """Create a table of the rows that became valid or expired, by map."""
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
    about = "Dated rows that became valid or expired"
    await acreate_table_artifact(rows, key="activated-by-map", description=about)
