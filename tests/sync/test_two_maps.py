"""Two maps over one pair of tables: what one writes is no change of an application to the other."""

from __future__ import annotations

import pytest

from dualwrite.sync.capture.captures import queue_name
from dualwrite.sync.capture.origins import echoes_of
from tests.sync.world import TO_D, D, F, World, cust, customer

_MORE = """\
map: more
title: More of customers
version: 1.0.0.0
publisher: tests
finops: {table: Cust, key: [DATAAREAID, ACCOUNT], company: DATAAREAID}
dataverse: {table: customer, key: [company.code, accountnumber], company: company.code}
conflicts: dataverse
columns:
  - DATAAREAID = company.code
  - ACCOUNT = accountnumber
  - NAME = name
  - INVOICEACCOUNT << none: {default: none}
  - CREDIT = credit
"""
_NAMES = ("companies", "groups", "notes", "more")


@pytest.fixture
def both(every_world: World) -> World:
    """`notes` and `more` carry NAME, `notes` MEMO and `more` CREDIT; both sides hold C1."""
    return two_maps(every_world, _MORE)


def two_maps(world: World, more: str) -> World:
    folder = world.folder / "maps"
    notes = _MORE.replace("more", "notes").replace("CREDIT = credit", "MEMO = memo")
    (folder / "more.yaml").write_text(more, encoding="utf-8")
    (folder / "notes.yaml").write_text(notes, encoding="utf-8")
    world.map("companies")  # read the folder anew
    # neither memo nor credit: the second initial sync overwrites what the first map left out
    world.put(F, "Cust", cust("C1", "v0", MEMO=None, CREDIT=None))
    world.run(*_NAMES)
    world.cycle_until_done()
    return world


def test_an_old_value_does_not_come_back_over_a_newer_one(both: World) -> None:
    """Nobody ever writes in dataverse."""
    both.put(F, "Cust", cust("C1", "v1"))
    both.cycle("notes")
    both.put(F, "Cust", cust("C1", "v2"))
    both.cycle("more")
    both.cycle_until_done()

    assert both.rows(F, "Cust", "NAME") == both.rows(D, "customer", "name") == [("v2",)]
    assert both.conflicts("notes") == both.conflicts("more") == []


def test_a_row_of_one_map_is_no_new_row_of_the_app_to_the_other(both: World) -> None:
    both.put(F, "Cust", cust("C2", "new", MEMO="m"))
    both.cycle("notes")

    assert len(both.entries(D, "more")) == 0
    counted = both.cycle("more")
    assert counted["more"][f"{TO_D} unchanged"] == 1
    assert both.conflicts("more") == []


def test_what_a_user_changes_crosses_once(both: World) -> None:
    both.put(D, "customer", customer("C1", "theirs", memo="x"))
    both.cycle_until_done()

    assert both.rows(F, "Cust", "NAME", "MEMO") == [("theirs", "x")]
    assert both.conflicts("notes") == both.conflicts("more") == []


def test_columns_that_both_maps_relate_alike_are_echoes(both: World) -> None:
    session = both.session
    found = echoes_of(session, session.map("notes"), D)
    queue = queue_name(session.map("more"), D)
    assert found == {queue: ("accountnumber", "company", "name")}
    assert echoes_of(session, session.map("groups"), D) == {}


def test_a_column_that_goes_round_through_a_second_map_is_a_change(
    every_world: World,
) -> None:
    """`more` gives PHONE what `notes` writes into memo: that has to cross."""
    both = two_maps(every_world, _MORE.replace("CREDIT = credit", "PHONE < memo"))
    both.put(F, "Cust", cust("C1", "v0", MEMO="round"))
    both.cycle_until_done()

    assert both.rows(F, "Cust", "MEMO", "PHONE") == [("round", "round")]
