"""Words that no run heeds yet: a check says so, and only where they ask for something."""

import pytest

from tests.tablemap.shop import told


@pytest.mark.parametrize(
    ("written", "meanwhile"),
    [
        (
            "expect: [{between: {column: LIMIT}}]",
            "rely on the rules in docs/reference/rules.md only, which every map has",
        ),
    ],
)
def test_a_word_that_no_run_heeds_is_warned_of(written, meanwhile):
    word = written.partition(":")[0]

    assert told(("columns:", f"{written}\ncolumns:")) == [
        f"5: DW1127 warning: {word} is read, but has no effect yet\n  take it out, or {meanwhile}"
    ]


@pytest.mark.parametrize(
    "written",
    [
        "replay: newest",
        "max_rejected: 5%",
        "when_left: keep",
        "quantity: {LIMIT: {unit: NAME}}",
        "conflicts: {}",
        "expect: []",
        "money: {LIMIT: {precision: reject, currency: NAME}}",
        "money: {limit: {precision: {round: half_even}, currency: EUR, kind: cash}}",
    ],
)
def test_a_word_that_says_what_happens_anyway_is_not(written):
    assert told(("columns:", f"{written}\ncolumns:")) == []
