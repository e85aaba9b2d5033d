"""The decision over two sides, without any database."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.sync.batch.merge import Merged, merge

VALUES = st.sampled_from([None, "", "a", "b"])
ROWS = st.lists(st.tuples(VALUES, VALUES, st.booleans()), max_size=6)


def one(ours, theirs, *, mine_wins=True, found=True, **options) -> Merged:
    return decide([(ours, theirs, mine_wins)], found=[found], **options)


def decide(rows, *, fill=False, late=False, two_way=True, found=None) -> Merged:
    text = pa.string()
    found = [True] * len(rows) if found is None else found
    return merge(
        pa.table({"name": pa.array([r[0] for r in rows], text)}),
        pa.table({"name": pa.array([r[1] for r in rows], text)}),
        found=pa.array(found, pa.bool_()),
        two_way={"name"} if two_way else set(),
        mine_wins=pa.array([r[2] for r in rows], pa.bool_()),
        fill=fill,
        late=late,
    )


def shown(merged: Merged) -> tuple[object, bool, bool, bool]:
    """Value for the other side, write it there, take back here, conflict."""
    back = merged.back["name"].to_pylist()[0] if merged.back else False
    return (
        merged.forward["name"].to_pylist()[0],
        merged.write.to_pylist()[0],
        back,
        merged.conflicts.to_pylist()[0],
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "mine_wins", "expected"),
    [
        pytest.param("new", "new", True, ("new", False, False, False), id="equal"),
        pytest.param("new", "old", True, ("new", True, False, True), id="we win"),
        pytest.param("new", "old", False, ("old", False, True, True), id="they win"),
        pytest.param(None, "old", True, (None, True, False, True), id="our null wins"),
        pytest.param("new", None, False, (None, False, True, True), id="their null wins"),
        pytest.param(None, None, True, (None, False, False, False), id="both null"),
        pytest.param("", None, True, ("", True, False, True), id="empty is not null"),
    ],
)
def test_a_two_way_column_takes_the_winners_value(ours, theirs, mine_wins, expected):
    assert shown(one(ours, theirs, mine_wins=mine_wins)) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param("a", "b", ("b", False, False, True), id="two values stay"),
        pytest.param("a", None, ("a", True, False, True), id="their blank is filled"),
        pytest.param("a", "", ("a", True, False, True), id="their empty text is filled"),
        pytest.param(None, "b", ("b", False, True, True), id="our blank is filled"),
        pytest.param("", None, (None, False, False, True), id="two blanks stay"),
    ],
)
def test_filling_blanks_settles_nothing_else(ours, theirs, expected):
    assert shown(one(ours, theirs, fill=True)) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "mine_wins", "expected"),
    [
        pytest.param("new", None, False, ("new", True, False, False), id="theirs comes late"),
        pytest.param(None, "old", True, ("old", False, True, False), id="ours comes late"),
        pytest.param("new", "old", True, ("new", True, False, True), id="we win"),
        pytest.param("new", "old", False, ("old", False, True, True), id="they win"),
        pytest.param("", None, False, (None, False, True, True), id="two blanks"),
    ],
)
def test_what_was_left_out_before_is_filled_in_whoever_wins(ours, theirs, mine_wins, expected):
    """After the first pass a blank says that a row waits, not that somebody emptied it."""
    assert shown(one(ours, theirs, mine_wins=mine_wins, late=True)) == expected


def test_a_one_way_column_never_comes_back():
    assert shown(one("a", "b", mine_wins=False, two_way=False)) == ("a", True, False, False)


def test_a_row_without_a_counterpart_is_written_whoever_wins():
    assert shown(one("a", None, mine_wins=False, found=False)) == ("a", True, False, False)


@given(ROWS, st.booleans())
def test_merging_again_writes_nothing(rows, fill):
    """Once both sides took the result, only two different values under `fill` are left."""
    first = decide(rows, fill=fill)
    forward = first.forward["name"].to_pylist()
    ours = [
        back if goes else row[0]
        for row, back, goes in zip(
            rows,
            first.returning["name"].to_pylist(),
            first.back["name"].to_pylist(),
            strict=True,
        )
    ]

    again = decide(
        [(o, f, row[2]) for o, f, row in zip(ours, forward, rows, strict=True)], fill=fill
    )

    assert not any(again.write.to_pylist())
    assert not any(again.back["name"].to_pylist())


@given(ROWS, st.booleans())
def test_both_sides_end_equal_when_somebody_wins(rows, late):
    merged = decide(rows, late=late)
    back, returning = merged.back["name"].to_pylist(), merged.returning["name"].to_pylist()

    here = [r if b else row[0] for row, b, r in zip(rows, back, returning, strict=True)]

    assert here == merged.forward["name"].to_pylist()


@given(ROWS, st.booleans())
def test_neither_side_is_special(rows, late):
    """Swapping the sides and the winner swaps the outcome and nothing else."""
    there = decide(rows, late=late)
    back = decide([(theirs, ours, not wins) for ours, theirs, wins in rows], late=late)

    assert there.forward["name"].to_pylist() == back.forward["name"].to_pylist()
    assert there.write.to_pylist() == back.back["name"].to_pylist()
    assert there.conflicts.to_pylist() == back.conflicts.to_pylist()
