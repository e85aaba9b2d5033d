"""What is printed is read back, and no text breaks the parser."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dualwrite.tablemap.filters import FilterError, parse_filter
from dualwrite.tablemap.filters.model import And, Compare, Not, Operand, Operator
from dualwrite.tablemap.notation import ColumnPath
from tests.tablemap.filters.printing import LEAVES, TREES, printed

A = Operand(ColumnPath(("a",)))
PIECES = (
    *("a", "b.c", "d/e", "and", "or", "not", "eq", "ne", "gt", "in", "(", ")", ",", "1", "-2"),
    *("1.50", "1e3", "'x'", "'it''s'", "'", "null", "true", "2024-02-29", "2024-13-41"),
    *("2024-02-29T10:00:01.5Z", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "contains(", "tolower("),
    *(
        "any",
        "all",
        "add",
        "=",
        ":",
        "-",
        "/",
        "12:00:00",
        "?",
        "duration'P1D'",
        "\0",
        "ß",
        "\u2028",
    ),
)


def place_of_the_fault(text):
    """The column that a refusal names; 1 where there is none."""
    try:
        parse_filter(text)
    except FilterError as error:
        return error.column
    return 1


@given(TREES)
@example(Compare(A, Operator.EQ, "a' or 'b"))
@example(Compare(A, Operator.LT, Decimal("-0.000001")))
@example(And((Not(Compare(A, Operator.EQ, value=True)), Compare(A, Operator.NE, date.max))))
def test_a_printed_filter_is_read_back_as_the_same_tree(tree):
    text = printed(tree)

    assert parse_filter(text).root == tree
    assert printed(parse_filter(text).root) == text


@given(LEAVES, LEAVES, st.sampled_from([" ", "  ", "\t", "\n "]))
def test_blanks_where_they_may_be_change_nothing(left, right, blank):
    text = f"{blank}({blank}{printed(left)}{blank}){blank}and{blank}{printed(right)}{blank}"

    assert parse_filter(text).root == And((left, right))


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
@example("9" * 5000)
@example("a eq " + "9" * 5000)
@example("a eq 1e9999999999999999999")
@example("((((((((")
@example("(" * 4000)
@example("not " * 1999)
@example("(" * 3000 + "a eq 1" + ")" * 3000)
@example("a eq 1" + " and a eq 1" * 700)
@settings(max_examples=500)
def test_any_text_is_a_filter_or_refused_at_a_place_within_it(text):
    assert 1 <= place_of_the_fault(text) <= len(text) + 1


@given(TREES, st.data())
def test_a_broken_filter_is_refused_or_read_and_nothing_else(tree, data):
    text = printed(tree)
    place = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    broken = text[:place] + data.draw(st.sampled_from(PIECES)) + text[place + cut :]

    assert 1 <= place_of_the_fault(broken) <= len(broken) + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a eqq 1", "not expected here: did you mean eq? (column 2, at 'eqq 1')"),
        ("a eq 1 adn b eq 2", "not expected here: did you mean and? (column 7, at 'adn b eq 2')"),
        ("5 lt", "the filter breaks off (column 5, at its end)"),
        ("  a eq ?", "not understood (column 8, at '?')"),
        ("a eq - 1", "arithmetic has no place in a filter (column 6, at '- 1')"),
        ("a eq " + "9" * 5000, f"the number has too many digits (column 6, at '{'9' * 30}')"),
        ("tolower(b) eq c", ("a column is compared with a value, not with another "
                             "column (column 15, at 'c')")),
        ("a in ()", "not expected here (column 7, at ')')"),
        ("a in (1,,2)", "not expected here (column 9, at ',2)')"),
        ("duration'P1D' eq a", ("a duration has no place in a filter "
                               "(column 1, at \"duration'P1D' eq a\")")),
        ("a eq 12:00:00", "a time of day has no place in a filter (column 6, at '12:00:00')"),
        ("a eq geography'x'", "a place has no place in a filter (column 6, at \"geography'x'\")"),
        ("tolower()", "tolower takes one argument, not 0 (column 1, at 'tolower()')"),
    ],
)  # fmt: skip
def test_a_refusal_points_at_the_first_fault(text, message):
    with pytest.raises(FilterError) as refused:
        parse_filter(text)

    assert str(refused.value) == message


def test_a_list_may_hold_values_in_parentheses():
    assert parse_filter("a in ((1), 2)").root == parse_filter("a in (1,2)").root
