"""Money on its way: judged by its currency, rounded where the map says so, never bent back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer


def money(world: World, more: str) -> World:
    """CREDIT is money, its currency in RATING."""
    world.map("customers", ("columns:", f"money: {{CREDIT: {{currency: RATING{more}}}}}\ncolumns:"))
    return world


def row(account: str, **columns: Any) -> dict[str, Any]:
    """Only these columns of a customer of finops."""
    return {"DATAAREAID": "USMF", "ACCOUNT": account, **columns}


@pytest.fixture
def rejecting(every_world) -> World:
    return money(every_world, "")


@pytest.fixture
def rounding(every_world) -> World:
    return money(every_world, ", precision: {round: half_even}")


def amounts(world: World) -> tuple[list[Any], list[Any]]:
    return (
        [amount for _, amount in world.rows(F, "Cust", "ACCOUNT", "CREDIT")],
        [amount for _, amount in world.rows(D, "customer", "accountnumber", "credit")],
    )


def test_an_amount_finer_than_its_currency_waits(rejecting):
    world = rejecting
    world.put(
        F,
        "Cust",
        cust("C1", CREDIT=Decimal("10.5"), RATING="JPY"),
        cust("C2", CREDIT=Decimal("10.5"), RATING="EUR"),
        cust("C3", CREDIT=Decimal("10.5"), RATING="EURO"),
        cust("C4", RATING=None),
    )

    world.run()

    assert [(each.cause, each.reason) for each in world.held()] == [
        (
            "currency_precision",
            "credit is 10.5 JPY, where 0 digits behind the point fit: it would become 10",
        ),
        (
            "currency_precision",
            "credit is 10.5 with the unknown currency 'EURO' in RATING (did you mean 'EUR'?)",
        ),
    ]
    assert amounts(world)[1] == [Decimal("10.50"), None]


@pytest.mark.parametrize(
    "change",
    [{"CREDIT": Decimal("10.5")}, {"RATING": "JPY"}],
    ids=["the amount alone", "the currency alone"],
)
def test_a_change_of_either_is_judged_by_both(rejecting, change):
    world, before = rejecting, {"CREDIT": Decimal("10.5"), "RATING": "EUR"}
    if "CREDIT" in change:
        before = {"CREDIT": Decimal(10), "RATING": "JPY"}
    world.put(F, "Cust", cust("C1", **before))
    world.run()

    world.put(F, "Cust", row("C1", **change))
    world.cycle()

    assert world.causes("customers") == [(TO_D, "C1", "currency_precision")]
    assert amounts(world)[1] == [before["CREDIT"]]

    world.put(F, "Cust", row("C1", CREDIT=Decimal(12), RATING="JPY"))
    world.cycle()

    assert world.causes("customers") == []
    assert amounts(world)[1] == [Decimal(12)]


def test_a_rounded_amount_is_written_and_does_not_come_back(rounding):
    world = rounding
    world.put(F, "Cust", cust("C1", CREDIT=Decimal("10.005"), RATING="EUR"))
    world.run()
    assert amounts(world) == ([Decimal("10.0050")], [Decimal("10.00")])

    world.put(D, "customer", customer("C1", "new name"))
    world.cycle_until_done()

    assert world.rows(F, "Cust", "NAME", "CREDIT") == [("new name", Decimal("10.0050"))]
    assert world.unexplained() == {}
    assert world.counts("customers")["customers"].get(f"{TO_F} written", 0) == 0
    assert amounts(world) == ([Decimal("10.0050")], [Decimal("10.00")])


def test_an_amount_is_rounded_anew_when_its_currency_alone_changes(rounding):
    world = rounding
    world.put(F, "Cust", cust("C1", CREDIT=Decimal("10.57"), RATING="EUR"))
    world.run()

    world.put(F, "Cust", row("C1", RATING="JPY"))
    world.cycle_until_done()

    assert amounts(world) == ([Decimal("10.5700")], [Decimal("11.00")])
    assert world.unexplained() == {}


def test_a_new_amount_comes_back_beside_one_that_only_was_rounded(rounding):
    world = rounding
    world.put(
        F,
        "Cust",
        cust("C1", CREDIT=Decimal("10.005"), RATING="EUR"),
        cust("C2", CREDIT=Decimal("20.005"), RATING="EUR"),
    )
    world.run()

    world.put(
        D,
        "customer",
        customer("C1", "first", credit=Decimal("10.00")),
        customer("C2", "second", credit=Decimal("21.00")),
    )
    world.cycle_until_done()

    assert amounts(world) == (
        [Decimal("10.0050"), Decimal("21.0000")],
        [Decimal("10.00"), Decimal("21.00")],
    )
    assert [name for name, _ in world.rows(F, "Cust", "NAME", "ACCOUNT")] == ["first", "second"]
