"""Triggers of the target that leave a write out, or give a row values of their own."""

from __future__ import annotations

import pytest

from tests.sync.conftest import WorldMaker
from tests.sync.tables import D, F
from tests.sync.world import TO_D, World, cust, customer

SQL = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
CLOSED = {
    "sqlite": (
        (
            "CREATE TRIGGER closed_{event} BEFORE {event} ON customer WHEN {row}.name = 'closed' "
            "BEGIN SELECT RAISE(IGNORE); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION closed_{event}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF {row}.name = 'closed' THEN RETURN NULL; END IF; RETURN {all}; END $$"
        ),
        (
            "CREATE TRIGGER closed_{event} BEFORE {event} ON customer FOR EACH ROW "
            "EXECUTE FUNCTION closed_{event}()"
        ),
    ),
}
TIDY = {
    "sqlite": (
        (
            "CREATE TRIGGER tidy_new AFTER INSERT ON customer BEGIN UPDATE customer "
            "SET name = upper(new.name), phone = coalesce(new.phone, '555') "
            "WHERE customerid = new.customerid; END"
        ),
        (
            "CREATE TRIGGER tidy AFTER UPDATE OF name ON customer BEGIN UPDATE customer "
            "SET name = upper(new.name) WHERE customerid = new.customerid; END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "new.name = upper(new.name); new.phone = coalesce(new.phone, '555'); RETURN new; END $$"
        ),
        (
            "CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON customer FOR EACH ROW "
            "EXECUTE FUNCTION tidy()"
        ),
    ),
}


@pytest.fixture(params=SQL)
def sql_world(request: pytest.FixtureRequest, new_world: WorldMaker) -> World:
    return new_world(request.param)


def closed(world: World, event: str) -> None:
    """The app does nothing with rows named 'closed', without an error."""
    row = "new" if event == "insert" else "old"
    every = "old" if event == "delete" else "new"
    for statement in CLOSED[world.kind]:
        world.execute(D, statement.format(event=event, row=row, all=every))
    world.session.apps[D].refresh()


def test_a_row_whose_update_is_left_out_is_held_with_the_reason(sql_world: World) -> None:
    world = sql_world
    world.put(F, "Cust", *(cust(f"C{n}", "open") for n in range(3)), cust("C9", "closed"))
    world.run()
    closed(world, "update")

    world.put(F, "Cust", *(cust(f"C{n}", "edited") for n in range(3)), cust("C9", "edited"))
    found = world.cycle()["customers"]

    assert (found[f"{TO_D} written"], found[f"{TO_D} rejected"]) == (3, 1)
    assert f"{TO_D} unchanged" not in found
    (row,) = world.held("customers")
    assert (row.key["ACCOUNT"], row.cause) == ("C9", "refused by the app")
    assert "took no change of name: trigger closed_update of customer" in row.reason
    assert "dataverse" in row.cure
    assert world.unexplained() == {}


def test_an_insert_that_is_left_out_says_so(sql_world: World) -> None:
    world = sql_world
    world.run()
    closed(world, "insert")

    world.put(F, "Cust", cust("C1", "open"), cust("C2", "closed"))
    world.cycle()

    (row,) = world.held("customers")
    assert (row.key["ACCOUNT"], row.cause) == ("C2", "refused by the app")
    assert "took no such row: trigger closed_insert of customer left it out" in row.reason
    assert world.rows(D, "customer", "accountnumber") == [("C1",)]


def test_an_initial_sync_holds_what_is_left_out(sql_world: World) -> None:
    world = sql_world
    closed(world, "insert")
    world.put(F, "Cust", *(cust(f"C{n}", "closed" if n % 3 else "open") for n in range(9)))

    counted = world.counts()["customers"]

    assert (counted[f"{TO_D} written"], counted[f"{TO_D} rejected"]) == (3, 6)
    assert {row.key["ACCOUNT"] for row in world.held()} == {"C1", "C2", "C4", "C5", "C7", "C8"}
    assert world.unexplained() == {}


def test_a_delete_that_is_left_out_is_held(sql_world: World) -> None:
    world = sql_world
    world.put(F, "Cust", cust("C1", "open"), cust("C2", "closed"))
    world.run()
    closed(world, "delete")

    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C2")
    found = world.cycle()["customers"]

    assert (found[f"{TO_D} deleted"], found[f"{TO_D} rejected"]) == (1, 1)
    (row,) = world.held("customers")
    assert "it cannot be deleted: the app keeps the row: trigger closed_delete" in row.reason
    assert "points at it" not in row.cure
    assert world.rows(D, "customer", "accountnumber") == [("C2",)]


def test_what_the_target_makes_of_a_value_comes_back(sql_world: World) -> None:
    """In an initial sync as in a cycle; also values that it alone knows."""
    world = sql_world
    for statement in TIDY[world.kind]:
        world.execute(D, statement)
    world.session.apps[D].refresh()
    world.put(F, "Cust", cust("C1", "first"))

    world.run()
    world.put(F, "Cust", cust("C2", "second"))
    world.cycle_until_done()

    wanted = [("C1", "FIRST", "555"), ("C2", "SECOND", "555")]
    assert world.rows(D, "customer", "accountnumber", "name", "phone") == wanted
    assert world.rows(F, "Cust", "ACCOUNT", "NAME", "PHONE") == wanted
    assert (world.held(), world.conflicts()) == ([], [])
    assert world.unexplained() == {}


def test_two_apps_that_each_tidy_come_to_rest(new_world: WorldMaker) -> None:
    world = new_world("sqlite")
    for statement in TIDY["sqlite"]:
        world.execute(D, statement)
    world.execute(
        F,
        'CREATE TRIGGER low AFTER UPDATE OF "NAME" ON "Cust" BEGIN UPDATE "Cust" '
        'SET "NAME" = lower(new."NAME") WHERE "ACCOUNT" = new."ACCOUNT"; END',
    )
    for side in (F, D):
        world.session.apps[side].refresh()
    world.run()

    world.put(D, "customer", customer("C1", "Anna"))
    world.cycle_until_done()
