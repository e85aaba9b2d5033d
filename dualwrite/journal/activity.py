"""The activity log: what happened to a map, or to the link, a line each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from dualwrite.journal.database import Database
from dualwrite.journal.models import ActivityModel
from dualwrite.journal.records import Activity


def add_line(
    connection: Connection,
    map_name: str | None,
    event: str,
    text: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to the activity log, in the caller's transaction."""
    line = {
        "at": datetime.now(UTC),
        "map": map_name,
        "event": event,
        "text": text,
        "detail": None if detail is None else dict(detail),
    }
    connection.execute(insert(ActivityModel).values(**line))


class ActivityStore:
    """The activity log of a link."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log(
        self,
        map_name: str | None,
        event: str,
        text: str,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line; `map_name` is None for what concerns the whole link."""
        with self._database.writing() as connection:
            add_line(connection, map_name, event, text, detail)

    def newest(self, map_name: str | None = None, limit: int = 100) -> list[Activity]:
        """The newest lines of a map, or of all, the newest first."""
        query = select(ActivityModel.__table__).order_by(ActivityModel.id.desc()).limit(limit)
        if map_name is not None:
            query = query.where(ActivityModel.map == map_name)
        with self._database.reading() as connection:
            return [
                Activity(row.id, row.at, row.map, row.event, row.text, row.detail)
                for row in connection.execute(query)
            ]
