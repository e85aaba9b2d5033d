"""Many rows at once: updated first and looked at afterwards; what is in the way takes it back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dualwrite.sync.batch import optimistic
from dualwrite.sync.cycle.runner import run_cycle
from tests.sync.points import pointed
from tests.sync.world import TO_D, D, F, World, cust

ACCOUNTS = ("C1", "C2", "C3")


@pytest.fixture
def some(every_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three customers on both sides; three are many."""
    monkeypatch.setattr(optimistic, "AT_LEAST", 3)
    every_world.put(F, "Cust", *(cust(each, "old", MEMO="kept") for each in ACCOUNTS))
    every_world.run()
    return every_world


def change(world: World, *accounts: str, **values: Any) -> None:
    for account in accounts:
        world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": account, **values})


def steps(world: World) -> list[str]:
    """What a cycle did with the rows of dataverse."""
    passed: list[str] = []
    observed = pointed(world.session, passed.append)
    run_cycle(observed, ["customers"])
    asked = (
        "dataverse: locked, not looked",
        "dataverse: updated",
        "dataverse: looked, not written",
    )
    return [point for point in passed if point in asked]


def names(world: World) -> list[tuple[Any, ...]]:
    return sorted(world.rows(D, "customer", "accountnumber", "name", "memo"))


def test_clean_rows_are_updated_without_being_locked_and_read(some):
    change(some, *ACCOUNTS, NAME="new")

    done = steps(some)

    assert names(some) == [(each, "new", "kept") for each in ACCOUNTS]
    assert len(some.entries(F, "customers")) == 0
    if some.kind != "mariadb":
        assert done == ["dataverse: updated", "dataverse: looked, not written"]


def test_only_the_columns_that_changed_are_written(some):
    some.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "memo": "theirs"})
    some.lose_queues()
    change(some, *ACCOUNTS, NAME="new")

    some.cycle()

    assert names(some)[0] == ("C1", "new", "theirs")


def test_a_row_that_the_other_side_changed_is_decided_by_the_policy(some):
    change(some, *ACCOUNTS, NAME="new")
    some.put(D, "customer", {"company": "USMF", "accountnumber": "C2", "name": "theirs"})

    done = steps(some)
    some.cycle_until_done()

    assert "dataverse: locked, not looked" in done
    assert [key for key, _, _ in some.conflicts()] == ["C2"]
    assert some.unexplained() == {}


def test_a_row_that_is_deleted_over_there_is_decided_by_the_policy(some):
    change(some, *ACCOUNTS, NAME="new")
    some.remove(D, "customer", accountnumber="C2")

    some.cycle_until_done()

    assert [kind for _, kind, _ in some.conflicts()] == ["delete"]
    assert some.unexplained() == {}


def test_rows_that_are_equal_already_are_not_written(some):
    change(some, *ACCOUNTS, NAME="new")
    change(some, "C2", NAME="old")

    counts = some.cycle()["customers"]

    assert counts == {f"{TO_D} read": 3, f"{TO_D} written": 2, f"{TO_D} unchanged": 1}


def test_a_row_that_is_rejected_leaves_the_others(some):
    change(some, *ACCOUNTS, NAME="new")
    change(some, "C2", NAME="much too long for the other side")

    some.cycle()

    assert [name for _, name, _ in names(some)] == ["new", "old", "new"]
    assert len(some.held()) == 1


def test_rows_that_changed_in_other_columns_are_locked_and_read_first(some):
    change(some, *ACCOUNTS, NAME="new")
    change(some, "C2", MEMO="new too")

    done = steps(some)

    assert names(some)[1] == ("C2", "new", "new too")
    assert done[0] == "dataverse: locked, not looked"


def test_an_amount_that_is_rounded_over_there_is_locked_and_read_first(every_world, monkeypatch):
    monkeypatch.setattr(optimistic, "AT_LEAST", 1)
    world = every_world
    world.map(
        "customers",
        ("columns:", "money: {CREDIT: {currency: USD, precision: {round: half_up}}}\ncolumns:"),
    )
    world.put(F, "Cust", cust("C1", "one", CREDIT=Decimal("1.2345")))
    world.run()
    change(world, "C1", CREDIT=Decimal("2.3456"))

    world.cycle_until_done()

    assert world.rows(F, "Cust", "CREDIT") == [(Decimal("2.3456"),)]
    assert world.unexplained() == {}
