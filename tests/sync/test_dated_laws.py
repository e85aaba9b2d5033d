"""Laws of dated rows through the engine, whatever the apps' users do."""

from __future__ import annotations

import datetime as dt
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.sync.activation.activate import activate
from dualwrite.sync.retry import retry
from tests.sync.dated import DATED, NEVER, SHOWN, TODAY, Dated, make_dated
from tests.sync.world import D, F

SETTINGS = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FIRST = dt.date(2026, 6, 1)
LAST = 30
days = st.integers(0, LAST - 1)
_number = count()


@pytest.fixture
def make(tmp_path: Path, empty_journal: Path):
    made: list[Dated] = []

    def world(text: str, periods: str = "") -> Dated:
        changes = [("gaps: allow", periods)] if periods else []
        made.append(make_dated(tmp_path / str(next(_number)), text, empty_journal, changes))
        return made[-1]

    yield world
    for each in made:
        each.close()


def at(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


@st.composite
def edits(draw: st.DrawFn) -> list[Any]:
    """What a user does between two cycles: rows put or dropped, of two items."""
    row = st.tuples(
        st.sampled_from("AB"), days, st.none() | st.integers(0, 9), st.integers(1, 3), st.booleans()
    )
    return draw(st.lists(row, min_size=1, max_size=4))


def make_edit(world: Dated, side: Side, edit: Any) -> None:
    """An edit by an app that knows nothing of periods."""
    item, start, length, price, drop = edit
    if side is F and drop:
        world.remove(F, "Price", ITEM=item, VALIDFROM=at(start))
        return
    if side is F:
        end = NEVER if length is None else at(start + length)
        row = {"ITEM": item, "VALIDFROM": at(start), "VALIDTO": end, "PRICE": price}
        world.put(F, "Price", row)
        return
    first = dt.datetime.combine(at(start), dt.time(), dt.UTC)
    if drop:
        world.remove(D, "price", item=item, validfrom=first)
        return
    day = None if length is None else at(start + length)
    last = day and dt.datetime.combine(day, dt.time(23, 59, 59), dt.UTC)
    world.put(D, "price", {"item": item, "validfrom": first, "validto": last, "price": price})


@SETTINGS
@given(st.data(), st.sampled_from(["", ", mode: new", ", mode: correction", ", mode: effective"]))
def test_whatever_one_side_holds_the_other_never_has_two_rows_valid_on_one_day(make, data, mode):
    gaps = data.draw(st.sampled_from(["allow", "forbid"]))
    side = data.draw(st.sampled_from(Side))
    world = make(DATED, f"gaps: {gaps}{mode}")
    world.run("prices")

    for batch in data.draw(st.lists(edits(), min_size=1, max_size=4)):
        for edit in batch:
            make_edit(world, side, edit)
        world.clock = TODAY + dt.timedelta(days=data.draw(st.integers(-14, 14)))
        world.cycle()

        assert world.notes == {}
        assert_one_row_a_day(world, side.other)

    world.cycle_until_done()
    if not world.held() and not world.conflicts("prices"):
        assert world.reconcile("prices").unexplained == 0


close_together = st.tuples(
    st.just("A"),
    st.sampled_from([0, 10, 20]),
    st.sampled_from([4, 9, 14, None]),
    st.integers(1, 3),
    st.booleans(),
)


@pytest.mark.slow
@SETTINGS
@given(
    st.sampled_from(["allow", "forbid"]),
    st.lists(st.tuples(st.sampled_from(Side), close_together), min_size=3, max_size=7),
)
def test_no_row_waits_that_could_cross(make, gaps, steps):
    """Whichever side, and whichever row, makes the way free for it."""
    world = make(DATED, f"gaps: {gaps}")
    world.run("prices")

    for side, edit in steps:
        make_edit(world, side, edit)
        world.cycle_until_done()

        waits = [row for row in world.held() if row.cause == "periods_sound"]
        assert sum(each.counts.written + each.gone for each in retry(world.open(), waits)) == 0


def assert_one_row_a_day(world: Dated, side: Side) -> None:
    seen: set[tuple[str, dt.date]] = set()
    names = ("Price", "ITEM", "VALIDFROM", "VALIDTO")
    for item, *bounds in world.rows(side, *(names if side is F else map(str.lower, names))):
        start, end = bounds
        if side is D:
            assert start.time() == dt.time()
            assert end is None or end.time() == dt.time(23, 59, 59)
            start, end = start.date(), NEVER if end is None else end.date()
        last = min(end, at(LAST + 20))
        valid = {(item, start + dt.timedelta(days=n)) for n in range((last - start).days + 1)}
        assert start <= end
        assert not valid & seen, (item, start, end)
        seen |= valid


@SETTINGS
@given(st.data())
def test_the_rows_shown_are_those_of_a_plain_check_of_the_day(make, data):
    world = make(SHOWN)
    world.run("prices")
    held: dict[tuple[str, dt.date], tuple[dt.date, int]] = {}

    for batch in data.draw(st.lists(edits(), min_size=1, max_size=4)):
        for item, start, length, price, drop in batch:
            key = (item, at(start))
            if drop:
                world.remove(F, "Price", ITEM=item, VALIDFROM=at(start))
                held.pop(key, None)
                continue
            held[key] = (NEVER if length is None else at(start + length), price)
            row = {"ITEM": item, "VALIDFROM": at(start), "VALIDTO": held[key][0], "PRICE": price}
            world.put(F, "Price", row)
        world.clock = TODAY + dt.timedelta(days=data.draw(st.integers(-14, 14)))
        activate(world.open(), "prices")
        world.cycle()

        today = world.clock.date()
        valid: dict[str, list[int]] = {"A": [], "B": []}
        for (item, start), (end, price) in held.items():
            if start <= today <= end:
                valid[item].append(price)
        sure = {item: prices[0] for item, prices in valid.items() if len(prices) == 1}
        unclear = {item for item, prices in valid.items() if len(prices) > 1}
        shown = dict(world.listed())
        assert {item: price for item, price in shown.items() if item not in unclear} == sure
