from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dualwrite.journal.records import BatchRecord, Counts, PartitionPlan, Rejection, RunOutcome
from dualwrite.journal.runs import RunStore
from dualwrite.journal.store import Journal

THERE = "finops->dataverse"
BACK = "dataverse->finops"


def plan(number: int, direction: str = THERE, phase: int = 1) -> PartitionPlan:
    low = None if number == 0 else (str(number), "ä'b")
    return PartitionPlan(direction, phase, number, ("COMPANY", "ID"), low, (str(number + 1), "x"))


def test_a_run_is_unfinished_until_it_is_finished(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {"master": "finops", "fresh": {"finops": True}})

    assert journal.runs.unfinished("m") == run
    assert journal.runs.unfinished("m", "reconcile") is None
    assert journal.runs.unfinished("another") is None

    journal.runs.finish(run.id, RunOutcome.FAILED, "the disk was full")

    assert journal.runs.unfinished("m") is None
    [ended] = journal.runs.newest("m")
    assert (ended.outcome, ended.reason) == (RunOutcome.FAILED, "the disk was full")
    assert ended.finished_at is not None
    assert ended.finished_at >= run.started_at


def test_a_run_keeps_its_first_outcome(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {})
    journal.runs.finish(run.id, RunOutcome.DONE)

    journal.runs.finish(run.id, RunOutcome.CANCELLED, "too late")

    assert [(each.outcome, each.reason) for each in journal.runs.newest()] == [
        (RunOutcome.DONE, None)
    ]


def test_an_interrupted_run_is_resumed_with_its_options(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {"master": "finops", "fresh": True})

    continued = journal.runs.resume(run.id, {"fresh": False})

    assert continued.options == {"master": "finops", "fresh": False}
    assert journal.runs.unfinished("m") == continued
    journal.runs.finish(run.id, RunOutcome.DONE)
    with pytest.raises(LookupError, match=f"there is no unfinished run {run.id}"):
        journal.runs.resume(run.id)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda runs: runs.finish(99, RunOutcome.DONE), id="finish"),
        pytest.param(lambda runs: runs.plan_partitions(99, [plan(0)]), id="plan partitions"),
    ],
)
def test_an_unknown_run_is_refused(journal: Journal, command: Callable[[RunStore], object]) -> None:
    with pytest.raises(LookupError, match="there is no run 99"):
        command(journal.runs)


def test_the_partitions_of_a_phase_and_direction_are_planned_once(journal: Journal) -> None:
    """A resumed run must continue with the key ranges that it began with."""
    run = journal.runs.start("m", "initial sync", {})
    first = journal.runs.plan_partitions(run.id, [plan(1), plan(0)])

    again = journal.runs.plan_partitions(run.id, [plan(0), plan(1), plan(2)])
    other = journal.runs.plan_partitions(run.id, [plan(0, BACK), plan(0, phase=2)])

    assert [each.plan for each in first] == [plan(0), plan(1)]
    assert again == first
    assert [each.plan for each in other] == [plan(0, BACK), plan(0, phase=2)]
    assert len(journal.runs.partitions(run.id)) == 4


def test_a_finished_partition_is_counted_and_no_longer_pending(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {})
    journal.runs.plan_partitions(run.id, [plan(0), plan(1)])

    batches = {
        THERE: BatchRecord(Counts(read=10, written=7)),
        BACK: BatchRecord(Counts(read=10, written=2)),
    }
    journal.runs.finish_partition(run.id, THERE, 1, 0, batches)
    journal.runs.finish_partition(
        run.id, THERE, 1, 1, {THERE: BatchRecord(Counts(read=5, unchanged=5))}
    )

    assert journal.runs.partitions(run.id, pending_only=True) == []
    assert journal.runs.totals(run.id) == {
        THERE: Counts(read=15, written=7, unchanged=5),
        BACK: Counts(read=10, written=2),
    }
    assert journal.runs.newest()[0].counts == journal.runs.totals(run.id)


def test_a_partition_finished_a_second_time_changes_nothing(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {})
    journal.runs.plan_partitions(run.id, [plan(0)])
    first = {
        THERE: BatchRecord(Counts(read=1, rejected=1), [Rejection({"A": "1"}, "required", "x", {})])
    }
    second = {THERE: BatchRecord(Counts(read=9), cleared=['{"A":"1"}'])}

    assert journal.runs.finish_partition(run.id, THERE, 1, 0, first)
    assert not journal.runs.finish_partition(run.id, THERE, 1, 0, second)

    assert journal.runs.totals(run.id) == {THERE: Counts(read=1, rejected=1)}
    assert len(journal.held.rejected("m")) == 1


def test_an_unknown_partition_is_refused(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {})

    with pytest.raises(LookupError, match=f"run {run.id} has no partition 3 of phase 1, {THERE}"):
        journal.runs.finish_partition(run.id, THERE, 1, 3, {})


def test_concurrent_workers_finish_each_partition_once(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {})
    journal.runs.plan_partitions(run.id, [plan(number) for number in range(24)])

    def finish(number: int) -> bool:
        # Two workers finish each partition; one of them is first.
        batches = {
            THERE: BatchRecord(
                Counts(read=1, rejected=1),
                [Rejection({"A": str(key)}, "required", "x", {}) for key in range(20)],
            )
        }
        return journal.runs.finish_partition(run.id, THERE, 1, number % 24, batches)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(finish, range(48)))

    assert sum(won) == 24
    assert journal.runs.totals(run.id) == {THERE: Counts(read=24, rejected=24)}
    assert len(journal.held.rejected("m")) == 20


def test_concurrent_workers_get_the_same_partitions_of_a_run(journal: Journal) -> None:
    run = journal.runs.start("m", "initial sync", {})

    with ThreadPoolExecutor(8) as pool:
        plans = [[plan(n) for n in range(size)] for size in range(1, 9)]
        planned = list(pool.map(lambda p: journal.runs.plan_partitions(run.id, p), plans))

    assert all(each == planned[0] for each in planned)
