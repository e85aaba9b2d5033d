"""Dated rows on both sides: copied as they are, or written by a mode."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from dualwrite.apps.memory.writing import MemoryWriting
from dualwrite.errors import RowsRefusedError
from dualwrite.link import Side
from dualwrite.sync.write_both.write import write_both
from tests.sync.dated import DATED, Dated, day, first, last, make_dated
from tests.sync.world import TO_D, TO_F, D, F

Maker = Callable[..., Dated]
NINES = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
_SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("sqlite", "postgresql", "mariadb")]


@pytest.fixture(params=["memory"])
def dated(tmp_path: Path, empty_journal: Path) -> Iterator[Maker]:
    yield from _worlds(tmp_path, empty_journal, lambda: None)


@pytest.fixture(params=["memory", *_SLOW])
def every_dated(request, tmp_path: Path, empty_journal: Path, app_pair_urls) -> Iterator[Maker]:
    """The same; databases only where slow tests run."""

    def urls():
        kind = request.param
        return None if kind == "memory" else dict(zip(Side, app_pair_urls(kind), strict=True))

    yield from _worlds(tmp_path, empty_journal, urls)


def _worlds(folder, journal, urls):
    made: list[Dated] = []

    def make(periods: str = "gaps: allow") -> Dated:
        where = folder / str(len(made))
        made.append(make_dated(where, DATED, journal, [("gaps: allow", periods)], urls()))
        return made[-1]

    yield make
    for world in made:
        world.close()


# Copied as they are


def test_days_cross_as_whole_days_of_moments_and_back(every_dated):
    world = every_dated()
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.there(("B", "26-01-01", "none", 20))

    world.run("prices")

    assert world.held() == []
    assert world.theirs() == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 12", "B 26-01-01 none 20"]
    assert world.ours() == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 12", "B 26-01-01 never 20"]
    assert world.reconcile("prices").unexplained == 0
    assert world.cycle() == {}


@pytest.mark.parametrize("spelled", [None, NINES, first("never"), last("never")], ids=str)
def test_no_end_is_no_end_however_it_is_spelled(dated, spelled):
    world = dated()
    world.put(D, "price", {"item": "A", "validfrom": first("26-01-01"), "validto": spelled})
    world.run("prices")
    assert [end for (end,) in world.rows(F, "Price", "VALIDTO")] == [day("never")]

    for other in (NINES, None):
        world.put(D, "price", {"item": "A", "validfrom": first("26-01-01"), "validto": other})
        world.cycle_until_done()

    assert [end for (end,) in world.rows(D, "price", "validto")] == [None]
    assert [end for (end,) in world.rows(F, "Price", "VALIDTO")] == [day("never")]
    assert world.reconcile("prices").unexplained == 0
    assert world.held() == []


def test_a_moment_that_is_no_whole_day_is_rejected(dated):
    world = dated()
    world.put(D, "price", {"item": "A", "validfrom": _at(8), "validto": None})
    world.put(D, "price", {"item": "B", "validfrom": _at(0), "validto": _at(8)})

    world.run("prices")

    assert world.ours() == []
    assert [(each.cause, each.reason) for each in world.held()] == [
        ("key_present", "the key has no VALIDFROM, so its counterpart cannot be found"),
        (
            "convertible",
            "validto is 2026-01-01T08:00:00+00:00, which VALIDTO cannot hold as a date",
        ),
    ]


def test_a_row_that_overlaps_what_the_target_holds_waits_and_the_rest_goes_on(every_dated):
    world = every_dated()
    world.here(("A", "26-01-01", "never", 10), ("B", "26-01-01", "never", 20))
    world.run("prices")

    world.here(("A", "27-01-01", "never", 11), ("B", "26-01-01", "26-12-31", 20))
    world.here(("B", "27-01-01", "never", 21))
    world.cycle()

    assert [(each.cause, each.column, each.reason, each.cure) for each in world.held()] == [
        (
            "periods_sound",
            "validfrom, validto",
            (
                "2027-01-01T00:00:00Z to no end overlaps 2026-01-01T00:00:00Z to no end "
                "in the target, both of item 'A', and both have no end"
            ),
            (
                "correct validfrom and validto at the source: each period ends one second before "
                "the next one starts, and only the last one has no end"
            ),
        )
    ]
    assert world.theirs() == [
        "A 26-01-01 never 10",
        "B 26-01-01 26-12-31 20",
        "B 27-01-01 never 21",
    ]

    world.there(("A", "26-01-01", "26-12-31", 10))
    world.cycle()

    assert world.held() == []
    assert world.theirs()[:2] == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 11"]
    assert world.ours() == world.theirs()


def test_two_rows_of_a_batch_that_overlap_are_both_rejected(dated):
    world = dated()
    world.here(("A", "26-01-01", "26-06-30", 10), ("A", "26-06-30", "never", 11))

    world.run("prices")

    assert world.theirs() == []
    assert [each.cause for each in world.held()] == ["periods_sound"] * 2


def test_what_would_collide_with_a_row_that_is_rejected_for_another_reason_waits_with_it(dated):
    """The former period is not closed, for its note is too long; so the next one overlaps it."""
    world = dated()
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.here(("A", "26-01-01", "26-12-31", 10), NOTE="far too long a note")
    world.here(("A", "27-01-01", "never", 11))
    world.cycle()

    assert sorted(each.cause for each in world.held()) == ["length", "periods_sound"]
    assert world.theirs() == ["A 26-01-01 never 10"]


def test_a_period_takes_the_place_of_one_that_is_deleted_in_the_same_cycle(dated):
    world = dated()
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 11))
    world.run("prices")

    world.here(("A", "26-01-01", "never", 10))
    world.drop(F, "A", "27-01-01")
    world.cycle()

    assert world.held() == []
    assert world.theirs() == ["A 26-01-01 never 10"]


@pytest.mark.parametrize(("periods", "held"), [("gaps: allow", []), ("gaps: forbid", ["gap"])])
def test_a_hole_is_only_let_through_where_the_map_allows_it(dated, periods, held):
    world = dated(periods)
    world.here(("A", "26-01-01", "26-12-31", 10))
    world.run("prices")

    world.here(("A", "27-02-01", "never", 11))
    world.cycle()

    assert ["gap" for reason in world.reasons() if "leaves a gap next to" in reason] == held


def test_a_row_that_is_already_in_overlap_may_change_what_is_no_date(dated):
    world = dated()
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")
    world.there(("A", "26-07-01", "none", 11))
    world.cycle()
    assert [each.direction for each in world.held()] == [TO_F]

    world.here(("A", "26-01-01", "never", 15))
    world.cycle()

    assert "A 26-01-01 never 15" in world.theirs()


# Modes


@pytest.mark.parametrize("mode", ["new", "correction", "effective"])
def test_a_new_period_closes_the_former_one_on_both_sides(dated, mode):
    """The other side has no dates of its own to close it by."""
    world = dated(f"gaps: forbid, mode: {mode}")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.there(("A", "27-01-01", "none", 12))
    counted = world.cycle()

    assert counted["prices"][f"{TO_F} written"] == 2
    assert world.ours() == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 12"]
    world.cycle_until_done()
    assert world.theirs() == ["A 26-01-01 26-12-31 10", "A 27-01-01 none 12"]
    assert world.ours() == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 12"]
    assert world.held() == []
    assert world.reconcile("prices").unexplained == 0


CHANGED = {
    "new": ["A 26-01-01 26-06-14 10", "A 26-06-15 never 12"],
    "correction": ["A 26-01-01 never 12"],
    "effective": ["A 26-01-01 26-06-14 10", "A 26-06-15 never 12"],
}


@pytest.mark.parametrize("mode", CHANGED)
def test_a_change_of_the_row_that_is_valid_now(every_dated, mode):
    world = every_dated(f"gaps: allow, mode: {mode}")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.there(("A", "26-01-01", "never", 12))
    world.cycle()

    assert world.ours() == CHANGED[mode]
    world.cycle_until_done()
    assert world.theirs() == world.ours() == CHANGED[mode]
    assert world.held() == []


@pytest.mark.parametrize("mode", CHANGED)
def test_a_change_in_the_erp_is_written_over_there_by_the_same_mode(dated, mode):
    world = dated(f"gaps: forbid, mode: {mode}")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.here(("A", "26-01-01", "never", 12))
    world.cycle()
    assert world.theirs() == CHANGED[mode]
    world.cycle_until_done()

    assert world.ours() == world.theirs() == CHANGED[mode]
    assert world.held() == []
    assert world.conflicts("prices") == []
    assert world.reconcile("prices").unexplained == 0


@pytest.mark.parametrize("mode", CHANGED)
def test_periods_that_the_erp_has_closed_itself_cross_as_they_are(dated, mode):
    """As the ERP's own form does it: the former row closed, a new one from today on."""
    world = dated(f"gaps: forbid, mode: {mode}")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.here(("A", "26-01-01", "26-06-14", 10), ("A", "26-06-15", "never", 12))
    counted = world.cycle()

    assert counted["prices"][f"{TO_D} written"] == 2
    assert world.theirs() == ["A 26-01-01 26-06-14 10", "A 26-06-15 never 12"]
    assert world.cycle() == {}


@pytest.mark.parametrize("mode", CHANGED)
def test_a_later_change_of_the_same_row_finds_the_one_that_follows_it(dated, mode):
    world = dated(f"gaps: forbid, mode: {mode}")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")
    world.there(("A", "26-01-01", "never", 12))
    world.cycle_until_done()

    start = "26-01-01" if mode == "correction" else "26-06-15"
    world.clock += dt.timedelta(days=5)
    world.there(("A", start, "never", 13))
    world.cycle_until_done()

    assert world.ours() == world.theirs()
    assert world.ours()[-1] == f"A {'26-06-20' if mode != 'correction' else start} never 13"
    assert world.held() == []


@pytest.mark.parametrize("mode", ["new", "correction", "effective"])
def test_a_change_of_a_row_to_come(dated, mode):
    world = dated(f"gaps: allow, mode: {mode}")
    world.here(("A", "27-01-01", "never", 10))
    world.run("prices")

    world.there(("A", "27-01-01", "never", 12))
    world.cycle()

    if mode == "new":
        assert world.ours() == ["A 27-01-01 never 10"]
        (row,) = world.held()
        assert (row.cause, row.cure) == (
            "periods_sound",
            "write `mode: effective` or `mode: correction` in the map",
        )
    else:
        assert world.ours() == ["A 27-01-01 never 12"]
        assert world.held() == []


def test_a_correction_moves_its_neighbour_along_and_that_crosses_back(every_dated):
    world = every_dated("gaps: forbid, mode: correction")
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.run("prices")

    world.there(("A", "26-01-01", "27-03-31", 10))
    world.cycle()

    assert world.ours() == ["A 26-01-01 27-03-31 10", "A 27-04-01 never 12"]
    world.cycle_until_done()
    assert world.theirs() == world.ours()
    assert world.held() == []


def test_a_moved_neighbour_keeps_what_the_map_does_not_carry(every_dated):
    world = every_dated("gaps: forbid, mode: correction")
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.run("prices")
    world.put(D, "price", {"item": "A", "validfrom": first("27-01-01"), "own": "kept"})

    world.here(("A", "26-01-01", "27-03-31", 10))
    world.cycle()

    assert world.theirs() == ["A 26-01-01 27-03-31 10", "A 27-04-01 never 12"]
    assert [own for own, _ in world.rows(D, "price", "own", "validfrom")] == [None, "kept"]
    world.cycle_until_done()
    assert world.ours() == world.theirs()


@pytest.mark.parametrize(
    ("gaps", "left"),
    [
        ("forbid", ["A 26-01-01 never 10"]),
        ("allow", ["A 26-01-01 26-12-31 10"]),
    ],
)
def test_a_delete_stretches_its_neighbour_or_leaves_a_hole(every_dated, gaps, left):
    world = every_dated(f"gaps: {gaps}, mode: effective")
    world.here(("A", "26-01-01", "26-12-31", 10), ("A", "27-01-01", "never", 12))
    world.run("prices")

    world.drop(D, "A", "27-01-01")
    counted = world.cycle()

    assert counted["prices"][f"{TO_F} deleted"] == 1
    assert world.ours() == left
    world.cycle_until_done()
    assert world.theirs() == left
    assert world.held() == []


def test_a_refused_write_says_both_periods_and_the_cure(dated):
    world = dated("gaps: allow, mode: correction")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    world.there(("A", "26-03-01", "26-03-31", 12))
    world.cycle()

    (row,) = world.held()
    assert (row.cause, row.reason, row.cure) == (
        "periods_sound",
        (
            "2026-03-01 to 2026-03-31 is inside 2026-01-01 to no end, and the time after it "
            "would have no row"
        ),
        "send the row that follows it in the same batch, or extend it to the same end",
    )
    assert world.ours() == ["A 26-01-01 never 10"]

    world.there(("A", "26-04-01", "never", 13))
    world.cycle()

    assert world.held() == []
    assert world.ours() == [
        "A 26-01-01 26-02-28 10",
        "A 26-03-01 26-03-31 12",
        "A 26-04-01 never 13",
    ]


def test_an_initial_sync_by_a_mode_writes_histories_period_by_period(dated):
    """Pay rates that have first days only: each one ends where the next begins."""
    world = dated("gaps: forbid, mode: correction")
    world.here(("A", "27-01-01", "never", 12), ("A", "26-01-01", "never", 10))

    world.run("prices")

    assert world.theirs() == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 12"]
    world.cycle_until_done()
    assert world.ours() == world.theirs()
    assert world.held() == []


def test_what_the_app_refuses_of_an_entity_is_undone_as_a_whole(dated, monkeypatch):
    world = dated("gaps: forbid, mode: correction")
    world.here(("A", "26-01-01", "never", 10), ("B", "26-01-01", "never", 20))
    world.run("prices")
    _refuse_inserts_of(world, "A", monkeypatch)

    world.there(("A", "27-01-01", "never", 11), ("B", "27-01-01", "never", 21))
    world.cycle()

    assert world.ours() == [
        "A 26-01-01 never 10",
        "B 26-01-01 26-12-31 20",
        "B 27-01-01 never 21",
    ]
    assert [(each.cause, each.reason) for each in world.held()] == [
        ("refused by the app", "no more of A")
    ]


def test_a_dry_run_by_a_mode_counts_and_writes_nothing(dated):
    world = dated("gaps: forbid, mode: correction")
    world.here(("A", "27-01-01", "never", 12), ("A", "26-01-01", "never", 10))

    counted = world.counts("prices", dry_run=True)

    assert counted["prices"][f"{TO_D} written"] == 2
    assert world.theirs() == []


# Beside other people


@pytest.mark.parametrize("periods", ["gaps: allow", "gaps: allow, mode: effective"])
def test_an_entity_of_which_an_application_holds_a_row_is_left_for_later(dated, periods):
    """The row that is held may be the one that is about to be closed."""
    world = dated(periods)
    world.here(("A", "26-01-01", "26-12-31", 10), ("B", "26-01-01", "26-12-31", 20))
    world.run("prices")
    world.there(("A", "27-01-01", "never", 11), ("B", "27-01-01", "never", 21))
    locked = {"ITEM": ["A"], "VALIDFROM": [day("26-01-01")]}

    with world.memory[F].hold("Price", pa.table(locked)):
        world.cycle()
        assert [line for line in world.ours() if "27-01-01" in line] == ["B 27-01-01 never 21"]

    world.cycle()

    assert [line for line in world.ours() if "27-01-01" in line] == [
        "A 27-01-01 never 11",
        "B 27-01-01 never 21",
    ]
    assert world.held() == []


def test_an_initial_sync_leaves_it_to_the_cycle(dated):
    world = dated()
    world.here(("A", "26-01-01", "26-12-31", 10))
    world.there(("A", "27-01-01", "never", 11))
    locked = {"ITEM": ["A"], "VALIDFROM": [day("26-01-01")]}

    with world.memory[F].hold("Price", pa.table(locked)):
        world.run("prices")
        assert world.ours() == ["A 26-01-01 26-12-31 10"]

    world.cycle_until_done()

    assert world.ours() == world.theirs() == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 11"]


def test_a_program_that_writes_both_sides_at_once_closes_the_former_period(dated):
    world = dated("gaps: forbid, mode: effective")
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")

    row = {"item": "A", "validfrom": first("27-01-01"), "validto": None, "price": Decimal(12)}
    write_both(world.open(), "prices", D, [row])

    assert world.ours() == ["A 26-01-01 26-12-31 10", "A 27-01-01 never 12"]
    world.cycle_until_done()
    assert world.theirs() == ["A 26-01-01 26-12-31 10", "A 27-01-01 none 12"]


def _at(hour):
    return dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC)


def _refuse_inserts_of(world, item, monkeypatch):
    """As a constraint of the ERP would."""
    insert = MemoryWriting.insert

    def choosy(self, table, rows, **options):
        if table == "Price" and item in rows["ITEM"].to_pylist():
            raise RowsRefusedError(app="finops", table=table, reason=f"no more of {item}")
        return insert(self, table, rows, **options)

    monkeypatch.setattr(MemoryWriting, "insert", choosy)


@pytest.mark.slow
def test_an_infinite_end_is_no_end_on_either_side(tmp_path, empty_journal, app_pair_urls):
    urls = dict(zip(Side, app_pair_urls("postgresql"), strict=True))
    world = make_dated(tmp_path / "world", DATED, empty_journal, (), urls)
    world.here(("A", "26-01-01", "never", 10))
    world.there(("B", "26-01-01", "none", 20))
    world.execute(F, """UPDATE "Price" SET "VALIDTO" = 'infinity'""")
    world.execute(D, "UPDATE price SET validto = 'infinity'")

    world.run("prices")
    world.put(F, "Price", {"ITEM": "A", "VALIDFROM": day("26-01-01"), "PRICE": Decimal(11)})
    world.put(D, "price", {"item": "B", "validfrom": first("26-01-01"), "price": Decimal(21)})
    world.cycle_until_done()

    assert world.held() == []
    assert [row[2] for row in world.rows(D, "price", "item", "validfrom", "price")] == [11, 21]
    assert [row[:2] for row in world.rows(F, "Price", "ITEM", "PRICE")] == [("A", 11), ("B", 21)]
    assert world.reconcile("prices").unexplained == 0
    world.close()
