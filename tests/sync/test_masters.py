"""Who wins where both sides hold the same key, column by column."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dualwrite.tablemap.model import Master
from tests.sync.world import TO_D, TO_F, D, F, World, at, cust, customer


def both(world: World, *columns: tuple[str, str]) -> list[tuple[object, object]]:
    """The first customer's value on either side, for each (finops, dataverse) column."""
    ours = world.rows(F, "Cust", *(column for column, _ in columns))[0]
    theirs = world.rows(D, "customer", *(column for _, column in columns))[0]
    return list(zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    ("master", "wins"),
    [(Master.FINOPS, "from finops"), (Master.DATAVERSE, "from dataverse")],
    ids=["finops", "dataverse"],
)
def test_the_masters_values_are_on_both_sides_afterwards(every_world, master, wins):
    world = every_world
    world.put(F, "Cust", cust("C1", "from finops", MEMO="same", CREDIT=Decimal("1.5")))
    world.put(D, "customer", customer("C1", "from dataverse", memo="same", credit=Decimal("1.50")))

    counts = world.counts("customers", master=master)

    assert both(world, ("NAME", "name"), ("MEMO", "memo")) == [(wins, wins), ("same", "same")]
    did = {f"{TO_D} written": 1}
    if master is Master.DATAVERSE:
        did = {f"{TO_D} unchanged": 1, f"{TO_F} written": 1}
    assert counts["customers"] == {f"{TO_D} read": 1, f"{TO_D} conflicts": 1, **did}


@pytest.mark.parametrize(
    ("finops_at", "dataverse_at", "master", "wins"),
    [
        pytest.param(2, 1, "dataverse", "finops", id="finops is newer"),
        pytest.param(1, 2, "finops", "dataverse", id="dataverse is newer"),
        pytest.param(1, 1, "finops", "finops", id="a tie goes to the map's master, finops"),
        pytest.param(1, 1, "dataverse", "dataverse", id="a tie goes to the map's master"),
        pytest.param(None, 1, "finops", "finops", id="no time here: the map's master, finops"),
        pytest.param(1, None, "dataverse", "dataverse", id="no time there: the map's master"),
        pytest.param(None, None, "finops", "finops", id="no times: the map's master, finops"),
        pytest.param(None, None, "newest", "dataverse", id="no master at all: dataverse"),
        pytest.param(1, 1, "newest", "dataverse", id="a tie, no master at all: dataverse"),
    ],
)
def test_the_newest_wins(world, finops_at, dataverse_at, master, wins):
    world.map("customers", ("publisher: tests", f"publisher: tests\nmaster: {master}"))
    moments = [None if hour is None else at(hour) for hour in (finops_at, dataverse_at)]
    world.put(F, "Cust", cust("C1", "finops", MODIFIED=moments[0]))
    world.put(D, "customer", customer("C1", "dataverse", modifiedon=moments[1]))

    world.run("customers", master=Master.NEWEST)

    assert both(world, ("NAME", "name")) == [(wins, wins)]


def test_each_row_has_its_own_newest(world):
    world.put(F, "Cust", cust("C1", "f", MODIFIED=at(2)), cust("C2", "f", MODIFIED=at(1)))
    world.put(
        D, "customer", customer("C1", "d", modifiedon=at(1)), customer("C2", "d", modifiedon=at(2))
    )

    world.run("customers", master=Master.NEWEST)

    assert world.rows(F, "Cust", "ACCOUNT", "NAME") == [("C1", "f"), ("C2", "d")]
    assert world.rows(D, "customer", "accountnumber", "name") == [("C1", "f"), ("C2", "d")]


def test_filling_blanks_changes_no_value_of_either_side(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "finops", MEMO=None, CREDIT=Decimal(5), VENDOR=None))
    world.put(D, "customer", customer("C1", "dataverse", memo="theirs", credit=None))

    world.run("customers", master=Master.FILL_BLANKS)

    assert both(world, ("NAME", "name"), ("MEMO", "memo"), ("CREDIT", "credit")) == [
        ("finops", "dataverse"),
        ("theirs", "theirs"),
        (Decimal("5.0000"), Decimal("5.00")),
    ]


@pytest.mark.parametrize("master", [Master.FINOPS, Master.DATAVERSE, Master.FILL_BLANKS])
def test_a_one_way_column_flows_its_way_whoever_wins(world, master):
    """RATING > rating, PHONE < phone."""
    world.put(F, "Cust", cust("C1", RATING="A", PHONE="old"))
    world.put(D, "customer", customer("C1", rating="Z", phone="new"))

    world.run("customers", master=master)

    assert both(world, ("RATING", "rating"), ("PHONE", "phone")) == [("A", "A"), ("new", "new")]


def test_a_one_way_column_is_right_on_a_row_that_is_new_over_there(world):
    world.put(F, "Cust", cust("C1", PHONE="1"))

    world.run("customers")

    assert world.reconcile().unexplained == 0


def test_a_constant_is_written_each_way_and_read_from_neither(world):
    world.put(F, "Cust", cust("C1"))
    world.put(D, "customer", customer("C2"))

    world.run("customers")

    assert world.rows(D, "customer", "accountnumber", "kind") == [("C1", 3), ("C2", 3)]
    assert world.rows(F, "Cust", "ACCOUNT", "PARTYTYPE") == [
        ("C1", "Organization"),
        ("C2", "Organization"),
    ]


def test_another_spelling_of_a_value_is_no_difference(every_world):
    """The value map says No; a row that says NO is the same, and is left as it is."""
    world = every_world
    world.put(F, "Cust", cust("C1", HOLD="NO"), cust("C2", HOLD="ALL"))
    world.put(D, "customer", customer("C1", hold=0), customer("C2", hold=1))

    world.run("customers", master=Master.DATAVERSE)

    assert world.rows(F, "Cust", "ACCOUNT", "HOLD") == [("C1", "NO"), ("C2", "Invoice")]
    assert world.unexplained() == {}


@pytest.mark.parametrize(
    ("ours", "theirs", "master", "expected"),
    [
        pytest.param("", None, Master.FINOPS, ("", ""), id="our empty text wins"),
        pytest.param("", None, Master.DATAVERSE, (None, None), id="their null wins"),
        pytest.param(None, "x", Master.FINOPS, (None, None), id="our null wins"),
        pytest.param("", None, Master.FILL_BLANKS, ("", None), id="two blanks stay"),
        pytest.param("", "x", Master.FILL_BLANKS, ("x", "x"), id="empty text is a blank"),
    ],
)
def test_empty_text_is_a_value_of_its_own(world, ours, theirs, master, expected):
    world.put(F, "Cust", cust("C1", MEMO=ours))
    world.put(D, "customer", customer("C1", memo=theirs))

    world.run("customers", master=master)

    assert both(world, ("MEMO", "memo")) == [expected]


@pytest.mark.parametrize(
    ("master", "group"), [(Master.FINOPS, "10"), (Master.DATAVERSE, "20")], ids=str
)
def test_a_lookup_takes_the_winners_row(every_world, master, group):
    world = every_world
    groups = [{"DATAAREAID": "USMF", "GROUPID": number} for number in ("10", "20")]
    world.put(F, "CustGroup", *groups)
    world.put(D, "custgroup", *({"company": "USMF", "groupid": n} for n in ("10", "20")))
    world.put(F, "Cust", cust("C1", GROUPID="10"))
    world.put(D, "customer", customer("C1", custgroup="20"))

    world.run("customers", master=master)

    assert both(world, ("GROUPID", "custgroup.groupid")) == [(group, group)]
