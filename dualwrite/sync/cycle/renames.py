"""Keys that changed: the other side's row gets the new key, with all that it alone holds.

A changed key stands in a queue as the delete of the old key and the insert of the new one, which
knows what it was.  Before a page is carried, the rows of the other side are given their new keys,
in a transaction of its own; the page itself then finds them there under the new key and nothing
under the old one.  Where the other side cannot do it (the new key is taken, it lies in
another table, the app refuses it) the page deletes and inserts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import Entries, Op
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Snapshot, Writing
from dualwrite.errors import RowsRefusedError
from dualwrite.sync.batch.batch import BatchContext
from dualwrite.sync.batch.bisect import bisect
from dualwrite.sync.batch.deletes import DeletePipeline
from dualwrite.sync.batch.outcomes import Mask, constant, marked, some
from dualwrite.sync.batch.target import TargetState, lock_target, sound_keys
from dualwrite.sync.routes.route import Route
from dualwrite.translate.keys import key_text, row_of
from dualwrite.translate.rows import fit, translate


@dataclass
class Renamed:
    """What became of the changed keys of a page, by the keys as the source spells them.

    `done` are old keys whose row has its new key; `locked` are keys, old and new, of rows that an
    application holds: they stay in the queue.
    """

    done: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)


class Renames:
    """Gives the rows of one route's target new keys; `query` finds the source's rows."""

    def __init__(
        self, context: BatchContext, route: Route, query: Query, deletion: DeletePipeline
    ) -> None:
        self._context, self._route, self._deletion = context, route, deletion
        self._query = replace(query, columns=query.key)
        ends = [column.target for column in route.key_flow.columns]
        self._own = [path.column for path in ends if not path.is_lookup]
        self._lookups = [str(path) for path in ends if path.is_lookup]

    def carry(self, snapshot: Snapshot, entries: Entries, waiting: pa.Array) -> Renamed:
        """Rename what entries say, as far as the other side can.

        Rows whose key, old or new, is among the texts `waiting` are left alone.

        Raises:
            TransientError, PermanentError: Nothing of this page was renamed.
        """
        was, now = changed_keys(entries)
        if not now.num_rows or not self._deletion.identity or not self._own:
            return Renamed()
        names = now.column_names
        there = key_text(snapshot.fetch(self._query, now), names)
        here = row_of(key_text(now, names), there).is_valid()
        here = pc.and_(here, self._left(snapshot, entries, was))
        for keys in (was, now):
            here = pc.and_not(here, pc.is_in(key_text(keys, names), value_set=waiting))
        pairs, renamed = _Pairs.of(self._route, was.filter(here), now.filter(here)), Renamed()
        if not len(pairs):
            return renamed
        try:
            with self._context.transaction(self._route) as writing:
                assert writing is not None
                while len(pairs):
                    pairs = self._rename(writing, pairs, renamed)
        except RowsRefusedError:
            return Renamed()  # at the commit: all of it was rolled back
        self._context.finder.invalidate(self._route.target, self._route.target_table)
        taken = set(key_text(now, names).to_pylist())  # by other rows that are to cross
        renamed.done = [text for text in renamed.done if text not in taken]
        return renamed

    def _left(self, snapshot: Snapshot, entries: Entries, was: pa.Table) -> Mask:
        """Which keys (n, k) are left for good: a conflict can have made a row of one anew.

        Another row of the source may have taken it: then the delete of it is queued still.
        """
        names, texts = was.column_names, key_text(was, was.column_names)
        taken = row_of(texts, key_text(snapshot.fetch(self._query, was), names)).is_valid()
        deleted = key_text(entries.filter(entries.is_op(Op.DELETE)).keys, names)
        return pc.or_(pc.invert(taken), pc.is_in(texts, value_set=deleted))

    def _rename(self, writing: Writing, pairs: _Pairs, renamed: Renamed) -> _Pairs:
        """Rename the rows whose new key is free; those that may be tried after these."""
        before, after = self._state(writing, pairs.old), self._state(writing, pairs.new)
        for mask in (before.locked, after.locked):
            renamed.locked += pairs.texts(mask)
        taken = pc.or_(after.found, pc.or_(after.locked, after.changed))
        able = pc.and_(pairs.able(self._route, self._lookups), before.found)
        able = pc.and_not(able, _held(before))
        done = self._write(writing, before, pairs, pc.and_not(able, taken))
        renamed.done += pairs.was.filter(done).to_pylist()
        # a key that another row of these has left is free now
        again = pc.and_(able, after.found) if some(done) else constant(False, len(pairs))
        return pairs.filter(again)

    def _state(self, writing: Writing, keys: pa.Table) -> TargetState:
        route, context = self._route, self._context
        capture, held = context.captures.get(route.target), context.held.get(route.target)
        query = self._deletion.query
        return lock_target(writing, route, query, keys, capture, deleting=True, held=held)

    def _write(self, writing: Writing, before: TargetState, pairs: _Pairs, ready: Mask) -> Mask:
        """Which rows of `ready` have their new key now; their own entries are queued under it."""
        route, numbers = self._route, pc.indices_nonzero(ready).cast(pa.int64())
        ids = before.rows.select(list(self._deletion.identity)).take(numbers)
        keys = fit(pairs.new.select(list(route.flow.key)), route.key_flow)
        fresh = keys.select(self._own).take(numbers)

        def rename(low: int, high: int) -> list[int]:
            span = (low, high - low)
            writing.rename(route.target_table, ids.slice(*span), fresh.slice(*span))
            return list(numbers.slice(*span).to_pylist())

        written = [n for part in bisect(len(numbers), rename, lambda *_: []) for n in part]
        done = marked(pa.array(written, pa.int64()), len(pairs))
        pending = pc.and_(done, before.changed)
        capture = self._context.captures.get(route.target)
        if capture is not None and some(pending):
            changes = before.changes
            self._context.close(writing, route.target, changes.ids_of(pending))
            changed = changes.changed.filter(pending)
            writing.enqueue(capture, keys.filter(pending), op=Op.UPDATE, changed=changed)
        return done


@dataclass(frozen=True)
class _Pairs:
    """n keys that changed: as the source spells them, and (n, k) in the target's terms."""

    was: pa.Array
    now: pa.Array
    old: pa.Table
    new: pa.Table

    @classmethod
    def of(cls, route: Route, was: pa.Table, now: pa.Table) -> _Pairs:
        names = now.column_names
        old, new = (translate(keys, route.key_flow) for keys in (was, now))
        return cls(key_text(was, names), key_text(now, names), old, new)

    def __len__(self) -> int:
        return len(self.was)

    def filter(self, mask: Mask) -> _Pairs:
        return _Pairs(*(part.filter(mask) for part in (self.was, self.now, self.old, self.new)))

    def texts(self, mask: Mask) -> list[str]:
        return [*self.was.filter(mask).to_pylist(), *self.now.filter(mask).to_pylist()]

    def able(self, route: Route, lookups: list[str]) -> Mask:
        """Which keys are sound, and keep the parts of theirs that lie in other tables."""
        able = pc.and_(sound_keys(route, self.old)[1], sound_keys(route, self.new)[1])
        for name in lookups:
            able = pc.and_(able, pc.equal(self.old[name], self.new[name]))
        return pc.fill_null(able, fill_value=False)


def _held(state: TargetState) -> Mask:
    """The rows of which the journal holds a change of their own side: under its old key."""
    changes = state.changes
    return marked(changes.of.filter(pc.less(changes.ids, 0)), len(changes))


def changed_keys(entries: Entries) -> tuple[pa.Table, pa.Table]:
    """The keys that changed, first to last, of rows that were not deleted or made meanwhile.

    Shapes: (n, k) each: what the other side knows, and what the row is called now.
    """
    nothing = entries.keys.slice(0, 0)
    if entries.was is None:
        return nothing, nothing
    come = entries.filter(entries.is_op(Op.INSERT))
    names = come.keys.column_names
    assert come.was is not None
    texts = [key_text(part, names).to_pylist() for part in (come.was, come.keys)]
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, (was, now) in enumerate(zip(*texts, strict=True)):
        if now is None:
            continue
        begun = None if was is None else first.pop(was, number)
        first.pop(now, None)
        if begun is not None:
            first[now], last[now] = begun, number
    moved = [(begun, now) for now, begun in first.items() if texts[0][begun] != now]
    old = come.was.take(pa.array([begun for begun, _ in moved], pa.int64()))
    new = come.keys.take(pa.array([last[now] for _, now in moved], pa.int64()))
    return old, new
