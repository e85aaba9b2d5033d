"""What stands on the other side under the keys of n rows, read under a lock.

First the rows are locked, then, in a later statement, looked up in that side's own queue: a
row that an application changed before our lock is in the queue by then, and one that it
changes after waits for us.  So nothing is overwritten unseen (design section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.base import Query
from dualwrite.apps.capture import Capture, Writing
from dualwrite.rules import judge
from dualwrite.sync.batch.held_entries import Waiting
from dualwrite.sync.capture.changes import REQUEUED, Changes, changes_of, ops_in
from dualwrite.sync.routes.counterparts import counterparts
from dualwrite.sync.routes.route import Route
from dualwrite.sync.session import Session
from dualwrite.translate.flow import fit
from dualwrite.translate.keys import key_text, row_of

Mask = Any


@dataclass(frozen=True)
class TargetState:
    """n counterparts.

    Shapes: all n rows, aligned.  `theirs` is named by target path, null throughout where there
    is none; `busy` marks rows that somebody else holds; `dirt` are their own changes that are
    not across yet.
    """

    theirs: pa.Table
    found: Mask
    busy: Mask
    dirt: Changes

    @property
    def dirty(self) -> Mask:
        """Rows that their side has changed too."""
        return self.dirt.any

    @property
    def deleted(self) -> Mask:
        """Rows that their side has deleted."""
        return pc.and_not(pc.and_not(self.dirty, self.found), self.busy)

    def filter(self, mask: Mask) -> TargetState:
        """The same of fewer rows."""
        if pc.all(mask).as_py():
            return self
        return TargetState(
            self.theirs.filter(mask),
            self.found.filter(mask),
            self.busy.filter(mask),
            self.dirt.filter(mask),
        )


def sound_keys(route: Route, out: pa.Table) -> tuple[pa.Table, Mask]:
    """The keys of those of n rows by which a counterpart can be looked for, and which they are.

    A row whose key is sound is looked for whatever else is wrong with it: it stands on both
    sides, not on one.
    """
    sound = judge(out, route.key_rules).passed
    names = list(route.flow.key)
    return fit(out.filter(sound).select(names), route.key_flow).drop_null(), sound


def stand_under_lock(
    writing: Writing,
    route: Route,
    query: Query,
    out: pa.Table,
    capture: Capture | None,
    *,
    deleting: bool = False,
    waiting: Waiting | None = None,
) -> TargetState:
    """Lock the counterparts of n rows, and look at them.

    Shapes: `out` is the gate table of n rows, or its key columns alone.  `query` reads the target.
    Changes of the target that are `waiting` in the journal count as its others do.
    """
    names = list(route.flow.key)
    keys, sound = sound_keys(route, out)
    locked = writing.lock(query, keys, deleting=deleting)
    texts = pc.if_else(sound, key_text(out, names), pa.scalar(None, pa.string()))
    at = row_of(texts, key_text(locked.rows, names))
    busy = row_of(texts, key_text(locked.busy, names)).is_valid()
    dirt = nothing(keys.schema.remove_metadata())
    if capture is not None:
        entries = writing.dirty(capture, keys)
        # what we asked for ourselves is nobody's change
        entries = entries.filter(pc.not_equal(ops_in(entries), REQUEUED))
        if waiting is not None:
            held = waiting.entries(locked.rows.select(names), entries.schema)
            entries = pa.concat_tables([held, entries])
        dirt = changes_of(entries)
    return TargetState(locked.rows.take(at), at.is_valid(), busy, dirt.aligned(texts))


def stand_unlocked(session: Session, route: Route, query: Query, out: pa.Table) -> TargetState:
    """As `stand_under_lock`, for a look only: nothing is locked, nothing said to be dirty."""
    theirs, found = counterparts(session, route, query, out)
    return TargetState(theirs, found, _never(out.num_rows), _clean(route, out))


def nothing_stands(route: Route, out: pa.Table) -> TargetState:
    """Of n rows that are promised to be new."""
    never = _never(out.num_rows)
    return TargetState(pa.table({"": pa.nulls(out.num_rows)}), never, never, _clean(route, out))


def _never(n: int) -> Mask:
    return pa.repeat(pa.scalar(value=False), n)


def _clean(route: Route, out: pa.Table) -> Changes:
    keys = out.schema.empty_table().select(list(route.flow.key))
    return nothing(keys.schema.remove_metadata()).take(pa.nulls(out.num_rows, pa.int64()))


@lru_cache(maxsize=256)
def nothing(keys: pa.Schema) -> Changes:
    """No changes at all."""
    head: list[Any] = [pa.field("id", pa.int64()), pa.field("op", pa.string())]
    head += [pa.field("changed", pa.string()), pa.field("at", pa.timestamp("us", "UTC"))]
    return changes_of(pa.schema([*head, *keys]).empty_table())
