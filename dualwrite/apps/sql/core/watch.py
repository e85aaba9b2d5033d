"""Waiting for changes by asking for them again and again.

Asking is cheap and becomes rarer while nothing happens: from 5 ms to 250 ms between two
looks, so that an idle app costs next to nothing and a busy one is seen at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.apps.sql.core.faults import DRIVER_ERRORS
from dualwrite.apps.sql.core.queues import ID
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.core.snapshot import Faults
from dualwrite.apps.transactions import Watch
from dualwrite.tablemap.schema import TableSchema

LAST = 200
"""So many entries of a queue are looked at."""
SOONEST, LATEST = 0.005, 0.25
"""Seconds between two looks."""


class Watching:
    """A watch whose faults become the app's own."""

    def __init__(self, watch: Watch, faults: Faults) -> None:
        self._watch, self._faults = watch, faults

    def wait(self, seconds: float) -> bool:
        with self._faults(None):
            return self._watch.wait(seconds)

    def close(self) -> None:
        self._watch.close()


class Polling:
    """Looks again and again at a sign that changes with each entry."""

    def __init__(
        self, connect: Callable[[], DatabaseSession], sign: Callable[[DatabaseSession], Any]
    ) -> None:
        self._connect, self._sign = connect, sign
        self._closed = threading.Event()
        self._session: DatabaseSession | None = connect()
        self._last = sign(self._session)
        self._delay = SOONEST

    def wait(self, seconds: float) -> bool:
        """Wait for another sign; after a lost connection one may have been missed."""
        end = time.monotonic() + seconds
        while not self._closed.is_set():
            try:
                if self._changed():
                    self._delay = SOONEST
                    return True
            except DRIVER_ERRORS:
                if self._closed.is_set():
                    return False
                self._drop()
                raise
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._closed.wait(min(self._delay, left))
            self._delay = min(self._delay * 2, LATEST)
        return False

    def close(self) -> None:
        self._closed.set()
        self._drop()

    def _changed(self) -> bool:
        lost = self._session is None
        if self._session is None:
            self._session = self._connect()
        self._session.recheck()
        before, self._last = self._last, self._sign(self._session)
        return lost or before != self._last

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


class Newest:
    """A sign that changes when an entry is there that was not there before.

    It looks at the last entries of each queue: not at the very last one alone, for an entry
    may be committed after one with a higher id, and not at their number, for they go as well.
    """

    def __init__(
        self,
        dialect: Dialect,
        queues: Collection[str],
        existing: Callable[[DatabaseSession, Collection[str]], set[str]],
    ) -> None:
        self._dialect, self._existing = dialect, existing
        self._wanted = self._queues = frozenset(queues)
        self._text: str | None = None
        self._known: frozenset[tuple[Any, ...]] | None = None
        self._turn = 0

    def __call__(self, session: DatabaseSession) -> int:
        there = self._there(session)
        if self._known is not None and there - self._known:
            self._turn += 1
        self._known = there
        return self._turn

    def _there(self, session: DatabaseSession) -> frozenset[tuple[Any, ...]]:
        if self._queues != self._wanted:
            self._narrow(session)
        while self._queues:
            if self._text is None:
                self._text = session.text(self._last())
            try:
                arrays = session.arrays(self._text, short=True)
                return frozenset(zip(*(array.to_pylist() for array in arrays), strict=True))
            except DRIVER_ERRORS:
                before = self._queues
                self._narrow(session)
                if self._queues == before:
                    raise
        return frozenset()

    def _narrow(self, session: DatabaseSession) -> None:
        """To the queues that are there; who reads one of the others reports it."""
        left = frozenset(self._existing(session, self._wanted))
        if left != self._queues:
            self._queues, self._text = left, None

    def _last(self) -> sa.CompoundSelect[Any]:
        selects = []
        for name in sorted(self._queues):
            table = self._dialect.table(TableSchema(name, {"id": ID}))
            one = sa.select(sa.literal(name).label("queue"), table.c["id"])
            last = one.order_by(table.c["id"].desc()).limit(LAST).subquery()
            selects.append(sa.select(last.c["queue"], last.c["id"]))
        return sa.union_all(*selects)
