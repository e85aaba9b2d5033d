"""A dated table on a side without dates: only what is valid now, from its day on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from dualwrite.sync.activation.activate import activate, last_look, projections
from tests.sync.dated import SHOWN, TODAY, Dated, make_dated
from tests.sync.world import TO_D, D, F


@pytest.fixture(params=["memory"])
def world(tmp_path: Path, empty_journal: Path) -> Iterator[Dated]:
    made = make_dated(tmp_path / "project", SHOWN, empty_journal, ())
    yield made
    made.close()


def on(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"20{day}T12:00:00+00:00")


def look(world: Dated, day: str) -> int:
    """As the flow on that day: how many entities show another row."""
    world.clock = on(day)
    found = activate(world.open(), "prices")
    world.cycle()
    return found.entities


def test_an_initial_sync_shows_what_is_valid_now(world):
    world.here(("A", "25-01-01", "25-12-31", 9), ("A", "26-01-01", "26-12-31", 10))
    world.here(("A", "27-01-01", "never", 12), ("B", "27-01-01", "never", 20))

    world.run("prices")

    assert world.listed() == [("A", 10)]
    assert world.held() == []
    assert world.reconcile("prices").unexplained == 0


def test_a_future_row_shows_on_its_day_and_not_before(world):
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.cycle()
    assert world.listed() == [("A", 10)]
    assert look(world, "26-12-31") == 0
    assert world.listed() == [("A", 10)]

    assert look(world, "27-01-01") == 1

    assert world.listed() == [("A", 12)]
    assert world.reconcile("prices").unexplained == 0
    assert look(world, "27-01-02") == 0


def test_what_is_no_longer_valid_is_deleted(world):
    world.here(("A", "26-01-01", "26-07-31", 10), ("B", "26-01-01", "never", 20))
    world.run("prices")

    assert look(world, "26-07-31") == 0
    assert world.listed() == [("A", 10), ("B", 20)]
    assert look(world, "26-08-01") == 1

    assert world.listed() == [("B", 20)]


def test_a_row_that_the_app_ends_today_goes_with_the_next_cycle(world):
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.here(("A", "26-01-01", "26-06-14", 10))
    world.cycle()

    assert world.listed() == []


def test_a_correction_of_what_is_past_or_to_come_writes_nothing(world):
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.run("prices")

    world.here(("A", "27-01-01", "never", 13))

    assert world.cycle()["prices"] == {f"{TO_D} read": 1, f"{TO_D} unchanged": 1}
    assert world.listed() == [("A", 10)]


def test_a_deleted_row_gives_way_to_none(world):
    world.here(("A", "26-01-01", "never", 10), ("B", "26-01-01", "never", 20))
    world.run("prices")

    world.drop(F, "A", "26-01-01")
    world.cycle()

    assert world.listed() == [("B", 20)]


def test_two_rows_that_are_valid_at_once_are_rejected_with_both_periods(world):
    world.here(("A", "26-01-01", "never", 10), ("A", "26-03-01", "never", 11))

    world.run("prices")

    assert world.listed() == []
    assert sorted((each.cause, each.column, each.reason) for each in world.held()) == [
        (
            "periods_sound",
            "VALIDFROM, VALIDTO",
            (
                "2026-03-01 to no end overlaps 2026-01-01 to no end, both of item 'A', "
                "and both have no end"
            ),
        )
    ]


def test_activations_follow_each_other_from_the_initial_sync_on(world):
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    assert last_look(world.session, "prices") == TODAY
    look(world, "26-12-31")
    assert last_look(world.session, "prices") == on("26-12-31")


def test_a_clock_that_is_set_back_shows_what_was_valid_then(world):
    """Whoever tries a day to come with a test clock can go home again."""
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.run("prices")
    look(world, "27-01-01")
    assert world.listed() == [("A", 12)]

    assert look(world, "26-06-15") == 1

    assert world.listed() == [("A", 10)]


def test_an_activation_that_would_empty_the_other_side_stops_first(world):
    rows = [(f"I{n}", "26-01-01", "26-12-31", 10) for n in range(80)]
    world.here(*rows)
    world.run("prices")

    look(world, "27-01-01")

    assert len(world.listed()) == 80
    assert "this would delete 80 of 80 rows in dataverse" in world.notes["prices"]


def test_only_projections_at_work_are_examined(world):
    assert projections(world.session) == []
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    assert projections(world.session) == ["prices"]


def test_the_other_side_is_not_asked_for_dates(world):
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.put(D, "listprice", {"item": "A", "price": 99})

    assert world.cycle() == {}
    assert world.listed() == [("A", 99)]


def test_two_rows_that_are_valid_at_once_are_held_until_one_is_left(world):
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.here(("A", "26-01-01", "never", 10), ("A", "26-02-01", "never", 11))
    world.cycle()

    assert world.listed() == [("A", 10)]
    assert [rule for _, _, rule in world.causes("prices")] == ["key_unique"]

    world.here(("A", "26-01-01", "26-01-31", 10), ("A", "26-02-01", "never", 11))
    world.cycle_until_done()

    assert world.listed() == [("A", 11)]
    assert world.held() == []
