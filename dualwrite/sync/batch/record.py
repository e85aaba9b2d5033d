"""What a batch leaves behind in its transaction: journal records, queue entries, inbox ids.

Conflicts and held rows are journalled before the commit, idempotent by key and version: a crash
between the two leaves a line too many in the journal, which the next try replaces, and never a
row that was set aside or overwritten without a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import Op, changed_text
from dualwrite.apps.transactions import Writing
from dualwrite.errors import AppBusyError
from dualwrite.journal.records import BatchRecord, Conflict
from dualwrite.sync.batch.batch import Batch, BatchContext, RowsFrom, numbers_of
from dualwrite.sync.batch.decide import Policy
from dualwrite.sync.batch.held import Held
from dualwrite.sync.batch.held_changes import only_held
from dualwrite.sync.batch.outcomes import ENDED_WELL, Mask, Outcome, constant, marked, some
from dualwrite.sync.batch.stated import Stated
from dualwrite.sync.capture.changes import renewed
from dualwrite.sync.capture.queues import begun_in
from dualwrite.sync.routes.route import Route

_RECORDS = count(1)
"""Of one worker; the epoch before it grows from worker to worker."""


def record_journal(
    context: BatchContext, route: Route, conflicts: Sequence[Conflict], held: Held
) -> None:
    """Journal conflicts and held rows, if this context records them."""
    if not context.recording:
        return
    journal, name = context.session.journal, route.table_map.name
    if conflicts:
        journal.conflicts.record(name, conflicts)
        context.recorded.extend(each.token for each in conflicts)
    if held.rejected or held.parked:
        share = BatchRecord(rejected=held.rejected, parked=held.parked)
        journal.held.record(name, {route.source.direction: share})


def record_applied(context: BatchContext, writing: Writing, batch: Batch) -> None:
    """Note in the target's inbox the entries of the rows that ended well."""
    capture = context.captures.get(batch.route.source)
    if capture is not None and batch.entries is not None:
        ended_well = batch.outcomes.among(*ENDED_WELL)
        stamp = context.stamps[batch.route.source] = (context.epoch << 32) + next(_RECORDS)
        writing.record_applied(capture.queue, batch.entries.ids_of(ended_well), stamp)


def record_begun(context: BatchContext, writing: Writing, batch: Batch) -> None:
    """Note in the target's inbox the entries of which only late lookups are left to carry.

    A worker that comes to them again carries those lookups alone: what somebody has changed in the
    row meanwhile is no conflict with what was there already.
    """
    source = batch.route.source
    capture = context.captures.get(source)
    if capture is not None and batch.entries is not None:
        ids = batch.entries.ids_of(batch.outcomes.among(*ENDED_WELL))
        context.begun[source] = pa.concat_arrays([context.begun[source], ids])
        writing.record_applied(begun_in(capture.queue), context.begun[source])


def close_conflicts(
    context: BatchContext, writing: Writing, batch: Batch, conflicts: Mask, stated: Stated
) -> None:
    """Acknowledge the target's own entries of conflicts; queue what they still have to carry.

    That is what the target's side won, and what it alone knows.
    """
    target, decision = batch.target, batch.decision
    capture = context.captures.get(batch.route.target)
    if capture is None or not some(conflicts):
        return
    # where its delete won, that is what has to cross
    delete_won = pc.and_not(pc.invert(target.found), pc.or_(decision.write, decision.ask))
    closed = pc.and_not(conflicts, delete_won)
    context.close(writing, batch.route.target, target.changes.ids_of(closed))
    if some(came := pc.and_(closed, renewed(target.changes))):
        context.came[batch.route.target].append(target.changes.filter(came))
    pieces = [
        pc.if_else(mask, changed_text(sorted(stated.targets.get(name, ()))), "")
        for name, mask in decision.back.items()
    ]
    pieces += [
        pc.if_else(target.changes.touches([column]), changed_text([column]), "")
        for column in stated.target_alone
    ]
    if not pieces:
        return
    changed: Any = pieces[0] if len(pieces) == 1 else pc.binary_join_element_wise(*pieces, "")
    remain = pc.and_(pc.and_not(closed, decision.ask), pc.not_equal(changed, ""))
    keys = batch.target_keys.filter(remain)
    writing.enqueue(capture, keys, op=Op.UPDATE, changed=changed.filter(remain))


def requeue_new(context: BatchContext, writing: Writing, batch: Batch, stated: Stated) -> None:
    """Queue values that the target's app alone knows of a row that is new to this map."""
    capture = context.captures.get(batch.route.target)
    if capture is None or not stated.target_alone or batch.entries is None:
        return
    wanted = marked(batch.ready.numbers, len(batch))
    new = pc.if_else(batch.target.found, batch.entries.changed.is_null(), wanted)
    new = pc.and_(new, batch.outcomes.among(Outcome.WRITTEN, Outcome.UNCHANGED))
    if some(new):
        keys = batch.target_keys.filter(new)
        changed = changed_text(stated.target_alone)
        writing.enqueue(capture, keys, op=Op.REQUEUED, changed=changed)


def queue_altered(context: BatchContext, writing: Writing, batch: Batch, stated: Stated) -> None:
    """Queue the values that the target's own triggers gave to rows that we wrote.

    They are a change of the target, which goes back like any other.  Of rows that cross only
    because we asked they stay as they are: two apps that each spell the other's values anew
    would never end.
    """
    capture = context.captures.get(batch.route.target)
    if capture is None or not batch.written.altered:
        return
    back = sorted({name for names in stated.targets.values() for name in names})
    for altered in batch.written.altered:
        numbers, changed = altered.numbers, altered.changed
        touched: Any = pa.repeat(pa.scalar(value=False), len(numbers))
        for name in back:
            named = pc.match_substring(changed, changed_text([name]))
            touched = pc.or_(touched, named)
        if batch.entries is not None and batch.rows_from is RowsFrom.QUEUE:
            touched = pc.and_not(touched, batch.entries.ours.take(numbers))
        if some(touched):
            keys = batch.target_keys.take(numbers.filter(touched))
            writing.enqueue(capture, keys, op=Op.UPDATE, changed=changed.filter(touched))


def bring_back(context: BatchContext, writing: Writing, batch: Batch, back: Mask) -> None:
    """Queue whole rows of the target in its own queue: their side won over a delete."""
    capture, numbers = context.captures[batch.route.target], numbers_of(back)
    keys = batch.target.rows.select([str(path) for path in capture.key]).take(numbers)
    writing.enqueue(capture, keys, op=Op.UPDATE)


def leave_to_cycle(context: BatchContext, writing: Writing, batch: Batch, policy: Policy) -> None:
    """Queue what is a cycle's to carry: the next one does.

    That is what an application holds locked, and a held row of which the journal holds the same
    columns of the target: a cycle knows of conflicts.  Of a row that is held, what waited; of a
    table, the whole row, at the side that `policy` lets win, or at both where that is not known
    yet: then it is a conflict.

    Raises:
        AppBusyError: There is no queue to leave it in, or only blanks may be filled, which a cycle
            does not know; nothing of this batch is written then.
    """
    left, route = batch.outcomes.among(Outcome.LOCKED), batch.route
    capture = context.captures.get(route.target)
    if batch.rows_from is RowsFrom.HELD:
        stays = batch.outcomes.among(Outcome.STAYS_HELD)
        left = pc.or_(left, pc.and_(stays, only_held(batch.target.changes)))
    mine, theirs = left, constant(False, len(batch))
    if batch.rows_from is RowsFrom.TABLE and capture is not None:
        # a row of whose entity others are locked may be new there: it has nothing to say
        there, winner = pc.and_(left, batch.target.locked), policy.whole.value
        mine = pc.and_not(left, there) if winner == route.target.value else left
        theirs = theirs if winner == route.source.value else there
    if some(mine):
        entries = batch.entries
        changed = None if entries is None else entries.changed.filter(mine)
        queue_at_source(context, route, batch.rows.filter(mine), changed)
    if capture is not None and some(theirs):
        if policy.fill_blanks:
            raise _busy(route)
        writing.enqueue(capture, batch.target_keys.filter(theirs), op=Op.UPDATE)


def queue_at_source(
    context: BatchContext,
    route: Route,
    rows: pa.Table,
    changed: pa.Array | None = None,
    *,
    op: Op = Op.UPDATE,
) -> None:
    """Add entries for rows to their own side's queue, as if their app had changed them now."""
    capture, source = context.captures.get(route.source), route.source
    if capture is None:
        raise _busy(route)
    keys = rows.select(list(route.flow.source_key))
    with context.session.apps[source].writing(context.origin(route, source)) as writing:
        writing.enqueue(capture, keys, op=op, changed=changed)


def _busy(route: Route) -> AppBusyError:
    reason = "rows to be written are locked by an application"
    return AppBusyError(app=route.target.value, table=route.target_table, reason=reason)
