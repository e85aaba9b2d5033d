"""What happened to the maps: the activity log of the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dualwrite.journal.records import Activity
from dualwrite.operations.known import known_map
from dualwrite.operations.results import QueryResult, timestamp
from dualwrite.operations.session import Session


@dataclass(frozen=True, slots=True)
class ActivityLog(QueryResult):
    """Lines of the activity log, the oldest first."""

    lines: tuple[Activity, ...]

    def as_dict(self) -> dict[str, Any]:
        """`activity`: `id`, `at`, `map`, `event`, `text` and `detail` of each line."""
        lines = [
            {
                "id": line.id,
                "at": timestamp(line.at),
                "map": line.map,
                "event": line.event,
                "text": line.text,
                "detail": line.detail,
            }
            for line in self.lines
        ]
        return {"activity": lines}


def activity(session: Session, map_name: str | None = None, limit: int = 50) -> ActivityLog:
    """The newest `limit` lines, of one map or of all.

    Raises:
        UnknownMapError: There is no such map.
        TransientError, PermanentError: From the journal.
    """
    map_name = known_map(session, map_name)
    return ActivityLog(tuple(session.journal.activity.newest(map_name, limit)[::-1]))
