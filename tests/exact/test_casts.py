"""Casts between all types: results, nulls, and that nothing raises."""

# ruff: noqa: DTZ001 - times without a zone are what is tested
from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.exact.casts import always_converts, convert
from dualwrite.exact.texts import canonical_text, plain

UTC = dt.UTC
NAIVE, INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")
MONEY = pa.decimal128(20, 2)
TYPES = [
    pa.string(),
    pa.int64(),
    MONEY,
    pa.decimal128(38, 38),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    NAIVE,
    INSTANT,
    pa.binary(),
]


def converted(values, kind, target):
    return convert(pa.array(values, kind), target).to_pylist()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None),
        ("9" * 38, None),
        ("9" * 39, None),
        ("1.0", None),
        (" 1", None),
        ("", None),
        ("٣", None),
        ("1e3", None),
        (None, None),
    ],
)
def test_text_to_a_whole_number(text, number):
    assert converted([text], pa.string(), pa.int64()) == [number]
    assert converted([text, "1"], pa.string(), pa.int64()) == [number, 1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", Decimal("1.5")),
        ("-0.0000000001", Decimal("-0.0000000001")),
        ("+12", Decimal(12)),
        ("9" * 38, Decimal("9" * 38)),
        ("-0." + "9" * 38, Decimal("-0." + "9" * 38)),
        ("0" * 60 + "1.5" + "0" * 60, Decimal("1.5")),
        ("9" * 39, None),
        ("0." + "1" * 39, None),
        ("1e5", None),
        ("NaN", None),
        ("1,5", None),
        ("1.", None),
        ("", None),
    ],
)
def test_text_to_a_decimal_keeps_every_digit(text, number):
    assert converted([text, "0.01", None], pa.string(), MONEY) == [number, Decimal("0.01"), None]


@pytest.mark.parametrize(
    ("number", "exact"),
    [
        (0.5, Decimal("0.5")),
        (-2.75, Decimal("-2.75")),
        (3.0, Decimal(3)),
        (0.1, None),
        (0.125, None),
        (math.nan, None),
        (math.inf, None),
        (1e300, None),
        (2.0**53, Decimal(2**53)),
    ],
)
def test_a_float_becomes_a_decimal_only_when_it_is_one(number, exact):
    assert converted([number, None], pa.float64(), MONEY) == [exact, None]


@pytest.mark.parametrize(
    ("value", "kind", "whole"),
    [
        (Decimal("5.00"), MONEY, 5),
        (Decimal("5.01"), MONEY, None),
        (Decimal("9" * 38), pa.decimal128(38, 0), None),
        (Decimal(2**63 - 1), pa.decimal128(38, 10), 2**63 - 1),
        (Decimal(-(2**63) - 1), pa.decimal128(38, 10), None),
        (5.0, pa.float64(), 5),
        (5.5, pa.float64(), None),
        (math.nan, pa.float64(), None),
        (2.0**63, pa.float64(), None),
        (True, pa.bool_(), 1),
        (dt.date(2020, 1, 1), pa.date32(), None),
    ],
)
def test_a_number_becomes_whole_only_when_it_is(value, kind, whole):
    assert converted([value], kind, pa.int64()) == [whole]


@pytest.mark.parametrize(
    ("value", "kind", "truth"),
    [
        ("true", pa.string(), True),
        ("Yes", pa.string(), True),
        ("0", pa.string(), False),
        ("No", pa.string(), False),
        ("maybe", pa.string(), None),
        (1, pa.int64(), True),
        (2, pa.int64(), None),
        (Decimal("0.00"), MONEY, False),
        (1.0, pa.float64(), None),
    ],
)
def test_a_value_becomes_a_boolean(value, kind, truth):
    assert converted([value], kind, pa.bool_()) == [truth]


@pytest.mark.parametrize(
    ("value", "kind", "number"),
    [
        (Decimal("0.10"), MONEY, 0.1),
        (Decimal("123456789012345.67"), MONEY, None),
        (2**53, pa.int64(), 2.0**53),
        (2**53 + 1, pa.int64(), None),
        ("1e-3", pa.string(), 0.001),
        ("+1.5", pa.string(), 1.5),
        ("1e999", pa.string(), None),
        ("nan", pa.string(), None),
        (math.inf, pa.float64(), None),
        (True, pa.bool_(), 1.0),
    ],
)
def test_a_number_becomes_a_float_only_without_loss(value, kind, number):
    assert converted([value], kind, pa.float64()) == [number]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("0001-01-01", dt.date(1, 1, 1)),
        ("2154-12-31", dt.date(2154, 12, 31)),
        ("9999-12-31", dt.date(9999, 12, 31)),
        ("2024-02-29", dt.date(2024, 2, 29)),
        ("2023-02-29", None),
        ("1900-02-29", None),
        ("2000-02-29", dt.date(2000, 2, 29)),
        ("2023-04-31", None),
        ("2023-13-01", None),
        ("0000-01-01", None),
        ("31.12.2020", None),
        ("2020-01-01T00:00:00", None),
    ],
)
def test_text_to_a_date(text, day):
    assert converted([text], pa.string(), pa.date32()) == [day]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-01-02T03:04:05", dt.datetime(2020, 1, 2, 3, 4, 5)),
        ("2020-01-02 03:04:05.123", dt.datetime(2020, 1, 2, 3, 4, 5, 123000)),
        ("2020-01-02T03:04:05.1234560", dt.datetime(2020, 1, 2, 3, 4, 5, 123456)),
        ("2020-01-02T03:04:05.1234567", None),
        ("2020-01-02T03:04+02:00", dt.datetime(2020, 1, 2, 1, 4)),
        ("2020-01-02T03:04Z", dt.datetime(2020, 1, 2, 3, 4)),
        ("2020-01-02", dt.datetime(2020, 1, 2)),
        ("0001-01-01T00:00:00", dt.datetime(1, 1, 1)),
        ("9999-12-31T23:59:59.999999", dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
        ("2020-01-02T24:00", None),
        ("2020-01-02T03:04:61", None),
        ("noon", None),
    ],
)
def test_text_to_a_time(text, moment):
    zoned = None if moment is None else moment.replace(tzinfo=UTC)

    assert converted([text], pa.string(), NAIVE) == [moment]
    assert converted([text], pa.string(), INSTANT) == [zoned]


def test_a_time_becomes_a_date_only_at_midnight():
    times = [dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 2, 0, 0, 1), dt.datetime(1, 1, 1), None]

    assert converted(times, NAIVE, pa.date32()) == [
        dt.date(2020, 1, 2),
        None,
        dt.date(1, 1, 1),
        None,
    ]


def test_a_time_without_a_time_zone_counts_as_utc():
    noon = dt.datetime(2020, 1, 2, 12)

    assert converted([noon], NAIVE, INSTANT) == [noon.replace(tzinfo=UTC)]
    assert converted([noon.replace(tzinfo=UTC)], INSTANT, NAIVE) == [noon]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (Decimal("1.50"), MONEY, "1.5"),
        (Decimal(100), MONEY, "100"),
        (Decimal("-1E-10"), pa.decimal128(38, 10), "-0.0000000001"),
        (Decimal(0), pa.decimal128(38, 10), "0"),
        (Decimal("-0." + "9" * 38), pa.decimal128(38, 38), "-0." + "9" * 38),
        (Decimal(1200), pa.decimal128(10, -2), "1200"),
        (True, pa.bool_(), "true"),
        (-5, pa.int64(), "-5"),
        (0.1, pa.float64(), "0.1"),
        (math.nan, pa.float64(), None),
        (dt.date(1, 1, 1), pa.date32(), "0001-01-01"),
        (dt.datetime(2020, 1, 2, 3, 0, 0), NAIVE, "2020-01-02T03:00:00"),
        (dt.datetime(2020, 1, 2, 3, 0, 0, 120000), NAIVE, "2020-01-02T03:00:00.12"),
        (dt.datetime(2020, 1, 2, tzinfo=UTC), INSTANT, "2020-01-02T00:00:00Z"),
        ("  ü\x00 ", pa.string(), "  ü\x00 "),
        (b"x", pa.binary(), None),
    ],
)
def test_the_canonical_text(value, kind, text):
    assert canonical_text(pa.array([value], kind)).to_pylist() == [text]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", None]).dictionary_encode(),
        pa.array(["a", None], pa.large_string()),
        pa.array([1, None], pa.int8()),
        pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([1.5, None], pa.float32()),
        pa.array([b"ab", None], pa.binary(2)),
        pa.array([dt.datetime(2020, 1, 1), None], pa.timestamp("s")),
        pa.array([dt.date(2020, 1, 1), None], pa.date64()),
    ],
    ids=lambda values: str(values.type),
)
def test_all_types_become_their_canonical_type(values):
    assert plain(values).to_pylist() == values.to_pylist()
    assert any(plain(values).type == kind for kind in [*TYPES, pa.decimal128(38, 0)])


def test_nanoseconds_that_do_not_fit_become_null():
    assert plain(pa.array([1000, 1001], pa.timestamp("ns"))).is_valid().to_pylist() == [True, False]


@pytest.mark.parametrize("target", TYPES, ids=str)
@pytest.mark.parametrize("kind", [*TYPES, pa.null()], ids=str)
def test_empty_and_null_columns_convert_between_all_types(kind, target):
    assert converted([], kind, target) == []
    assert converted([None, None], kind, target) == [None, None]
    assert convert(pa.nulls(3, kind).slice(1), target).null_count == 2


DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=10, min_value=-(10**27), max_value=10**27
)
SAMPLES = {
    pa.string(): st.text(max_size=12)
    | st.from_regex(r"[+-]?[0-9]{0,40}\.?[0-9]{0,40}", fullmatch=True)
    | st.datetimes().map(str)
    | st.dates().map(str)
    | st.floats().map(str),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.decimal128(38, 10): DECIMALS,
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    NAIVE: st.datetimes(),
    INSTANT: st.datetimes(timezones=st.just(UTC)),
    pa.binary(): st.binary(max_size=5),
}


@settings(max_examples=50)
@given(data=st.data(), kind=st.sampled_from(list(SAMPLES)), target=st.sampled_from(TYPES))
def test_a_cast_never_raises_and_never_loses_a_row(data, kind, target):
    values = data.draw(st.lists(st.none() | SAMPLES[kind], max_size=5))

    result = convert(pa.array(values, kind), target)

    assert len(result) == len(values)
    if always_converts(kind, target):
        assert result.is_valid().to_pylist() == [value is not None for value in values]


@settings(max_examples=50)
@given(
    data=st.data(),
    kind=st.sampled_from([kind for kind in SAMPLES if not pa.types.is_string(kind)]),
)
def test_the_canonical_text_of_a_value_is_cast_back_to_it(data, kind):
    value = data.draw(SAMPLES[kind].filter(has_text))
    text = canonical_text(pa.array([value], kind))

    if text.null_count:
        assert pa.types.is_binary(kind)
    else:
        assert convert(text, kind).to_pylist() == [value]


def has_text(value):
    return not isinstance(value, float) or math.isfinite(value)


@settings(max_examples=50)
@given(number=st.floats(allow_nan=False, allow_infinity=False), scale=st.integers(0, 20))
def test_a_float_becomes_a_decimal_exactly_when_python_agrees(number, scale):
    exact = Decimal(number)
    exponent = exact.normalize().as_tuple().exponent
    fits = (exact == 0 or -exponent <= scale) and abs(number) <= 2**53

    assert converted([number], pa.float64(), pa.decimal128(38, scale)) == [exact if fits else None]
