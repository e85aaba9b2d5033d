"""A queue a page at a time, with the rows that its keys stand for.

A cycle reads no more of one queue than `AT_MOST`, so that its memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.base import Query
from dualwrite.apps.capture import Capture, Snapshot
from dualwrite.sync.capture.changes import DRIFTED, Changes, changes_of, ids_in, ops_in
from dualwrite.sync.cycle.read_ahead import Ahead

PAGE = 25_000
"""Entries read, carried and forgotten together.

So many keys a database still looks up one by one in its index; for more it would read a large
table whole.  Their rows are locked over there for about a second.
"""
AT_MOST = 200_000
"""Entries of one queue in one cycle; the rest is for the next."""


@dataclass(frozen=True)
class Page:
    """Some entries of a queue, and the changes that they tell of.

    `part` are the keys of which only some columns changed; `rows` theirs, or None where they
    are still to be read.
    """

    entries: pa.Table
    changes: Changes
    part: Changes
    rows: pa.Table | None


class Pages:
    """How a queue is read.

    A change of one of the columns `steering` may have brought its row into the map: then all
    columns count.  `query` says how the rows of some changes are read.
    """

    def __init__(
        self, capture: Capture, steering: Collection[str], query: Callable[[Changes], Query]
    ) -> None:
        self._capture, self._steering, self._query = capture, steering, query

    def entries(self, snapshot: Snapshot) -> Iterator[pa.Table]:
        """The entries alone."""
        after, read = 0, 0
        while read < AT_MOST:
            entries = snapshot.dirty(self._capture, after=after, limit=PAGE)
            if entries.num_rows:
                yield entries
            read += entries.num_rows
            if entries.num_rows < PAGE:
                return
            after = _last(entries)

    def ahead(self, snapshot: Ahead) -> Iterator[Page]:
        """The pages; while the caller has one, the next is read."""
        page, read = self._read(snapshot, 0), 0
        while page.entries.num_rows:
            read += page.entries.num_rows
            if page.entries.num_rows < PAGE or read >= AT_MOST:
                yield page
                return
            coming = snapshot.start(partial(self._read, snapshot, _last(page.entries)))
            yield page
            page = coming.result()

    def steered(self, changes: Changes) -> Changes:
        """With all columns counting of rows that may have come into the map."""
        return changes.widened(changes.touches(self._steering))

    def _read(self, snapshot: Snapshot, after: int) -> Page:
        entries = snapshot.dirty(self._capture, after=after, limit=PAGE)
        changes = self.steered(changes_of(entries))
        page = Page(entries, changes, changes.filter(changes.changed.is_valid()), None)
        # what is refused or set aside for its entry alone is not looked at
        if not len(page.part) or drifted(entries) or changes.texts.null_count:
            return page
        rows = snapshot.fetch(self._query(page.part), page.part.keys)
        return Page(entries, changes, page.part, rows)


def drifted(entries: pa.Table) -> bool:
    """Whether one of them says that its trigger no longer fitted its table."""
    return bool(pc.any(pc.equal(ops_in(entries), DRIFTED)).as_py())


def deletes_in(entries: pa.Table) -> bool:
    """Whether one of them says that a key has gone, be it there again or not."""
    return bool(pc.any(pc.equal(ops_in(entries), "d")).as_py())


def _last(entries: pa.Table) -> int:
    last: int = ids_in(entries)[-1].as_py()
    return last
