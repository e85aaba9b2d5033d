from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dualwrite.journal import leases
from dualwrite.journal.leases import Lease, LeaseHeldError, LeaseLostError
from dualwrite.journal.store import Journal


def test_a_second_worker_is_refused_with_the_name_of_the_first(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "machine", lambda: "erp-worker/1")
    with journal.leases.take("m", "run", 60), pytest.raises(LeaseHeldError) as caught:
        journal.leases.take("m", "run", 60)

    error = caught.value
    assert str(error) == (
        f"m: another worker has its lease (process {os.getpid()} on erp-worker, "
        f"since {error.since:%Y-%m-%d %H:%M:%S} UTC). Nothing was read or written.\n"
        "  Wait until it has finished, or end that process, and repeat the command: "
        "it continues where that process stopped."
    )


def test_the_leases_of_two_maps_are_independent(journal: Journal) -> None:
    with journal.leases.take("m", "run", 60), journal.leases.take("n", "run", 60) as other:
        assert journal.leases.epoch("n") == other.epoch


def test_a_released_lease_can_be_taken_with_a_higher_epoch(journal: Journal) -> None:
    with journal.leases.take("m", "run", 60) as first:
        pass
    with journal.leases.take("m", "run", 60) as second:
        assert second.epoch > first.epoch


def test_a_new_journal_issues_higher_epochs_than_the_lost_one(
    journal: Journal, tmp_path: Path
) -> None:
    with journal.leases.take("m", "run", 60) as lost:
        pass

    with (
        Journal.open(f"sqlite:///{tmp_path}/new.db") as new,
        new.leases.take("m", "run", 60) as lease,
    ):
        assert lease.epoch >= lost.epoch


def test_the_epoch_of_the_newest_lease_is_known(journal: Journal) -> None:
    assert journal.leases.epoch("m") == 0

    with journal.leases.take("m", "run", 60) as lease:
        assert journal.leases.epoch("m") == lease.epoch
    assert journal.leases.epoch("m") == lease.epoch


def test_the_holder_is_known_while_the_lease_is_held(journal: Journal) -> None:
    assert journal.leases.holder("m") is None
    with journal.leases.take("m", "live (process 7)", 60):
        assert journal.leases.holder("m") == "live (process 7)"
    assert journal.leases.holder("m") is None
    journal.leases.take("m", "run", 0)
    assert journal.leases.holder("m") is None


def test_a_lease_is_released_when_the_work_fails(journal: Journal) -> None:
    with pytest.raises(RuntimeError), journal.leases.take("m", "run", 60):
        raise RuntimeError

    with journal.leases.take("m", "run", 60) as next_one:
        assert journal.leases.epoch("m") == next_one.epoch


def test_an_expired_lease_can_be_taken_and_its_slow_worker_gets_an_error(
    journal: Journal,
) -> None:
    slow = journal.leases.take("m", "run", 0)
    quick = journal.leases.take("m", "run", 60)

    assert journal.leases.epoch("m") != slow.epoch
    with pytest.raises(LeaseLostError) as caught:
        slow.renew()
    slow.release()
    assert journal.leases.epoch("m") == quick.epoch
    with pytest.raises(LeaseHeldError):
        journal.leases.take("m", "run", 60)
    assert str(caught.value) == (
        "m: the lease of this worker expired, and another worker took it. "
        "What was committed stays; nothing more was written.\n"
        "  See dualwrite status, and repeat the command when the other worker has finished."
    )


def test_a_renewed_lease_is_kept(journal: Journal) -> None:
    mine = journal.leases.take("m", "run", 0)
    mine._seconds = 60
    mine.renew()

    with pytest.raises(LeaseHeldError):
        journal.leases.take("m", "run", 60)


def test_the_lease_of_a_dead_process_can_be_taken_at_once(journal: Journal, url: str) -> None:
    """A command that was killed can be repeated before its lease expires."""
    code = (
        "import os, sys; from dualwrite.journal.store import Journal; "
        "Journal.open(sys.argv[1]).leases.take('m', 'run', 3600); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, url], check=False).returncode == 9

    with journal.leases.take("m", "run", 60) as mine:
        assert journal.leases.epoch("m") == mine.epoch


def test_a_process_on_another_machine_is_not_taken_for_dead(
    journal: Journal, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases.os, "getpid", lambda: 2**22 + 1)  # above any living one
    journal.leases.take("m", "run", 60)
    monkeypatch.setattr(leases, "machine", lambda: "elsewhere/2")

    with pytest.raises(LeaseHeldError):
        journal.leases.take("m", "run", 60)


def test_one_of_many_concurrent_workers_gets_the_lease(journal: Journal) -> None:
    def take(_: int) -> Lease | None:
        try:
            return journal.leases.take("m", "run", 60)
        except LeaseHeldError:
            return None

    with ThreadPoolExecutor(8) as pool:
        taken = [lease for lease in pool.map(take, range(16)) if lease]

    assert len(taken) == 1
