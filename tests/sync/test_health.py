"""Capture that was lost, switched off or left behind is found, and repaired without loss."""

from __future__ import annotations

import pytest

from dualwrite.apps.memory.app import MemoryApp
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from dualwrite.operations.queries.health import unseen
from dualwrite.sync.capture.captures import capture_of, queues_of
from dualwrite.sync.health.problems import problems, repair_map
from dualwrite.sync.mapstate.mapstate import pause, stop
from tests.sync.companies import cycles, fenced, name_it, names, record, reported
from tests.sync.tables import D, F
from tests.sync.world import World, cust, customer


@pytest.fixture
def running(every_world: World) -> World:
    """Companies run; three of them are on both sides."""
    every_world.run("companies")
    return every_world


def lose(world: World, side: Side) -> None:
    """A person drops a queue who does not know what it is."""
    capture = capture_of(world.session, world.session.map("companies"), side)
    world.session.apps[side].uninstall(capture)


def test_a_sound_map_has_no_problem(running: World) -> None:
    assert reported(running) == []
    pause(running.session, ["companies"])
    assert reported(running) == []


@pytest.mark.parametrize("side", Side)
def test_what_changed_while_a_queue_was_gone_crosses_after_the_repair(
    running: World, side: Side
) -> None:
    lose(running, side)
    name_it(running, side, "unseen")
    name_it(running, side, "new", code="NEW")
    name_it(running, side.other, "seen", code="USMF")

    where, text = reported(running)[0]
    done = repair_map(running.session, record(running))
    cycles(running)

    assert where is side
    assert " is missing" in text
    assert done == f"installed again; rows that differ were queued: 2 in {side.value}"
    assert reported(running) == []
    assert names(running) == ["unseen", "unseen"]
    assert names(running, "NEW") == ["new", "new"]
    assert names(running, "USMF") == ["seen", "seen"]
    assert running.session.journal.conflicts.find(open_only=False) == []
    assert running.reconcile("companies").unexplained == 0


@pytest.mark.parametrize("side", Side)
def test_what_changed_unseen_in_a_row_that_the_other_side_changed_too_is_kept(
    every_world: World, side: Side
) -> None:
    """Column by column: what the other side does not say it changed was changed here."""
    every_world.put(F, "Cust", cust("C1", "one", MEMO="old"))
    every_world.run()
    name = "customers"
    capture = capture_of(every_world.session, every_world.session.map(name), side)
    every_world.session.apps[side].uninstall(capture)
    memo, other = ("MEMO", "name") if side is F else ("memo", "NAME")
    for where, column, value in ((side, memo, "unseen"), (side.other, other, "seen")):
        table, row = ("Cust", cust("C1")) if where is F else ("customer", customer("C1"))
        key = dict(list(row.items())[:2])
        every_world.put(where, table, {**key, column: value})

    repair_map(every_world.session, record(every_world, name))
    cycles(every_world)

    assert every_world.rows(F, "Cust", "NAME", "MEMO") == [("seen", "unseen")]
    assert every_world.rows(D, "customer", "name", "memo") == [("seen", "unseen")]


def test_a_row_deleted_unseen_comes_back(running: World) -> None:
    """A row without a counterpart is not deleted: that would be a guess."""
    lose(running, F)
    running.remove(F, "Company", CODE="FRRT")

    repair_map(running.session, record(running))
    cycles(running)

    assert names(running, "FRRT") == ["not in the link", "not in the link"]


def test_what_both_sides_changed_while_both_queues_were_gone_is_a_conflict(
    running: World,
) -> None:
    for side in Side:
        lose(running, side)
        name_it(running, side, f"of {side.value}")

    repair_map(running.session, record(running))
    cycles(running)

    [conflict] = running.session.journal.conflicts.find(open_only=False)
    assert {
        row["NAME" if side is F else "name"] for side, row in conflict.conflict.rows.items() if row
    } == {
        "of finops",
        "of dataverse",
    }
    assert len(set(names(running))) == 1


def test_a_repair_of_a_sound_capture_changes_nothing(running: World) -> None:
    name_it(running, F, "queued")

    assert repair_map(running.session, record(running)) == (
        "installed again; rows that differ were queued: none"
    )
    cycles(running)

    assert names(running) == ["queued", "queued"]


def test_a_map_that_ran_before_there_was_capture_is_captured(running: World) -> None:
    for side in Side:
        lose(running, side)
    running.session.journal.maps.set_queues("companies", {})
    running.session.journal.maps.set_marks("companies", {})
    name_it(running, F, "unseen")

    assert reported(running) == [
        (F, "changes of finops.Company are not captured"),
        (D, "changes of dataverse.company are not captured"),
    ]
    repair_map(running.session, record(running))
    cycles(running)

    assert reported(running) == []
    assert len(set(names(running))) == 1


def test_a_map_that_was_edited_while_it_ran_is_reported(running: World) -> None:
    running.map("companies", ("  - NAME = name\n", ""))

    assert {where for where, _ in reported(running)} == set(Side)
    repair_map(running.session, record(running))
    assert reported(running) == []


def test_a_queue_left_behind_is_found_and_removed(running: World) -> None:
    queue = queues_of(running.session, "companies")["finops"]
    stop(running.session, ["companies"])
    running.session.journal.maps.set_queues("companies", {"finops": queue})

    assert reported(running) == [
        (
            F,
            f"it does not run, but its queue {queue} is still in finops and goes on filling",
        )
    ]
    assert repair_map(running.session, record(running)) == "its queues were removed"
    assert reported(running) == []


@pytest.mark.parametrize("begun", [True, False])
def test_an_initial_sync_that_no_worker_carries_is_reported(running: World, begun: bool) -> None:
    journal = running.session.journal
    journal.maps.set_status("companies", MapStatus.INITIALIZING, reason="test")
    if begun:
        journal.runs.start("companies", "initial sync", {})

    [found] = problems(running.session, record(running))

    assert found.text == (
        "its initial sync was cut off" if begun else "it is initializing, but nothing is begun"
    )
    assert (
        found.fix == "go on with: dualwrite run companies\nor give it up: dualwrite stop companies"
    )
    with journal.leases.take("companies", "run", 60):
        assert reported(running) == []


def test_why_a_map_waits_is_reported_with_what_to_do(running: World) -> None:
    running.session.journal.maps.set_waits("companies", "finops: no answer.\n  Check the server.")

    [found] = problems(running.session, record(running))

    assert (found.text, found.fix) == ("waits: finops: no answer.", "Check the server.")


def test_a_worker_that_starts_shuts_out_older_ones(running: World) -> None:
    fenced(running)

    newest = running.session.journal.leases.epoch("companies")
    for side in Side:
        assert running.session.apps[side].fence({"companies": 0}) == {"companies": newest}
        assert running.session.journal.maps.marks("companies")[side].epoch == newest


@pytest.mark.parametrize("side", Side)
def test_what_a_capture_cannot_see_is_compared_by_each_repair(
    world: World, monkeypatch: pytest.MonkeyPatch, side: Side
) -> None:
    cascade = "foreign key x: no trigger sees what y does here ON DELETE CASCADE"
    blind = lambda app, _, **_more: [cascade] if app.side is side else []  # noqa: E731
    for name in ("blind", "problems"):
        monkeypatch.setattr(MemoryApp, name, blind)
    world.run("companies")

    name_it(world, side, "unseen")
    lost = capture_of(world.session, world.session.map("companies"), side)
    world.session.apps[side].acknowledge(lost.queue, world.entries(side, "companies").id)
    (found,) = problems(world.session, record(world))
    done = repair_map(world.session, record(world))
    cycles(world)

    table = "Company" if side is F else "company"
    assert record(world).unseen == (f"{side.value}.{table}: {cascade}",)
    (told,) = unseen(world.session, None)
    assert told.startswith(f"companies, not every change is seen: {side.value}.{table}: {cascade}")
    assert (found.side, found.text) == (side, f"{side.value}.{table}: {cascade}")
    assert found.fix.startswith(
        "dualwrite check companies --repair queues what differs up to now; to have it at once "
    )
    assert done == f"compared; rows that differ were queued: 1 in {side.value}"
    assert names(world) == ["unseen", "unseen"]
    assert repair_map(world.session, record(world)) == (
        "compared; rows that differ were queued: none"
    )
