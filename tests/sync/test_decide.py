"""The decision over two sides, without any database: one table of cases, and its laws."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.sync.batch.decide import (
    Both,
    Decision,
    Policy,
    Winner,
    decide,
    decide_deletes,
    side_wins,
)

F, D = Side.FINOPS, Side.DATAVERSE
VALUES = st.sampled_from([None, "", "a", "b"])
ROWS = st.lists(st.tuples(VALUES, VALUES, st.booleans()), max_size=6)
NEWEST = Policy(Winner.NEWEST)
FILL = Policy(Winner.NEWEST, fill_blanks=True)
LATE = Policy(Winner.NEWEST, late=True)


def booleans(values) -> pa.Array:
    return pa.array(values, pa.bool_())


def both_of(rows, *, found=True, two_way=True, mine=True, theirs=True, deleted=False) -> Both:
    """Rows of one column: (our value, theirs, whether ours is newer); both sides state it."""
    n, text = len(rows), pa.string()
    return Both(
        pa.table({"name": pa.array([row[0] for row in rows], text)}),
        pa.table({"name": pa.array([row[1] if found else None for row in rows], text)}),
        booleans([found] * n),
        booleans([deleted] * n),
        {"name": booleans([mine] * n)},
        {"name": booleans([theirs] * n)},
        booleans([row[2] for row in rows]),
        {"name"} if two_way else set(),
    )


def one(ours, other, *, newer=True, policy=NEWEST, source=F, **options) -> tuple[object, ...]:
    """What the target should hold, whether it is written, comes back, is a conflict, is asked."""
    return shown(decide(both_of([(ours, other, newer)], **options), policy, source))


def shown(decision: Decision) -> tuple[object, ...]:
    back = decision.back.get("name")
    return (
        decision.target["name"][0].as_py(),
        decision.write[0].as_py(),
        False if back is None else back[0].as_py(),
        decision.disputed[0].as_py(),
        decision.ask[0].as_py(),
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "newer", "expected"),
    [
        pytest.param("new", "new", True, ("new", False, False, False, False), id="equal"),
        pytest.param("new", "old", True, ("new", True, False, True, False), id="we win"),
        pytest.param("new", "old", False, ("old", False, True, True, False), id="they win"),
        pytest.param(None, "old", True, (None, True, False, True, False), id="our null wins"),
        pytest.param("new", None, False, (None, False, True, True, False), id="their null wins"),
        pytest.param(None, None, True, (None, False, False, False, False), id="both null"),
        pytest.param("", None, True, ("", True, False, True, False), id="empty is not null"),
    ],
)
def test_a_two_way_column_that_both_sides_state_takes_the_winners_value(
    ours, theirs, newer, expected
):
    assert one(ours, theirs, newer=newer) == expected


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        pytest.param(True, False, ("new", True, False, False, False), id="only ours"),
        pytest.param(False, True, ("old", False, False, False, False), id="only theirs"),
        pytest.param(False, False, ("old", False, False, False, False), id="neither"),
    ],
)
def test_a_column_that_one_side_states_is_no_conflict(mine, theirs, expected):
    assert one("new", "old", mine=mine, theirs=theirs) == expected


@pytest.mark.parametrize(
    ("winner", "source", "expected"),
    [
        pytest.param(Winner.FINOPS, F, ("new", True, False, True, False), id="finops from finops"),
        pytest.param(Winner.FINOPS, D, ("old", False, True, True, False), id="finops from other"),
        pytest.param(Winner.DATAVERSE, F, ("old", False, True, True, False), id="dataverse"),
        pytest.param(Winner.ASK, F, ("old", False, False, True, True), id="a person is asked"),
        pytest.param(Winner.MERGE, F, ("new", True, False, True, False), id="merge, then newest"),
    ],
)
def test_the_policy_decides_a_conflict(winner, source, expected):
    assert one("new", "old", policy=Policy(winner), source=source) == expected


def test_a_column_has_a_policy_of_its_own():
    policy = Policy(Winner.FINOPS, columns={"name": Winner.ASK})

    assert one("new", "old", policy=policy) == ("old", False, False, True, True)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(side_wins(F), ("ours", True, False, True, False), id="made anew"),
        pytest.param(side_wins(D), ("ours", False, False, True, False), id="stays away"),
        pytest.param(Policy(Winner.ASK), ("ours", False, False, True, True), id="asked"),
    ],
)
def test_a_row_that_the_other_side_deleted_goes_by_the_policy_of_the_row(policy, expected):
    assert one("ours", None, policy=policy, found=False, deleted=True) == expected


@pytest.mark.parametrize(
    ("policy", "changed", "write", "back", "ask"),
    [
        pytest.param(side_wins(D), False, True, False, False, id="nobody changed it"),
        pytest.param(side_wins(F), True, True, False, False, id="the delete wins"),
        pytest.param(side_wins(D), True, False, True, False, id="the change wins"),
        pytest.param(Policy(Winner.ASK), True, False, False, True, id="asked"),
    ],
)
def test_a_delete_against_a_change_goes_by_the_policy_of_the_row(policy, changed, write, back, ask):
    both = both_of([("", "", False)], deleted=changed)

    decision = decide_deletes(both, policy, F)

    assert decision.write.to_pylist() == [write]
    assert decision.back[""].to_pylist() == [back]
    assert decision.ask.to_pylist() == [ask]
    assert decision.disputed.to_pylist() == [changed]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param("a", "b", ("b", False, False, False, False), id="two values stay"),
        pytest.param("a", None, ("a", True, False, False, False), id="their blank is filled"),
        pytest.param("a", "", ("a", True, False, False, False), id="their empty text is filled"),
        pytest.param(None, "b", ("b", False, True, False, False), id="our blank is filled"),
        pytest.param("", None, (None, False, False, False, False), id="two blanks stay"),
    ],
)
def test_filling_blanks_changes_nothing_else(ours, theirs, expected):
    assert one(ours, theirs, policy=FILL) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "newer", "expected"),
    [
        pytest.param("new", None, False, ("new", True, False, False, False), id="theirs is late"),
        pytest.param(None, "old", True, ("old", False, True, False, False), id="ours is late"),
        pytest.param("new", "old", True, ("new", True, False, True, False), id="we win"),
        pytest.param("new", "old", False, ("old", False, True, True, False), id="they win"),
        pytest.param("", None, False, (None, False, True, True, False), id="two blanks"),
    ],
)
def test_what_was_left_out_before_is_filled_in_whoever_wins(ours, theirs, newer, expected):
    """After the first pass a blank says that a row waits, not that somebody emptied it."""
    assert one(ours, theirs, newer=newer, policy=LATE) == expected


def test_a_one_way_column_never_comes_back():
    assert one("a", "b", newer=False, two_way=False) == ("a", True, False, False, False)


def test_a_row_without_a_counterpart_is_written_whoever_wins():
    assert one("a", None, newer=False, found=False) == ("a", True, False, False, False)


POLICIES = st.builds(
    Policy,
    st.sampled_from(Winner),
    st.sampled_from([Winner.NEWEST, Winner.FINOPS, Winner.DATAVERSE, Winner.ASK]),
    tie=st.sampled_from(Side),
    fill_blanks=st.booleans(),
    late=st.booleans(),
)
STATED = st.sampled_from([(True, True), (True, False), (False, True), (False, False)])


def applied(rows, decision: Decision) -> tuple[list[object], list[object]]:
    """What both sides hold afterwards."""
    n, no = len(rows), [False] * len(rows)
    back = decision.back["name"].to_pylist() if "name" in decision.back else no
    forward = decision.forward["name"].to_pylist() if "name" in decision.forward else no
    target = decision.target["name"].to_pylist()
    mine = [rows[k][1] if back[k] else rows[k][0] for k in range(n)]
    return mine, [target[k] if forward[k] else rows[k][1] for k in range(n)]


@given(ROWS, POLICIES, STATED)
def test_deciding_again_changes_nothing(rows, policy, stated):
    mine, theirs = stated
    first = decide(both_of(rows, mine=mine, theirs=theirs), policy, F)
    here, there = applied(rows, first)

    after = [(h, t, row[2]) for h, t, row in zip(here, there, rows, strict=True)]
    second = decide(both_of(after, mine=mine, theirs=theirs), policy, F)

    assert applied(after, second) == (here, there)


@given(ROWS, POLICIES.filter(lambda policy: not policy.fill_blanks), STATED)
def test_nothing_is_decided_that_neither_side_holds(rows, policy, stated):
    mine, theirs = stated
    here, there = applied(rows, decide(both_of(rows, mine=mine, theirs=theirs), policy, F))

    for row, ours, other in zip(rows, here, there, strict=True):
        assert {ours, other} <= {row[0], row[1]}


@given(ROWS, POLICIES)
def test_both_sides_end_equal_where_both_state_a_column_and_nobody_is_asked(rows, policy):
    policy = replace(policy, fill_blanks=False)
    decision = decide(both_of(rows), policy, F)
    here, there = applied(rows, decision)

    for ours, other, asked in zip(here, there, decision.ask.to_pylist(), strict=True):
        assert asked or ours == other


@given(ROWS, POLICIES, STATED)
def test_the_sides_swapped_give_the_mirrored_decision(rows, policy, stated):
    mine, theirs = stated
    there = decide(both_of(rows, mine=mine, theirs=theirs), policy, F)
    mirrored = [(other, ours, not newer) for ours, other, newer in rows]
    back = decide(both_of(mirrored, mine=theirs, theirs=mine), policy, D)

    if mine and theirs:
        assert applied(rows, there) == applied(mirrored, back)[::-1]
    assert there.disputed.to_pylist() == back.disputed.to_pylist()
    assert there.ask.to_pylist() == back.ask.to_pylist()


@given(ROWS, POLICIES)
def test_no_policy_loses_a_value_that_nobody_contradicts(rows, policy):
    decision = decide(both_of(rows, theirs=False), policy, F)

    assert applied(rows, decision)[1] == [row[0] for row in rows]
    assert not any(decision.disputed.to_pylist())
