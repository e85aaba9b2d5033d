from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dualwrite.journal import lease as leases
from dualwrite.journal.lease import Lease, LeaseHeldError, LeaseLostError
from dualwrite.journal.store import Journal


def test_a_second_worker_is_refused_and_told_who_holds_the_map(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "machine", lambda: "erp-worker/1")
    with journal.lease("m", "run", 60), pytest.raises(LeaseHeldError) as told:
        journal.lease("m", "run", 60)

    error = told.value
    assert str(error) == (
        f"m: another worker has it (process {os.getpid()} on erp-worker, "
        f"since {error.since:%Y-%m-%d %H:%M:%S} UTC). Nothing was read or written.\n"
        "  Let it finish, or end that process; what it has done stays, "
        "and this command then goes on from there."
    )


def test_other_maps_are_free(journal: Journal) -> None:
    with journal.lease("m", "run", 60), journal.lease("n", "run", 60) as other:
        assert other.is_held()


def test_a_lease_given_back_can_be_taken_with_a_higher_epoch(journal: Journal) -> None:
    with journal.lease("m", "run", 60) as first:
        pass
    with journal.lease("m", "run", 60) as second:
        assert second.epoch > first.epoch


def test_a_new_journal_hands_out_higher_epochs_than_the_one_that_was_lost(
    journal: Journal, tmp_path: Path
) -> None:
    with journal.lease("m", "run", 60) as lost:
        pass

    with Journal.open(f"sqlite:///{tmp_path}/new.db") as new, new.lease("m", "run", 60) as lease:
        assert lease.epoch >= lost.epoch


def test_the_epoch_of_the_newest_lease_is_known(journal: Journal) -> None:
    assert journal.epoch("m") == 0

    with journal.lease("m", "run", 60) as lease:
        assert journal.epoch("m") == lease.epoch
    assert journal.epoch("m") == lease.epoch


def test_who_has_a_map_is_known_while_he_has_it(journal: Journal) -> None:
    assert journal.holder("m") is None
    with journal.lease("m", "live (process 7)", 60):
        assert journal.holder("m") == "live (process 7)"
    assert journal.holder("m") is None
    journal.lease("m", "run", 0)
    assert journal.holder("m") is None


def test_a_lease_is_given_back_when_the_work_fails(journal: Journal) -> None:
    with pytest.raises(RuntimeError), journal.lease("m", "run", 60):
        raise RuntimeError

    with journal.lease("m", "run", 60) as next_one:
        assert next_one.is_held()


def test_a_lease_that_ran_out_is_taken_over_and_the_slow_worker_hears_of_it(
    journal: Journal,
) -> None:
    slow = journal.lease("m", "run", 0)
    quick = journal.lease("m", "run", 60)

    assert not slow.is_held()
    with pytest.raises(LeaseLostError) as told:
        slow.renew()
    slow.release()
    assert quick.is_held()
    with pytest.raises(LeaseHeldError):
        journal.lease("m", "run", 60)
    assert str(told.value) == (
        "m: another worker has taken it over, as this one was silent for too long. "
        "What was committed stays; nothing more was written.\n"
        "  See dualwrite status, and repeat the command once the other has finished."
    )


def test_a_renewed_lease_is_kept(journal: Journal) -> None:
    mine = journal.lease("m", "run", 0)
    mine._seconds = 60
    mine.renew()

    with pytest.raises(LeaseHeldError):
        journal.lease("m", "run", 60)


def test_the_lease_of_a_process_that_died_is_free_at_once(journal: Journal, url: str) -> None:
    """A command that was killed can be repeated without waiting for its lease to run out."""
    code = (
        "import os, sys; from dualwrite.journal.store import Journal; "
        "Journal.open(sys.argv[1]).lease('m', 'run', 3600); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, url], check=False).returncode == 9

    with journal.lease("m", "run", 60) as mine:
        assert mine.is_held()


def test_the_same_process_number_on_another_machine_is_not_taken_for_dead(
    journal: Journal, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases.os, "getpid", lambda: 2**22 + 1)  # above any living one
    journal.lease("m", "run", 60)
    monkeypatch.setattr(leases, "machine", lambda: "elsewhere/2")

    with pytest.raises(LeaseHeldError):
        journal.lease("m", "run", 60)


def test_of_many_workers_one_gets_the_map(journal: Journal) -> None:
    def take(_: int) -> Lease | None:
        try:
            return journal.lease("m", "run", 60)
        except LeaseHeldError:
            return None

    with ThreadPoolExecutor(8) as pool:
        taken = [lease for lease in pool.map(take, range(16)) if lease]

    assert len(taken) == 1
