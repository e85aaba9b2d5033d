"""What the model and the torture found, each as the shortest story that tells it."""

from __future__ import annotations

from typing import Any

import pytest

from dualwrite.errors import AppBusyError
from dualwrite.sync.cycle.runner import cycle_runner
from dualwrite.sync.retry import retry
from tests.sync.points import pointed
from tests.sync.world import D, F, World, cust, customer

LONG = "a name of more than twenty letters"


@pytest.fixture
def running(every_world: World) -> World:
    """All maps run; both sides hold C1."""
    every_world.put(F, "Cust", cust("C1", "one"))
    every_world.run()
    return every_world


def update(world: World, account: str = "C1", **columns: Any) -> None:
    """A user of finops changes some columns."""
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": account, **columns})


def update_across(world: World, account: str = "C1", **columns: Any) -> None:
    """A user of dataverse does."""
    world.put(D, "customer", {"company": "USMF", "accountnumber": account, **columns})


def test_a_value_that_was_held_back_is_not_overwritten_unseen(running):
    update(running, NAME=LONG)
    running.cycle()
    update_across(running, name="of dataverse")

    running.cycle_until_done()

    (stored,) = running.session.journal.conflicts.find("customers", open_only=False)
    assert stored.conflict.rows[F]["NAME"] == LONG
    assert running.rows(F, "Cust", "NAME") == [("of dataverse",)]
    assert running.held() == []


def test_a_row_that_waits_is_not_deleted_unseen(running):
    update(running, GROUPID="none", MEMO="waits")
    running.cycle()
    running.remove(D, "customer", accountnumber="C1")

    running.cycle_until_done()

    (stored,) = running.session.journal.conflicts.find("customers", open_only=False)
    assert stored.conflict.kind == "delete"
    assert stored.conflict.rows[F]["MEMO"] == "waits"


def test_a_retry_overwrites_nothing_unseen_either(running):
    update(running, NAME="of finops", GROUPID="10")
    running.cycle()
    running.put(D, "custgroup", {"company": "USMF", "groupid": "10"})
    update_across(running, name="of dataverse")

    retry(running.session, running.held())
    running.cycle_until_done()

    (stored,) = running.session.journal.conflicts.find("customers", open_only=False)
    assert stored.conflict.rows[F]["NAME"] == "of finops"
    assert running.rows(F, "Cust", "NAME", "GROUPID") == [("of dataverse", "10")]
    assert running.held() == []


def test_a_retry_leaves_alone_what_did_not_wait(running):
    """The names differ, past the triggers; that the group waits is no word about them."""
    update(running, GROUPID="10")
    running.cycle()
    update_across(running, name="of dataverse")
    running.lose_queues()
    running.put(D, "custgroup", {"company": "USMF", "groupid": "10"})

    retry(running.session, running.held())

    assert running.rows(D, "customer", "name", "custgroup.groupid") == [("of dataverse", "10")]


def test_a_delete_that_was_refused_is_tried_again(running):
    ten = {"DATAAREAID": "USMF", "GROUPID": "10"}
    running.put(F, "CustGroup", {**ten, "DESCRIPTION": "ten"})
    running.cycle_until_done()
    running.put(D, "customer", customer("C2", custgroup="10", kind=1))
    running.remove(F, "CustGroup", **ten)
    running.cycle_until_done()
    assert running.causes() == [("finops->dataverse", "10", "refused by the app")]

    running.remove(D, "customer", accountnumber="C2")
    retry(running.session, running.held())
    running.cycle_until_done()

    assert running.rows(D, "custgroup", "groupid") == []
    assert running.held() == []


def test_a_new_row_whose_lookup_is_empty_over_there_goes_in_at_once(running):
    running.put(D, "customer", customer("C2", "two"))

    counted = running.cycle()

    assert counted["customers"] == {"dataverse->finops read": 1, "dataverse->finops written": 1}
    assert running.held() == []


def test_a_busy_moment_between_two_commits_makes_no_conflict(running):
    """The same worker goes on: what it applied and could not acknowledge is not carried again."""

    def busy(point: str) -> None:
        if point == "finops: before the acknowledgement" and not gone_on:
            raise AppBusyError(app="finops", table=None, reason="a backup")

    gone_on: list[bool] = []
    update(running, NAME="carried")
    with cycle_runner(pointed(running.session, busy)) as (cycles, _):
        assert [each.note for each in cycles.run_and_flush() if each.note]
        gone_on.append(True)
        update_across(running, name="newer")
        cycles.run_and_flush()

    assert running.conflicts() == []
    assert running.rows(F, "Cust", "NAME") == [("newer",)]


def test_what_came_across_before_a_fault_waits_no_longer(running):
    """The journal had not heard of it yet: it held the first version against all that followed."""

    def busy(point: str) -> None:
        if point == "journal: before held rows":
            raise AppBusyError(app="finops", table=None, reason="a backup")

    update(running, NAME=LONG)
    running.cycle_until_done()
    update(running, NAME="short")
    with cycle_runner(pointed(running.session, busy)) as (cycles, _):
        assert [each.note for each in cycles.run_and_flush() if each.note]
    update_across(running, name="newer")

    running.cycle_until_done()

    assert running.held() == []
    assert running.conflicts() == []
    assert running.rows(F, "Cust", "NAME") == [("newer",)]


def test_a_column_that_one_side_alone_decides_is_no_conflict(running):
    update(running, RATING="A")
    update_across(running, name="two")

    running.cycle_until_done()

    assert running.conflicts() == []
    assert running.rows(F, "Cust", "NAME", "RATING") == [("two", "A")]
    assert running.rows(D, "customer", "name", "rating") == [("two", "A")]


def test_what_both_sides_changed_alike_is_no_conflict_about_the_rest(running):
    update(running, MEMO="same")
    update_across(running, memo="same", name="two")

    running.cycle_until_done()

    assert running.conflicts() == []
    assert running.rows(F, "Cust", "NAME", "MEMO") == [("two", "same")]


def test_a_row_that_comes_into_the_map_brings_what_its_own_side_alone_knows(running):
    running.put(D, "customer", customer("C2", "two", phone="555", kind=1))
    running.cycle()
    running.put(F, "Cust", cust("C2", "of finops"))

    running.cycle_until_done()

    assert running.rows(F, "Cust", "ACCOUNT", "PHONE")[1] == ("C2", "555")


def test_a_row_made_anew_gets_again_what_the_other_side_alone_knows(running):
    update(running, RATING="A")
    running.cycle_until_done()
    running.remove(D, "customer", accountnumber="C1")
    update_across(running, name="anew", kind=3)
    update(running, MEMO="goes on")

    running.cycle_until_done()

    assert running.rows(D, "customer", "memo", "rating") == [("goes on", "A")]


def test_a_row_made_anew_unchanged_takes_back_what_the_other_side_alone_knows(running):
    update_across(running, phone="555")
    running.cycle_until_done()
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    running.put(F, "Cust", cust("C1", "one"))

    running.cycle_until_done()

    assert running.rows(F, "Cust", "PHONE") == [("555",)]


def test_a_row_made_anew_outside_the_map_stays_outside(running):
    """What puts a row into the map is a constant there: nobody but its maker knows better."""
    running.map("customers", ("columns:", "when_left: delete\ncolumns:"))
    running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    running.put(F, "Cust", cust("C1", "anew", PARTYTYPE="Person"))
    update_across(running, phone="555")

    running.cycle_until_done()

    assert running.rows(F, "Cust", "NAME", "PARTYTYPE") == [("anew", "Person")]
    assert running.rows(D, "customer", "name") == []


def test_a_row_that_left_and_was_brought_in_again_is_not_deleted_across(running):
    running.map("customers", ("columns:", "when_left: delete\ncolumns:"))
    update(running, PARTYTYPE="Person")
    running.remove(D, "customer", accountnumber="C1")
    running.put(D, "customer", customer("C1", "one", phone="555"))

    running.cycle_until_done()

    assert running.rows(F, "Cust", "NAME", "PHONE", "PARTYTYPE") == [("one", "555", "Organization")]
    assert running.rows(D, "customer", "name", "phone") == [("one", "555")]


def test_a_row_that_is_deleted_as_soon_as_it_has_crossed_stays_away(running):
    """What we ask for of the new row is no change that could be at odds with the delete."""
    running.map("customers", ("columns:", "conflicts: {policy: dataverse}\ncolumns:"))

    def delete(point: str) -> None:
        if point == "dataverse: before the commit" and not gone:
            gone.append(True)
            running.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C2")

    gone: list[bool] = []
    running.put(F, "Cust", cust("C2", "two"))
    with cycle_runner(pointed(running.session, delete)) as (cycles, _):
        cycles.run_and_flush()

    running.cycle_until_done()

    assert gone
    assert running.rows(F, "Cust", "ACCOUNT") == [("C1",)]
    assert running.rows(D, "customer", "accountnumber") == [("C1",)]
    assert running.conflicts() == []


def test_a_changed_key_of_a_parent_reaches_the_rows_that_point_at_it(running):
    running.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10", "DESCRIPTION": "ten"})
    update(running, GROUPID="10", INVOICEACCOUNT="")
    running.cycle_until_done()
    running.rename(D, "custgroup", "groupid", "10", "20")

    running.cycle_until_done()

    assert running.rows(F, "Cust", "GROUPID") == [("20",)]


def test_a_changed_key_reaches_them_though_another_row_has_taken_the_old_one(running):
    running.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10", "DESCRIPTION": "ten"})
    update(running, GROUPID="10", INVOICEACCOUNT="")
    running.cycle_until_done()
    running.rename(D, "custgroup", "groupid", "10", "20")
    running.put(D, "custgroup", {"company": "USMF", "groupid": "10", "description": "another"})

    running.cycle_until_done()

    assert running.rows(F, "Cust", "GROUPID") == [("20",)]
    assert running.unexplained() == {}


def test_a_changed_key_reaches_them_though_the_other_side_has_made_such_a_row(running):
    running.map("groups", ("columns:", "conflicts: {policy: finops}\ncolumns:"))
    group = {"DATAAREAID": "USMF", "DESCRIPTION": "ten"}
    running.put(F, "CustGroup", {**group, "GROUPID": "10"})
    update(running, GROUPID="10", INVOICEACCOUNT="")
    running.cycle_until_done()
    running.rename(D, "custgroup", "groupid", "10", "20")
    running.put(F, "CustGroup", {**group, "GROUPID": "20", "DESCRIPTION": "twenty"})

    running.cycle_until_done()

    assert running.rows(F, "Cust", "GROUPID") == [("20",)]


def test_a_crash_between_a_row_and_its_lookups_makes_no_conflict(running):
    """A new row that points at its own table goes in before its lookups do."""
    commits = iter(range(9))

    def crash(point: str) -> None:
        if point == "dataverse: after the commit" and next(commits) == 1:
            raise KeyboardInterrupt

    running.put(F, "Cust", cust("C2", "two", INVOICEACCOUNT="C1"))
    with (
        pytest.raises(KeyboardInterrupt),
        cycle_runner(pointed(running.session, crash)) as (cycles, _),
    ):
        cycles.run_and_flush()
    assert running.rows(D, "customer", "name", "billto") == [("one", None), ("two", None)]
    update_across(running, "C2", name="newer")

    running.cycle_until_done()

    assert running.conflicts() == []
    assert running.rows(F, "Cust", "NAME", "INVOICEACCOUNT") == [("newer", "C1"), ("one", "")]
    assert running.unexplained() == {}


def test_a_row_that_was_made_anew_under_its_old_key_is_not_renamed(running):
    """The other side's change won over the delete that the rename began with; then came a crash."""

    def crash(point: str) -> None:
        if point == "dataverse: after the commit":
            raise KeyboardInterrupt

    group = {"DATAAREAID": "USMF", "GROUPID": "10"}
    running.put(F, "CustGroup", {**group, "DESCRIPTION": "ten"})
    running.cycle_until_done()
    running.rename(D, "custgroup", "groupid", "10", "20")
    running.put(F, "CustGroup", {**group, "DESCRIPTION": "of finops"})
    with (
        pytest.raises(KeyboardInterrupt),
        cycle_runner(pointed(running.session, crash)) as (cycles, _),
    ):
        cycles.run_and_flush()
    running.put(F, "CustGroup", {**group, "DESCRIPTION": "newer"})

    running.cycle_until_done()

    both = [("10", "newer"), ("20", "ten")]
    assert running.rows(F, "CustGroup", "GROUPID", "DESCRIPTION") == both
    assert running.rows(D, "custgroup", "groupid", "description") == both
    assert running.unexplained() == {}
