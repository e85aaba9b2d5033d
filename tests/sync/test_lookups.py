"""Lookups end to end: parents that are missing, late, of the same table, ambiguous."""

from __future__ import annotations

import pytest

from dualwrite.journal.records import HeldRow
from dualwrite.sync.retry import retry
from dualwrite.sync.routes import lookups
from dualwrite.tablemap.model import Master
from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer

GROUP = {"DATAAREAID": "USMF", "GROUPID": "10"}
CRM_GROUP = {"company": "USMF", "groupid": "10"}


def try_again(world: World, *rows: HeldRow) -> list[tuple[str, int, int]]:
    """As `dualwrite errors retry`: (map, written, gone) each."""
    results = retry(world.open(), rows or world.held())
    return [(each.map, each.counts.written, each.gone) for each in results]


def test_a_row_without_its_parent_is_parked_and_says_what_it_waits_for(real_world):
    world = real_world
    world.put(F, "Cust", cust("C1", GROUPID="10"), cust("C2"))

    world.run("customers")

    [row] = world.held()
    assert (row.kind, row.direction, dict(row.key)) == (
        "parked",
        TO_D,
        {"DATAAREAID": "USMF", "ACCOUNT": "C1"},
    )
    assert row.cause == "custgroup with groupid '10'"
    assert row.row["NAME"] == "N"
    assert world.rows(D, "customer", "accountnumber") == [("C2",)]
    assert world.reconcile().unexplained == 0


def test_a_parent_that_arrives_frees_just_the_rows_that_wait_for_it(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", GROUPID="10"), cust("C2", GROUPID="20"))
    world.run("customers")
    world.put(D, "custgroup", CRM_GROUP)

    tried = try_again(world)

    assert tried == [("customers", 1, 0)]
    assert [row.row["ACCOUNT"] for row in world.held()] == ["C2"]
    assert world.rows(D, "customer", "accountnumber", "custgroup.groupid") == [("C1", "10")]


def test_a_parent_carried_by_the_same_run_is_there_in_time(world):
    world.put(F, "CustGroup", GROUP)
    world.put(F, "Cust", cust("C1", GROUPID="10"))

    world.run("customers", "groups")

    assert world.causes() == []
    assert world.rows(D, "customer", "custgroup.groupid") == [("10",)]


def test_rows_that_wait_for_each_other_are_freed_by_one_retry(every_world):
    """C3 waits for C4, and C4 for its group."""
    world = every_world
    chain = [cust(f"C{n}", INVOICEACCOUNT=f"C{n + 1}") for n in range(1, 4)]
    world.put(F, "Cust", *chain, cust("C4", GROUPID="10"))
    world.run("customers")
    assert {row.row["ACCOUNT"] for row in world.held()} == {"C3", "C4"}
    world.put(D, "custgroup", CRM_GROUP)

    try_again(world)

    assert world.causes() == []
    assert world.rows(D, "customer", "accountnumber", "billto.accountnumber") == [
        ("C1", "C2"),
        ("C2", "C3"),
        ("C3", "C4"),
        ("C4", None),
    ]
    assert world.reconcile().unexplained == 0


def test_held_rows_of_two_maps_are_freed_by_one_retry_in_any_order(world):
    world.put(F, "Vend", {"DATAAREAID": "USMF", "ACCOUNT": "V1", "CUSTOMER": "C1"})
    world.put(F, "Cust", cust("C1", GROUPID="10"))
    world.run()
    assert {row.map for row in world.held()} == {"vendors", "customers"}
    world.put(D, "custgroup", CRM_GROUP)

    try_again(world, *sorted(world.held(), key=lambda row: row.map, reverse=True))

    assert world.causes() == []
    assert world.rows(D, "vendor", "number", "customer.accountnumber") == [("V1", "C1")]


def test_a_row_may_point_at_a_later_one_and_at_itself(every_world):
    world = every_world
    world.put(
        F,
        "Cust",
        cust("A", INVOICEACCOUNT="Z"),
        cust("M", INVOICEACCOUNT="M"),
        cust("Z", INVOICEACCOUNT="A"),
    )

    world.run("customers")

    assert world.causes() == []
    assert world.rows(D, "customer", "accountnumber", "billto.accountnumber") == [
        ("A", "Z"),
        ("M", "M"),
        ("Z", "A"),
    ]


def test_a_chain_over_many_partitions_is_whole(every_world):
    world = every_world
    world.put(
        F,
        "Cust",
        *(cust(f"C{n:03}", INVOICEACCOUNT=f"C{n + 1:03}") for n in range(40)),
        cust("C040"),
    )

    world.run("customers", partition_rows=7)

    assert world.causes() == []
    assert world.rows(D, "customer", "accountnumber", "billto.accountnumber") == [
        *((f"C{n:03}", f"C{n + 1:03}") for n in range(40)),
        ("C040", None),
    ]


def test_two_maps_that_need_each_other_are_loaded_in_two_passes(real_world):
    world = real_world
    world.put(F, "Vend", {"DATAAREAID": "USMF", "ACCOUNT": "V1", "CUSTOMER": "C1"})
    world.put(F, "Cust", cust("C1", VENDOR="V1"))
    world.put(D, "vendor", {"company": "USMF", "number": "V2"})
    world.put(D, "customer", customer("C2", vendor="V2"))
    world.put(D, "vendor", {"company": "USMF", "number": "V2", "customer": "C2"})

    world.run()

    assert world.causes() == []
    pairs = [("V1", "C1"), ("V2", "C2")]
    assert world.rows(D, "vendor", "number", "customer.accountnumber") == pairs
    assert world.rows(D, "customer", "vendor.number", "accountnumber") == pairs
    assert world.rows(F, "Vend", "ACCOUNT", "CUSTOMER") == pairs
    assert world.rows(F, "Cust", "VENDOR", "ACCOUNT") == pairs
    assert world.unexplained() == {}


def test_a_lookup_that_waits_is_filled_in_from_the_side_that_has_it(world):
    """Even where the other side is the master: its blank only says that it was left out."""
    world.put(F, "Cust", cust("C1", INVOICEACCOUNT="C2"), cust("C2"))
    world.put(D, "customer", customer("C2"), customer("C3"))
    world.put(D, "customer", customer("C1"))
    world.put(F, "Cust", cust("C3"))

    world.run("customers", master=Master.DATAVERSE)

    assert ("C1", "C2") in world.rows(D, "customer", "accountnumber", "billto.accountnumber")


@pytest.mark.parametrize("whole", [5, 100_000], ids=["by keys", "whole"])
def test_a_large_table_is_asked_for_keys_and_a_small_one_read_whole(
    every_world, whole, monkeypatch
):
    monkeypatch.setattr(lookups, "WHOLE_TABLE_ROWS", whole)
    world = every_world
    groups = [f"G{n}" for n in range(8)]
    world.put(F, "CustGroup", *({"DATAAREAID": "USMF", "GROUPID": g} for g in groups))
    world.put(F, "Cust", *(cust(f"C{n}", GROUPID=g) for n, g in enumerate(groups)))
    world.put(F, "Cust", cust("C8", GROUPID="G0"), cust("C9", GROUPID=""), cust("CX", GROUPID="no"))
    read: list[str] = []
    world.wrap = lambda app: Watching(app, read)

    world.run("groups", "customers")

    assert world.rows(D, "customer", "custgroup.groupid") == [
        (None,), ("G0",), *((g,) for g in groups),
    ]  # fmt: skip
    assert [row.row["ACCOUNT"] for row in world.held()] == ["CX"]
    assert ("read custgroup whole" in read) is (whole > 5)


class Watching:
    """An app that notes which tables are read whole."""

    def __init__(self, app, read):
        self._app, self._read = app, read

    def __getattr__(self, name):
        return getattr(self._app, name)

    def read(self, query, *, within=None):
        if within is None:
            self._read.append(f"read {query.table} whole")
        return self._app.read(query, within=within)


def test_two_parents_of_the_same_name_are_none(every_world):
    world = every_world
    # without the map of groups nothing defines the key of a group
    (world.folder / "maps" / "groups.yaml").unlink()
    world.map("customers", ("custgroup.groupid", "custgroup.description"))
    world.put(
        D,
        "custgroup",
        {**CRM_GROUP, "description": "same"},
        {**CRM_GROUP, "groupid": "20", "description": "same"},
    )
    world.put(F, "Cust", cust("C1", GROUPID="same"))

    world.run("customers")

    [row] = world.held()
    assert row.kind == "parked"
    assert row.reason == "custgroup: custgroup has more than one row with description 'same'"
    assert world.rows(D, "customer", "accountnumber") == []


def test_a_lookup_is_read_as_empty_text_where_finops_bears_no_null(every_world):
    world = every_world
    world.put(D, "customer", customer("C1"))
    world.put(F, "Cust", cust("C2", INVOICEACCOUNT=""))

    world.run("customers")

    assert world.rows(F, "Cust", "ACCOUNT", "INVOICEACCOUNT") == [("C1", ""), ("C2", "")]
    assert world.counts("customers", initial_sync=True)["customers"].get(f"{TO_F} written") is None
