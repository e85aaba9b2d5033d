"""Deletes: the pipeline of keys that are gone from the source.

A row that its own side has changed since is a conflict: either it goes after all, or it is
brought back, or it waits for a person.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Writing, Written
from dualwrite.journal.records import Rejection
from dualwrite.rules.judging import weigh
from dualwrite.sync.batch.batch import Batch, RowsFrom, numbers_of
from dualwrite.sync.batch.bisect import bisect
from dualwrite.sync.batch.conflicts import delete_conflicts_of
from dualwrite.sync.batch.dated import Histories
from dualwrite.sync.batch.decide import Both, decide_deletes
from dualwrite.sync.batch.held import REFUSED, Held, Refused
from dualwrite.sync.batch.keys import keys_of, plain_rows
from dualwrite.sync.batch.outcomes import Outcome, marked, some
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.record import bring_back, record_applied, record_journal
from dualwrite.sync.batch.results import BatchResult, log_batch, result_of
from dualwrite.sync.batch.stated import newer
from dualwrite.sync.batch.target import lock_target
from dualwrite.sync.batch.writing import delete_rows
from dualwrite.sync.capture.changes import Changes
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.rows import translate


class DeletePipeline:
    """Deletes rows of one route's target; made from the pipeline that carries the route's rows."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._route, self._context = pipeline, pipeline.route, pipeline.context
        schema = self._context.session.schema(self._route.target, self._route.target_table)
        self.identity = schema.primary_key or next(iter(schema.unique), ())
        own = [ColumnPath((name,)) for name in self.identity]
        columns = tuple(dict.fromkeys((*pipeline.query.columns, *own)))
        self.query: Query = replace(pipeline.query, columns=columns)

    def carry(self, entries: Changes) -> Iterator[BatchResult]:
        """Delete the counterparts of n keys that are gone from the source.

        One result, unless the commit is refused: then the keys are halved, as rows are.  A part
        begins when the result before it was taken.

        Raises:
            TransientError, PermanentError: Nothing was deleted.
        """
        return bisect(
            len(entries),
            lambda low, high: self._carry(self._batch(entries, low, high)),
            lambda number, why: self._refused_at_commit(
                self._batch(entries, number, number + 1), why
            ),
        )

    def _batch(self, entries: Changes, low: int, high: int) -> Batch:
        part = Batch(self._route, entries.keys, RowsFrom.QUEUE, entries).part(low, high)
        translated = translate(part.rows, self._route.key_flow)
        return replace(part, translated=translated, verdict=weigh(len(part), []))

    def _carry(self, batch: Batch) -> BatchResult:
        started = time.perf_counter()
        context = self._context
        with context.transaction(self._route) as writing:
            assert writing is not None  # a dry run deletes nothing
            batch, histories = self._inspect(writing, batch)
            batch = self._decide(batch)
            batch = self._write(writing, batch, histories)
            batch.outcomes.check()
            self._record(writing, batch)
        result = result_of(batch)
        log_batch(context, result, started)
        return result

    def _refused_at_commit(self, batch: Batch, reason: str) -> BatchResult:
        """Hold a key whose delete the app does not commit."""
        batch = replace(batch, held=self._held(batch.rows, batch.rows, {0: reason}))
        batch = replace(batch, outcomes=batch.outcomes.end_rest(Outcome.REJECTED))
        record_journal(self._context, self._route, [], batch.held)
        result = result_of(batch)
        log_batch(self._context, result, time.perf_counter())
        return result

    def _inspect(self, writing: Writing, batch: Batch) -> tuple[Batch, Histories | None]:
        route, context, dated = self._route, self._context, self._pipeline.dated
        state = lock_target(
            writing,
            route,
            self.query,
            batch.translated,
            context.captures.get(route.target),
            deleting=True,
            held=context.held.get(route.target),
        )
        histories, locked = None, state.locked
        if dated is not None and dated.writes_by_mode:
            histories = dated.look(writing, state.rows)
            locked = pc.or_(locked, histories.locked)
        return replace(batch, target=state).end(locked, Outcome.LOCKED), histories

    def _decide(self, batch: Batch) -> Batch:
        policy, target = self._pipeline.carrying.policy, batch.target
        there = pc.and_(target.found, batch.outcomes.open)
        changed = pc.and_(there, target.changed)
        both = Both(
            pa.table({}),
            pa.table({}),
            there,
            changed,
            {},
            {},
            newer(self._route, batch.rows, batch.entries, target, policy.tie),
            (),
        )
        decision = decide_deletes(both, policy, self._route.source)
        batch = replace(batch, decision=decision).end(decision.ask, Outcome.WAITS_FOR_PERSON)
        return batch.end(pc.invert(decision.write), Outcome.UNCHANGED)

    def _write(self, writing: Writing, batch: Batch, histories: Histories | None) -> Batch:
        dated, target = self._pipeline.dated, batch.target
        open_, stretched = batch.outcomes.open, 0
        leaving = numbers_of(pc.and_not(open_, target.twins))
        refused: dict[int, str | Refused]
        if dated is None or histories is None:
            keys = target.rows.select(list(self.identity)).take(leaving)
            refused = delete_rows(writing, self._route.target_table, keys, leaving)
        else:
            capture = self._context.captures.get(self._route.target)
            stretched, stays = dated.delete(writing, target.rows.take(leaving), histories, capture)
            refused = {leaving[place].as_py(): reason for place, reason in stays.items()}
        twins = numbers_of(pc.and_(open_, target.twins)).to_pylist()
        refused |= dict.fromkeys(twins, "more than one row has its key")
        batch = replace(batch, written=Written(updated=stretched))
        batch = batch.end(marked(pa.array(refused, pa.int64()), len(batch)), Outcome.REJECTED)
        batch = replace(batch, outcomes=batch.outcomes.end_rest(Outcome.DELETED))
        return replace(batch, held=self._held(batch.rows, target.rows, refused))

    def _held(self, keys: pa.Table, known: pa.Table, refused: dict[int, str | Refused]) -> Held:
        numbers = pa.array(list(refused), pa.int64())
        rows, names = plain_rows(known.take(numbers)), keys_of(keys.take(numbers))
        side = self._route.target.value
        cure = f"delete what points at it in {side}, then dualwrite errors retry"
        whys = (
            Refused(REFUSED, why, cure=cure) if isinstance(why, str) else why
            for why in refused.values()
        )
        return Held(
            tuple(
                Rejection(key, REFUSED, f"it cannot be deleted: {why.reason}", row, cure=why.cure)
                for key, row, why in zip(names, rows, whys, strict=True)
            )
        )

    def _record(self, writing: Writing, batch: Batch) -> None:
        context, route, decision = self._context, self._route, batch.decision
        conflicts = batch.conflicts
        policy = self._pipeline.carrying.policy
        found = delete_conflicts_of(batch, conflicts, policy) if some(conflicts) else []
        record_journal(context, route, found, batch.held)
        if route.target in context.captures and some(conflicts):
            context.close(writing, route.target, batch.target.changes.ids_of(conflicts))
            bring_back(context, writing, batch, pc.and_(decision.back[""], conflicts))
        record_applied(context, writing, batch)
