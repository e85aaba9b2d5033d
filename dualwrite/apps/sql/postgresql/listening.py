"""Waiting for changes by PostgreSQL's notifications."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import psycopg
import sqlalchemy as sa

from dualwrite.connections import postgresql

CHANNEL = "dualwrite"
"""Where the triggers of queues notify."""
PING_SECONDS = 30.0


class Listening:
    """Waits for PostgreSQL's notifications on a connection of its own."""

    def __init__(self, url: sa.URL, queues: Collection[str]) -> None:
        self._url = url
        self._queues = frozenset(queues)
        self._closed = False
        self._pinged = time.monotonic()
        self._connection: psycopg.Connection[Any] | None = self._connect()

    def wait(self, seconds: float) -> bool:
        """Wait for an entry; after a lost connection one may have been missed."""
        if self._connection is None:
            self._connection = self._connect()
            return True
        end = time.monotonic() + seconds
        try:
            if time.monotonic() > self._pinged + PING_SECONDS:
                self._connection.execute("SELECT 1")  # nothing else tells of a silent network
                self._pinged = time.monotonic()
            while (left := end - time.monotonic()) >= 0:
                heard = list(self._connection.notifies(timeout=left, stop_after=1))
                if any(note.payload in self._queues for note in heard):
                    return True
        except psycopg.Error:
            if self._closed:
                return False
            self._connection.close()
            self._connection = None  # should it not come back at once: the next wait tries again
            self._connection = self._connect()
            return True
        return False

    def close(self) -> None:
        self._closed = True
        if self._connection is not None:
            self._connection.close()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = postgresql.connect(self._url, autocommit=True)
        connection.execute(f"LISTEN {CHANNEL}")
        return connection
