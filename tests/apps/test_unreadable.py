"""Values that have no exact place in a canonical type: null, noted beside their row."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.apps.canonical import canonical
from dualwrite.apps.unreadable import as_read, canonical_cells, unreadable_of, with_unreadable

WIDE = pa.decimal128(38, 10)


def test_one_value_stops_no_other():
    array, texts = canonical_cells(pa.array(["1.5", "NaN", None, "0.12345678901", "2"]), WIDE)

    assert array.to_pylist() == [Decimal("1.5"), None, None, None, Decimal(2)]
    assert texts == {1: "NaN", 3: "0.12345678901"}


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        (["2**64", "7"], pa.int64(), "2**64"),
        (["0000-00-00", "7"], pa.date32(), "0000-00-00"),
        ([b"\xff\xfe", b"ok"], pa.string(), "0xfffe"),
        (["x" * 300, "7"], pa.int64(), "x" * 200 + "..."),
    ],
)
def test_its_text_is_kept(values, kind, text):
    array, texts = canonical_cells(pa.array(values), kind)

    assert texts[0] == text
    assert array[0].as_py() is None


def test_every_value_may_be_unreadable():
    array, texts = canonical_cells(pa.chunked_array([["a"], ["b", None]]), pa.int64())

    assert array.to_pylist() == [None, None, None]
    assert texts == {0: "a", 1: "b"}


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False), max_size=5), st.data())
def test_a_decimal_comes_out_as_itself_or_is_noted(numbers, data):
    """From 1 to 76 digits, in every scale: never another number."""
    digits = st.text("0123456789", min_size=1, max_size=76)
    more = data.draw(st.lists(st.tuples(st.sampled_from(["", "-"]), digits, digits), max_size=5))
    texts = [f"{number:f}" for number in numbers if abs(number.adjusted()) < 80]
    texts += [f"{sign}{before}.{behind}" for sign, before, behind in more]
    scale = data.draw(st.integers(0, 38))

    array, odd = canonical_cells(pa.array(texts, pa.string()), pa.decimal128(38, scale))

    for place, (text, value) in enumerate(zip(texts, array.to_pylist(), strict=True)):
        assert (value is None) == (place in odd)
        assert value is None or value == Decimal(text)


def test_arrow_would_wrap_more_than_38_digits():
    text = "1" * 30 + "." + "1" * 10

    with pytest.raises(pa.ArrowInvalid):
        canonical(pa.array([text]), WIDE)
    zeros = canonical(pa.array(["1." + "0" * 60, "0" * 60 + "7"]), WIDE)
    assert zeros.to_pylist() == [Decimal(1), Decimal(7)]


def test_a_row_says_which_of_its_values_could_not_be_read():
    rows = pa.table({"k": ["a", "b"], "n": pa.nulls(2, WIDE), "d": pa.nulls(2, pa.date32())})

    noted = with_unreadable(rows, {"n": {1: "NaN"}}, [None, json.dumps({"d": "infinity"})])

    assert unreadable_of(rows).null_count == 2
    assert unreadable_of(noted).is_valid().to_pylist() == [False, True]
    assert as_read(noted)[1] == {"k": "b", "n": "NaN", "d": "infinity"}
    assert as_read(noted)[0] == {"k": "a", "n": None, "d": None}


def test_a_column_whose_type_has_no_cast_is_unreadable_value_by_value():
    lists = pa.array([["x"], None, []], pa.list_(pa.string()))

    array, texts = canonical_cells(lists, pa.int64())

    assert array.to_pylist() == [None, None, None]
    assert texts == {0: "['x']", 2: "[]"}
    assert canonical_cells(lists.slice(0, 0), pa.int64())[0].to_pylist() == []


def test_a_truth_is_0_or_1():
    array, texts = canonical_cells(pa.array(["0", "1", "7", "-1", None]), pa.bool_())

    assert array.to_pylist() == [False, True, None, None, None]
    assert texts == {2: "7", 3: "-1"}
