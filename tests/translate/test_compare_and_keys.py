"""Null-safe comparison, and one text for a composite key."""

# ruff: noqa: DTZ001 - times without a zone are what is tested
from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dualwrite.translate.compare import differs
from dualwrite.translate.keys import duplicates, key_text, row_of

UTC = dt.UTC


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        pytest.param(
            pa.array([None, "a", ""]),
            pa.array([None, None, None], "string"),
            [0, 1, 1],
            id="null equals null, and '' does not",
        ),
        pytest.param(
            pa.array([Decimal("1.50")], pa.decimal128(38, 10)),
            pa.array([Decimal("1.5")], pa.decimal128(38, 1)),
            [0],
            id="scales",
        ),
        pytest.param(
            pa.array([Decimal("9" * 38)], pa.decimal128(38, 0)),
            pa.array([Decimal("0." + "9" * 38)], pa.decimal128(38, 38)),
            [1],
            id="38 digits",
        ),
        pytest.param(
            pa.array([2], pa.int32()),
            pa.array([Decimal("2.00")], pa.decimal128(9, 2)),
            [0],
            id="a whole number and a decimal",
        ),
        pytest.param(
            pa.array([math.nan, 1.0, None]),
            pa.array([math.nan, math.nan, math.nan]),
            [0, 1, 1],
            id="not a number",
        ),
        pytest.param(
            pa.array([dt.datetime(2020, 1, 1)], pa.timestamp("us")),
            pa.array([dt.datetime(2020, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            [0],
            id="a time without a zone and an instant",
        ),
        pytest.param(pa.nulls(1), pa.nulls(1), [0], id="no type at all"),
        pytest.param(pa.nulls(1), pa.array(["a"]), [1], id="no type and text"),
        pytest.param(pa.array([3]), pa.array(["3"]), [0], id="a number and its text"),
        pytest.param(pa.array([], "string"), pa.array([], "int64"), [], id="no rows"),
        pytest.param(
            pa.chunked_array([["a"], ["b"]]), pa.chunked_array([["a", "c"]]), [0, 1], id="chunks"
        ),
        pytest.param(
            pa.chunked_array([], pa.string()), pa.chunked_array([], pa.string()), [], id="no chunks"
        ),
    ],
)
def test_which_rows_differ(left, right, answer):
    assert differs(left, right).to_pylist() == [bool(one) for one in answer]
    assert differs(right, left).to_pylist() == [bool(one) for one in answer]


PAIRS = st.lists(st.tuples(*[st.none() | st.text("ab", max_size=2)] * 2), max_size=8)
NUMBERS = (
    st.none() | st.decimals(-100, 100, places=2) | st.sampled_from([Decimal(1), Decimal("1.00")])
)


@settings(max_examples=50)
@given(PAIRS)
def test_texts_differ_as_in_python(pairs):
    left, right = ([pair[i] for pair in pairs] for i in (0, 1))

    answer = differs(pa.array(left, pa.string()), pa.array(right, pa.string()))

    assert answer.to_pylist() == [a != b for a, b in pairs]


@settings(max_examples=50)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8))
def test_numbers_differ_as_in_python(pairs):
    left = pa.array([a for a, _ in pairs], pa.decimal128(38, 2))
    right = pa.array([b for _, b in pairs], pa.decimal128(20, 10))

    assert differs(left, right).to_pylist() == [a != b for a, b in pairs]


PART = st.none() | st.text("a\x1e\x1fes", max_size=3)


@settings(max_examples=50)
@example([("\x1es", "a"), ("\x1f", "a"), ("\x1e", "s"), ("a", "\x1fa"), ("a\x1f", "a")])
@given(st.lists(st.tuples(PART, PART), max_size=8))
def test_one_key_has_one_text_and_another_key_another(rows):
    table = pa.table(
        {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate("xy")}
    )

    texts = key_text(table, ["x", "y"]).to_pylist()
    whole = {row: text for row, text in zip(rows, texts, strict=True) if None not in row}

    assert [text is None for text in texts] == [None in row for row in rows]
    assert len(set(whole.values())) == len(whole)
    for row, text in whole.items():
        alone = pa.table({name: pa.array([row[i]]) for i, name in enumerate("xy")})
        assert key_text(alone, ["x", "y"]).to_pylist() == [text]


def test_equal_keys_of_two_apps_have_one_text():
    ours = pa.table({"co": ["usmf"], "n": pa.array([Decimal("3.00")], pa.decimal128(10, 2))})
    theirs = pa.table({"co": pa.chunked_array([["usmf"]]), "n": [3]})

    assert key_text(ours, ["co", "n"]).equals(key_text(theirs, ["co", "n"]))


def test_a_key_finds_its_first_row_or_none():
    found = row_of(pa.array(["b", "x", None, "a"]), pa.array(["a", "b", None, "a"]))

    assert found.to_pylist() == [1, None, None, 0]


@settings(max_examples=50)
@given(st.lists(st.none() | st.text("ab", max_size=2), max_size=10))
def test_every_row_of_a_repeated_key_is_a_duplicate(keys):
    times = Counter(key for key in keys if key is not None)

    assert duplicates(pa.array(keys, pa.string())).to_pylist() == [times[key] > 1 for key in keys]
