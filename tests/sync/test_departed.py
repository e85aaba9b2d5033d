"""A company that leaves the link takes no waiting change along unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dualwrite.link import Side
from dualwrite.sync.capture.departed import CompanyLeftError
from dualwrite.sync.health.problems import repair_map
from dualwrite.sync.mapstate import mapstate
from tests.sync.world import D, F, World, cust


def carries(world: World, companies: Sequence[str]) -> None:
    """The link has these companies from now on."""
    session = world.session
    world._session = replace(session, link=replace(session.link, companies=tuple(companies)))


@pytest.fixture
def running(every_world: World) -> World:
    """All maps run over every company, and a change of one of them waits on each side."""
    every_world.put(F, "Cust", cust("C1", "one"), cust("C2", "two"))
    every_world.run()
    every_world.cycle_until_done()
    return every_world


@pytest.mark.parametrize("side", Side)
def test_its_changes_wait_until_it_is_back(running: World, side: Side) -> None:
    every = running.session.link.companies
    if side is F:
        running.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "newer"})
    else:
        running.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "newer"})
    carries(running, [company for company in every if company != "USMF"])

    assert running.cycle() == {}

    assert running.notes["customers"] == (
        f"customers: USMF no longer takes part, and changes of it wait: 1 in {side.value}. They "
        "would be dropped. Nothing was carried.\n"
        "  Put it back, let dualwrite sync customers carry them, and take it out then.\n"
        "  Or give up all that waits: dualwrite pause customers, then "
        "dualwrite resume customers --drop-queue, which exports it first."
    )
    assert len(running.entries(side, "customers"))
    carries(running, every)
    running.cycle_until_done()
    table, name = ("Cust", "NAME") if side is D else ("customer", "name")
    assert ("newer",) in running.rows(side.other, table, name)


def test_without_anything_waiting_it_leaves(running: World) -> None:
    every = running.session.link.companies
    carries(running, [company for company in every if company != "USMF"])

    assert running.cycle() == {}
    assert running.notes.get("customers", "") == ""
    running.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "of nobody"})
    running.cycle_until_done()
    assert ("of nobody",) not in running.rows(D, "customer", "name")


def test_what_waits_can_be_given_up(running: World) -> None:
    every = running.session.link.companies
    running.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "newer"})
    carries(running, [company for company in every if company != "USMF"])
    running.cycle()

    mapstate.pause(running.session, ["customers"])
    mapstate.resume(running.session, ["customers"], mapstate.Resume.DROP_QUEUE)

    assert running.cycle() == {}
    assert running.notes.get("customers", "") == ""


@pytest.mark.parametrize("overtaking", ["check --repair", "run --initial-sync"])
def test_no_command_overtakes_what_waits(running: World, overtaking: str) -> None:
    every = running.session.link.companies
    running.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "newer"})
    carries(running, [company for company in every if company != "USMF"])
    running.cycle()

    def overtake() -> None:
        if overtaking == "run --initial-sync":
            running.run("customers", initial_sync=True)
            return
        maps = running.session.journal.maps.all()
        repair_map(running.session, next(each for each in maps if each.name == "customers"))

    with pytest.raises(CompanyLeftError):
        overtake()

    assert len(running.entries(F, "customers"))
    carries(running, every)
    running.cycle_until_done()
    assert ("newer",) in running.rows(D, "customer", "name")
