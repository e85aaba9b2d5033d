"""The verdict of all rules together on a table."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.rules import KeyPresent, Length, Required, Resolvable, explain, judge
from tests.rules.gate import gate

KEY = KeyPresent(key=("acc",))
NAME = Required(column="name")
SHORT = Length(column="name", length=3)
GROUP = Resolvable(column="ref:g", ambiguous="many:g", parts=("g.id",), tables=("grp",))
RULES = [KEY, GROUP, NAME, SHORT]


def table():
    """One row each that is well, lacks a parent, is too long, and lacks a parent and its name."""
    return gate(
        acc=["A1", "A2", "A3", "A4"],
        name=["abc", "abc", "abcd", None],
        ref_g=["g", None, "g", None],
        many_g=[False] * 4,
        **{"g.id": ["1", "2", "1", "4"]},
    )


def test_each_row_passes_waits_or_is_rejected():
    verdict = judge(table(), RULES)

    assert verdict.passed.to_pylist() == [True, False, False, False]
    assert verdict.parked.to_pylist() == [False, True, False, False]
    assert verdict.rejected.to_pylist() == [False, False, True, True]
    assert [(f.rule, f.indices.to_pylist()) for f in verdict.failures] == [
        (GROUP, [1, 3]),
        (NAME, [3]),
        (SHORT, [2]),
    ]


def test_a_warning_lets_the_row_pass_and_is_reported():
    warning = replace(SHORT, severity="warning")

    verdict = judge(table(), [KEY, warning])

    assert verdict.passed.to_pylist() == [True] * 4
    assert verdict.failures == ()
    assert [(f.rule, f.indices.to_pylist()) for f in verdict.warnings] == [(warning, [2])]


def test_the_first_rule_that_rejects_gives_the_reason():
    verdict = judge(table(), RULES)

    assert explain(table(), verdict) == [
        {
            "row": 1,
            "key": {"acc": "A2"},
            "rule": "resolvable",
            "reason": "g: grp has no row with id '2'",
            "parked": True,
            "others": [],
        },
        {
            "row": 2,
            "key": {"acc": "A3"},
            "rule": "length",
            "reason": "name has 4 characters where 3 fit: 'abcd' would become 'abc'",
            "parked": False,
            "others": [],
        },
        {
            "row": 3,
            "key": {"acc": "A4"},
            "rule": "required",
            "reason": "name must have a value and has none",
            "parked": False,
            "others": [{"rule": "resolvable", "reason": "g: grp has no row with id '4'"}],
        },
    ]


def test_explaining_stops_at_the_limit():
    assert [each["row"] for each in explain(table(), judge(table(), RULES), limit=2)] == [1, 2]


@pytest.mark.parametrize("rules", [RULES, []], ids=["rules", "no rules"])
def test_no_rows_are_no_failures(rules):
    verdict = judge(table().slice(0, 0), rules)

    assert len(verdict.passed) == len(verdict.parked) == 0
    assert explain(table().slice(0, 0), verdict) == []


def test_without_rules_every_row_passes():
    assert judge(table(), []).passed.to_pylist() == [True] * 4


def test_a_verdict_can_be_narrowed_to_some_rows():
    narrow = judge(table(), RULES).filter(pa.array([False, True, False, True]))

    assert narrow.passed.to_pylist() == [False, False]
    assert narrow.parked.to_pylist() == [True, False]
    assert [(f.rule, f.indices.to_pylist()) for f in narrow.failures] == [
        (GROUP, [0, 1]),
        (NAME, [1]),
    ]


def test_two_verdicts_on_the_same_rows_are_one_as_if_judged_at_once():
    first, second = judge(table(), [KEY, GROUP]), judge(table(), [NAME, SHORT])

    joined, whole = first.join(second), judge(table(), RULES)

    assert joined.passed.equals(whole.passed)
    assert joined.parked.equals(whole.parked)
    assert joined.key == whole.key
    assert explain(table(), joined) == explain(table(), whole)
