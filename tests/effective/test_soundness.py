"""Faulty periods, by themselves and together with those of the target."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.effective import Fault, beside, find_faults
from tests.effective.tables import ALLOW, FORBID, day, number, table
from tests.effective.test_laws import batches, histories

FINE, OVERLAP, GAP = Fault.NONE, Fault.OVERLAP, Fault.GAP

SITUATIONS = [
    ("one after another", ["A 1-4", "A 5-9", "A 10-"], FORBID, [FINE] * 3),
    ("in any order", ["A 10-", "A 1-4", "A 5-9"], FORBID, [FINE] * 3),
    ("one day", ["A 1-1", "A 2-2"], FORBID, [FINE] * 2),
    ("the same day twice", ["A 1-4", "A 4-9"], FORBID, [OVERLAP] * 2),
    ("the same period twice", ["A 1-4", "A 1-4"], FORBID, [OVERLAP] * 2),
    ("two without an end", ["A 1-", "A 9-"], ALLOW, [OVERLAP] * 2),
    ("one over several", ["A 1-99", "A 5-9", "A 10-20"], FORBID, [OVERLAP] * 3),
    ("one over a later one only", ["A 1-", "A 2-3", "A 5-6", "A 9-"], ALLOW, [OVERLAP] * 4),
    ("a gap", ["A 1-4", "A 6-9", "A 10-"], FORBID, [FINE, GAP, FINE]),
    ("where it may be", ["A 1-4", "A 6-9"], ALLOW, [FINE] * 2),
    ("other entities", ["A 1-", "B 1-", "C 5-9"], FORBID, [FINE] * 3),
    ("no start", ["A ?-9", "A 1-"], FORBID, [Fault.NO_START, FINE]),
    ("from after to", ["A 9-8", "A 1-"], FORBID, [Fault.REVERSED, FINE]),
    ("beyond the last day", ["A 1-60000"], FORBID, [Fault.BEYOND]),
    ("nothing", [], FORBID, []),
]


@pytest.mark.parametrize(
    ("rows", "periods", "faults"),
    [situation[1:] for situation in SITUATIONS],
    ids=[situation[0] for situation in SITUATIONS],
)
def test_a_table_by_itself(rows, periods, faults):
    assert find_faults(table(*rows), periods).fault.tolist() == faults


def test_an_empty_period_is_invalid():
    exclusive = replace(FORBID, end_inclusive=False)

    assert find_faults(table("A 1-1", "B 1-2"), exclusive).fault.tolist() == [Fault.REVERSED, FINE]


BESIDE = [
    ("nothing held", [], ["A 5-"], FORBID, [FINE]),
    ("behind the held one", ["A 1-4"], ["A 5-"], FORBID, [FINE]),
    ("into the held one", ["A 1-5"], ["A 5-"], FORBID, [OVERLAP]),
    ("over the next held one", ["A 5-"], ["A 1-5"], FORBID, [OVERLAP]),
    ("within one that reaches far", ["A 1-", "A 2-3"], ["A 6-7"], ALLOW, [OVERLAP]),
    ("in place of a held one", ["A 1-", "A 9-"], ["A 9-"], ALLOW, [OVERLAP]),
    ("both in place of held ones", ["A 1-"], ["A 1-4", "A 5-"], FORBID, [FINE] * 2),
    ("a gap before", ["A 1-4"], ["A 6-"], FORBID, [GAP]),
    ("a gap behind", ["A 9-"], ["A 1-7"], FORBID, [GAP]),
    ("between two", ["A 1-4", "A 9-"], ["A 5-8"], FORBID, [FINE]),
    ("held and batch in turns", ["A 1-2", "A 5-6"], ["A 3-4", "A 7-"], FORBID, [FINE] * 2),
    ("another entity", ["B 1-"], ["A 5-"], FORBID, [FINE]),
    ("no start beside others", ["A 1-"], ["A ?-9"], FORBID, [Fault.NO_START]),
    ("beside one that is no period", ["A 9-8", "A ?-"], ["A 1-"], FORBID, [FINE]),
]


@pytest.mark.parametrize(
    ("held", "batch", "periods", "faults"),
    [situation[1:] for situation in BESIDE],
    ids=[situation[0] for situation in BESIDE],
)
def test_a_batch_is_checked_together_with_the_rows_of_the_target(held, batch, periods, faults):
    laid = beside(table(*batch), table(*held), periods)

    assert find_faults(laid, periods, beside_held=True).fault.tolist() == faults


def test_a_batch_gets_four_columns_of_neighbouring_periods():
    laid = beside(table("A 5-6"), table("A 1-4", "A 9-"), FORBID)

    assert laid.drop_columns(["ID", "V"]).to_pylist() == [
        {
            "FROM": day(5), "TO": day(6),
            "before:FROM": day(1), "before:TO": day(4),
            "after:FROM": day(9), "after:TO": None,
        }
    ]  # fmt: skip


def test_rows_of_the_target_may_be_replaced_by_another_key():
    replaced = pa.array([True])

    laid = beside(table("A 5-"), table("A 1-"), FORBID, replaced=replaced)

    assert find_faults(laid, FORBID, beside_held=True).fault.tolist() == [FINE]


def test_a_finding_names_the_other_period():
    found = find_faults(beside(table("A 1-", "B 1-4", "B 3-"), table("A 9-"), FORBID), FORBID,
                        beside_held=True)  # fmt: skip

    assert found.other_held.tolist() == [True, False, False]
    starts = [found.placed.begins[0] + 8, *found.placed.begins[[2, 1]]]
    assert found.other_begins.tolist() == starts


# Laws


def _days(row):
    last = number(row["TO"]) if row["TO"] else 9999
    return number(row["FROM"]), last


def _overlaps(one, other):
    (first, last), (begins, ends) = _days(one), _days(other)
    return one["ID"] == other["ID"] and first <= ends and begins <= last


@given(batches)
def test_rows_overlap_exactly_where_a_pair_does(batch):
    rows = table(*batch).to_pylist()

    expected = [
        any(_overlaps(row, other) for at, other in enumerate(rows) if at != number)
        for number, row in enumerate(rows)
    ]

    assert (find_faults(table(*batch), ALLOW).fault == OVERLAP).tolist() == expected


@given(st.data(), batches, st.sampled_from([FORBID, ALLOW]))
def test_a_batch_with_neighbours_is_checked_as_one_table_with_the_target(data, batch, periods):
    held, rows = data.draw(histories(ALLOW)), table(*batch)
    keys = {(row["ID"], row["FROM"]) for row in rows.to_pylist()}
    staying = [row for row in held.to_pylist() if (row["ID"], row["FROM"]) not in keys]

    found = find_faults(beside(rows, held, periods), periods, beside_held=True).fault.tolist()

    both = rows.to_pylist() + staying
    for at, row in enumerate(rows.to_pylist()):
        others = [other for place, other in enumerate(both) if place != at]
        assert (found[at] == OVERLAP) == any(_overlaps(row, other) for other in others)
        if found[at] != OVERLAP:
            assert (found[at] == GAP) == (periods is FORBID and _gap_at(row, others, staying))


def _gap_at(row, others, staying):
    """Whether a row starts behind a hole, or ends before one that a held row ends."""
    first, last = _days(row)
    own = [other for other in others if other["ID"] == row["ID"]]
    earlier = [_days(other)[1] for other in own if _days(other)[0] <= first]
    if earlier and max(earlier) + 1 < first:
        return True
    later = [other for other in own if _days(other)[0] > first]
    if not later:
        return False
    following = min(later, key=lambda other: _days(other)[0])
    reach = max([last, *earlier])
    return following in staying and reach + 1 < _days(following)[0]
