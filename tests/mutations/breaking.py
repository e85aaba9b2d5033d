"""Mutations of the engine, and the tests that must detect them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.memory import app as memory
from dualwrite.apps.memory import writing as memory_writing
from dualwrite.sync.batch import dated, pipeline
from dualwrite.sync.batch import decide as decision
from dualwrite.sync.batch.batch import BatchContext
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.cycle import direction, runner
from dualwrite.sync.routes import reading

CYCLE, CONFLICTS = "tests/sync/test_cycle.py", "tests/sync/test_conflicts.py"
OPTIMISTIC = "tests/sync/test_optimistic_update.py"
DATED, PROJECTIONS = "tests/sync/test_dated.py", "tests/sync/test_projections.py"
CONTRACT = "tests/apps/test_capture_contract.py"


@dataclass(frozen=True)
class Mutation:
    """One way: what it does to the engine, and where that must show."""

    name: str
    apply: Callable[[], None]
    tests: str
    only: str
    """The tests' names, as `pytest -k` takes them."""


def _put(owner: Any, name: str, value: Any, *, of_instances: bool = False) -> None:
    if not of_instances:
        getattr(owner, name)  # one that has moved would break nothing
    setattr(owner, name, value)


def _no_inbox() -> None:
    _put(pipeline, "record_applied", lambda *_: None)


def _no_look() -> None:
    look = memory_writing.MemoryWriting.entries
    _put(memory_writing.MemoryWriting, "entries", lambda self, *a: look(self, *a).slice(0, 0))


def _never_taken_back() -> None:
    _put(memory_writing.MemoryWriting, "attempt", lambda _, work: work() or True)


def _no_snapshot() -> None:
    live = property(lambda self: self._store.state, lambda self, _: None)
    _put(memory.MemorySnapshot, "_state", live, of_instances=True)


def _acknowledge_by_maximum() -> None:
    acknowledge = memory.MemoryApp.acknowledge_ranges

    def all_below(self: Any, queue: str, ids: Any) -> int:
        return acknowledge(self, queue, [(0, pc.max(ids).as_py() or 0)])

    _put(memory.MemoryApp, "acknowledge", all_below)


def _not_silent() -> None:
    origin = BatchContext.origin
    _put(BatchContext, "origin", lambda *a: replace(origin(*a), queue=None))


def _nothing_journalled() -> None:
    _put(pipeline, "record_journal", lambda *_: None)


def _deletes_first() -> None:
    upserts = direction.DirectionWorker.carry_upserts

    def eager(self: Any, snapshot: Any) -> None:
        upserts(self, snapshot)
        self.carry_deletes()

    _put(direction.DirectionWorker, "carry_upserts", eager)


def _loser_wins() -> None:
    wins = decision._wins
    _put(decision, "_wins", lambda *a: pc.invert(wins(*a)))


def _every_column() -> None:
    _put(Changes, "touches", lambda self, _: pa.repeat(pa.scalar(value=True), len(self)))


def _forget_first() -> None:
    carry = direction.DirectionWorker.carry

    def hasty(self: Any, snapshot: Any, changes: Any, *rest: Any, **more: Any) -> None:
        self.acknowledge(changes.ids)
        carry(self, snapshot, changes, *rest, **more)

    _put(direction.DirectionWorker, "carry", hasty)


def _no_guard() -> None:
    _put(runner.CycleRunner, "_guard", lambda *_: None)


def _unsettled() -> None:
    _put(pipeline, "close_conflicts", lambda *_: None)


def _any_epoch() -> None:
    writing = memory.MemoryApp.writing

    @contextmanager
    def unfenced(self: Any, origin: Any = None) -> Iterator[Any]:
        newest = None if origin is None else replace(origin, epoch=2**60)
        with writing(self, newest) as transaction:
            yield transaction

    _put(memory.MemoryApp, "writing", unfenced)


def _by_themselves() -> None:
    look = dated.DatedTarget.look

    def blind(self: Any, *asked: Any) -> dated.Histories:
        found = look(self, *asked)
        return replace(found, rows=found.rows.slice(0, 0))

    _put(dated.DatedTarget, "look", blind)


def _nobody_follows() -> None:
    _put(runner, "held_beside", lambda _: [])


def _nothing_returns() -> None:
    _put(dated.DatedTarget, "_requeue", lambda *_: None)


def _at_noon() -> None:
    _put(dated.DatedTarget, "_days", lambda self, _, passed: [(self._session.now(), passed)])


def _show_all() -> None:
    _put(reading, "valid_now", lambda kept, *_: kept)


MUTATIONS = (
    Mutation("drop the inbox", _no_inbox, CYCLE, "before_a_crash"),
    Mutation("skip the look under the lock", _no_look, CONFLICTS, "one_side_wins"),
    Mutation("let an update at once stand", _never_taken_back, OPTIMISTIC, "other_side_changed"),
    Mutation("read without a snapshot", _no_snapshot, CONTRACT, "one_moment"),
    Mutation("acknowledge by maximum id", _acknowledge_by_maximum, CONTRACT, "exact_ids"),
    Mutation("queue our own writes", _not_silent, CYCLE, "does_not_come_back or has_nothing_to_do"),
    Mutation("journal nothing that is held", _nothing_journalled, CYCLE, "rejected_row_waits"),
    Mutation("ignore the epoch", _any_epoch, CONTRACT, "epoch"),
    Mutation("delete before everything is written", _deletes_first, CYCLE, "parents_go_after"),
    Mutation("give the loser the win", _loser_wins, CONFLICTS, "one_side_wins"),
    Mutation("write every column", _every_column, CYCLE, "only_the_columns"),
    Mutation("forget before the commit", _forget_first, CYCLE, "app_that_is_away"),
    Mutation("copy an emptied side", _no_guard, CYCLE, "emptied_is_refused"),
    Mutation("leave a decided conflict queued", _unsettled, CONFLICTS, "where_rows_win"),
    Mutation("judge dated rows by themselves", _by_themselves, DATED, "the_target_holds_waits"),
    Mutation("forget who waits for a neighbour", _nobody_follows, DATED, "the_target_holds_waits"),
    Mutation("keep what a mode has closed", _nothing_returns, DATED, "closes_the_former_one"),
    Mutation("split a day at noon", _at_noon, DATED, "in_the_erp_is_written"),
    Mutation("show what is to come", _show_all, PROJECTIONS, "future_row_shows"),
)
