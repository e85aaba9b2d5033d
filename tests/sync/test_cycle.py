"""Cycles: what changed on either side reaches the other, once, and nothing else is touched."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dualwrite.journal.records import MapStatus
from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer

KEY = ("accountnumber",)


@pytest.fixture
def running(every_world) -> World:
    """All maps run; both sides hold C1 and C2."""
    every_world.put(F, "Cust", cust("C1", "one"), cust("C2", "two"))
    every_world.run()
    return every_world


def names(world: World) -> list[tuple[str, str]]:
    return world.rows(D, "customer", "accountnumber", "name")


def test_the_first_cycle_after_an_initial_sync_has_nothing_to_do(running):
    assert running.cycle() == {}


def test_an_insert_crosses_either_way(running):
    running.put(F, "Cust", cust("C3", "three"))
    running.put(D, "customer", customer("C4", "four"))

    counted = running.cycle()

    assert counted["customers"][f"{TO_D} written"] == 1
    assert counted["customers"][f"{TO_F} written"] == 1
    assert names(running)[2:] == [("C3", "three"), ("C4", "four")]
    assert running.rows(F, "Cust", "ACCOUNT", "NAME")[3:] == [("C4", "four")]
    running.cycle_until_done()
    assert running.unexplained() == {}


def test_an_update_crosses_and_does_not_come_back(running):
    running.put(F, "Cust", cust("C1", "first"))
    running.put(D, "customer", customer("C2", "second"))

    running.cycle()

    assert names(running) == [("C1", "first"), ("C2", "second")]
    assert running.rows(F, "Cust", "ACCOUNT", "NAME") == names(running)
    assert running.cycle() == {}


def test_a_delete_crosses_either_way(running):
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    running.remove(D, "customer", accountnumber="C2")

    running.cycle()

    assert names(running) == []
    assert running.rows(F, "Cust", "ACCOUNT") == []
    assert running.cycle() == {}


def test_a_row_that_came_and_went_between_two_cycles_leaves_no_trace(running):
    running.put(F, "Cust", cust("C9"))
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C9")

    running.cycle()

    assert names(running) == [("C1", "one"), ("C2", "two")]
    assert running.cycle() == {}


def test_a_row_deleted_and_made_anew_is_one_row(running):
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    running.put(F, "Cust", cust("C1", "anew"))

    running.cycle()

    assert names(running) == [("C1", "anew"), ("C2", "two")]


def test_only_the_columns_that_changed_are_written(running):
    """A column that differs for another reason keeps its value on both sides."""
    running.put(D, "customer", customer("C1", "a name that is too long for nobody"[:20]))
    running.session.apps[D].acknowledge(
        running.session.journal.maps.all()[1].queues["dataverse"],
        running.entries(D, "customers").id,
    )
    running.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "CREDIT": None, "MEMO": "m"})

    running.cycle()

    assert names(running)[0] == ("C1", "a name that is too l")


def test_children_come_after_their_parents_in_one_cycle(running):
    running.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "G7", "DESCRIPTION": "seven"})
    running.put(F, "Cust", cust("C7", GROUPID="G7"))

    running.cycle()

    assert ("C7", "G7") in running.rows(D, "customer", "accountnumber", "custgroup.groupid")
    assert running.held() == []


def test_parents_go_after_their_children_in_one_cycle(running):
    running.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "G7", "DESCRIPTION": "seven"})
    running.put(F, "Cust", cust("C7", GROUPID="G7"))
    running.cycle()
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C7")
    running.remove(F, "CustGroup", DATAAREAID="USMF", GROUPID="G7")

    running.cycle()

    assert running.rows(D, "custgroup", "groupid") == []
    assert running.held() == []
    assert running.cycle() == {}


def test_rows_that_point_at_each_other_cross_in_one_cycle(running):
    running.put(F, "Cust", cust("C8", INVOICEACCOUNT="C9"), cust("C9", INVOICEACCOUNT="C8"))

    running.cycle()

    found = running.rows(D, "customer", "accountnumber", "billto.accountnumber")
    assert found[2:] == [("C8", "C9"), ("C9", "C8")]
    assert running.held() == []
    assert running.cycle() == {}


def test_a_child_waits_for_its_parent_and_is_released_by_itself(running):
    running.put(F, "Cust", cust("C7", GROUPID="G7"))
    running.cycle()
    assert [cause for _, _, cause in running.causes()] != []

    running.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "G7", "DESCRIPTION": "seven"})
    running.cycle()

    assert ("C7", "G7") in running.rows(D, "customer", "accountnumber", "custgroup.groupid")
    assert running.held() == []


def test_a_rejected_row_waits_and_its_next_version_takes_its_place(running):
    running.put(F, "Cust", cust("C1", "a name of more than twenty letters"))
    running.cycle()
    assert len(running.held("customers")) == 1
    assert names(running)[0] == ("C1", "one")

    running.put(F, "Cust", cust("C1", "short"))
    running.cycle()

    assert names(running)[0] == ("C1", "short")
    assert running.held() == []


def test_what_waited_with_a_rejected_version_crosses_with_the_next(running):
    running.put(F, "Cust", cust("C1", "a name of more than twenty letters"))
    running.cycle()
    running.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "CREDIT": Decimal("5.00")})
    running.cycle()
    assert len(running.held("customers")) == 1, "the name still waits"

    running.put(F, "Cust", cust("C1", "short"))
    running.cycle()

    assert running.rows(D, "customer", "accountnumber", "name")[0] == ("C1", "short")
    assert running.held() == []
    assert running.unexplained() == {}


def test_a_changed_key_takes_the_row_along(running):
    running.rename(F, "Cust", "ACCOUNT", "C1", "C5")

    running.cycle()

    assert names(running) == [("C2", "two"), ("C5", "one")]
    assert running.cycle() == {}


def test_a_row_that_leaves_the_filter_stays_over_there(running):
    running.put(F, "Cust", cust("C1", "left", PARTYTYPE="Person"))

    running.cycle()

    assert names(running)[0] == ("C1", "one")
    assert running.cycle() == {}


def test_a_row_that_leaves_the_filter_goes_if_the_map_says_so(every_world):
    world = every_world
    world.map("customers", ("columns:", "when_left: delete\ncolumns:"))
    world.put(F, "Cust", cust("C1"), cust("C2"))
    world.run()

    world.put(F, "Cust", cust("C1", PARTYTYPE="Person"))
    world.cycle()

    assert world.rows(D, "customer", *KEY) == [("C2",)]


def test_a_row_that_enters_the_filter_crosses_whole(running):
    running.put(F, "Cust", cust("C3", "person", PARTYTYPE="Person"))
    running.cycle()
    running.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C3", "PARTYTYPE": "Organization"})

    running.cycle()

    assert ("C3", "person") in names(running)


def test_an_app_that_is_away_makes_the_map_wait_and_loses_nothing(running):
    from tests.sync.test_interrupted import BUSY, Faults

    running.put(F, "Cust", cust("C1", "changed"))
    Faults(*[BUSY] * 5).into(running)

    running.cycle()

    assert "busy" in running.notes["customers"]
    assert names(running)[0] == ("C1", "one")

    running.wrap = lambda app: app
    running.cycle()

    assert names(running)[0] == ("C1", "changed")
    assert running.notes == {}


def test_a_paused_map_waits_and_catches_up(running):
    journal = running.session.journal
    journal.maps.set_status("customers", MapStatus.PAUSED, reason="a test")
    running.put(F, "Cust", cust("C1", "changed"))

    assert running.cycle() == {}
    assert names(running)[0] == ("C1", "one")

    journal.maps.set_status("customers", MapStatus.RESUMING, reason="a test")
    running.cycle()

    assert names(running)[0] == ("C1", "changed")
    assert running.status() is MapStatus.RUNNING


def test_a_side_that_was_emptied_is_refused_not_copied(every_world):
    world = every_world
    world.put(F, "Cust", *(cust(f"C{n:03}") for n in range(60)))
    world.run()
    for n in range(60):
        world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT=f"C{n:03}")

    world.cycle()

    assert len(world.rows(D, "customer", *KEY)) == 60
    assert "this would delete 60 of 60 rows in dataverse" in world.notes["customers"]
    assert "dualwrite sync customers --allow-deletes" in world.notes["customers"]

    world.cycle(allow_deletes=True)

    assert world.rows(D, "customer", *KEY) == []


def test_what_was_carried_before_a_crash_is_not_carried_again(running):
    """The worker dies between the two commits; meanwhile dataverse changes the row."""

    class Dying:
        def __init__(self, app):
            self._app = app

        def __getattr__(self, name):
            return getattr(self._app, name)

        def acknowledge(self, queue, ids):
            raise KeyboardInterrupt

    running.put(F, "Cust", cust("C1", "carried"))
    running.wrap = Dying
    with pytest.raises(KeyboardInterrupt):
        running.cycle()
    running.wrap = lambda app: app
    assert names(running)[0] == ("C1", "carried")
    running.put(D, "customer", customer("C1", "newer"))

    running.cycle()

    assert running.conflicts() == []
    assert running.rows(F, "Cust", "ACCOUNT", "NAME")[0] == ("C1", "newer")
