"""A queue a page at a time, with the rows of its keys.

A cycle reads no more of one queue than `AT_MOST`, so that its memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Entries, Op
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Snapshot
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.cycle.read_ahead import Ahead

PAGE = 25_000
"""Entries read, carried and acknowledged together.

So many keys a database still looks up one by one in its index; for more it would read a large
table whole.  Their rows are locked over there for about a second.
"""
AT_MOST = 200_000
"""Entries of one queue in one cycle; the rest is for the next."""


@dataclass(frozen=True)
class Page:
    """Some entries of a queue, grouped by key.

    `part` are the keys of which only some columns changed; `rows` theirs, or None where they
    are still to be read.
    """

    entries: Entries
    changes: Changes
    part: Changes
    rows: pa.Table | None


class Pages:
    """How a queue is read.

    A change of one of the columns `steering` may have brought its row into the map: then all
    columns count.  `query` gives how the rows of some changes are read.
    """

    def __init__(
        self, capture: Capture, steering: Collection[str], query: Callable[[Changes], Query]
    ) -> None:
        self._capture, self._steering, self._query = capture, steering, query

    def entries(self, snapshot: Snapshot, *, whole: bool = False) -> Iterator[Entries]:
        """The entries alone: what one cycle carries, or the `whole` queue."""
        after, read = 0, 0
        while whole or read < AT_MOST:
            entries = snapshot.entries(self._capture, after=after, limit=PAGE)
            if len(entries):
                yield entries
            read += len(entries)
            if len(entries) < PAGE:
                return
            after = _last(entries)

    def ahead(self, snapshot: Ahead) -> Iterator[Page]:
        """The pages; while the caller has one, the next is read."""
        page, read = self._read(snapshot, 0), 0
        while len(page.entries):
            read += len(page.entries)
            if len(page.entries) < PAGE or read >= AT_MOST:
                yield page
                return
            coming = snapshot.start(partial(self._read, snapshot, _last(page.entries)))
            yield page
            page = coming.result()

    def steered(self, changes: Changes) -> Changes:
        """With all columns counting of rows that may have come into the map."""
        return changes.widened(changes.touches(self._steering))

    def _read(self, snapshot: Snapshot, after: int) -> Page:
        entries = snapshot.entries(self._capture, after=after, limit=PAGE)
        changes = self.steered(changes_of(entries))
        page = Page(entries, changes, changes.filter(changes.changed.is_valid()), None)
        # a page that is refused, or whose keys are incomplete, needs no rows yet
        if not len(page.part) or entries.has_op(Op.DRIFTED) or changes.texts.null_count:
            return page
        rows = snapshot.fetch(self._query(page.part), page.part.keys)
        return Page(entries, changes, page.part, rows)


def _last(entries: Entries) -> int:
    last: int = entries.id[-1].as_py()
    return last
