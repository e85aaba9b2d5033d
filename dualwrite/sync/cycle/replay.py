"""`replay: every`: each committed state crosses, in the order in which it came to be.

The queue keeps an image of the row with each entry.  A page is carried in generations: the
first change of every key, then the second of those that have one, and so on; so one key's
states cross in order, and many keys' side by side.  What comes after a version that
was refused stays in the queue until that one is through or discarded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import Entries
from dualwrite.apps.transactions import Snapshot
from dualwrite.journal.records import Counts
from dualwrite.sync.batch.batch import Batch, RowsFrom
from dualwrite.sync.batch.outcomes import Outcome
from dualwrite.sync.batch.results import BatchResult
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.cycle.direction import DirectionWorker
from dualwrite.sync.routes.reading import only_needed
from dualwrite.translate.keys import key_text


class ReplayWorker(DirectionWorker):
    """Carries what one side of a map has queued, state by state."""

    def carry_upserts(self, snapshot: Snapshot) -> None:
        """Carry every state, deletes among them."""
        self.begin()
        self._stays: set[str | None] = set()
        """Keys of which a state stays in the queue: what follows it stays too."""
        for entries in self.pages(snapshot):
            for part in generations(entries):
                self._replay(snapshot, self.admitted(entries, changes_of(part)))

    def _replay(self, snapshot: Snapshot, changes: Changes) -> None:
        """One generation: each key has one entry."""
        waits = self.held.mask(changes.keys)
        if self._stays:
            waits = pc.or_(waits, pc.is_in(changes.texts, value_set=pa.array(self._stays)))
        changes = changes.filter(pc.invert(waits))
        if not len(changes):
            return
        gone, there = changes.filter(changes.deleted), changes.filter(pc.invert(changes.deleted))
        if len(there):
            # an image keeps what leaves its side, and no more
            query = only_needed(self.query, self.full.route.flow.reads)
            images = snapshot.images(self.capture, query, there.ids)
            at = pc.index_in(there.ids, value_set=images.ids)
            here = at.is_valid()
            rows = images.rows.take(at.drop_null())
            if rows.num_rows:
                part = there.filter(here)
                for result in self.full.carry(Batch(self.full.route, rows, RowsFrom.QUEUE, part)):
                    self.acknowledge_batch(result)
            out = there.filter(pc.invert(here))
            if len(out):  # that state was outside the filter
                self.acknowledge(out.ids)
                self.count(Outcome.NOT_WANTED, Counts(read=len(out), unchanged=len(out)))
        if len(gone):
            self.delete(gone)
        self.read_held()

    def acknowledge_batch(self, result: BatchResult) -> None:
        """Also note what stays, such as what an application holds locked over there."""
        super().acknowledge_batch(result)
        self._stays |= set(result.stays.texts.to_pylist())


def generations(entries: Entries) -> Iterator[Entries]:
    """The first entry of each key, then the second of those that have one, and so on."""
    keys = entries.keys
    texts = pc.fill_null(key_text(keys, keys.column_names), "\x00").dictionary_encode()
    codes = texts.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[order], codes[order], side="left")
    turn = np.empty(len(codes), np.int64)
    turn[order] = np.arange(len(codes)) - first
    for number in range(int(turn.max(initial=-1)) + 1):
        yield entries.filter(pa.array(turn == number))
