"""Rows that share their key: held on every path, on whichever side they are."""

from __future__ import annotations

import pytest

from dualwrite.link import Side
from tests.sync.world import TO_D, TO_F, D, F, World, cust, customer

BY_MEMO = (
    ("key: [DATAAREAID, ACCOUNT]", "key: [DATAAREAID, MEMO]"),
    ("key: [company.code, accountnumber]", "key: [company.code, memo]"),
)


@pytest.fixture
def world(every_world: World) -> World:
    """Customers by their memo, which no index keeps unique; one is on both sides."""
    every_world.map("customers", *BY_MEMO)
    every_world.put(F, "Cust", cust("C1", "one", MEMO="a"))
    every_world.run()
    return every_world


def names(world: World, side: Side = D) -> list[tuple[str, str]]:
    table, columns = ("customer", ("accountnumber", "name"))
    if side is F:
        table, columns = ("Cust", ("ACCOUNT", "NAME"))
    return sorted(world.rows(side, table, *columns))


def held(world: World) -> set[tuple[str, str]]:
    return {(direction, rule) for direction, _, rule in world.causes("customers")}


def test_twins_that_come_live_are_held_until_one_is_left(world: World) -> None:
    world.put(F, "Cust", cust("C2", "two", MEMO="b"), cust("C3", "three", MEMO="b"))

    world.cycle()

    assert names(world) == [("C1", "one")]
    assert held(world) == {(TO_D, "key_unique")}

    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C2")
    world.cycle()

    assert names(world) == [("C1", "one"), ("C3", "three")]
    assert held(world) == set()


def test_a_twin_of_a_row_that_is_across_does_not_overwrite_it(world: World) -> None:
    world.put(F, "Cust", cust("C2", "twin", MEMO="a"))
    world.cycle()
    world.put(F, "Cust", cust("C1", "changed", MEMO="a"))
    world.cycle()

    assert names(world) == [("C1", "one")]
    assert held(world) == {(TO_D, "key_unique")}


def test_an_edit_does_not_overwrite_the_twins_of_the_other_side(world: World) -> None:
    world.put(D, "customer", customer("C9", "twin", memo="a"))
    world.cycle()
    world.put(F, "Cust", cust("C1", "changed", MEMO="a"))

    world.cycle()

    assert names(world) == [("C1", "one"), ("C9", "twin")]
    assert names(world, F) == [("C1", "changed")]
    assert held(world) == {(TO_F, "key_unique"), (TO_D, "key_unique")}
    assert any("more than one row that it would be written to" in h.reason for h in world.held())


def test_a_delete_does_not_take_the_twins_of_the_other_side(world: World) -> None:
    world.put(D, "customer", customer("C9", "twin", memo="a"))
    world.cycle()
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")

    world.cycle()

    assert names(world) == [("C1", "one"), ("C9", "twin")]
    assert "more than one row has its key" in world.held("customers")[-1].reason
