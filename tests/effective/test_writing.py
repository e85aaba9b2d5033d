"""Writes to a dated table in each mode."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from decimal import Decimal

import pyarrow as pa
import pytest

from dualwrite.effective import Periods, plan_write
from tests.effective.tables import ALLOW, FORBID, day, table, texts_of

NOW = 20
SITUATIONS = [
    # held, incoming, mode, periods, afterwards, rules of the refused rows
    ("the first row of an entity", [], ["A 5-"], "new", FORBID, ["A 5-"], []),
    ("a new period closes the former", ["A 1- x"], ["A 9- y"], "new", FORBID,
     ["A 1-8 x", "A 9- y"], []),
    ("in every mode", ["A 1- x"], ["A 9- y"], "correction", ALLOW, ["A 1-8 x", "A 9- y"], []),
    ("a future period leaves today's open until it begins", ["A 1- x"], ["A 30- y"], "effective",
     FORBID, ["A 1-29 x", "A 30- y"], []),
    ("what is equal is not touched", ["A 1- x"], ["A 1- x"], "new", FORBID, ["A 1- x"], []),
    ("several periods one after another", ["A 1- x"], ["A 5-6 p", "A 7-8 q", "A 9- r"], "new",
     FORBID, ["A 1-4 x", "A 5-6 p", "A 7-8 q", "A 9- r"], []),
    ("and in any order where they fit", ["A 1- x"], ["A 9- r", "A 5-6 p", "A 7-8 q", "A 1-4 x"],
     "new", FORBID, ["A 1-4 x", "A 5-6 p", "A 7-8 q", "A 9- r"], []),
    ("of two open ones the later closes the earlier", ["A 1- x"], ["A 5- p", "A 9- q"], "new",
     FORBID, ["A 1-4 x", "A 5-8 p", "A 9- q"], []),
    ("but the earlier one cannot come second", ["A 1- x"], ["A 9- q", "A 5- p"], "new", FORBID,
     ["A 1-8 x", "A 9- q"], [(1, "overlap")]),
    ("a period inside another would lose what lies behind it", ["A 1- x"], ["A 5-6 y"], "new",
     ALLOW, ["A 1- x"], [(0, "inside")]),
    ("unless the batch says that the other ends", ["A 1- x"], ["A 5-6 y", "A 1-4 x"], "new", ALLOW,
     ["A 1-4 x", "A 5-6 y"], []),
    ("however often it says so", ["A 1- x"], ["A 5-6 y", "A 1-4 x", "A 1-4 x"], "new", ALLOW,
     ["A 1-4 x", "A 5-6 y"], []),
    ("of two rows for one period the later holds", [], ["A 5- p", "A 5- q"], "correction", FORBID,
     ["A 5- q"], []),
    ("a period into a held one behind it", ["A 9- x"], ["A 5-10 y"], "new", ALLOW, ["A 9- x"],
     [(0, "overlap")]),
    ("a gap that is forbidden", ["A 1-4 x"], ["A 6- y"], "new", FORBID, ["A 1-4 x"], [(0, "gap")]),
    ("a gap that is allowed", ["A 1-4 x"], ["A 6- y"], "new", ALLOW, ["A 1-4 x", "A 6- y"], []),
    ("a gap that another row of the batch fills", ["A 1-4 x"], ["A 6- y", "A 5-5 z"], "new", FORBID,
     ["A 1-4 x", "A 5-5 z", "A 6- y"], []),
    ("other values from now on", ["A 1- x"], ["A 1- y"], "new", FORBID,
     ["A 1-19 x", "A 20- y"], []),
    ("on the very day they are corrected", ["A 20- x"], ["A 20- y"], "new", FORBID,
     ["A 20- y"], []),
    ("once more, as the app without dates tells it", ["A 1-9 x", "A 10- y"], ["A 1- z"], "new",
     FORBID, ["A 1-9 x", "A 10-19 y", "A 20- z"], []),
    ("sent twice it is written once", ["A 1-19 x", "A 20- y"], ["A 1- y"], "new", FORBID,
     ["A 1-19 x", "A 20- y"], []),
    ("a past row has no new period", ["A 1-9 x", "A 10- y"], ["A 1-9 z"], "new", FORBID,
     ["A 1-9 x", "A 10- y"], [(0, "not_current")]),
    ("nor has a future one", ["A 30- x"], ["A 30- y"], "new", FORBID, ["A 30- x"],
     [(0, "not_current")]),
    ("a new end is no new value", ["A 1- x"], ["A 1-40 x"], "new", FORBID, ["A 1-40 x"], []),
    ("effective: the present row is followed", ["A 1- x"], ["A 1- y"], "effective", FORBID,
     ["A 1-19 x", "A 20- y"], []),
    ("effective: a past row is corrected", ["A 1-9 x", "A 10- y"], ["A 1-9 z"], "effective", FORBID,
     ["A 1-9 z", "A 10- y"], []),
    ("effective: a future row is corrected", ["A 30- x"], ["A 30- y"], "effective", FORBID,
     ["A 30- y"], []),
    ("correction changes the row itself", ["A 1- x"], ["A 1- y"], "correction", FORBID, ["A 1- y"],
     []),
    ("a later end pushes the neighbour", ["A 1-4 x", "A 5- y"], ["A 1-6 x"], "correction", FORBID,
     ["A 1-6 x", "A 7- y"], []),
    ("an earlier end pulls it", ["A 1-4 x", "A 5- y"], ["A 1-2 x"], "correction", FORBID,
     ["A 1-2 x", "A 3- y"], []),
    ("or leaves a gap", ["A 1-4 x", "A 5- y"], ["A 1-2 x"], "correction", ALLOW,
     ["A 1-2 x", "A 5- y"], []),
    ("a correction leaves something of its neighbour", ["A 1-4 x", "A 5-9 y"], ["A 1-9 x"],
     "correction", FORBID, ["A 1-4 x", "A 5-9 y"], [(0, "covers")]),
    ("an earlier end in mode new is a gap", ["A 1-4 x", "A 5- y"], ["A 1-2 x"], "new", FORBID,
     ["A 1-4 x", "A 5- y"], [(0, "gap")]),
    ("rows without a period", ["A 1- x"], ["A ?-9 y", "A 9-8 y", "A 9- z"], "new", FORBID,
     ["A 1-8 x", "A 9- z"], [(0, "no_start"), (1, "reversed")]),
    ("a target that overlaps already", ["A 1-9 x", "A 5- y"], ["A 12- z"], "new", FORBID,
     ["A 1-9 x", "A 5- y"], [(0, "target_unsound")]),
    ("unless the batch heals it", ["A 1-9 x", "A 5- y"], ["A 1-4 x", "A 12- z"], "correction",
     FORBID, ["A 1-4 x", "A 5-11 y", "A 12- z"], []),
    ("a gap that was there may stay", ["A 1-4 x", "A 9- y"], ["A 12- z"], "new", FORBID,
     ["A 1-4 x", "A 9-11 y", "A 12- z"], []),
    ("one entity does not trouble another", ["A 1- x", "B 1- x"], ["A 5-6 y", "B 5- y"], "new",
     FORBID, ["A 1- x", "B 1-4 x", "B 5- y"], [(0, "inside")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("held", "incoming", "mode", "periods", "afterwards", "refused"),
    [situation[1:] for situation in SITUATIONS],
    ids=[situation[0] for situation in SITUATIONS],
)
def test_a_write(held, incoming, mode, periods, afterwards, refused):
    existing = table(*held)

    changes = plan_write(existing, table(*incoming), periods, mode, now=day(NOW))

    assert texts_of(changes.apply(existing, periods)) == afterwards
    assert _refused(changes) == refused


def _refused(changes):
    return [(row["row"], row["rule"]) for row in changes.rejected.to_pylist()]


MOVES = [
    (
        "a later start stretches the row before",
        ["A 1-4 x", "A 5- y"],
        FORBID,
        ["A 1-6 x", "A 7- y"],
    ),
    ("or leaves a gap", ["A 1-4 x", "A 5- y"], ALLOW, ["A 1-4 x", "A 7- y"]),
    ("with nothing before it", ["A 5- y"], FORBID, ["A 7- y"]),
]


@pytest.mark.parametrize(
    ("held", "periods", "afterwards"), [each[1:] for each in MOVES], ids=[each[0] for each in MOVES]
)
def test_a_correction_of_the_start(held, periods, afterwards):
    existing = table(*held)

    changes = plan_write(existing, table("A 7- y", was={0: 5}), periods, "correction")

    assert texts_of(changes.apply(existing, periods)) == afterwards
    assert changes.moved(periods).to_pylist() == [{"ID": "A", "FROM": day(5)}]


def test_an_earlier_start_shortens_the_row_before_and_never_removes_it():
    existing = table("A 1-4 x", "A 5- y")

    shorter = plan_write(existing, table("A 3- y", was={0: 5}), ALLOW, "correction")
    nothing = plan_write(existing, table("A 1- y", was={0: 5}), ALLOW, "correction")

    assert texts_of(shorter.apply(existing, ALLOW)) == ["A 1-2 x", "A 3- y"]
    assert _refused(nothing) == [(0, "covers")]


def test_a_later_row_of_the_batch_may_resolve_a_conflict():
    existing = table("A 10- x")

    changes = plan_write(existing, table("A 5-12 y", "A 13- x", was={1: 10}), ALLOW, "correction")

    assert texts_of(changes.apply(existing, ALLOW)) == ["A 5-12 y", "A 13- x"]


def test_only_a_correction_changes_a_start():
    changes = plan_write(table("A 5- y"), table("A 7- y", was={0: 5}), FORBID, "new", now=day(NOW))

    assert _refused(changes) == [(0, "moves_start")]


def test_updates_are_whole_rows_with_their_present_start():
    changes = plan_write(table("A 1- x"), table("A 9- y"), FORBID, "new", now=day(NOW))

    assert changes.inserts.to_pylist() == [{"ID": "A", "FROM": day(9), "TO": None, "V": "y"}]
    assert changes.updates.to_pylist() == [
        {"ID": "A", "FROM": day(1), "TO": day(8), "V": "x", "was:FROM": day(1)}
    ]
    assert changes.deletes.num_rows == 0
    assert changes.moved(FORBID).num_rows == 0


def test_no_end_keeps_its_value():
    incoming = table("A 9- y").set_column(2, "TO", pa.array([dt.date(2154, 12, 31)]))

    changes = plan_write(table("A 1- x"), incoming, FORBID, "new", now=day(NOW))

    assert changes.inserts["TO"].to_pylist() == [dt.date(2154, 12, 31)]
    assert plan_write(incoming, table("A 9- y"), FORBID, "correction").updates.num_rows == 0


def test_columns_that_only_the_target_has_are_unchanged():
    existing = table("A 1- x").append_column("RECID", pa.array([7]))

    changes = plan_write(existing, table("A 9- y"), FORBID, "correction")

    assert changes.inserts.column_names == ["ID", "FROM", "TO", "V"]


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (pa.uuid(), uuid.UUID(int=1), uuid.UUID(int=2)),
        (pa.decimal128(38, 10), Decimal("0.1"), Decimal("0.1000000001")),
        (pa.float64(), math.nan, 1.0),
        (pa.bool_(), True, False),
        (pa.dictionary(pa.int32(), pa.string()), "x", "y"),
        (pa.time64("us"), dt.time(1), dt.time(2)),
        (pa.binary(), b"x", None),
    ],
)
def test_values_of_any_type_are_compared(kind, old, new):
    def row(value):
        return table("A 1-").set_column(3, "V", pa.array([value], kind))

    for twice in (1, 2):  # all at once, and one by one
        same = plan_write(row(old), pa.concat_tables([row(old)] * twice), FORBID, "correction")
        other = plan_write(row(old), pa.concat_tables([row(new)] * twice), FORBID, "correction")

        assert (same.updates.num_rows, other.updates.num_rows) == (0, 1)


def test_instants_are_closed_one_second_before():
    periods = Periods(("ID",), "FROM", "TO", kind="instant")
    noon = dt.datetime(2030, 1, 9, 12, tzinfo=dt.UTC)
    kind = pa.timestamp("us", "UTC")
    held = pa.table({"ID": ["A"], "FROM": pa.array([noon.replace(day=1)], kind),
                     "TO": pa.array([None], kind)})  # fmt: skip
    incoming = held.set_column(1, "FROM", pa.array([noon], kind))

    changes = plan_write(held, incoming, periods, "new", now=noon)

    assert changes.updates["TO"].to_pylist() == [noon - dt.timedelta(seconds=1)]


def test_a_refused_row_has_both_periods_and_the_cure():
    changes = plan_write(table("A 9- x"), table("A 5-10 y"), ALLOW, "correction")

    assert changes.rejected.to_pylist() == [
        {
            "row": 0,
            "rule": "overlap",
            "period": "2030-01-05 to 2030-01-10",
            "other": "2030-01-09 to no end",
            "reason": "2030-01-05 to 2030-01-10 overlaps 2030-01-09 to no end, which would be "
            "in the target too",
            "cure": "end one of them before the other starts",
        }
    ]


def test_a_mode_that_needs_the_present_time_must_get_it():
    with pytest.raises(ValueError, match=r"^mode new needs the present time: pass `now`$"):
        plan_write(table(), table(), FORBID, "new")
