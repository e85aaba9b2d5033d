"""How many changes wait in the apps' queues, counted without SQLAlchemy or Arrow.

`dualwrite status` must answer at once.  It asks each app a single time, through the bare
driver, and only SQLite and PostgreSQL.  For an app that is away, or of another kind, the
count of the end of the last cycle is used, and `Pending.not_asked` names that side.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dualwrite.connections.postgresql import connect
from dualwrite.journal.records import MapRecord
from dualwrite.link import Link, Side

AT_MOST = 100_000
"""Entries of one queue that are counted; a longer queue counts as this many."""
_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Pending:
    """Changes that wait, by map and side, and the sides that could not be asked."""

    entries: Mapping[tuple[str, Side], int]
    not_asked: frozenset[Side]
    silent: frozenset[Side]
    """Those of them that were asked, and gave no answer."""
    heard: frozenset[Side]
    """Sides that were asked and answered."""

    def of(self, record: MapRecord, side: Side) -> int:
        """The changes of one map and side: counted, or as of the end of the last cycle."""
        return self.entries.get((record.name, side), record.pending.get(side.value, 0))


def count_pending(link: Link, maps: Sequence[MapRecord]) -> Pending:
    """Count every queue that the journal knows of."""
    entries: dict[tuple[str, Side], int] = {}
    not_asked, silent, heard = set(), set(), set()
    for side in Side:
        queues = {each.name: each.queues[side.value] for each in maps if side.value in each.queues}
        if not queues:
            continue
        counted = _count(link.apps[side].url, list(queues.values()))
        if counted is None:
            not_asked.add(side)
            if _kind(link.apps[side].url) in _ASKED:
                silent.add(side)
            continue
        heard.add(side)
        entries |= {(name, side): counted[queue] for name, queue in queues.items()}
    return Pending(entries, frozenset(not_asked), frozenset(silent), frozenset(heard))


def _count(url: str, queues: Sequence[str]) -> dict[str, int] | None:
    """Entries by queue; None where the app cannot be asked, or a queue is gone."""
    count = _ASKED.get(_kind(url))
    return None if count is None else count(url, queues)


def _kind(url: str) -> str:
    """`sqlite`, `postgresql`, and so on."""
    return url.partition("://")[0].partition("+")[0]


def _count_sqlite(url: str, queues: Sequence[str]) -> dict[str, int] | None:
    path = Path(unquote(url.partition(":///")[2].partition("?")[0])).absolute()
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_SECONDS)) as db:
            return {queue: db.execute(_statement(queue)).fetchone()[0] for queue in queues}
    except sqlite3.Error:
        return None


def _count_postgresql(url: str, queues: Sequence[str]) -> dict[str, int] | None:
    import psycopg

    try:
        with connect(url, connect_timeout=_SECONDS) as db:
            db.execute(f"SET LOCAL statement_timeout = {_SECONDS * 1000}".encode())
            return {queue: _first(db.execute(_statement(queue).encode())) for queue in queues}
    except psycopg.Error:
        return None


def _first(cursor: Any) -> int:
    return int(cursor.fetchone()[0])


def _statement(queue: str) -> str:
    name = queue.replace('"', '""')
    return f'SELECT COUNT(*) FROM (SELECT 1 FROM "{name}" LIMIT {AT_MOST}) q'  # noqa: S608 - quoted


_ASKED = {
    "sqlite": _count_sqlite,
    "postgresql": _count_postgresql,
    "postgres": _count_postgresql,
}
"""How a kind of database is asked; the others are not."""
