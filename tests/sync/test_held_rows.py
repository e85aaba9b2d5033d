"""Rows held back: each rule end to end, what an app refuses, retries, and letting go."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dualwrite.journal.records import Counts
from dualwrite.sync.batch.writing import write_rows
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.retry import retry
from dualwrite.tablemap.model import Master
from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer


def again(world: World) -> list[tuple[str, dict[str, int], int]]:
    """As `dualwrite errors retry --all`: direction, what was counted, how many were gone."""
    return [
        (each.direction, {k: v for k, v in each.counts.as_dict().items() if v}, each.gone)
        for each in retry(world.open(), world.held())
    ]


@pytest.mark.parametrize(
    ("side", "row", "direction", "rule", "reason"),
    [
        pytest.param(
            F,
            cust("C1", "x" * 21),
            TO_D,
            "length",
            "name has 21 characters where 20 fit: 'xxxxxxxxxxxxxxxxxxxxx' would become "
            "'xxxxxxxxxxxxxxxxxxxx'",
            id="length",
        ),
        pytest.param(
            F,
            cust("C1", CREDIT=Decimal("1.234")),
            TO_D,
            "scale",
            "credit is 1.234, where 2 digits behind the point fit: it would become 1.23",
            id="scale",
        ),
        pytest.param(
            F,
            cust("C1", HOLD="Perhaps"),
            TO_D,
            "value_map_total",
            "HOLD is 'Perhaps', which the value map of hold does not list "
            "(it lists No, Invoice, All)",
            id="value map total",
        ),
        pytest.param(
            D,
            customer("C1", hold=7),
            TO_F,
            "value_map_total",
            "hold is 7, which the value map of HOLD does not list (it lists 0, 1, 2)",
            id="value map total, the other way",
        ),
    ],
)
def test_a_row_that_breaks_a_rule_waits_with_the_reason(
    every_world, side, row, direction, rule, reason
):
    world = every_world
    good = {F: cust("C2"), D: customer("C2")}[side]
    world.put(side, {F: "Cust", D: "customer"}[side], row, good)

    counts = world.counts("customers")["customers"]

    [held] = world.held()
    assert (held.kind, held.direction, held.cause, held.reason) == (
        "rejected",
        direction,
        rule,
        reason,
    )
    assert (counts[f"{direction} rejected"], counts[f"{direction} written"]) == (1, 1)
    assert world.unexplained() == {}


def test_text_that_is_no_number_and_a_value_that_is_missing_wait(world):
    values = "HOLD >< hold: {values: {No: 0, Invoice: 1, All: 2}}"
    world.map("customers", ("MEMO = memo", "MEMO > hold"), (values, "HOLD > memo"))
    world.put(F, "Cust", cust("C1", MEMO="seven"), cust("C2", MEMO="7"))

    world.run("customers")

    [held] = world.held()
    assert (held.cause, held.reason) == (
        "convertible",
        "MEMO is 'seven', which hold cannot hold as a whole number",
    )
    assert world.rows(D, "customer", "accountnumber", "hold") == [("C2", 7)]


def test_a_value_that_must_be_there_is_asked_for(every_world):
    """INVOICEACCOUNT bears no null in finops."""
    world = every_world
    world.map(
        "customers",
        ("MEMO = memo", "INVOICEACCOUNT < memo"),
        ("  - INVOICEACCOUNT = billto.accountnumber\n", ""),
    )
    world.put(D, "customer", customer("C1"), customer("C2", memo="x"))

    world.run("customers")

    [held] = world.held()
    assert (held.direction, held.cause, held.reason) == (
        TO_F,
        "required",
        "INVOICEACCOUNT must have a value and has none",
    )
    assert world.rows(F, "Cust", "ACCOUNT") == [("C2",)]


def test_two_rows_of_one_key_both_wait(every_world):
    """The app tells them apart, the map's key does not."""
    world = every_world
    world.map(
        "groups",
        ("key: [DATAAREAID, GROUPID]", "key: [DATAAREAID, DESCRIPTION]"),
        ("key: [company.code, groupid]", "key: [company.code, description]"),
        ("DATAAREAID = company.code", "DATAAREAID = company.code"),
    )
    groups = [("1", "twice"), ("2", "twice"), ("3", "once")]
    world.put(
        F,
        "CustGroup",
        *({"DATAAREAID": "USMF", "GROUPID": g, "DESCRIPTION": d} for g, d in groups),
    )

    counts = world.counts("groups")["groups"]

    assert counts == {f"{TO_D} read": 3, f"{TO_D} written": 1, f"{TO_D} rejected": 2}
    [held] = world.held()
    assert held.cause == "key_unique"
    assert held.reason == "another row has the same key (company.code 'USMF', description 'twice')"
    assert world.rows(D, "custgroup", "groupid") == [("3",)]


CHECK = {
    "sqlite": "CREATE TRIGGER no_bad BEFORE INSERT ON customer WHEN NEW.memo = 'bad' "
    "BEGIN SELECT RAISE(ABORT, 'memo is bad'); END",
    "postgresql": "ALTER TABLE customer ADD CONSTRAINT no_bad CHECK (memo <> 'bad')",
    "mariadb": "ALTER TABLE customer ADD CONSTRAINT no_bad CHECK (memo <> 'bad')",
}


@pytest.mark.parametrize("kind", CHECK)
def test_the_app_refuses_exactly_its_bad_rows(new_world, kind):
    world = new_world(kind)
    world.execute(D, CHECK[kind])
    bad = {"C03", "C04", "C17"}
    numbers = [f"C{n:02}" for n in range(20)]
    world.put(F, "Cust", *(cust(n, MEMO="bad" if n in bad else "good") for n in numbers))

    counts = world.counts("customers")["customers"]

    assert counts == {f"{TO_D} read": 20, f"{TO_D} written": 17, f"{TO_D} rejected": 3}
    assert {row.key["ACCOUNT"] for row in world.held()} == bad
    assert {row.cause for row in world.held()} == {"refused by the app"}
    assert all("bad" in row.reason for row in world.held())
    assert world.rows(D, "customer", "accountnumber") == [(n,) for n in numbers if n not in bad]
    assert world.unexplained() == {}

    world.put(F, "Cust", *(cust(n, MEMO="corrected") for n in ("C03", "C17")))
    assert again(world) == [(TO_D, {"read": 3, "written": 2, "rejected": 1}, 0)]
    assert [row.key["ACCOUNT"] for row in world.held()] == ["C04"]


def test_halving_asks_little_more_than_it_must(world):
    """One bad row of a thousand: some twenty writes, not a thousand."""
    import pyarrow as pa

    from dualwrite.apps.transactions import Written
    from dualwrite.errors import RowsRefusedError

    class Choosy:
        calls = 0

        def write(self, table, rows, *, key, fresh=False):
            self.calls += 1
            if 613 in rows["n"].to_pylist():
                raise RowsRefusedError(app="dataverse", table=table, reason="no 613")
            return Written(inserted=rows.num_rows)

    app: Any = Choosy()
    rows = pa.table({"n": list(range(1000))})

    written, refused = write_rows(lambda part: app.write("t", part, key=["n"]), rows)

    assert (written, refused) == (Written(inserted=999), {613: "no 613"})
    assert app.calls <= 22


def test_a_corrected_row_is_written_and_waits_no_longer(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "x" * 21), cust("C2", HOLD="Perhaps"))
    world.run("customers")
    world.put(F, "Cust", cust("C1", "short"))

    assert again(world) == [(TO_D, {"read": 2, "written": 1, "rejected": 1}, 0)]

    assert world.causes() == [(TO_D, "C2", "value_map_total")]
    assert world.rows(D, "customer", "accountnumber", "name") == [("C1", "short")]


def test_a_row_that_is_gone_or_has_left_the_filter_is_no_longer_held(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "x" * 21), cust("C2", "x" * 21), cust("C3", "x" * 21))
    world.run("customers")
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    world.put(F, "Cust", cust("C2", PARTYTYPE="Person"))

    assert again(world) == [(TO_D, {"read": 1, "rejected": 1}, 2)]

    assert world.causes() == [(TO_D, "C3", "length")]


def test_a_row_held_again_is_held_once(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "x" * 21), cust("C2", GROUPID="no"))
    world.run("customers")
    before = [(row.id, row.key) for row in world.held()]

    world.run("customers", initial_sync=True)

    assert [(row.id, row.key) for row in world.held()] == before


def test_a_row_that_became_good_is_cleared_by_the_next_run(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", "x" * 21))
    world.put(D, "customer", customer("C2", hold=7))
    world.run("customers")
    assert len(world.held()) == 2
    world.put(F, "Cust", cust("C1", "short"))
    world.put(D, "customer", customer("C2", hold=1))

    world.run("customers", initial_sync=True)

    assert world.held() == []
    assert world.unexplained() == {}


def test_a_row_that_could_not_come_back_is_cleared_once_both_sides_agree(world):
    """Dataverse won with a value that finops cannot hold; then somebody took it back."""
    world.put(F, "Cust", cust("C1", HOLD="No"))
    world.put(D, "customer", customer("C1", hold=7))
    world.run("customers", master=Master.DATAVERSE)
    assert world.causes() == [(TO_F, "C1", "value_map_total")]
    world.put(D, "customer", customer("C1", hold=0))

    world.run("customers", master=Master.DATAVERSE, initial_sync=True)

    assert world.held() == []


def test_a_row_only_dataverse_had_is_cleared_once_finops_has_it(world):
    world.put(D, "customer", customer("D1", hold=7))
    world.run("customers")
    world.put(D, "customer", customer("D1", hold=1))
    world.put(F, "Cust", cust("D1", HOLD="Invoice"))

    world.run("customers", initial_sync=True)

    assert world.held() == []


def test_the_second_pass_does_not_release_what_the_first_held(every_world):
    """C1 is there on both sides, its name does not fit, and its lookups are right."""
    world = every_world
    world.put(F, "Cust", cust("C1", "x" * 21, INVOICEACCOUNT="C1"))
    world.put(D, "customer", customer("C1", "old"))

    world.run("customers", master=Master.FINOPS)

    assert world.causes() == [(TO_D, "C1", "length")]
    assert world.unexplained() == {}


def test_a_value_that_lost_causes_no_held_row(every_world):
    """Finops wins, so what dataverse held matters no more; its telephone comes across."""
    world = every_world
    world.put(F, "Cust", cust("C1", HOLD=None))
    world.put(D, "customer", customer("C1", hold=7, phone="2"))

    world.run("customers", master=Master.FINOPS)

    assert world.causes() == []
    assert world.rows(F, "Cust", "HOLD", "PHONE") == [(None, "2")]
    assert world.rows(D, "customer", "hold", "phone") == [(None, "2")]


def test_a_rejected_row_is_counted_once(world):
    """Both sides hold it, and dataverse won with a value that finops cannot hold."""
    world.put(F, "Cust", cust("C1", HOLD="No"))
    world.put(D, "customer", customer("C1", hold=7))

    counts = world.counts("customers", master=Master.DATAVERSE)["customers"]

    assert counts[f"{TO_F} rejected"] == 1
    assert world.reconcile().unexplained == 0


def test_a_row_that_cannot_be_found_by_its_key_is_not_taken_for_deleted(world):
    world.map(
        "groups",
        ("key: [DATAAREAID, GROUPID]", "key: [DATAAREAID, DESCRIPTION]"),
        ("key: [company.code, groupid]", "key: [company.code, description]"),
    )
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "1", "DESCRIPTION": None})
    world.run("groups")
    assert [row.cause for row in world.held()] == ["key_present"]

    assert again(world) == [(TO_D, {"rejected": 1}, 0)]

    assert [row.cause for row in world.held()] == ["key_present"]


def test_a_retry_after_filling_blanks_changes_nothing_else(world):
    """The row waited for its group; its name differs on both sides, as it was left."""
    world.put(F, "Cust", cust("C1", "finops", GROUPID="10"))
    world.put(D, "customer", customer("C1", "dataverse"))
    world.map("customers", ("publisher: tests", "publisher: tests\nmaster: fill blanks only"))
    world.run("customers")
    assert world.causes() == [(TO_D, "C1", "custgroup with groupid '10'")]
    world.put(D, "custgroup", {"company": "USMF", "groupid": "10"})

    again(world)

    assert world.held() == []
    assert world.rows(D, "customer", "name", "custgroup.groupid") == [("dataverse", "10")]


def test_a_parked_row_comes_through_without_losing_what_the_other_side_decided(world):
    """Dataverse's name won and finops cannot hold it; finops' group is still on its way."""
    world.map("customers", ("publisher: tests", "publisher: tests\nmaster: dataverse"))
    world.put(F, "Cust", cust("C1", HOLD="No", INVOICEACCOUNT="C9"))
    world.put(D, "customer", customer("C1", hold=7))
    world.run("customers")
    world.put(D, "customer", customer("C9"))

    again(world)

    assert world.rows(D, "customer", "accountnumber", "hold", "billto.accountnumber") == [
        ("C1", 7, "C9"),
        ("C9", None, None),
    ]


@pytest.mark.parametrize("master", [Master.FINOPS, Master.DATAVERSE], ids=lambda m: m.value)
def test_a_row_held_for_a_value_that_cannot_be_translated_waits_with_all_its_columns(
    world: World, master: Master
) -> None:
    """The other side holds the row already, with a null in the place of that value."""
    world.put(F, "Cust", cust("C1", "of finops", HOLD="Perhaps"))
    world.put(D, "customer", customer("C1", "of dataverse", hold=None))
    world.run(master=master)
    (held,) = world.held()
    assert held.changed is None
    world.map("customers", ("All: 2", "All: 2, Perhaps: 3"))

    again(world)

    assert world.held() == []
    assert world.rows(D, "customer", "name", "hold") == [("of finops", 3)]


def test_a_conflict_of_an_initial_sync_counts_though_the_row_is_held(world: World) -> None:
    world.put(F, "Cust", cust("C1", "ours"), cust("C2", "x" * 21))
    world.put(D, "customer", customer("C1", "theirs"), customer("C2", "theirs"))

    counts = world.counts("customers", master=Master.FINOPS)

    assert [n for name, n in counts["customers"].items() if name.endswith("conflicts")] == [2]


def test_a_map_without_rows_has_counts_of_zero(world: World) -> None:
    (result,) = run_maps(
        world.session, make_plan(world.session, ["groups"]), RunOptions(initial_sync=True)
    )

    assert result.counts[TO_D] == Counts()
