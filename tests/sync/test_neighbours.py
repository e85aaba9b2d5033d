"""A row that waits for a neighbour crosses by itself when the neighbour is out of its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dualwrite.link import Side
from dualwrite.sync.cycle import runner
from tests.sync.dated import DATED, Dated, make_dated
from tests.sync.world import TO_D, TO_F, F

BESIDE = ["A 26-01-01 26-12-31 10", "A 27-01-01 never 11"]


@pytest.fixture
def dated(tmp_path: Path, empty_journal: Path) -> Iterator[Callable[..., Dated]]:
    made: list[Dated] = []

    def make(*changes: tuple[str, str]) -> Dated:
        where = tmp_path / str(len(made))
        made.append(make_dated(where, DATED, empty_journal, changes))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The keys of the held rows that each cycle tried again."""
    looked: list[list[str]] = []

    def watched(session, rows, **options):
        looked.append(["/".join(map(str, row.key.values())) for row in rows])
        return retry(session, rows, **options)

    retry = runner.retry
    monkeypatch.setattr(runner, "retry", watched)
    return looked


def waiting(world: Dated, side: Side) -> None:
    """A period on a side that the open one of the other is in the way of."""
    world.here(("A", "26-01-01", "never", 10), ("B", "26-01-01", "never", 20))
    world.run("prices")
    (world.here if side is F else world.there)(("A", "27-01-01", "never", 11))
    world.cycle()
    assert [(each.direction, each.cause) for each in world.held()] == [
        (side.direction, "periods_sound")
    ]


def closed(world: Dated, side: Side) -> None:
    (world.here if side is F else world.there)(("A", "26-01-01", "26-12-31", 10))


@pytest.mark.parametrize("held", Side)
@pytest.mark.parametrize("corrected", Side)
def test_a_row_crosses_in_the_cycle_in_which_its_neighbour_is_closed(dated, held, corrected):
    world = dated()
    waiting(world, held)

    closed(world, corrected)
    counted = world.cycle()

    assert world.held() == []
    assert world.ours() == world.theirs() == [*BESIDE, "B 26-01-01 never 20"]
    ways = {TO_D: 0, TO_F: 0}
    ways[corrected.direction] += 1
    ways[held.direction] += 1
    assert {way: counted["prices"].get(f"{way} written", 0) for way in ways} == ways
    assert world.cycle() == {}


@pytest.mark.parametrize("held", Side)
@pytest.mark.parametrize("corrected", Side)
def test_a_row_crosses_in_the_cycle_in_which_its_neighbour_is_deleted(dated, held, corrected):
    world = dated()
    waiting(world, held)

    world.drop(corrected, "A", "26-01-01")
    world.cycle()

    assert world.held() == []
    assert world.ours() == world.theirs() == ["A 27-01-01 never 11", "B 26-01-01 never 20"]


@pytest.mark.parametrize("change", ["closed", "deleted"])
def test_of_two_rows_that_overlap_each_other_correcting_one_brings_both_across(dated, change):
    world = dated()
    world.here(("A", "26-01-01", "27-06-30", 10), ("A", "27-01-01", "never", 11))
    world.run("prices")
    assert (world.theirs(), len(world.held())) == ([], 2)

    if change == "closed":
        closed(world, F)
    else:
        world.drop(F, "A", "26-01-01")
    world.cycle()

    assert world.held() == []
    assert world.theirs() == (BESIDE if change == "closed" else BESIDE[1:])


def test_a_neighbour_may_have_waited_itself_for_another_reason(dated):
    """What goes is no row of the other side's; what is over there has its old dates."""
    world = dated()
    world.here(("A", "26-01-01", "26-12-31", 1), ("A", "27-01-01", "27-12-31", 2))
    world.run("prices")
    world.here(("A", "27-01-01", "28-12-31", 2), NOTE="far too long a note")
    world.here(("A", "28-01-01", "never", 3))
    world.cycle()
    assert world.causes() == [(TO_D, "2027-01-01", "length")]
    world.here(("A", "27-07-01", "27-12-31", 4))
    world.cycle()
    assert ("2027-07-01", "periods_sound") in [each[1:] for each in world.causes()]

    world.here(("A", "27-01-01", "27-06-30", 2), NOTE="")
    world.cycle()

    assert world.held() == []
    assert world.theirs() == world.ours()


def test_gaps_that_are_filled_release_what_waits_beside_them(dated):
    world = dated(("gaps: allow", "gaps: forbid"))
    world.here(("A", "26-01-01", "26-12-31", 10))
    world.run("prices")
    world.here(("A", "27-02-01", "never", 12))
    world.cycle()
    assert [each.cause for each in world.held()] == ["periods_sound"]

    world.here(("A", "26-01-01", "27-01-31", 10))
    world.cycle()

    assert world.held() == []
    assert world.theirs() == ["A 26-01-01 27-01-31 10", "A 27-02-01 never 12"]


def test_only_rows_of_the_same_entity_that_wait_for_a_neighbour_are_tried(dated, tried):
    world = dated()
    waiting(world, F)
    world.here(("A", "29-01-01", "never", 9), NOTE="far too long a note")
    world.cycle()
    tried.clear()

    world.here(("B", "26-01-01", "never", 21))
    world.cycle()
    assert tried == []

    world.here(("A", "26-01-01", "never", 12))
    world.cycle()

    assert tried == [["A/2027-01-01"]]
    assert sorted(each.cause for each in world.held()) == ["length", "periods_sound"]


def test_where_the_key_does_not_name_the_entity_all_that_wait_are_tried(dated):
    keyed = ("key: [ITEM, VALIDFROM]", "key: [NOTE]"), ("key: [item, validfrom]", "key: [note]")
    world = dated(*keyed)
    world.here(("A", "26-01-01", "never", 10), NOTE="first")
    world.run("prices")
    world.here(("A", "27-01-01", "never", 11), NOTE="next")
    world.cycle()
    assert [each.cause for each in world.held()] == ["periods_sound"]

    world.here(("A", "26-01-01", "26-12-31", 10), NOTE="first")
    world.cycle()

    assert world.held() == []
    assert world.theirs() == BESIDE


def test_after_a_cycle_that_failed_the_next_one_tries_them(dated, monkeypatch):
    """In one worker: what it had carried is across, and the row that waited for it is not."""
    world = dated()
    waiting(world, F)
    closed(world, F)
    session = world.open()

    def away(*_, **__):
        raise runner.TransientError("finops is away")

    with runner.cycle_runner(session) as (cycles, _):
        with monkeypatch.context() as patched:
            patched.setattr(runner, "retry", away)
            cycles.run_and_flush()
        assert [each.cause for each in world.held()] == ["periods_sound"]
        world.here(("B", "26-01-01", "never", 21))
        cycles.run_and_flush()

    assert world.held() == []
