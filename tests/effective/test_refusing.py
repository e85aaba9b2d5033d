"""The complete message of every refusal of a dated write."""

from __future__ import annotations

import pytest

from dualwrite.effective import plan_write
from tests.effective.tables import ALLOW, FORBID, day, table

ONE, OTHER = "2030-01-05 to 2030-01-06", "2030-01-01 to no end"
REFUSALS = [
    ("no_start", [], "A ?-6", None, "FROM has no value", "fill in FROM at the source"),
    ("reversed", [], "A 6-5", None,
     "the period ends before it begins: 2030-01-06 to 2030-01-05",
     "correct FROM or TO at the source"),
    ("beyond", [], "A 1-60000", None,
     "2030-01-01 to 2194-04-10 is beyond 2154-12-31, the last day",
     "write no end as null, 2154-12-31 or 9999-12-31"),
    ("inside", ["A 1- x"], "A 5-6 y", OTHER,
     f"{ONE} is inside {OTHER}, and the time after it would have no row",
     "send the row that follows it in the same batch, or extend it to the same end"),
    ("gap", ["A 1-3 x"], "A 5-6 y", "2030-01-01 to 2030-01-03",
     f"{ONE} leaves a gap next to 2030-01-01 to 2030-01-03",
     "let one start when the other ends, or write `gaps: allow` in the map"),
    ("not_current", ["A 5-6 x"], "A 5-6 y", ONE,
     f"{ONE}, which the row would follow, is not valid now",
     "write `mode: effective` or `mode: correction` in the map"),
    ("target_unsound", ["A 1- x", "A 3- x"], "A 5-6 y", "2030-01-03 to no end",
     ("the periods of the target overlap already, 2030-01-03 to no end among them, "
     f"so {ONE} is not written"), "correct them in the target"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "held", "row", "other", "reason", "cure"), REFUSALS)
def test_a_refusal_names_rule_periods_and_cure(rule, held, row, other, reason, cure):
    periods = FORBID if rule == "gap" else ALLOW

    changes = plan_write(table(*held), table(row), periods, "new", now=day(20))

    (refused,) = changes.rejected.to_pylist()
    assert (refused["row"], refused["rule"], refused["other"]) == (0, rule, other)
    assert (refused["reason"], refused["cure"]) == (reason, cure)


def test_a_correction_that_leaves_nothing_of_a_neighbour_is_refused():
    changes = plan_write(table("A 1-4", "A 5-9"), table("A 1-9"), FORBID, "correction")

    (refused,) = changes.rejected.to_pylist()
    assert refused["reason"] == (
        "2030-01-01 to 2030-01-09 would leave nothing of the neighbouring period "
        "2030-01-05 to 2030-01-09"
    )
    assert (
        refused["cure"] == "delete the neighbouring row first, or let this row end before it does"
    )


def test_a_changed_start_without_correction_is_refused():
    changes = plan_write(table("A 1-"), table("A 5-", was={0: 1}), FORBID, "new", now=day(20))

    (refused,) = changes.rejected.to_pylist()
    assert (
        refused["reason"] == "2030-01-05 to no end would change the start of 2030-01-01 to no end"
    )
    assert refused["cure"] == "write `mode: correction` in the map, or send it as a separate row"
