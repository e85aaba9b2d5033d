"""Both sides compared: counts, names of columns, rows held back, and repairs that lose nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dualwrite.sync.reconcile.reconcile import Difference, reconcile
from dualwrite.sync.reconcile.repair import repair
from dualwrite.tablemap.model import Master
from tests.sync.world import D, F, World, at, cust, customer


def equal(world: World) -> World:
    """Three customers, equal on both sides in every column."""
    world.put(F, "CustGroup", *({"DATAAREAID": "USMF", "GROUPID": g} for g in ("10", "20")))
    world.put(F, "Vend", *({"DATAAREAID": "USMF", "ACCOUNT": v} for v in ("V1", "V2")))
    more = {"GROUPID": "10", "CREDIT": Decimal(1), "HOLD": "No", "VENDOR": "V1"}
    more |= {"MEMO": "m", "RATING": "r", "INVOICEACCOUNT": "C1"}
    world.put(F, "Cust", *(cust(number, **more) for number in ("C1", "C2", "C3")))
    world.run()
    assert world.reconcile().as_dict() == {
        "map": "customers",
        "same": 3,
        "differ": 0,
        "only_finops": 0,
        "only_dataverse": 0,
        "pending": 0,
        "held": 0,
        "rows": [],
    }
    return world


@pytest.mark.parametrize(
    ("change", "column"),
    [
        pytest.param({"name": "other"}, "name", id="text"),
        pytest.param({"memo": ""}, "memo", id="empty text"),
        pytest.param({"memo": None}, "memo", id="null"),
        pytest.param({"credit": Decimal("1.01")}, "credit", id="money"),
        pytest.param({"hold": 2}, "hold", id="a value map"),
        pytest.param({"hold": 9}, "hold", id="a value that cannot be translated"),
        pytest.param({"custgroup": "20"}, "custgroup.groupid", id="a lookup"),
        pytest.param({"vendor": None}, "vendor.number", id="no lookup"),
        pytest.param({"billto": "C3"}, "billto.accountnumber", id="a lookup into its own table"),
        pytest.param({"rating": "s"}, "rating", id="a column that flows to dataverse"),
        pytest.param({"phone": "1"}, "PHONE", id="a column that flows to finops"),
        pytest.param({"kind": 1}, "kind", id="a constant"),
    ],
)
def test_a_difference_made_by_hand_is_found_by_its_column(world, change, column):
    equal(world)
    world.put(D, "customer", {"kind": 3, "company": "USMF", "accountnumber": "C2", **change})
    world.lose_queues()

    found = world.reconcile()

    assert (found.same, found.differ, sum(found.only.values())) == (2, 1, 0)
    assert found.rows == [
        {
            "key": {"DATAAREAID": "USMF", "ACCOUNT": "C2"},
            "what": "differ",
            "held": False,
            "columns": [column],
        }
    ]
    assert found.unexplained == 1


def test_what_the_map_does_not_carry_is_not_compared(world):
    equal(world)
    world.put(D, "customer", customer("C2", modifiedon=at(1)))

    assert world.reconcile().same == 3


def test_rows_of_one_side_are_counted_by_side(every_world):
    world = equal(every_world)
    world.put(F, "Cust", cust("F1"), cust("F2"), cust("F3", PARTYTYPE="Person"))
    world.put(D, "customer", customer("D1"), customer("D2", company="FRRT"))
    world.lose_queues()

    found = world.reconcile()

    assert (found.same, found.differ, found.only) == (3, 0, {F: 2, D: 1})
    assert [(row["what"], list(row["key"].values())[-1]) for row in found.rows] == [
        ("only_finops", "F1"),
        ("only_finops", "F2"),
        ("only_dataverse", "D1"),
    ]


def test_a_row_that_is_held_back_is_explained_whichever_way_it_was_to_go(world):
    world.put(F, "Cust", cust("F1", "x" * 21), cust("C1", HOLD="No"))
    world.put(D, "customer", customer("D1", hold=7), customer("C1", hold=7))
    world.run("customers", master=Master.DATAVERSE)

    found = world.reconcile()

    assert (found.differ, found.only, found.held) == (1, {F: 1, D: 1}, 3)
    assert all(row["held"] for row in found.rows)
    assert found.unexplained == 0


def test_a_map_that_flows_one_way_counts_what_only_the_other_side_has(world):
    world.map("groups", (" = ", " > "))
    for number in ("1", "2"):
        world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": number})
        world.put(D, "custgroup", {"company": "USMF", "groupid": f"{number}0"})
    world.put(D, "custgroup", {"company": "USMF", "groupid": "1"})

    found = world.reconcile("groups")

    assert (found.same, found.differ, found.only) == (1, 0, {F: 1, D: 2})


def test_rows_are_read_a_partition_at_a_time(world):
    world.put(F, "Cust", *(cust(f"C{n:02}") for n in range(30)))
    world.run("customers")
    sizes: list[int] = []

    small = replace(world.session, link=replace(world.session.link, partition_rows=7))
    reconcile(small, small.map("customers"), progress=sizes.append)

    assert sum(sizes) == 60
    assert max(sizes) <= 7


def test_every_row_is_reported_and_the_first_hundred_are_kept(world):
    world.put(F, "Cust", *(cust(f"C{n:03}") for n in range(130)))
    reported: list[int] = []

    def found(kind, side, rows):
        assert (kind, side) == (Difference.ONLY, F)
        reported.append(rows.num_rows)

    compared = reconcile(world.session, world.session.map("customers"), found=found)

    assert (sum(reported), len(compared.rows), compared.only[F]) == (130, 100, 130)


def test_a_row_with_a_value_that_cannot_be_translated_counts_as_present(every_world):
    """It is on both sides, so a repair changes it and deletes nothing."""
    world = every_world
    world.put(F, "Cust", cust("C1", HOLD="No"))
    world.put(D, "customer", customer("C1", hold=9))
    assert world.reconcile().as_dict()["differ"] == 1

    repair(world.session, world.session.map("customers"), F)

    assert world.rows(D, "customer", "accountnumber", "hold") == [("C1", 0)]
    assert world.reconcile().same == 1


def test_what_is_queued_is_pending_and_no_difference(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1"), cust("C2"))
    world.run()
    world.put(F, "Cust", cust("C1", "changed"), cust("C3"))
    world.put(D, "customer", customer("C4"))

    found = world.reconcile()

    assert (found.same, found.pending, found.differ, found.unexplained) == (1, 3, 0, 0)


def test_a_change_between_the_two_reads_is_compared_again(world):
    world.put(F, "Cust", cust("C1"), cust("C2"))
    world.run()
    changed = []

    class Changing:
        """An app in which a row changes on both sides once its table was read."""

        def __init__(self, app):
            self._app = app

        def __getattr__(self, name):
            return getattr(self._app, name)

        def read(self, query, *, within=None):
            rows = self._app.read(query, within=within)
            if query.table == "Cust" and not changed:
                changed.append(query)
                world.put(F, "Cust", cust("C1", "new"))
                world.wrap = lambda app: app
                world.cycle()
            return rows

    world.wrap = Changing
    found = world.reconcile()

    assert changed
    assert (found.same, found.unexplained) == (2, 0)


def test_a_repair_wins_over_what_the_other_side_has_changed_or_deleted_since(
    world: World,
) -> None:
    """A person chose the side that is right; what is queued on the other side loses, on both."""
    world.put(F, "Cust", cust("C1", "right"), cust("C2", "right"))
    world.run()
    world.put(D, "customer", {"accountnumber": "C1", "company": "USMF", "name": "wrong"})
    world.remove(D, "customer", accountnumber="C2")

    repair(world.session, world.session.map("customers"), F)
    world.cycle_until_done()

    assert world.rows(F, "Cust", "ACCOUNT", "NAME") == [("C1", "right"), ("C2", "right")]
    assert world.rows(D, "customer", "accountnumber", "name") == [("C1", "right"), ("C2", "right")]
