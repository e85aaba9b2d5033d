from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dualwrite.journal.records import Counts, PartitionPlan, Rejection, Share
from dualwrite.journal.store import Journal

THERE = "finops->dataverse"
BACK = "dataverse->finops"


def plan(number: int, direction: str = THERE, phase: int = 1) -> PartitionPlan:
    low = None if number == 0 else (str(number), "ä'b")
    return PartitionPlan(direction, phase, number, ("COMPANY", "ID"), low, (str(number + 1), "x"))


def test_a_run_is_open_until_it_is_finished(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {"master": "finops", "fresh": {"finops": True}})

    assert journal.open_run("m") == run
    assert journal.open_run("m", "reconcile") is None
    assert journal.open_run("another") is None

    journal.finish_run(run.id, "failed", "the disk was full")

    assert journal.open_run("m") is None
    [ended] = journal.runs("m")
    assert (ended.outcome, ended.reason) == ("failed", "the disk was full")
    assert ended.finished_at is not None
    assert ended.finished_at >= run.started_at


def test_a_run_keeps_its_first_outcome(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {})
    journal.finish_run(run.id, "done")

    journal.finish_run(run.id, "cancelled", "too late")

    assert [(each.outcome, each.reason) for each in journal.runs()] == [("done", None)]


def test_a_run_that_was_cut_off_is_continued_with_its_options(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {"master": "finops", "fresh": True})

    continued = journal.continue_run(run.id, {"fresh": False})

    assert continued.options == {"master": "finops", "fresh": False}
    assert journal.open_run("m") == continued
    journal.finish_run(run.id, "done")
    with pytest.raises(LookupError, match=f"there is no unfinished run {run.id}"):
        journal.continue_run(run.id)


@pytest.mark.parametrize("call", ["finish_run", "plan_partitions"])
def test_a_run_that_is_not_there_is_told(journal: Journal, call: str) -> None:
    with pytest.raises(LookupError, match="there is no run 99"):
        getattr(journal, call)(99, "done" if call == "finish_run" else [plan(0)])


def test_partitions_are_planned_once_for_a_phase_and_direction(journal: Journal) -> None:
    """A resumed run must go on with the ranges that it began with."""
    run = journal.start_run("m", "initial sync", {})
    first = journal.plan_partitions(run.id, [plan(1), plan(0)])

    again = journal.plan_partitions(run.id, [plan(0), plan(1), plan(2)])
    other = journal.plan_partitions(run.id, [plan(0, BACK), plan(0, phase=2)])

    assert [each.plan for each in first] == [plan(0), plan(1)]
    assert again == first
    assert [each.plan for each in other] == [plan(0, BACK), plan(0, phase=2)]
    assert len(journal.partitions(run.id)) == 4


def test_a_finished_partition_is_no_longer_pending_and_counts(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {})
    journal.plan_partitions(run.id, [plan(0), plan(1)])

    shares = {THERE: Share(Counts(read=10, written=7)), BACK: Share(Counts(read=10, written=2))}
    journal.finish_partition(run.id, THERE, 1, 0, shares)
    journal.finish_partition(run.id, THERE, 1, 1, {THERE: Share(Counts(read=5, unchanged=5))})

    assert journal.partitions(run.id, pending_only=True) == []
    assert journal.totals(run.id) == {
        THERE: Counts(read=15, written=7, unchanged=5),
        BACK: Counts(read=10, written=2),
    }
    assert journal.runs()[0].counts == journal.totals(run.id)


def test_finishing_a_partition_twice_changes_nothing(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {})
    journal.plan_partitions(run.id, [plan(0)])
    first = {THERE: Share(Counts(read=1, rejected=1), [Rejection({"A": "1"}, "required", "x", {})])}
    second = {THERE: Share(Counts(read=9), cleared=['{"A":"1"}'])}

    assert journal.finish_partition(run.id, THERE, 1, 0, first)
    assert not journal.finish_partition(run.id, THERE, 1, 0, second)

    assert journal.totals(run.id) == {THERE: Counts(read=1, rejected=1)}
    assert len(journal.rejected("m")) == 1


def test_a_partition_that_was_never_planned_is_told(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {})

    with pytest.raises(LookupError, match=f"run {run.id} has no partition 3 of phase 1, {THERE}"):
        journal.finish_partition(run.id, THERE, 1, 3, {})


def test_workers_finish_partitions_side_by_side(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {})
    journal.plan_partitions(run.id, [plan(number) for number in range(24)])

    def finish(number: int) -> bool:
        # Each partition is finished by two workers; one of them wins.
        shares = {
            THERE: Share(
                Counts(read=1, rejected=1),
                [Rejection({"A": str(key)}, "required", "x", {}) for key in range(20)],
            )
        }
        return journal.finish_partition(run.id, THERE, 1, number % 24, shares)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(finish, range(48)))

    assert sum(won) == 24
    assert journal.totals(run.id) == {THERE: Counts(read=24, rejected=24)}
    assert len(journal.rejected("m")) == 20


def test_two_workers_planning_one_run_agree(journal: Journal) -> None:
    run = journal.start_run("m", "initial sync", {})

    with ThreadPoolExecutor(8) as pool:
        plans = [[plan(n) for n in range(size)] for size in range(1, 9)]
        planned = list(pool.map(lambda p: journal.plan_partitions(run.id, p), plans))

    assert all(each == planned[0] for each in planned)
