"""One spelling of each JSON value."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.exact.jsons import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ('{"z": 1,  "a": [2.50, true]}', '{"a":[2.50,true],"z":1}'),
        ('{"n": 0.1234567890123456789}', '{"n":0.1234567890123456789}'),
        ("1e2", "100"),
        ("1.5E-3", "0.0015"),
        ("-0", "0"),
        ("1e999999", "1e999999"),
        ('"\\u00e9"', '"é"'),
        ('"\\ud800"', '"\\ud800"'),
        ("NaN", "NaN"),
        ("{not json}", "{not json}"),
        ("[" * 100_000, "[" * 100_000),
        ("", ""),
        (None, None),
    ],
)
def test_a_text_becomes_the_one_spelling(text, spelled):
    assert json_text(pa.array([text], pa.string())).to_pylist() == [spelled]


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_the_value_stays_and_its_spelling_is_lost(value, indent, escaped):
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)

    (spelled,) = json_text(pa.array([text])).to_pylist()

    assert json.loads(spelled, parse_float=Decimal) == value
    assert json_text(pa.array([json.dumps(value, sort_keys=True)])).to_pylist() == [spelled]
