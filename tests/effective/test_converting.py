"""Conversion between days and instants, and of "no end": exact or refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.effective import Periods, find_faults, spell_no_end, to_days, to_instants
from dualwrite.effective.periods import place
from tests.effective.tables import FORBID, table

INSTANTS = replace(FORBID, kind="instant")
UTC = pa.timestamp("us", "UTC")
NEVER = [dt.date(2154, 12, 31), dt.date(9999, 12, 31), None]


def moments(*texts):
    return [None if text is None else dt.datetime.fromisoformat(text) for text in texts]


def instants(starts, ends):
    return pa.table(
        {"ID": ["A"] * len(starts), "FROM": pa.array(starts, UTC), "TO": pa.array(ends, UTC)}
    )


def test_a_day_ends_the_second_before_the_next_one():
    found = to_instants(table("A 1-4", "A 5-"), FORBID)

    assert found.periods == INSTANTS
    assert found.table["FROM"].to_pylist() == moments("2030-01-01T00:00Z", "2030-01-05T00:00Z")
    assert found.table["TO"].to_pylist() == moments("2030-01-04T23:59:59Z", None)
    assert found.inexact.to_pylist() == [False, False]


def test_an_exclusive_end_is_a_midnight_both_ways():
    exclusive = replace(FORBID, end_inclusive=False)
    found = to_instants(table("A 1-4"), exclusive)

    assert found.table["TO"].to_pylist() == moments("2030-01-04T00:00Z")
    assert to_days(found.table, found.periods).table.equals(table("A 1-4"))


def test_a_bound_within_a_day_cannot_become_a_day_and_the_row_is_rejected():
    rows = instants(
        moments("2030-01-01T00:00Z", "2030-01-01T08:00Z", "2030-01-01T00:00Z"),
        moments("2030-01-04T23:59:59Z", "2030-01-04T23:59:59Z", "2030-01-04T12:00Z"),
    )

    found = to_days(rows, INSTANTS)

    assert found.inexact.to_pylist() == [False, True, True]
    assert found.table["FROM"].to_pylist() == [dt.date(2030, 1, 1), None, None]
    assert found.table["TO"].to_pylist() == [dt.date(2030, 1, 4), None, None]
    assert find_faults(found.table, found.periods).fault.astype(bool).tolist() == [
        False, True, True
    ]  # fmt: skip


def test_a_fraction_of_the_last_second_counts_as_that_second():
    rows = instants(moments("2030-01-01T00:00Z"), moments("2030-01-04T23:59:59.997Z"))

    assert to_days(rows, INSTANTS).table["TO"].to_pylist() == [dt.date(2030, 1, 4)]


@pytest.mark.parametrize("convert", [to_days, to_instants])
def test_periods_of_the_target_kind_are_not_converted(convert):
    periods, kind = (FORBID, "days") if convert is to_days else (INSTANTS, "instants")

    with pytest.raises(ValueError, match=rf"^the periods are {kind} already$"):
        convert(table(), periods)


def test_the_three_values_for_no_end_are_equal():
    ends = pa.table({"ID": ["A"] * 3, "FROM": [dt.date(2030, 1, 1)] * 3, "TO": NEVER})

    assert len(set(place(ends, FORBID).ends.tolist())) == 1
    for periods in (INSTANTS, replace(INSTANTS, end_inclusive=False)):
        assert len(set(place(to_instants(ends, FORBID).table, periods).ends.tolist())) == 1


@pytest.mark.parametrize(
    ("spelling", "day", "moment"),
    [
        ("2154-12-31", dt.date(2154, 12, 31), "2154-12-31T23:59:59Z"),
        ("9999-12-31", dt.date(9999, 12, 31), "9999-12-31T23:59:59Z"),
        ("null", None, None),
    ],
)
def test_no_end_gets_the_requested_value(spelling, day, moment):
    some = dt.date(2030, 1, 1)
    days = pa.chunked_array([pa.array([some, *NEVER])])
    ends = pa.array(
        moments("2030-01-01T00:00Z", "2154-12-31T00:00Z", "9999-12-31T23:59:59.999999Z", None), UTC
    )

    assert spell_no_end(days, spelling).to_pylist() == [some, day, day, day]
    assert spell_no_end(ends, spelling).to_pylist() == moments(
        "2030-01-01T00:00Z", moment, moment, moment
    )
    assert spell_no_end(pa.nulls(1), spelling).to_pylist() == [None]


@pytest.mark.parametrize(
    "moved", ["2155-01-01T00:59:59Z", "2155-06-01T00:00:00Z", "9999-12-30T22:59:59Z"]
)
def test_a_no_end_moved_by_a_time_zone_is_a_fault(moved):
    rows = instants(moments("2030-01-01T00:00Z"), moments(moved))

    assert find_faults(rows, INSTANTS).fault.tolist() == [3]


def test_days_and_instants_are_read_from_any_date_or_timestamp_type():
    dated = table("A 1-4", "A 5-")

    as_days = place(to_instants(dated, FORBID).table, FORBID)
    as_instants = place(dated, INSTANTS)

    assert as_days.ends.tolist() == place(dated, FORBID).ends.tolist()
    assert (
        as_instants.ends.tolist() == place(to_instants(dated, FORBID).table, INSTANTS).ends.tolist()
    )


def test_a_bound_is_a_date_or_a_timestamp():
    rows = pa.table({"ID": ["A"], "FROM": ["2030-01-01"], "TO": [None]})

    with pytest.raises(
        TypeError,
        match=r"^column FROM is of type string, but a period needs dates or timestamps$",
    ):
        place(rows, FORBID)


@pytest.mark.parametrize(
    ("entity", "end", "message"),
    [
        ((), "TO", "periods need an entity: the columns of which one row is valid at a time"),
        (("ID",), "FROM", "a column occurs twice among entity, start and end: ID, FROM, FROM"),
    ],
)
def test_invalid_period_columns_are_refused(entity, end, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Periods(entity, "FROM", end)


days = st.one_of(
    st.sampled_from([dt.date(2154, 12, 31), dt.date(9999, 12, 31), dt.date(1900, 1, 1)]),
    st.dates(dt.date(1900, 1, 1), dt.date(2154, 12, 30)),
)


@given(
    st.lists(st.tuples(st.none() | days, st.none() | days), max_size=5),
    st.booleans(),
    st.sampled_from(["second", "millisecond", "microsecond"]),
)
def test_days_survive_the_conversion_to_instants_and_back(bounds, end_inclusive, tick):
    periods = replace(FORBID, end_inclusive=end_inclusive, tick=tick)
    rows = pa.table(
        {
            "ID": ["A"] * len(bounds),
            "FROM": pa.array([start for start, _ in bounds], pa.date32()),
            "TO": pa.array([end for _, end in bounds], pa.date32()),
        },
        schema=pa.schema({"ID": pa.string(), "FROM": pa.date32(), "TO": pa.date32()}),
    )

    there = to_instants(rows, periods)
    back = to_days(there.table, there.periods)

    assert back.table.equals(rows)
    assert back.periods == periods
    assert not any(there.inexact.to_pylist() + back.inexact.to_pylist())


@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2154, 12, 30)), max_size=5))  # noqa: DTZ001
def test_a_start_is_converted_only_without_loss(starts):
    starts = [start.replace(tzinfo=dt.UTC) for start in starts]
    rows = instants(starts, [None] * len(starts))

    found = to_days(rows, INSTANTS)

    for start, day, inexact in zip(
        starts, found.table["FROM"].to_pylist(), found.inexact.to_pylist(), strict=True
    ):
        whole = start.time() == dt.time()
        assert (day, inexact) == ((start.date(), False) if whole else (None, True))
