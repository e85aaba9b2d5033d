"""What `$filter` may contain, and how a refusal points at the part at fault."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dualwrite.tablemap.filters import FilterError, parse_filter
from dualwrite.tablemap.filters.model import (
    And,
    Compare,
    Fold,
    In,
    IsNull,
    Match,
    Not,
    Operand,
    Operator,
    Or,
    Part,
)
from dualwrite.tablemap.notation import ColumnPath


def column(text, fold=None):
    return Operand(ColumnPath.parse(text), fold)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a eq 'x'", Compare(column("a"), Operator.EQ, "x"), id="text"),
        pytest.param("a ne 'it''s'", Compare(column("a"), Operator.NE, "it's"), id="a quote"),
        pytest.param('"20% off" gt 5', Compare(column('"20% off"'), Operator.GT, 5), id="quoted"),
        pytest.param(
            '"a ""b"""/"c.d" eq 1', Compare(column('"a ""b"""."c.d"'), Operator.EQ, 1), id="both"
        ),
        pytest.param("a gt 5", Compare(column("a"), Operator.GT, 5), id="whole number"),
        pytest.param("a ge -5", Compare(column("a"), Operator.GE, -5), id="below zero"),
        pytest.param(
            "a lt 0.10000000000000000001",
            Compare(column("a"), Operator.LT, Decimal("0.10000000000000000001")),
            id="a decimal keeps every digit",
        ),
        pytest.param("a eq true", Compare(column("a"), Operator.EQ, value=True), id="true"),
        pytest.param(
            "a le 2024-02-29", Compare(column("a"), Operator.LE, date(2024, 2, 29)), id="a day"
        ),
        pytest.param(
            "a le 2024-02-29T10:00:00.1234567+02:00",
            Compare(column("a"), Operator.LE, datetime(2024, 2, 29, 8, 0, 0, 123456, UTC)),
            id="a moment, in UTC",
        ),
        pytest.param(
            "a eq 2024-02-29T10:00",
            Compare(column("a"), Operator.EQ, datetime(2024, 2, 29, 10)),  # noqa: DTZ001 - naive
            id="a moment without an offset",
        ),
        pytest.param(
            "a eq 6F9619FF-8B86-D011-B42D-00CF4FC964FF",
            Compare(column("a"), Operator.EQ, "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
            id="a guid is text in small letters",
        ),
        pytest.param("a eq null", IsNull(column("a"), negated=False), id="null"),
        pytest.param("a ne null", IsNull(column("a"), negated=True), id="not null"),
        pytest.param("5 lt a", Compare(column("a"), Operator.GT, 5), id="the value first"),
        pytest.param("a in (1,2)", In(column("a"), (1, 2)), id="a list"),
        pytest.param("a in ('x')", In(column("a"), ("x",)), id="a list of one"),
        pytest.param("a/b/c eq 1", Compare(column("a.b.c"), Operator.EQ, 1), id="odata's path"),
        pytest.param("a.b.c eq 1", Compare(column("a.b.c"), Operator.EQ, 1), id="the map's path"),
        pytest.param("contains(a/b,'x')", Match(column("a.b"), Part.CONTAINS, "x"), id="contains"),
        pytest.param(
            "startswith(tolower(a), 'x')",
            Match(column("a", Fold.LOWER), Part.STARTS, "x"),
            id="folded",
        ),
        pytest.param(
            "toupper(a) eq 'X'", Compare(column("a", Fold.UPPER), Operator.EQ, "X"), id="upper"
        ),
        pytest.param(
            "allowed eq 1", Compare(column("allowed"), Operator.EQ, 1), id="begins with all"
        ),
        pytest.param(
            "nullable ne null", IsNull(column("nullable"), negated=True), id="begins with null"
        ),
        pytest.param(
            "truename eq true", Compare(column("truename"), Operator.EQ, value=True), id="true-"
        ),
        pytest.param("  a eq 1 ", Compare(column("a"), Operator.EQ, 1), id="blanks around"),
        pytest.param(
            "a eq 1 or b eq 2 and c eq 3",
            Or(
                (
                    Compare(column("a"), Operator.EQ, 1),
                    And(
                        (
                            Compare(column("b"), Operator.EQ, 2),
                            Compare(column("c"), Operator.EQ, 3),
                        )
                    ),
                )
            ),
            id="and binds tighter",
        ),
        pytest.param(
            "not (a eq 1)", Not(Compare(column("a"), Operator.EQ, 1)), id="not, in parentheses"
        ),
    ],
)
def test_reads(text, expected):
    assert parse_filter(text).root == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the filter is empty (column 1, at its end)"),
        ("a eq 'x", 'the text has no closing quote (column 6, at "\'x")'),
        ("a eq ?", "not understood (column 6, at '?')"),
        ("a eq 1 b", "not expected here (column 7, at 'b')"),
        ("(a eq 1", "the filter breaks off (column 8, at its end)"),
        ("a = 1", "`=` is written `eq` in a filter (column 3, at '= 1')"),
        ("a", "a is compared with nothing: write a eq true (column 1, at 'a')"),
        (
            "a eq b",
            "a column is compared with a value, not with another column (column 6, at 'b')",
        ),
        ("1 eq 2", "a column is expected (column 1, at '1 eq 2')"),
        ("a gt null", "null is compared with eq or ne, not with gt (column 6, at 'null')"),
        (
            "a in (1, null)",
            "null cannot be in a list: write x eq null or x in (...) (column 10, at 'null)')",
        ),
        ("a in (1, b)", "a list holds values only (column 10, at 'b)')"),
        (
            "not a eq 1",
            "`not` needs its comparison in parentheses: not (a eq b) (column 1, at 'not a eq 1')",
        ),
        ("a add 1 eq 2", "arithmetic has no place in a filter (column 3, at 'add 1 eq 2')"),
        ("a/any(x:x eq 1)", "any has no place in a filter (column 3, at 'any(x:x eq 1)')"),
        (
            "year(a) eq 1",
            (
                "there is no function 'year' here; known: contains, startswith, endswith, tolower, "
                "toupper (column 1, at 'year(a) eq 1')"
            ),
        ),
        ("contains(a)", "contains takes two arguments, not 1 (column 1, at 'contains(a)')"),
        ("contains(a, b)", "contains looks for a text in quotes (column 13, at 'b)')"),
        ("tolower('A') eq 'a'", "tolower takes a column (column 9, at \"'A') eq 'a'\")"),
        (
            "a eq 2023-02-29",
            "2023-02-29 is no day or moment that exists (column 6, at '2023-02-29')",
        ),
        ("tolower(a)", "a comparison is expected (column 1, at 'tolower(a)')"),
    ],
)
def test_refuses(text, message):
    with pytest.raises(FilterError) as refused:
        parse_filter(text)

    assert str(refused.value) == message


def test_a_filter_names_each_column_once():
    found = parse_filter("b eq 1 and (a/x eq 2 or b eq 3) and not contains(c, 'd')")

    assert [str(path) for path in found.columns] == ["b", "a.x", "c"]


def test_a_long_chain_is_no_deep_nest():
    text = " or ".join(f"a eq {number}" for number in range(600))

    assert len(parse_filter(text).root.items) == 600


def test_a_deep_nest_is_refused_and_not_a_crash():
    text = "a eq 1"
    for _ in range(150):
        text = f"(b eq 2 or (c eq 3 and {text}))"

    with pytest.raises(FilterError, match="nested deeper than 100 levels"):
        parse_filter(text)


def test_too_long_a_filter_is_refused():
    with pytest.raises(FilterError, match="longer than 8000 characters"):
        parse_filter("a eq '" + "x" * 8000 + "'")


def test_threads_do_not_mix_up_their_texts():
    """A lexer holds the state of one text; sharing one would mix them."""
    texts = [f"column{number} eq {number}" for number in range(400)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(parse_filter, texts))

    assert [(str(f.columns[0]), f.root.value) for f in found] == [
        (f"column{number}", number) for number in range(400)
    ]
