"""A dry run: everything but the writing, and the same counts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dualwrite.journal.records import MapStatus
from dualwrite.tablemap.model import Master
from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer


def files(world: World) -> dict[str, str]:
    """A hash of every app's file; what SQLite keeps beside it is written back first."""
    return {
        side.value: hashlib.sha256(Path(url.removeprefix("sqlite:///")).read_bytes()).hexdigest()
        for side, url in world.urls.items()
    }


def busy(world: World) -> None:
    """Rows of one side, differences, lookups to rows that only would be written, bad rows."""
    for number in ("10", "20"):
        world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": number, "DESCRIPTION": "f"})
    world.put(D, "custgroup", {"company": "USMF", "groupid": "20", "description": "d"})
    world.put(
        F,
        "Cust",
        cust("C1", GROUPID="10"),
        cust("C2", GROUPID="20"),
        cust("C3", GROUPID="no"),
        cust("C4", "x" * 21),
        cust("C5", "f"),
    )
    world.put(D, "customer", customer("C5", "d"), customer("D2", hold=7))


def test_a_dry_run_writes_nothing_anywhere(new_world):
    world = new_world("sqlite")
    busy(world)
    world.execute(F, "SELECT 1")
    before, rows = files(world), world.everything()

    world.run(dry_run=True)

    assert files(world) == before
    assert world.everything() == rows
    assert world.held() == []
    assert world.session.journal.maps.all() == []
    assert world.session.journal.runs.newest() == []
    assert world.session.journal.activity.newest() == []


def test_a_dry_run_that_skips_the_initial_sync_writes_nothing(world):
    world.run("customers", dry_run=True, initial_sync=False)

    assert world.status() is MapStatus.NOT_RUNNING


@pytest.mark.parametrize("master", [Master.FINOPS, Master.DATAVERSE, Master.FILL_BLANKS])
def test_a_dry_run_counts_what_the_run_then_does(every_world, master):
    world = every_world
    busy(world)

    rehearsed = world.counts(master=master, dry_run=True)
    done = world.counts(master=master)

    assert rehearsed == done


def test_a_dry_run_leaves_the_second_pass_out(world):
    """The known difference: lookups that wait are not rehearsed, their rows are."""
    world.put(F, "Cust", cust("C1", INVOICEACCOUNT="nobody"))

    rehearsed = world.counts("customers", dry_run=True)["customers"]
    done = world.counts("customers")["customers"]

    assert rehearsed == {f"{TO_D} read": 1, f"{TO_D} written": 1}
    assert done == {**rehearsed, f"{TO_D} parked": 1}


def test_a_dry_run_does_not_meet_what_it_would_have_brought_across(world):
    """The other known difference: the run compares those rows with the rest, and counts them."""
    world.put(D, "customer", customer("D1"))

    rehearsed = world.counts("customers", dry_run=True)["customers"]
    done = world.counts("customers")["customers"]

    assert rehearsed == {f"{TO_F} read": 1, f"{TO_F} written": 1}
    assert done == {**rehearsed, f"{TO_D} read": 1, f"{TO_D} unchanged": 1}


def test_a_lookup_finds_rows_that_only_would_be_written(every_world):
    world = every_world
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10"})
    world.put(F, "Cust", cust("C1", GROUPID="10"))

    counts = world.counts(dry_run=True)["customers"]

    assert counts == {f"{TO_D} read": 1, f"{TO_D} written": 1}


def test_a_lookup_finds_rows_that_only_would_be_changed(every_world):
    world = every_world
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10", "DESCRIPTION": "new"})
    world.put(D, "custgroup", {"company": "USMF", "groupid": "10", "description": "old"})
    world.put(F, "Cust", cust("C1", GROUPID="10"))

    counts = world.counts(dry_run=True, master=Master.FINOPS)["customers"]

    assert counts == {f"{TO_D} read": 1, f"{TO_D} written": 1}


def test_a_dry_run_tells_a_row_that_nothing_would_bring_its_parent(world):
    world.put(F, "CustGroup", {"DATAAREAID": "DEMF", "GROUPID": "10"})
    world.put(F, "Cust", cust("C1", GROUPID="10"), cust("C2", company="DEMF", GROUPID="10"))

    counts = world.counts(dry_run=True)["customers"]

    assert counts == {f"{TO_D} read": 2, f"{TO_D} written": 1, f"{TO_D} parked": 1}
    assert f"{TO_F} read" not in counts
