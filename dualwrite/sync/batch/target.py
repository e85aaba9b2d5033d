"""What the target holds under the keys of a batch, read under a lock.

The lock comes first and the look after it, in a later statement: whatever an application
commits in between is seen, so nothing is overwritten unseen (design section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Entries, Op
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Writing
from dualwrite.rules import judge
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.batch.outcomes import Mask, constant
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.routes.counterparts import counterparts
from dualwrite.sync.routes.route import Route
from dualwrite.sync.session import Session
from dualwrite.translate.keys import doubled, row_of
from dualwrite.translate.rows import fit


@dataclass(frozen=True)
class TargetState:
    """The counterparts of n rows.

    Shapes: all n rows, aligned.  `rows` is named by target path, null throughout where there is
    no counterpart; `locked` marks rows that an application holds; `changes` are the target's own
    changes that are not across yet; `twins` marks rows with more than one counterpart.
    """

    rows: pa.Table
    found: Mask
    locked: Mask
    changes: Changes
    twins: Mask

    @property
    def changed(self) -> Mask:
        """Rows that their side has changed too."""
        return self.changes.any

    @property
    def deleted(self) -> Mask:
        """Rows that their side has deleted."""
        return pc.and_not(pc.and_not(self.changed, self.found), self.locked)


def sound_keys(route: Route, translated: pa.Table) -> tuple[pa.Table, Mask]:
    """The keys of those of n rows by which a counterpart can be looked for, and which they are.

    A row whose key is sound is looked for whatever else is wrong with it: it is on both
    sides, not on one.
    """
    sound = judge(translated, route.key_rules).passed
    names = list(route.flow.key)
    return fit(translated.filter(sound).select(names), route.key_flow).drop_null(), sound


def lock_target(
    writing: Writing,
    route: Route,
    query: Query,
    translated: pa.Table,
    capture: Capture | None,
    *,
    deleting: bool = False,
    held: HeldChanges | None = None,
) -> TargetState:
    """Lock the counterparts of n rows, then read them and their side's own changes.

    Shapes: `translated` is the gate table of n rows, or its key columns alone.  `query` reads the
    target.  Changes of the target that are `held` in the journal count as its others do.
    """
    names = list(route.flow.key)
    keys, sound = sound_keys(route, translated)
    under_lock = writing.lock(query, keys, deleting=deleting)
    texts = pc.if_else(sound, route.flow.key_text(translated), pa.scalar(None, pa.string()))
    theirs = route.flow.key_text(under_lock.rows)
    at = row_of(texts, theirs)
    locked = row_of(texts, route.flow.key_text(under_lock.locked)).is_valid()
    changes = no_changes(keys.schema.remove_metadata())
    if capture is not None:
        entries = writing.entries(capture, keys)
        # what we asked for ourselves is nobody's change
        entries = entries.filter(pc.invert(entries.is_op(Op.REQUEUED)))
        if held is not None:
            waiting = held.entries(under_lock.rows.select(names), entries.keys.schema)
            entries = Entries.concat([waiting, entries])
        changes = changes_of(entries)
    twins = doubled(texts, theirs)
    rows = under_lock.rows.take(at)
    return TargetState(
        rows,
        at.is_valid(),
        locked,
        changes.aligned(texts, route.flow.key_text(changes.keys)),
        twins,
    )


def look_at_target(
    session: Session, route: Route, query: Query, translated: pa.Table
) -> TargetState:
    """As `lock_target`, for a dry run: nothing is locked, no own changes are looked for."""
    rows, found, twins = counterparts(session, route, query, translated)
    no = constant(False, translated.num_rows)
    return TargetState(rows, found, no, _unchanged(route, translated), twins)


def empty_target(route: Route, translated: pa.Table) -> TargetState:
    """Of n rows that are promised to be new; its `rows` have no columns."""
    n = translated.num_rows
    no = constant(False, n)
    return TargetState(pa.table({"": pa.nulls(n)}), no, no, _unchanged(route, translated), no)


def _unchanged(route: Route, translated: pa.Table) -> Changes:
    keys = translated.schema.empty_table().select(list(route.flow.key))
    none = no_changes(keys.schema.remove_metadata())
    return none.take(pa.nulls(translated.num_rows, pa.int64()))


@lru_cache(maxsize=256)
def no_changes(keys: pa.Schema) -> Changes:
    """No changes at all, of keys with this schema."""
    return changes_of(Entries.empty(keys))
