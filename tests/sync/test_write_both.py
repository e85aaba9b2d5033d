"""Writing both sides at once: both have the rows, or neither has, and the caller knows which."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal

import pytest

from dualwrite.errors import AppBusyError, AppUnreachableError
from dualwrite.sync.capture.recovery import recover, resolve_prepared
from dualwrite.sync.write_both.write import (
    FollowsError,
    NotCarriedError,
    NotTogetherError,
    write_both,
)
from tests.sync.world import D, F, World, cust, customer

ROW = {"INVOICEACCOUNT": "", "PARTYTYPE": "Organization"}


@pytest.fixture
def running(every_world) -> World:
    every_world.put(F, "Cust", cust("C1", "one"))
    every_world.run()
    return every_world


def both(world: World) -> list[list[tuple[str, str]]]:
    return [
        world.rows(F, "Cust", "ACCOUNT", "NAME"),
        world.rows(D, "customer", "accountnumber", "name"),
    ]


def test_a_row_is_on_both_sides_when_the_call_returns(running):
    done = write_both(
        running.session, "customers", F, [cust("C2", "two", **ROW, CREDIT=Decimal(5))]
    )

    assert (done.here.inserted, done.across) == (1, 1)
    assert both(running) == [[("C1", "one"), ("C2", "two")]] * 2
    running.cycle_until_done()
    assert both(running) == [[("C1", "one"), ("C2", "two")]] * 2


def test_a_changed_row_is_rejected_by_it_too(running):
    write_both(running.session, "customers", F, [cust("C1", "new", **ROW)])

    assert both(running) == [[("C1", "new")]] * 2


def test_what_the_other_side_cannot_hold_is_on_neither(running):
    before = both(running)

    with pytest.raises(NotTogetherError) as caught:
        write_both(
            running.session,
            "customers",
            F,
            [cust("C2", "two", **ROW), cust("C3", "x" * 30, **ROW)],
        )

    assert str(caught.value).startswith(
        "customers: dataverse does not take 1 of the rows. Nothing was kept on either side.\n"
        "  USMF, C3: "
    )
    assert both(running) == before
    assert running.held() == []
    assert running.cycle() == {}


def test_a_row_that_the_other_side_has_changed_meanwhile_is_the_cycles(running):
    running.put(D, "customer", customer("C1", "of dataverse"))

    with pytest.raises(NotTogetherError, match="changed in dataverse meanwhile"):
        write_both(running.session, "customers", F, [cust("C1", "new", **ROW)])

    running.cycle_until_done()
    assert both(running) == [[("C1", "of dataverse")]] * 2


def test_a_row_outside_the_filter_stays_on_its_side(running):
    person = cust("C2", "two", INVOICEACCOUNT="", PARTYTYPE="Person")

    assert write_both(running.session, "customers", F, [person]).across == 0

    assert both(running) == [[("C1", "one"), ("C2", "two")], [("C1", "one")]]


def test_a_map_that_does_not_run_cannot_be_written_through(every_world):
    with pytest.raises(NotCarriedError, match="it does not run"):
        write_both(every_world.session, "customers", F, [cust("C1")])


def test_a_commit_that_fails_across_is_completed_by_the_next_cycle(world):
    """Of apps that prepare no transactions; `test_recovery.py` has the others."""
    running = world
    running.put(F, "Cust", cust("C1", "one"))
    running.run()

    class Unsure:
        def __init__(self, app):
            self._app = app

        def __getattr__(self, name):
            return getattr(self._app, name)

        @contextmanager
        def branch(self, origin, name):
            with self._app.branch(origin, name) as writing:
                yield writing
                if self._app.side is D:
                    raise AppUnreachableError(app="dataverse", reason="it died")

    running.wrap = Unsure
    with pytest.raises(FollowsError, match="do not write them again"):
        write_both(running.open(), "customers", F, [cust("C2", "two", **ROW)])
    assert both(running) == [[("C1", "one"), ("C2", "two")], [("C1", "one")]]

    running.wrap = lambda app: app
    running.cycle_until_done()

    assert both(running) == [[("C1", "one"), ("C2", "two")]] * 2


def test_a_branch_that_another_connection_holds_is_no_success(world, monkeypatch):
    """It is still in doubt: the next worker resolves it, and no success is reported."""
    world.run()
    journal = world.session.journal
    journal.prepared_writes.begin("dualwrite_x", "customers")
    journal.prepared_writes.decide("dualwrite_x", commits=True)
    monkeypatch.setattr(type(world.session.apps[D]), "resolve_prepared", lambda *_, **__: False)

    with pytest.raises(AppBusyError, match="still holds a prepared branch"):
        resolve_prepared(world.session, "dualwrite_x")
    recover(world.session)
    assert [each.name for each in journal.prepared_writes.all()] == ["dualwrite_x"]

    monkeypatch.undo()
    recover(world.session)
    assert journal.prepared_writes.all() == []
