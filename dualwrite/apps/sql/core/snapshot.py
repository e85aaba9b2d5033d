"""Reading queues and tables of one app as they were at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import pyarrow as pa

from dualwrite.apps.capture import Capture, QueueMissingError
from dualwrite.apps.entries import Entries
from dualwrite.apps.query import KeyRange, Query
from dualwrite.apps.sql.core import queues
from dualwrite.apps.sql.core.capturing import Capturing
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.session import FEW, DatabaseSession
from dualwrite.apps.transactions import Images

Faults = Callable[[str | None], AbstractContextManager[None]]
STAGING = "dualwrite_keys"
MANY = FEW + 1
"""Entries of a queue that nobody has counted: it may have any number."""


class SqlSnapshot:
    """A `Snapshot` over a session that stands in a transaction."""

    def __init__(
        self,
        session: DatabaseSession,
        reader: Reader,
        capturing: Capturing,
        *,
        queue_of: Callable[[Capture], QueueTable],
        faults: Faults,
        counted: Mapping[str, int] | None = None,
    ) -> None:
        """`counted` are queues that were there a moment ago, and how many entries they had."""
        self._session, self._reader, self._capturing = session, reader, capturing
        self._queue_of, self._faults = queue_of, faults
        self._counted = dict(counted or {})

    def entries(self, capture: Capture, *, after: int = 0, limit: int) -> Entries:
        with self._faults(capture.table):
            self._look_for(capture)
            return queues.entries(
                self._session,
                self._reader,
                self._queue_of(capture),
                after=after,
                limit=limit,
                short=self._counted[capture.queue] <= FEW,
            )

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        with self._faults(query.table):
            named = self._reader.keys(query, keys)
            named.ready(self._session, STAGING)
            found = self._reader.fetch(self._session, query, named)
            named.done(self._session)
            return found

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        with self._faults(query.table):
            return self._reader.read(self._session, query, within)

    def images(self, capture: Capture, query: Query, ids: pa.Array) -> Images:
        with self._faults(capture.table):
            self._look_for(capture)
            queue = self._queue_of(capture)
            return queues.images(self._session, self._reader, queue, query, ids)

    def _look_for(self, capture: Capture) -> None:
        """Ask first: a queue that is gone must not end the snapshot of the others."""
        if capture.queue in self._counted:
            return
        if not self._capturing.existing(self._session, [capture.queue]):
            raise QueueMissingError(app=self._reader.app, table=capture.table, queue=capture.queue)
        self._counted[capture.queue] = MANY
