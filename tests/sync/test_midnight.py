"""A day begins at the midnight of the company whose row it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dualwrite.operations.dated_rows import dated_rows
from dualwrite.sync.activation.activate import activate
from tests.sync.dated import DATED, SHOWN, Dated, make_dated
from tests.sync.world import D, F

EVENING = dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.UTC)
"""Already the new year in Berlin, and still the old one in New York."""
ZONES = '[companies.DEMF]\nzone = "Europe/Berlin"\n[companies.USMF]\nzone = "America/New_York"\n'
Maker = Callable[[str, str], Dated]


@pytest.fixture
def of_companies(tmp_path: Path, empty_journal: Path) -> Iterator[Maker]:
    """A world whose rows belong to the company in their note."""
    made: list[Dated] = []

    def make(map_text: str, effective: str = "") -> Dated:
        changes = [
            ("finops: {table: Price,", "finops: {company: NOTE, table: Price,"),
            ("dataverse: {table:", "dataverse: {company: note, table:"),
            ("to: VALIDTO", f"to: VALIDTO{effective}"),
        ]
        world = make_dated(tmp_path / "project", map_text, empty_journal, changes)
        with (world.folder / "dualwrite.toml").open("a", encoding="utf-8") as file:
            file.write(ZONES)
        world.clock = EVENING
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


def two_prices(world: Dated) -> None:
    """Of each company a price until the end of the year, and one from the new year on."""
    for item, company in (("A", "DEMF"), ("B", "USMF")):
        world.here((item, "26-01-01", "26-12-31", 10), NOTE=company)
        world.here((item, "27-01-01", "never", 12), NOTE=company)


def test_what_is_valid_today_is_so_by_the_clock_of_the_company(of_companies):
    world = of_companies(SHOWN, "")
    two_prices(world)

    world.run("prices")

    assert world.listed() == [("A", 12), ("B", 10)]
    assert world.reconcile("prices").unexplained == 0
    now = dated_rows(world.open(), world.open().map("prices"), F, "now")
    assert sorted(zip(now["ITEM"].to_pylist(), now["PRICE"].to_pylist(), strict=True)) == [
        ("A", 12),
        ("B", 10),
    ]


def test_a_row_shows_from_the_midnight_of_its_company_on(of_companies):
    world = of_companies(SHOWN, "")
    world.clock = EVENING.replace(hour=12)
    two_prices(world)
    world.run("prices")
    assert world.listed() == [("A", 10), ("B", 10)]

    seen = []
    for hours in (12, 6):
        world.clock += dt.timedelta(hours=hours)
        found = activate(world.open(), "prices")
        world.cycle()
        seen.append((found.entities, world.listed()))

    assert seen == [(1, [("A", 12), ("B", 10)]), (1, [("A", 12), ("B", 12)])]


def test_a_change_begins_today_by_the_clock_of_the_company(of_companies):
    world = of_companies(DATED, ", mode: new")
    for item, company in (("A", "DEMF"), ("B", "USMF")):
        world.here((item, "26-01-01", "never", 10), NOTE=company)
    world.run("prices")

    for item, company in (("A", "DEMF"), ("B", "USMF")):
        world.here((item, "26-01-01", "never", 11), NOTE=company)
    world.cycle()

    assert [
        (item, start.date()) for item, start in world.rows(D, "price", "item", "validfrom")
    ] == [
        ("A", dt.date(2026, 1, 1)),
        ("A", dt.date(2027, 1, 1)),
        ("B", dt.date(2026, 1, 1)),
        ("B", dt.date(2026, 12, 31)),
    ]


def test_rows_of_no_company_have_the_midnight_of_the_link(tmp_path, empty_journal):
    world = make_dated(tmp_path / "project", SHOWN, empty_journal, ())
    config = world.folder / "dualwrite.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[link]", '[link]\nzone = "Europe/Berlin"'), encoding="utf-8")
    world.clock = EVENING
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))

    world.run("prices")

    assert world.listed() == [("A", 12)]
    world.close()
