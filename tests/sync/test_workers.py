"""Workers of one initial sync: one holds the lease, others take the run up."""

from __future__ import annotations

from pathlib import Path

import pytest

from dualwrite.journal.leases import LeaseHeldError, LeaseLostError
from dualwrite.sandbox.project import create_sandbox
from dualwrite.sync.initial.partitions import Options
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import NoOpenRunError, RunOptions, begin, finish, take_up
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.session import leases, open_session
from dualwrite.sync.session.leases import kept_lease

MAP = "legal-entities--cdm-companies"


@pytest.fixture
def session(tmp_path: Path):
    create_sandbox(tmp_path / "box", rows=50)
    with open_session(tmp_path / "box") as opened:
        yield opened


@pytest.fixture
def plan(session):
    [each] = [p for p in make_plan(session, [MAP]).maps if p.table_map.name == MAP]
    return each


def test_another_worker_carries_what_one_began(session, plan):
    begun = begin(session, plan, RunOptions(), Finder(session.apps))
    todo = begun.partitions(1)

    other = take_up(session, plan, Options())
    for each in todo:
        other.carry(each.plan)

    assert todo
    assert begun.partitions(1) == []


def test_a_run_that_has_ended_is_not_taken_up(session, plan):
    finish(begin(session, plan, RunOptions(), Finder(session.apps)))

    with pytest.raises(NoOpenRunError) as caught:
        take_up(session, plan, Options())

    assert str(caught.value) == (
        f"{MAP}: there is no initial sync under way. Nothing was read or written.\n"
        "  It was finished or stopped meanwhile; see dualwrite activity."
    )


def test_nobody_else_has_the_map_while_the_lease_is_kept(session):
    with kept_lease(session, MAP, "a flow"), pytest.raises(LeaseHeldError):
        session.journal.leases.take(MAP, "another", 1)

    session.journal.leases.take(MAP, "another", 1).release()


def test_a_lease_is_renewed_for_as_long_as_the_work_takes(session, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.04)
    renewed = leases.threading.Semaphore(0)
    monkeypatch.setattr("dualwrite.journal.leases.Lease.renew", lambda _: renewed.release())

    with kept_lease(session, MAP, "a flow"):
        assert all(renewed.acquire(timeout=10) for _ in range(3))


def test_a_lost_lease_is_reported_at_the_end(session, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.02)

    def lost(self):
        raise LeaseLostError(map_name=MAP, epoch=1)

    monkeypatch.setattr("dualwrite.journal.leases.Lease.renew", lost)

    def work():
        with kept_lease(session, MAP, "a flow"):
            keeper = next(t for t in leases.threading.enumerate() if t.name == "leases")
            keeper.join(10)

    with pytest.raises(LeaseLostError):
        work()
