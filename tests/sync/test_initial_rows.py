"""Which rows are carried: rows of one side only, companies, filters, and never twice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dualwrite.journal.records import MapStatus
from dualwrite.tablemap.model import Master
from tests.sync.world import TO_D, TO_F, D, F, cust, customer


def test_rows_of_one_side_only_are_carried_to_the_other(real_world):
    world = real_world
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10", "DESCRIPTION": "Whole"})
    world.put(F, "Cust", cust("F1", GROUPID="10", CREDIT=Decimal("12.3400"), HOLD="All"))
    world.put(D, "customer", customer("D1", memo="here", credit=Decimal("0.01"), hold=0))

    counts = world.counts()

    expected = [
        ("D1", None, Decimal("0.01"), 0, "here"),
        ("F1", "10", Decimal("12.34"), 2, None),
    ]
    paths = ("accountnumber", "custgroup.groupid", "credit", "hold", "memo")
    assert world.rows(D, "customer", *paths) == expected
    assert world.rows(F, "Cust", "ACCOUNT", "GROUPID", "CREDIT", "HOLD", "MEMO") == [
        ("D1", None, Decimal("0.0100"), "No", "here"),
        ("F1", "10", Decimal("12.3400"), "All", None),
    ]
    assert counts["customers"] == {
        f"{TO_D} read": 2,  # what was brought across before is compared with the rest
        f"{TO_D} written": 1,
        f"{TO_D} unchanged": 1,
        f"{TO_F} read": 1,
        f"{TO_F} written": 1,
    }
    assert world.unexplained() == {}


def test_a_row_of_dataverse_whose_lookup_waits_is_carried_in_two_passes(every_world):
    """Customers point at themselves, and INVOICEACCOUNT bears no null in finops."""
    world = every_world
    world.put(D, "customer", customer("D2"))
    world.put(D, "customer", customer("D1", billto="D2"))

    world.run("customers")

    assert world.causes() == []
    assert world.rows(F, "Cust", "ACCOUNT", "INVOICEACCOUNT") == [("D1", "D2"), ("D2", "")]
    assert world.unexplained() == {}


@pytest.mark.parametrize(
    ("companies", "carried"),
    [
        pytest.param("", ["DEMF", "USMF"], id="those of the link"),
        pytest.param("companies: [USMF]\n", ["USMF"], id="include"),
        pytest.param("companies: {exclude: [USMF]}\n", ["DEMF"], id="exclude"),
    ],
)
def test_only_the_companies_that_take_part_are_carried(world, companies, carried):
    world.map("customers", ("finops:\n", f"{companies}finops:\n"))
    names = ("USMF", "DEMF", "FRRT")
    world.put(F, "Cust", *(cust("F1", company=name) for name in names))
    world.put(D, "customer", *(customer("D1", company=name) for name in names))

    world.run("customers")

    to_d = [
        code
        for code, account in world.rows(D, "customer", "company.code", "accountnumber")
        if account == "F1"
    ]
    to_f = [
        code for code, account in world.rows(F, "Cust", "DATAAREAID", "ACCOUNT") if account == "D1"
    ]
    assert (to_d, to_f) == (carried, carried)
    assert world.reconcile().unexplained == 0


def test_the_same_number_in_two_companies_is_two_rows(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "us", "USMF"), cust("C1", "de", "DEMF"))
    world.put(D, "customer", customer("C1", "old us", "USMF"))

    world.run("customers", master=Master.FINOPS)

    assert world.rows(D, "customer", "company.code", "accountnumber", "name") == [
        ("DEMF", "C1", "de"),
        ("USMF", "C1", "us"),
    ]


def test_a_lookup_finds_the_row_of_its_own_company(every_world):
    world = every_world
    both = [{"GROUPID": "10", "DATAAREAID": company} for company in ("DEMF", "USMF")]
    world.put(F, "CustGroup", *both)
    world.put(
        F,
        "Cust",
        cust("C1", company="USMF", GROUPID="10"),
        cust("C1", company="DEMF", GROUPID="10"),
    )

    world.run()

    assert world.rows(D, "customer", "company.code", "custgroup.company.code") == [
        ("DEMF", "DEMF"),
        ("USMF", "USMF"),
    ]


def test_rows_outside_the_filter_stay_where_they_are(every_world):
    world = every_world
    world.put(F, "Cust", cust("F1", PARTYTYPE="Person"), cust("F2", PARTYTYPE=None))
    world.put(D, "customer", customer("D1", kind=1), customer("D2", kind=None))

    counts = world.counts("customers")

    assert counts == {"customers": {}}
    assert world.unexplained() == {}
    assert len(world.rows(F, "Cust", "ACCOUNT")) == len(world.rows(D, "customer", "kind")) == 2


def test_a_counterpart_outside_its_filter_is_changed_and_not_doubled(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "new"))
    world.put(D, "customer", customer("C1", "old", kind=1))

    world.run("customers", master=Master.FINOPS)

    assert world.rows(D, "customer", "accountnumber", "name", "kind") == [("C1", "new", 3)]


def a_full_house(world):
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10", "DESCRIPTION": "a"})
    world.put(
        F,
        "Cust",
        cust("C1", GROUPID="10", HOLD="no", CREDIT=Decimal("1.2"), MEMO=""),
        cust("C2", INVOICEACCOUNT="C3", VENDOR="V1"),
        cust("C3"),
        cust("C4", "f" * 30),
    )
    world.put(F, "Vend", {"DATAAREAID": "USMF", "ACCOUNT": "V1", "CUSTOMER": "C2"})
    world.put(
        D,
        "customer",
        customer("C1", "other", memo=None),
        customer("D1", phone="1"),
        customer("D2", hold=9),
    )


def test_a_second_run_writes_nothing(real_world):
    world = real_world
    a_full_house(world)
    world.run()
    before, held = world.everything(), world.causes()

    counts = world.counts(initial_sync=True)

    assert not [name for result in counts.values() for name in result if "written" in name]
    assert world.everything() == before
    assert world.causes() == held


def test_a_second_run_touches_no_row_version(new_world):
    world = new_world("postgresql")
    a_full_house(world)
    world.run()
    tables = {F: ("Company", "CustGroup", "Cust", "Vend"), D: ("company", "custgroup", "customer")}

    def versions():
        return [
            sorted(map(tuple, world.execute(side, f'SELECT xmin::text, ctid::text FROM "{name}"')))
            for side, names in tables.items()
            for name in names
        ]

    before = versions()
    world.run(initial_sync=True)

    assert versions() == before


def test_a_map_that_runs_already_is_not_read_again(world):
    world.put(F, "Cust", cust("C1"))
    world.run("customers")
    world.put(F, "Cust", cust("C2"))

    result = world.run("customers")["customers"]

    assert result.note == "already running, nothing copied; --initial-sync compares every row again"
    assert result.counts == {}
    assert world.rows(D, "customer", "accountnumber") == [("C1",)]


def test_skipping_the_initial_sync_writes_nothing_and_runs(world):
    world.put(F, "Cust", cust("C1"))

    world.run("customers", initial_sync=False)

    assert world.status() is MapStatus.RUNNING
    assert world.rows(D, "customer", "accountnumber") == []


def test_a_map_that_flows_one_way_writes_one_side(every_world):
    world = every_world
    world.map("groups", (" = ", " > "))
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10", "DESCRIPTION": "f"})
    world.put(
        D,
        "custgroup",
        {"company": "USMF", "groupid": "10", "description": "d"},
        {"company": "USMF", "groupid": "20", "description": "d"},
    )

    world.run("groups", master=Master.DATAVERSE)

    assert world.rows(D, "custgroup", "groupid", "description") == [("10", "f"), ("20", "d")]
    assert world.rows(F, "CustGroup", "GROUPID", "DESCRIPTION") == [("10", "f")]
