"""What an initial sync, a repair or a retry overwrites is a conflict on record, or is not done."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from dualwrite.errors import AppBusyError
from dualwrite.link import Side
from dualwrite.sync.mapstate.mapstate import Resume, pause, resume
from dualwrite.sync.reconcile.repair import repair
from dualwrite.sync.resolve.resolve import undo_conflict
from dualwrite.sync.retry import retry
from dualwrite.tablemap.model import Master
from tests.sync.world import TO_D, D, F, World, at, cust, customer

CONFLICTS = f"{TO_D} conflicts"


def names(world: World) -> list[str]:
    """The name of every customer on either side, by key."""
    finops = world.rows(F, "Cust", "ACCOUNT", "NAME")
    dataverse = world.rows(D, "customer", "accountnumber", "name")
    return [str(row[1]) for row in (*finops, *dataverse)]


@pytest.mark.parametrize("master", [Master.FINOPS, Master.DATAVERSE, Master.NEWEST])
def test_an_initial_sync_records_both_versions_of_each_row_that_differs(every_world, master):
    world = every_world
    world.put(
        F,
        "Cust",
        cust("C1", "f1", MODIFIED=at(2)),
        cust("C2", "f2", MODIFIED=at(1)),
        cust("C3", "same"),
    )
    world.put(
        D,
        "customer",
        customer("C1", "d1", modifiedon=at(1)),
        customer("C2", "d2", modifiedon=at(2)),
        customer("C3", "same"),
    )

    counts = world.counts("customers", master=master)

    stored = world.session.journal.conflicts.find("customers", open_only=False)
    versions = {
        each.conflict.key["ACCOUNT"]: [
            (each.conflict.rows[F] or {})["NAME"],
            (each.conflict.rows[D] or {})["name"],
        ]
        for each in stored
    }
    assert versions == {"C1": ["f1", "d1"], "C2": ["f2", "d2"]}
    assert counts["customers"][CONFLICTS] == len(stored)
    wins = {
        Master.FINOPS: ["finops", "finops"],
        Master.DATAVERSE: ["dataverse", "dataverse"],
        Master.NEWEST: ["finops", "dataverse"],
    }[master]
    assert [outcome for _, _, outcome in sorted(world.conflicts())] == wins
    assert {each.conflict.policy for each in stored} == {master.value}


@pytest.mark.parametrize(("master", "lost"), [(Master.FINOPS, "d"), (Master.DATAVERSE, "f")])
def test_what_an_initial_sync_overwrote_is_given_back(every_world, master, lost):
    world = every_world
    world.put(F, "Cust", cust("C1", "f", CREDIT=Decimal(1)))
    world.put(D, "customer", customer("C1", "d", credit=Decimal(1)))
    world.run(master=master)

    undo_conflict(world.session, world.conflict_id())
    world.cycle_until_done()

    assert names(world) == [lost, lost]
    assert world.unexplained() == {}


def test_the_next_initial_sync_has_records_of_its_own(world):
    world.put(F, "Cust", cust("C1", "f"))
    world.put(D, "customer", customer("C1", "d"))
    world.run(master=Master.FINOPS)
    world.lose_queues()
    world.put(D, "customer", customer("C1", "d again"))
    world.lose_queues()

    world.run("customers", master=Master.FINOPS, initial_sync=True)

    assert len(world.conflicts()) == 2


def test_filling_blanks_overwrites_nothing_and_records_nothing(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "f", MEMO=None))
    world.put(D, "customer", customer("C1", "d", memo="theirs"))

    counts = world.counts("customers", master=Master.FILL_BLANKS)

    assert world.conflicts() == []
    assert CONFLICTS not in counts["customers"]


def test_a_dry_run_counts_the_conflicts_and_records_none(world):
    world.put(F, "Cust", cust("C1", "f"))
    world.put(D, "customer", customer("C1", "d"))

    counts = world.counts("customers", master=Master.FINOPS, dry_run=True)

    assert counts["customers"][CONFLICTS] == 1
    assert world.conflicts() == []


def test_a_repair_records_what_it_overwrites(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "same"))
    world.run()
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "blind write"})

    repair(world.open(), world.session.map("customers"), Side.FINOPS)

    (stored,) = world.session.journal.conflicts.find("customers", open_only=False)
    assert (stored.conflict.rows[D] or {})["name"] == "blind write"


@pytest.mark.parametrize(
    ("master", "left", "conflicts"),
    [
        (Master.FINOPS, "f", []),
        (Master.DATAVERSE, "d", []),
        # as if both had changed: by the map's policy, the newer one, and on record
        (Master.NEWEST, "d", [("C1", "update", "dataverse")]),
    ],
)
def test_a_row_that_is_locked_in_an_initial_sync_goes_the_way_of_the_master(
    world, master, left, conflicts
):
    world.put(F, "Cust", cust("C1", "f", MODIFIED=at(1)))
    world.put(D, "customer", customer("C1", "d", modifiedon=at(2)))
    company = world.rows(D, "customer", "company")[0][0]
    held = pa.table({"company": [company], "accountnumber": ["C1"]})

    with world.memory[D].hold("customer", held):
        world.run(master=master)
        assert names(world) == ["f", "d"]
    world.cycle_until_done()

    assert names(world) == [left, left]
    assert world.conflicts() == conflicts


def test_a_locked_row_is_no_reason_to_overwrite_what_only_blanks_may_fill(world):
    world.put(F, "Cust", cust("C1", "f"))
    world.put(D, "customer", customer("C1", "d"))
    company = world.rows(D, "customer", "company")[0][0]
    held = pa.table({"company": [company], "accountnumber": ["C1"]})

    with world.memory[D].hold("customer", held), pytest.raises(AppBusyError):
        world.run("customers", master=Master.FILL_BLANKS)
    world.run("customers", master=Master.FILL_BLANKS)

    assert names(world) == ["f", "d"]


def _edited_in_a_pause(world: World, policy: str) -> World:
    """A customer that both sides changed while the map was paused, both held then."""
    world.map("customers", ("columns:", f"conflicts: {{{policy}}}\ncolumns:"))
    world.put(F, "Cust", cust("C1", "before"))
    world.run()
    pause(world.session, ["customers"])
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "f"})
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "d"})
    resume(world.session, ["customers"], Resume.KEEP_QUEUE)
    assert len(world.held()) == 2
    return world


def _retry_and_sync(world: World, rows: slice) -> None:
    retry(world.open(), world.held()[rows])
    world.cycle_until_done()


@pytest.mark.parametrize("rows", [slice(None), slice(1), slice(1, 2)], ids=["all", "one", "other"])
@pytest.mark.parametrize(
    ("policy", "left", "outcome"),
    [
        ("policy: ask", ["f", "d"], "waits"),
        ("policy: finops", ["f", "f"], "finops"),
        ("policy: dataverse", ["d", "d"], "dataverse"),
    ],
)
def test_a_retry_leaves_a_row_that_both_sides_hold_back_to_the_policy(
    every_world, rows, policy, left, outcome
):
    world = _edited_in_a_pause(every_world, policy)

    _retry_and_sync(world, rows)

    assert names(world) == left
    assert [each for _, _, each in world.conflicts()] == [outcome]
    assert world.held() == []


def test_a_retry_is_no_conflict_where_the_other_side_has_not_changed(world):
    world.put(F, "Cust", cust("C1", "before"))
    world.run()
    pause(world.session, ["customers"])
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "f"})
    resume(world.session, ["customers"], Resume.KEEP_QUEUE)

    (tried,) = retry(world.open(), world.held())

    assert names(world) == ["f", "f"]
    assert (tried.counts.written, tried.counts.conflicts) == (1, 0)
    assert world.conflicts() == []
