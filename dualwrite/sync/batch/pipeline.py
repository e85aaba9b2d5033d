"""One pipeline for every batch: initial sync, cycle, retry, repair and writes of both sides.

    translate -> gate -> inspect target -> decide -> resolve lookups -> gate -> write -> record

Each stage takes a `Batch` and returns a new one.  Every row ends in exactly one `Outcome`; the
counts are counts of that column.  A job (`initial`, `cycle`, `retry`, ...) chooses the rows, the
policy and which rows it takes, and contains no stage
(docs/decisions/0010-one-pipeline-one-outcome.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.transactions import Writing, Written
from dualwrite.apps.unreadable import any_unreadable, unreadable_of
from dualwrite.gate_column import TWIN, UNREADABLE_TARGET
from dualwrite.journal.records import Rejection
from dualwrite.rules import Readable, Verdict, judge
from dualwrite.sync.batch.batch import (
    Batch,
    BatchContext,
    Carrying,
    Ready,
    RowsFrom,
    Takes,
    numbers_of,
    where,
)
from dualwrite.sync.batch.bisect import bisect
from dualwrite.sync.batch.conflicts import conflicts_of
from dualwrite.sync.batch.dated import Histories, dated_target
from dualwrite.sync.batch.decide import decide
from dualwrite.sync.batch.held import REFUSED, Held, Refused, hold, waiting_columns
from dualwrite.sync.batch.held_changes import only_held
from dualwrite.sync.batch.keys import keys_of, plain_rows
from dualwrite.sync.batch.optimistic import OptimisticUpdate
from dualwrite.sync.batch.outcomes import Outcome, constant, marked, some
from dualwrite.sync.batch.record import (
    close_conflicts,
    leave_to_cycle,
    queue_altered,
    record_applied,
    record_begun,
    record_journal,
    requeue_new,
)
from dualwrite.sync.batch.results import BatchResult, log_batch, result_of
from dualwrite.sync.batch.stated import Stated
from dualwrite.sync.batch.target import TargetState, empty_target, lock_target, look_at_target
from dualwrite.sync.batch.twins import hold_target_twins, hold_twins, twins_noted
from dualwrite.sync.batch.writing import WriteResult, replace_columns, write_changes, write_whole
from dualwrite.sync.routes.limits import Limit
from dualwrite.sync.routes.reading import only_needed, reading
from dualwrite.sync.routes.route import Route
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.periods import dated_of
from dualwrite.translate.keys import key_text
from dualwrite.translate.rows import translate


class Pipeline:
    """Carries batches along one route of a map; made once, shared by the threads of a job.

    `back` is the route of the other direction, where the map has one.
    """

    def __init__(
        self, context: BatchContext, route: Route, back: Route | None, carrying: Carrying
    ) -> None:
        self.context, self.route, self.back, self.carrying = context, route, back, carrying
        self.stated = Stated(route, back)
        self.dated = dated_target(context.session, route)
        self.query = reading(context.session, route.table_map, route.target, filtered=False)
        clean = carrying.takes is Takes.CLEAN
        if clean:
            self.query = only_needed(self.query, route.flow.targets)
        # a row that is there is found again by its own key, whatever that is looked up from
        own = tuple(ColumnPath((name,)) for name in route.written_key)
        self.query = replace(self.query, columns=tuple(dict.fromkeys((*self.query.columns, *own))))
        self._optimistic = OptimisticUpdate(context, route, self.stated) if clean else None
        self._limit = Limit.of(route.table_map)

    def carry(self, batch: Batch, *, logged: bool = True) -> Iterator[BatchResult]:
        """Carry a batch in a transaction of its own; one result, unless its commit is refused.

        Then the batch is halved until the refused rows stand alone: a result for each part.  A
        part begins when the result before it was taken: its entries are acknowledged by then, so
        that the inbox need not hold them any longer.

        What an application changes meanwhile is left to the next cycle: its values stay, and
        a row that it holds locked stays in the queue, or is put into it.

        Args:
            batch: The rows.
            logged: Whether each result has a line in the log: not where another batch has it.

        Raises:
            TransientError, PermanentError: From the apps; nothing of this batch was written, or
                what was is whole and comes out `UNCHANGED` next time.
        """

        def attempt(low: int, high: int) -> BatchResult:
            started = time.perf_counter()
            result = self._carry(self._part(batch, low, high))
            if logged:
                log_batch(self.context, result, started)
            return result

        refused: list[Rejection] = []

        def refuse(number: int, reason: str) -> BatchResult:
            part = self._refused_at_commit(batch.part(number, number + 1), reason)
            refused.extend(part.held.rejected)
            self._guard(refused, len(batch))
            result = self._result(part)
            log_batch(self.context, result, time.perf_counter())
            return result

        return bisect(len(batch), attempt, refuse)

    def _carry(self, batch: Batch) -> BatchResult:
        batch = self._gate_source(self._translate(batch))
        with self.context.transaction(self.route) as writing:
            batch = self._carry_in(writing, batch)
        return self._result(batch)

    def _part(self, batch: Batch, low: int, high: int) -> Batch:
        """A part of a batch, in which the twins that the rest has are known."""
        noted = TWIN in batch.rows.column_names or dated_of(self.route.table_map) is not None
        if high - low < len(batch) and not noted:
            keys = key_text(batch.rows, self.route.flow.source_key)
            batch = replace(batch, rows=twins_noted(batch.rows, keys))
        return batch.part(low, high)

    def _refused_at_commit(self, batch: Batch, reason: str) -> Batch:
        """Hold a row whose transaction the app does not commit."""
        refused = Rejection(
            keys_of(batch.rows.select(list(self.route.flow.source_key)))[0],
            REFUSED,
            f"the commit is refused: {reason}",
            plain_rows(batch.rows)[0],
            changed=None if batch.entries is None else batch.entries.names()[0],
        )
        batch = replace(batch, held=Held((refused,)))
        batch = replace(batch, outcomes=batch.outcomes.end_rest(Outcome.REJECTED))
        record_journal(self.context, self.route, [], batch.held)
        return batch

    def _result(self, batch: Batch) -> BatchResult:
        return result_of(batch, late=self.carrying.late, last=self.carrying.last)

    def carry_within(self, writing: Writing, batch: Batch) -> BatchResult:
        """As `carry`, in a transaction that the caller began with the context's origin."""
        batch = self._gate_source(self._translate(batch))
        return result_of(self._carry_in(writing, batch))

    def carry_decided(self, batch: Batch) -> Iterator[Batch]:
        """Carry a batch that is translated and decided already: the way back of another.

        Raises:
            As `carry`.
        """
        return bisect(
            len(batch),
            lambda low, high: self._carry_decided(batch.part(low, high)),
            lambda number, reason: self._refused_at_commit(batch.part(number, number + 1), reason),
        )

    def _carry_decided(self, batch: Batch) -> Batch:
        rules = (*self.route.source_rules, *self.route.target_rules)
        with self.context.transaction(self.route) as writing:
            batch = self._inspect_target(writing, batch)
            batch, histories = self._inspect_histories(writing, batch)
            batch = self._gate_target(self._resolve_lookups(batch), rules)
            batch = self._write(writing, batch, histories)
        batch.outcomes.check()
        return batch

    def _carry_in(self, writing: Writing | None, batch: Batch) -> Batch:
        if self._optimistic and writing and self._optimistic.update(writing, batch):
            batch = replace(
                batch,
                outcomes=batch.outcomes.end_rest(Outcome.WRITTEN),
                written=Written(updated=len(batch)),
            )
            self._record_applied(writing, batch)
            return batch
        batch = self._decide(self._inspect_target(writing, batch))
        batch, histories = self._inspect_histories(writing, batch)
        batch = self._gate_target(self._resolve_lookups(batch), self.route.target_rules)
        batch = self._write(writing, batch, histories)
        self._record(writing, batch)
        return batch

    # Stages

    def _translate(self, batch: Batch) -> Batch:
        return replace(batch, translated=translate(batch.rows, self.route.flow))

    def _gate_source(self, batch: Batch) -> Batch:
        rules = self.route.source_rules
        verdict = self.context.gate(self.route, batch.translated, rules)
        return hold_twins(replace(batch, verdict=verdict))

    def _inspect_target(self, writing: Writing | None, batch: Batch) -> Batch:
        """Lock and read the counterparts; the rows that this job does not take end here."""
        state = self._target_state(writing, batch)
        batch = hold_target_twins(_with_unreadable_target(replace(batch, target=state)))
        takes = self.carrying.takes
        others, rest = takes.others(state), takes.rest
        if takes is Takes.UNMOVED and some(others):
            # what the journal holds of other columns may wait on
            apart = pc.and_not(only_held(state.changes), self.stated.by_both(batch))
            others = pc.and_not(others, apart)
        wider = rest is Outcome.NEEDS_WIDER_ROUTE
        if not wider:
            batch = batch.end(others, rest)
        batch = batch.end(state.locked, Outcome.LOCKED)
        if batch.rows_from is not RowsFrom.HELD and not self.carrying.overrides:
            # what only we asked for is no reason to bring back what was deleted meanwhile
            asked_by_us = (
                constant(True, len(batch)) if batch.entries is None else batch.entries.ours
            )
            batch = batch.end(pc.and_(asked_by_us, state.deleted), Outcome.SUPERSEDED)
        return batch.end(others, rest) if wider else batch

    def _target_state(self, writing: Writing | None, batch: Batch) -> TargetState:
        route, context = self.route, self.context
        if self.carrying.fresh:
            return empty_target(route, batch.translated)
        if writing is None and self.carrying.takes is Takes.UNTOUCHED:
            # it was read on this side
            state = empty_target(route, batch.translated)
            return replace(state, found=constant(True, len(batch)))
        if writing is None:
            return look_at_target(context.session, route, self.query, batch.translated)
        capture, held = context.captures.get(route.target), context.held.get(route.target)
        return lock_target(writing, route, self.query, batch.translated, capture, held=held)

    def _decide(self, batch: Batch) -> Batch:
        policy = self.carrying.policy
        decision = decide(self.stated.both(batch, self.carrying), policy, self.route.source)
        batch = replace(batch, decision=decision).end(decision.ask, Outcome.WAITS_FOR_PERSON)
        wanted = pc.or_(decision.write, pc.invert(batch.verdict.passed))
        return batch.end(pc.invert(wanted), Outcome.UNCHANGED)

    def _inspect_histories(
        self, writing: Writing | None, batch: Batch
    ) -> tuple[Batch, Histories | None]:
        """Of dated rows, lock and read all that the target holds of their entities."""
        if self.dated is None:
            return batch, None
        if self.carrying.fresh:
            return batch, self.dated.nothing(batch.translated)
        histories = self.dated.look(writing, batch.translated, batch.outcomes.open)
        return batch.end(histories.locked, Outcome.LOCKED), histories

    def _resolve_lookups(self, batch: Batch) -> Batch:
        """The rows to write, or to hold, with the references of their lookups."""
        wanted, passed = batch.outcomes.open, batch.verdict.passed
        rows = batch.translated
        decided = batch.decision.target
        if batch.verdict.failures:
            # a row that failed is held as it came, whatever was decided of it
            own = rows.select(decided.column_names)
            columns = [
                pc.if_else(passed, decided[name], own[name]) for name in decided.column_names
            ]
            decided = pa.table(columns, names=decided.column_names)
        ready = replace_columns(where(rows, wanted), where(decided, wanted))
        known: Mapping[str, pa.ChunkedArray] = {}
        if self.carrying.takes is Takes.CLEAN:
            held = batch.target.rows
            known = {name: held[name].filter(wanted) for name in self.route.written_key}
        ready = self.context.finder.fill_in(ready, self.route, known)
        verdict = batch.verdict.filter(wanted)
        return replace(batch, ready=Ready(ready, numbers_of(wanted), verdict))

    def _gate_target(self, batch: Batch, rules: Any) -> Batch:
        """Judge what is about to be written by the rules of the target."""
        ready = batch.ready
        verdict = self.context.gate(self.route, ready.rows, rules)
        return replace(batch, ready=replace(ready, verdict=ready.verdict.join(verdict)))

    def _write(self, writing: Writing | None, batch: Batch, histories: Histories | None) -> Batch:
        """Write the rows that passed; every row has an outcome then."""
        ready, n = batch.ready, len(batch)
        verdict, result = self._write_by_strategy(writing, batch, histories)
        batch = replace(batch, written=result.written.at(ready.numbers))
        refused = pa.array(list(result.refused), pa.int64())
        raced = pa.array(result.raced, pa.int64())
        for numbers, outcome in (
            (raced, Outcome.LOCKED),
            (refused, Outcome.REJECTED),
            (numbers_of(verdict.parked), Outcome.PARKED),
            (numbers_of(pc.invert(verdict.passed)), Outcome.REJECTED),
        ):
            batch = batch.end(marked(ready.numbers.take(numbers), n), outcome)
        batch = replace(batch, outcomes=batch.outcomes.end_rest(Outcome.WRITTEN))
        if self.context.dry_run:
            would = ready.rows.filter(batch.outcomes.among(Outcome.WRITTEN).take(ready.numbers))
            self.context.finder.add_unwritten(self.route.target, self.route.target_table, would)
        return self._hold(batch, verdict, result.refused)

    def _hold(self, batch: Batch, verdict: Verdict, refused: Mapping[int, str | Refused]) -> Batch:
        """Describe the rows that are held back."""
        if not verdict.failures and not refused:
            return batch
        numbers, changed = batch.ready.numbers, batch.changed_text
        if batch.rows_from is not RowsFrom.QUEUE:
            decision = batch.decision
            # what cannot be translated waits with the whole row
            known = pc.and_(batch.target.found, batch.verdict.passed)
            changed = waiting_columns(self.route, decision.forward, known)
        held = hold(
            self.route,
            batch.rows.take(numbers),
            batch.ready.rows,
            verdict,
            refused,
            None if changed is None else changed.take(numbers),
        )
        return replace(batch, held=held)

    def _write_by_strategy(
        self, writing: Writing | None, batch: Batch, histories: Histories | None
    ) -> tuple[Verdict, WriteResult]:
        """Write by the strategy that fits the rows; dated ones beside what the target holds."""
        ready, dated = batch.ready, self.dated
        if dated is None or histories is None:
            return ready.verdict, self._write_rows(writing, batch, ready.verdict)
        if dated.writes_by_mode:
            capture = self.context.captures.get(self.route.target)
            by_start = batch.rows_from is not RowsFrom.QUEUE
            result = dated.write(
                writing, ready.rows, ready.verdict.passed, histories, capture, by_start=by_start
            )
            return ready.verdict, result
        verdict, unsound = dated.judged(self.context.gate, ready.rows, ready.verdict, histories)
        result = self._write_rows(writing, batch, verdict)
        result.refused |= unsound
        # the reason of an unsound row is in `unsound`
        return ready.verdict, result

    def _write_rows(self, writing: Writing | None, batch: Batch, verdict: Verdict) -> WriteResult:
        ready, route, passed = batch.ready, self.route, verdict.passed
        present = self.carrying.takes in (Takes.PRESENT, Takes.UNTOUCHED)
        if writing is None:
            n = pc.sum(passed).as_py() or 0
            return WriteResult(Written(updated=n) if present else Written(inserted=n))
        if batch.rows_from is not RowsFrom.QUEUE:
            fresh = self.carrying.fresh
            return write_whole(writing, route, ready.rows, passed, fresh=fresh, present=present)
        found = batch.target.found.take(ready.numbers)
        changing = batch.decision.changing
        result = write_changes(writing, route, ready.rows, passed, found, changing)
        new = [number for number in result.refused if not found[number].as_py()]
        result.raced = self._raced(writing, ready.rows, new)
        for number in result.raced:
            del result.refused[number]
        return result

    def _raced(self, writing: Writing, ready: pa.Table, refused: list[int]) -> list[int]:
        """Which refused inserts were refused because the row is there meanwhile."""
        if not refused:
            return []
        again = lock_target(writing, self.route, self.query, ready.take(refused), None)
        there = pc.or_(again.found, again.locked).to_pylist()
        return [number for number, is_there in zip(refused, there, strict=True) if is_there]

    def _record(self, writing: Writing | None, batch: Batch) -> None:
        """Leave in the journal, the queues and the inbox what the outcomes ask for."""
        batch.outcomes.check()
        if writing is None:
            return
        conflicts, found = batch.conflicts, []
        if some(conflicts):
            found = conflicts_of(batch, conflicts, self.carrying.policy, self._job)
        if batch.rows_from is not RowsFrom.QUEUE:
            # what is held of a table is recorded by the job, part by part
            record_journal(self.context, self.route, found, Held())
            leave_to_cycle(self.context, writing, batch, self.carrying.policy)
            queue_altered(self.context, writing, batch, self.stated)
            return
        self._guard(batch.held.rejected, batch.of)
        record_journal(self.context, self.route, found, batch.held)
        close_conflicts(self.context, writing, batch, conflicts, self.stated)
        requeue_new(self.context, writing, batch, self.stated)
        queue_altered(self.context, writing, batch, self.stated)
        self._record_applied(writing, batch)

    @property
    def _job(self) -> str:
        """This job and pass, as the conflicts of a table name it: the same when it is continued."""
        context = self.context
        job = f"epoch {context.epoch}" if context.run is None else f"run {context.run}"
        return f"{job}:{self.carrying.takes.name}" + (":late" if self.carrying.late else "")

    def _guard(self, rejected: Sequence[Rejection], rows: int) -> None:
        """Stop where a map rejects too many of its changes; late lookups were counted before."""
        if self.context.recording and self._limit is not None and not self.carrying.late:
            self._limit.guard_batch(rejected, rows)

    def _record_applied(self, writing: Writing, batch: Batch) -> None:
        record = record_applied if self.carrying.last else record_begun
        record(self.context, writing, batch)


def _with_unreadable_target(batch: Batch) -> Batch:
    """Reject the rows whose counterpart has values that cannot be read: it stays as it is."""
    if not any_unreadable(batch.target.rows):
        return batch
    noted = unreadable_of(batch.target.rows)
    translated = batch.translated.append_column(UNREADABLE_TARGET, noted)
    verdict = judge(translated, [Readable(column=UNREADABLE_TARGET)])
    return replace(batch, translated=translated, verdict=batch.verdict.join(verdict))
