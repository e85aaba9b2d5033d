"""Reads of a dated table: as of a day, over a range, past and future, activations."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.effective import (
    Periods,
    activations,
    as_of,
    between,
    history,
    project,
    split,
)
from tests.effective.tables import ALLOW, FORBID, day, number, table, texts_of
from tests.effective.test_laws import histories

HELD = table("A 10- z", "A 1-4 x", "A 5-9 y", "B 3-6 p", "C ?-9 q", "C 9-8 q")
INSTANTS = Periods(("ID",), "FROM", "TO", kind="instant")
UTC = pa.timestamp("us", "UTC")


def instants(*rows):
    return pa.table(
        {
            "ID": [row[0] for row in rows],
            "FROM": pa.array([row[1] for row in rows], UTC),
            "TO": pa.array([row[2] for row in rows], UTC),
        }
    )


def at(text):
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("when", "rows"),
    [
        (0, []),
        (1, ["A 1-4 x"]),
        (4, ["A 1-4 x", "B 3-6 p"]),
        (5, ["A 5-9 y", "B 3-6 p"]),
        (7, ["A 5-9 y"]),
        (5000, ["A 10- z"]),
    ],
)
def test_a_row_is_valid_on_its_last_day(when, rows):
    assert texts_of(as_of(HELD, day(when), FORBID)) == rows


def test_a_row_is_not_valid_on_its_exclusive_end():
    exclusive = Periods(("ID",), "FROM", "TO", end_inclusive=False)

    assert texts_of(as_of(HELD, day(4), exclusive)) == ["B 3-6 p"]


def test_a_range_includes_both_its_days():
    assert texts_of(between(HELD, FORBID, day(4), day(5))) == ["A 1-4 x", "A 5-9 y", "B 3-6 p"]
    with pytest.raises(
        ValueError, match=r"^the range ends \(2030-01-04\) before it begins \(2030-01-05\)$"
    ):
        between(HELD, FORBID, day(5), day(4))


def test_a_history_is_sorted_by_entity_and_start():
    rows = history(HELD, FORBID).select(["ID", "V"]).to_pylist()

    assert [row["V"] for row in rows if row["ID"] in "AB"] == ["x", "y", "z", "p"]
    assert len(rows) == 6


def test_past_current_and_future_are_all_rows_with_a_valid_period():
    parts = split(HELD, FORBID, day(5))

    assert texts_of(parts.past) == ["A 1-4 x"]
    assert texts_of(parts.current) == ["A 5-9 y", "B 3-6 p"]
    assert texts_of(parts.future) == ["A 10- z"]
    assert texts_of(parts.timeless) == ["C 9-8 q", "C ?-9 q"]


def test_a_second_belongs_to_one_period():
    rows = instants(
        ("A", at("2030-01-01T00:00:00Z"), at("2030-01-05T23:59:59Z")),
        ("A", at("2030-01-06T00:00:00Z"), at("2154-12-31T23:59:59Z")),
    )

    def starts(moment):
        return as_of(rows, moment, INSTANTS)["FROM"].to_pylist()

    assert starts(at("2030-01-05T23:59:59.999999Z")) == [at("2030-01-01T00:00:00Z")]
    assert starts(at("2030-01-06T00:00:00Z")) == [at("2030-01-06T00:00:00Z")]
    assert starts(at("2030-01-06T01:00:00+02:00")) == [at("2030-01-01T00:00:00Z")]
    assert starts(dt.date(2030, 1, 6)) == [at("2030-01-06T00:00:00Z")]
    assert starts(at("9000-01-01T00:00:00Z")) == [at("2030-01-06T00:00:00Z")]
    assert between(rows, INSTANTS, dt.date(2030, 1, 5), dt.date(2030, 1, 5)).num_rows == 1


def test_a_time_without_a_time_zone_is_refused():
    with pytest.raises(
        ValueError, match=r"^2030-01-05T00:00:00 has no time zone: give it one, such as UTC$"
    ):
        as_of(HELD, dt.datetime(2030, 1, 5), FORBID)  # noqa: DTZ001 - the very point


def test_a_projection_has_the_row_of_the_day_without_its_dates():
    rows = project(HELD, FORBID, day(9))

    assert rows.to_pylist() == [{"ID": "A", "V": "y"}]


def test_a_future_address_appears_on_its_day_and_not_before():
    rows = table("A 1-9 old", "A 10- new")

    assert activations(rows, FORBID, None, day(8)).begun["V"].to_pylist() == ["old"]
    assert activations(rows, FORBID, day(8), day(9)).begun.num_rows == 0
    assert activations(rows, FORBID, day(9), day(10)).begun["V"].to_pylist() == ["new"]
    assert activations(rows, FORBID, day(10), day(99)).begun.num_rows == 0


def test_an_expired_row_is_reported_as_ended():
    found = activations(table("A 1-9 x", "B 1-9 y", "B 10- z"), FORBID, day(9), day(10))

    assert found.ended.to_pylist() == [{"ID": "A"}]
    assert found.begun["V"].to_pylist() == ["z"]


def test_a_clock_that_was_set_back_is_refused():
    with pytest.raises(
        ValueError, match=r"^the last activation is later than this one: was the clock set back\?$"
    ):
        activations(HELD, FORBID, day(5), day(4))


# Laws


@given(st.data(), st.sampled_from([FORBID, ALLOW]), st.integers(0, 60), st.integers(0, 20))
def test_reads_agree_with_a_search_day_by_day(data, periods, first, length):
    rows = data.draw(histories(periods))
    last = first + length

    def valid(row, when):
        ends = number(row["TO"]) if row["TO"] else 9999
        return number(row["FROM"]) <= when <= ends

    listed = rows.to_pylist()
    assert as_of(rows, day(first), periods).to_pylist() == [r for r in listed if valid(r, first)]
    assert between(rows, periods, day(first), day(last)).to_pylist() == [
        row for row in listed if any(valid(row, when) for when in range(first, last + 1))
    ]


@given(st.data(), st.lists(st.integers(0, 60), min_size=1, max_size=4).map(sorted))
def test_successive_activations_keep_a_projection_up_to_date(data, moments):
    rows = data.draw(histories(ALLOW))
    shown, before = {}, None

    for moment in moments:
        found = activations(rows, ALLOW, before, day(moment))
        for row in found.ended.to_pylist():
            del shown[row["ID"]]
        shown |= {row["ID"]: row["V"] for row in found.begun.to_pylist()}
        before = day(moment)

        assert shown == {r["ID"]: r["V"] for r in project(rows, ALLOW, before).to_pylist()}


@pytest.mark.parametrize("names", [("VALIDFROM", "VALIDTO"), ("msdyn_validfrom", "msdyn_validto")])
def test_the_period_columns_of_the_erp_are_found_by_their_names(names):
    rows = HELD.rename_columns(["ID", *names, "V"])

    found = as_of(rows, day(4))

    assert found.rename_columns(HELD.column_names).equals(as_of(HELD, day(4), FORBID))


def test_ambiguous_period_columns_must_be_named():
    with pytest.raises(ValueError, match="no column ends in VALIDFROM: pass `periods`"):
        as_of(HELD, day(4))
