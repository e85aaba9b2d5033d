"""Maps: known, moved, noted upon.  Everything here runs in a caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from dualwrite.journal.database import upsert
from dualwrite.journal.models import ActivityRow, MapRow
from dualwrite.journal.records import MapStatus, Mark
from dualwrite.link import Side


def know(connection: Connection, map_name: str) -> None:
    """Make sure that the map has its row."""
    new = {
        "name": map_name,
        "status": MapStatus.NOT_RUNNING.value,
        "since": datetime.now(UTC),
        "queues": {},
        "marks": {},
        "pending": {},
    }
    connection.execute(upsert(connection, MapRow).values(**new).on_conflict_do_nothing())


def move(
    connection: Connection,
    map_name: str,
    status: MapStatus,
    reason: str,
    among: Collection[MapStatus] = tuple(MapStatus),
) -> MapStatus:
    """Move a map that stands among these, and say so in the activity log; where it stood.

    To where it stands already: nothing.
    """
    know(connection, map_name)
    standing = select(MapRow.status).where(MapRow.name == map_name).with_for_update()
    before = MapStatus(connection.scalar(standing))
    if before in among and before is not status:
        values = {"status": status.value, "since": datetime.now(UTC)}
        connection.execute(update(MapRow).where(MapRow.name == map_name).values(**values))
        log(connection, map_name, "status", f"{status.value}: {reason}", None)
    return before


def change(connection: Connection, map_name: str, **values: object) -> None:
    """Store values of a map's row."""
    know(connection, map_name)
    connection.execute(update(MapRow).where(MapRow.name == map_name).values(**values))


def set_waits(connection: Connection, map_name: str, reason: str | None) -> None:
    """Store why a map waits; see `Journal.set_waits`."""
    know(connection, map_name)
    before = connection.scalar(select(MapRow.waits).where(MapRow.name == map_name))
    if before == reason:
        return
    connection.execute(update(MapRow).where(MapRow.name == map_name).values(waits=reason))
    log(connection, map_name, "waits", reason or "goes on", None)


def marks(connection: Connection, map_name: str | None) -> dict[str, dict[Side, Mark]]:
    """The marks of captures by map; of one map, or of all."""
    query = select(MapRow.name, MapRow.marks)
    if map_name is not None:
        query = query.where(MapRow.name == map_name)
    return {
        row.name: {Side(side): Mark(**each) for side, each in row.marks.items()}
        for row in connection.execute(query)
    }


def spelled(by_side: Mapping[Side, Mark]) -> dict[str, Any]:
    """Marks as a map's row keeps them."""
    return {side.value: asdict(mark) for side, mark in by_side.items()}


def advance(connection: Connection, epochs: Mapping[str, int]) -> None:
    """Raise the epoch of each map's marks."""
    for name, known in marks(connection, None).items():
        if name in epochs:
            newer = {side: replace(mark, epoch=epochs[name]) for side, mark in known.items()}
            change(connection, name, marks=spelled(newer))


def log(
    connection: Connection,
    map_name: str | None,
    event: str,
    text: str,
    detail: Mapping[str, Any] | None,
) -> None:
    """Add a line to the activity log."""
    line = {
        "at": datetime.now(UTC),
        "map": map_name,
        "event": event,
        "text": text,
        "detail": None if detail is None else dict(detail),
    }
    connection.execute(insert(ActivityRow).values(**line))
