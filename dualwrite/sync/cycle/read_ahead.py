"""Reading the next page of a queue while one is carried: both databases work at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import TypeVar

import pyarrow as pa

from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Entries
from dualwrite.apps.query import KeyRange, Query
from dualwrite.apps.transactions import Images, Snapshot

T = TypeVar("T")


class Ahead:
    """A snapshot from which a thread may read ahead; it answers one question at a time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._lock = snapshot, Lock()
        self._thread: ThreadPoolExecutor | None = None

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # the connection goes back to its app next: nobody may be reading from it
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def start(self, read: Callable[[], T]) -> Future[T]:
        """Begin to read something; its result, or its error, is in the future."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="dualwrite-ahead")
        return self._thread.submit(read)

    def entries(self, capture: Capture, *, after: int = 0, limit: int) -> Entries:
        """As `Snapshot.entries`."""
        with self._lock:
            return self._snapshot.entries(capture, after=after, limit=limit)

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        """As `Snapshot.fetch`."""
        with self._lock:
            return self._snapshot.fetch(query, keys)

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        """As `Snapshot.read`."""
        with self._lock:
            return self._snapshot.read(query, within=within)

    def images(self, capture: Capture, query: Query, ids: pa.Array) -> Images:
        """As `Snapshot.images`."""
        with self._lock:
            return self._snapshot.images(capture, query, ids)
