"""Waiting for changes: PostgreSQL tells, the others are asked.

Asking is cheap and becomes rarer while nothing happens: from 5 ms to 250 ms between two
looks, so that an idle app costs next to nothing and a busy one is seen at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import psycopg
import sqlalchemy as sa

from dualwrite.apps.capture import Watch
from dualwrite.apps.sql.session import Session
from dualwrite.apps.sql.snapshot import Faults

SOONEST, LATEST = 0.005, 0.25
"""Seconds between two looks."""


class Watching:
    """A watch whose faults are told as the app's own."""

    def __init__(self, watch: Watch, faults: Faults) -> None:
        self._watch, self._faults = watch, faults

    def wait(self, seconds: float) -> bool:
        with self._faults(None):
            return self._watch.wait(seconds)

    def close(self) -> None:
        self._watch.close()


class Listening:
    """Waits for PostgreSQL's notifications on a connection of its own."""

    def __init__(self, url: sa.URL, queues: Collection[str]) -> None:
        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._queues = frozenset(queues)
        self._connection: psycopg.Connection[Any] | None = self._connect()

    def wait(self, seconds: float) -> bool:
        """Wait for an entry; after a lost connection one may have been missed."""
        if self._connection is None:
            self._connection = self._connect()
            return True
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) >= 0:
                heard = list(self._connection.notifies(timeout=left, stop_after=1))
                if not heard:
                    return False
                if any(note.payload in self._queues for note in heard):
                    return True
        except psycopg.Error:
            self.close()
            self._connection = self._connect()
            return True
        return False

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._address, autocommit=True, connect_timeout=10)
        connection.execute("LISTEN dualwrite")
        return connection


class Polling:
    """Looks again and again at a sign that changes with each entry."""

    def __init__(self, connect: Callable[[], Session], sign: Callable[[Session], Any]) -> None:
        self._session, self._sign = connect(), sign
        self._closed = threading.Event()
        self._last = sign(self._session)
        self._delay = SOONEST

    def wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not self._closed.is_set():
            sign = self._sign(self._session)
            if sign != self._last:
                self._last, self._delay = sign, SOONEST
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._closed.wait(min(self._delay, left))
            self._delay = min(self._delay * 2, LATEST)
        return False

    def close(self) -> None:
        self._closed.set()
        self._session.close()
