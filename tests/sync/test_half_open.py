"""Dated rows whose end is the first day, or moment, after them: `end: exclusive`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dualwrite.sync.activation.activate import activate
from tests.sync.dated import DATED, NEVER, SHOWN, TODAY, Dated, first, make_dated
from tests.sync.world import D, F

Maker = Callable[..., Dated]


@pytest.fixture
def half_open(tmp_path: Path, empty_journal: Path) -> Iterator[Maker]:
    made: list[Dated] = []

    def make(map_text: str = DATED, more: str = "gaps: forbid") -> Dated:
        change = ("gaps: allow}", f"{more}, end: exclusive}}")
        if map_text is SHOWN:
            change = ("to: VALIDTO}", "to: VALIDTO, end: exclusive}")
        made.append(make_dated(tmp_path / str(len(made)), map_text, empty_journal, [change]))
        return made[-1]

    yield make
    for world in made:
        world.close()


def moments(world: Dated) -> list[tuple[Any, ...]]:
    """What dataverse holds: item, start and end."""
    return world.rows(D, "price", "item", "validfrom", "validto")


def put(world: Dated, item: str, start: dt.datetime, end: dt.datetime | None) -> None:
    world.put(D, "price", {"item": item, "validfrom": start, "validto": end, "price": Decimal(1)})


def test_periods_touch_where_one_ends_as_the_next_begins(half_open):
    world = half_open()
    world.here(("A", "26-01-01", "27-01-01", 10), ("A", "27-01-01", "never", 12))

    world.run("prices")

    assert world.held() == []
    assert moments(world) == [
        ("A", first("26-01-01"), first("27-01-01")),
        ("A", first("27-01-01"), dt.datetime(2154, 12, 31, tzinfo=dt.UTC)),
    ]
    assert world.reconcile("prices").unexplained == 0
    assert world.cycle() == {}


def test_a_day_less_leaves_a_gap_and_a_day_more_overlaps(half_open):
    world = half_open()
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.here(("B", "26-01-01", "27-01-02", 10), ("B", "27-01-01", "never", 12))

    world.run("prices")

    assert {each.cause for each in world.held()} == {"periods_sound"}
    assert {each.key["ITEM"] for each in world.held()} == {"A", "B"}


def test_only_midnight_is_a_day_again(half_open):
    world = half_open()
    put(world, "A", first("26-01-01"), first("27-01-01"))
    put(world, "B", first("26-01-01"), dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=dt.UTC))
    put(world, "C", first("26-01-01"), None)

    world.run("prices")

    assert world.rows(F, "Price", "ITEM", "VALIDTO") == [
        ("A", dt.date(2027, 1, 1)),
        ("C", NEVER),
    ]
    assert [(each.cause, each.column) for each in world.held()] == [("convertible", "validto")]


def test_a_new_period_closes_the_one_before_it_where_it_begins(half_open):
    world = half_open(more="gaps: allow, mode: new")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.put(D, "price", {"item": "A", "validfrom": first("26-01-01"), "price": Decimal(12)})
    world.cycle_until_done()

    today = f"{TODAY:%y-%m-%d}"
    assert world.ours() == [f"A 26-01-01 {today} 10", f"A {today} never 12"]
    assert moments(world)[0][2] == first(today)
    assert world.held() == []


def test_a_projection_shows_a_row_until_its_end_is_reached(half_open):
    world = half_open(SHOWN)
    world.here(("A", "26-01-01", "26-08-01", 10), ("A", "26-08-01", "never", 11))
    world.run("prices")
    assert world.held() == []

    shown = []
    for day in ("2026-07-31", "2026-08-01"):
        world.clock = dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")
        activate(world.open(), "prices")
        world.cycle()
        shown.append(world.listed())

    assert shown == [[("A", 10)], [("A", 11)]]
