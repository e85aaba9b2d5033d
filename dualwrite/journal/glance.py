"""A quick look at the journal: where the maps stand, and how many rows wait.

`dualwrite status` answers in half a second as a whole process; SQLAlchemy alone
takes longer to import.  So this one question is asked through the bare drivers,
read-only, with the one statement that `Journal.maps` uses too.  Whatever is not
as expected (no tables yet, an older schema, a busy file) gives None: then the
caller opens the journal properly and hears what is wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dualwrite.journal.records import MapRecord, MapStatus

MAPS_SQL = """
SELECT m.name, m.status, m.since, m.last_cycle_at,
       COALESCE(h.rejected, 0), COALESCE(h.parked, 0), m.queues
FROM journal_map m
LEFT JOIN (
    SELECT map,
           SUM(CASE WHEN kind = 'rejected' THEN 1 ELSE 0 END) AS rejected,
           SUM(CASE WHEN kind = 'parked' THEN 1 ELSE 0 END) AS parked
    FROM journal_held GROUP BY map
) h ON h.map = m.name
ORDER BY m.name
"""


def glance(url: str) -> list[MapRecord] | None:
    """The maps of the journal at `url`, or None when it must be opened properly."""
    if url.startswith("sqlite:///"):
        return _glance_sqlite(Path(unquote(url.removeprefix("sqlite:///").partition("?")[0])))
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        return _glance_postgresql(url.replace("+psycopg", "", 1))
    return None


def _glance_sqlite(path: Path) -> list[MapRecord] | None:
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return records(db.execute(MAPS_SQL))
    except sqlite3.Error:
        return None


def _glance_postgresql(url: str) -> list[MapRecord] | None:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=10) as db:
            return records(db.execute(MAPS_SQL))
    except psycopg.Error:
        return None


def records(rows: Iterable[Any]) -> list[MapRecord]:
    """Rows of `MAPS_SQL`, from any driver, as records."""
    return [
        MapRecord(
            name=name,
            status=MapStatus(status),
            since=_moment(since),
            last_cycle_at=None if last is None else _moment(last),
            rejected=int(rejected),
            parked=int(parked),
            queues=json.loads(queues) if isinstance(queues, str) else queues,
        )
        for name, status, since, last, rejected, parked, queues in rows
    ]


def _moment(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
