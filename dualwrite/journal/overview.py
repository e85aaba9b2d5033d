"""The status of all maps, read without SQLAlchemy.

`dualwrite status` answers in half a second as a whole process, and SQLAlchemy alone takes
longer to import.  So this query goes through the database drivers directly, read-only, with the
statement that `Journal.maps` uses too.  If it fails (no tables yet, an older schema, a locked
file), the result is None; the caller then opens the journal, which raises the precise error.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dualwrite.connections.postgresql import connect
from dualwrite.journal.lag import added, lag_of
from dualwrite.journal.readonly import reading_uri
from dualwrite.journal.records import MapRecord, MapStatus

GOES_ON = "goes on"
"""What the activity of a map says, under `waits`, once it waits no longer."""
_MAPS_SQL = """
SELECT m.name, m.status, m.since, m.last_cycle_at,
       COALESCE(h.rejected, 0), COALESCE(h.parked, 0), COALESCE(c.conflicts, 0),
       m.queues, m.pending, m.waits, m.marks,
       CASE WHEN m.waits IS NOT NULL THEN (
           SELECT MIN(a.at) FROM journal_activity a
           WHERE a.map = m.name AND a.event = 'waits' AND a.id > COALESCE((
               SELECT MAX(b.id) FROM journal_activity b
               WHERE b.map = m.name AND b.event = 'waits' AND b.text = '{goes_on}'
           ), 0)
       ) END,
       l.lags
FROM journal_map m
LEFT JOIN (
    SELECT map,
           SUM(CASE WHEN kind = 'rejected' THEN 1 ELSE 0 END) AS rejected,
           SUM(CASE WHEN kind = 'parked' THEN 1 ELSE 0 END) AS parked
    FROM journal_held GROUP BY map
) h ON h.map = m.name
LEFT JOIN (
    SELECT map, COUNT(*) AS conflicts
    FROM journal_conflict WHERE status = 'open' GROUP BY map
) c ON c.map = m.name
LEFT JOIN journal_cycle l ON l.map = m.name AND l.minute >= {since}
ORDER BY m.name
"""
_LAG_MINUTES = 15
"""How far back the lag of a map reaches."""


def maps_sql() -> str:
    """The statement: a row for each map and each recent minute with cycles of it."""
    return _MAPS_SQL.format(since=int(time.time() // 60) - _LAG_MINUTES, goes_on=GOES_ON)


def read_overview(url: str) -> list[MapRecord] | None:
    """All maps of the journal at `url`; None when it must be opened with `Journal.open`."""
    if url.startswith("sqlite:///"):
        return _read_sqlite(Path(unquote(url.removeprefix("sqlite:///").partition("?")[0])))
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        return _read_postgresql(url)
    return None


def _read_sqlite(path: Path) -> list[MapRecord] | None:
    if not path.exists():
        return []
    try:
        uri = reading_uri(path) or f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            return map_records(db.execute(maps_sql()))
    except sqlite3.Error:
        return None


def _read_postgresql(url: str) -> list[MapRecord] | None:
    import psycopg

    try:
        with connect(url) as db:
            return map_records(db.execute(maps_sql()))
    except psycopg.Error:
        return None


def map_records(rows: Iterable[Any]) -> list[MapRecord]:
    """Convert rows of `maps_sql`, from any driver."""
    found = []
    for _, group in groupby(rows, key=itemgetter(0)):
        minutes = list(group)
        name, status, since, last, rejected, parked, conflicts, *more, _ = minutes[0]
        queues, pending, waits, marks, waits_since = more
        lags = added(_lags(lags) for *_, lags in minutes if lags is not None)
        found.append(
            MapRecord(
                name=name,
                status=MapStatus(status),
                since=_time_of(since),
                last_cycle_at=None if last is None else _time_of(last),
                rejected=int(rejected),
                parked=int(parked),
                conflicts=int(conflicts),
                queues=_json(queues),
                pending=_json(pending),
                waits=waits,
                waits_since=None if waits_since is None else _time_of(waits_since),
                unseen=tuple(
                    line
                    for mark in (_json(marks) or {}).values()
                    for line in mark.get("unseen", ())
                ),
                lag=lag_of(lags),
            )
        )
    return found


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _lags(value: Any) -> dict[int, int]:
    return {int(number): times for number, times in _json(value).items()}


def _time_of(value: str | datetime) -> datetime:
    time_ = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time_.replace(tzinfo=UTC) if time_.tzinfo is None else time_.astimezone(UTC)
