from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualwrite.journal.records import (
    BatchRecord,
    Cause,
    Counts,
    HeldKind,
    Parking,
    Rejection,
    key_text,
)
from dualwrite.journal.store import Journal
from tests.journal.conftest import assert_no_write

THERE = "finops->dataverse"
BACK = "dataverse->finops"


def refusal(key: str, rule: str = "required", reason: str = "A is blank") -> Rejection:
    return Rejection({"COMPANY": "USMF", "ID": key}, rule, reason, {"A": None, "ID": key})


def parking(key: str) -> Parking:
    return Parking({"COMPANY": "USMF", "ID": key}, "customer 7", "no such customer", {"ID": key})


def test_a_row_held_again_keeps_its_id_and_gets_the_newer_reason(journal: Journal) -> None:
    journal.held.record("m", {THERE: BatchRecord(rejected=[refusal("1", reason="old")])})
    [before] = journal.held.rejected()

    journal.held.record(
        "m", {THERE: BatchRecord(rejected=[refusal("1", rule="length", reason="new")])}
    )

    [after] = journal.held.rejected()
    assert (after.id, after.cause, after.reason) == (before.id, "length", "new")
    assert after.key == {"COMPANY": "USMF", "ID": "1"}
    assert after.row == {"A": None, "ID": "1"}


def test_a_rejected_row_may_become_a_parked_one(journal: Journal) -> None:
    journal.held.record("m", {THERE: BatchRecord(rejected=[refusal("1")])})
    journal.held.record("m", {THERE: BatchRecord(parked=[parking("1")])})

    assert journal.held.rejected() == []
    assert [(row.cause, row.kind) for row in journal.held.parked()] == [("customer 7", "parked")]


def test_a_key_may_be_held_in_each_direction_and_map(journal: Journal) -> None:
    journal.held.record(
        "m",
        {THERE: BatchRecord(rejected=[refusal("1")]), BACK: BatchRecord(rejected=[refusal("1")])},
    )
    journal.held.record("n", {THERE: BatchRecord(rejected=[refusal("1")])})

    assert len(journal.held.rejected()) == 3
    assert len({row.id for row in journal.held.rejected()}) == 3
    assert len(journal.held.rejected("m")) == 2


def test_cleared_keys_are_released_and_the_others_stay(journal: Journal) -> None:
    journal.held.record("m", {THERE: BatchRecord(rejected=[refusal(str(n)) for n in range(4)])})

    gone = [key_text(refusal(str(n)).key) for n in (1, 2, 99)]
    journal.held.record("m", {THERE: BatchRecord(cleared=gone), BACK: BatchRecord(cleared=gone)})

    assert set(journal.held.keys("m", THERE)) == {key_text(refusal(n).key) for n in ("0", "3")}


def test_more_keys_than_one_statement_takes_are_released(journal: Journal) -> None:
    keys = [str(n) for n in range(1500)]
    journal.held.record("m", {THERE: BatchRecord(rejected=[refusal(key) for key in keys])})

    cleared = {key_text(refusal(key).key) for key in keys[:-1]}
    journal.held.record("m", {THERE: BatchRecord(cleared=cleared)})

    assert list(journal.held.keys("m", THERE)) == [key_text(refusal(keys[-1]).key)]


def test_rows_are_filtered_by_rule_id_and_limit(journal: Journal) -> None:
    rows = [refusal("1"), refusal("2"), refusal("3", rule="length")]
    journal.held.record("m", {THERE: BatchRecord(rejected=rows, parked=[parking("4")])})
    ids = [row.id for row in journal.held.rejected()]

    assert [row.key["ID"] for row in journal.held.rejected(rule="length")] == ["3"]
    assert [row.id for row in journal.held.rejected(ids=ids[1:])] == ids[1:]
    assert [row.id for row in journal.held.rejected(limit=1)] == ids[:1]
    assert journal.held.rejected(ids=[]) == []
    assert [row.key["ID"] for row in journal.held.parked(waits_for="customer 7")] == ["4"]


def test_causes_are_listed_by_number_of_rows(journal: Journal) -> None:
    rows = [refusal("1"), refusal("2"), refusal("3", rule="length", reason="A is too long")]
    journal.held.record("m", {THERE: BatchRecord(rejected=rows, parked=[parking("4")])})

    assert journal.held.causes() == [
        Cause("m", THERE, HeldKind.REJECTED, "required", "A is blank", 2),
        Cause("m", THERE, HeldKind.PARKED, "customer 7", "no such customer", 1),
        Cause("m", THERE, HeldKind.REJECTED, "length", "A is too long", 1),
    ]
    assert journal.held.causes("another") == []


def test_a_map_record_counts_held_rows(journal: Journal) -> None:
    journal.held.record(
        "m", {THERE: BatchRecord(rejected=[refusal("1"), refusal("2")], parked=[parking("3")])}
    )

    [record] = journal.maps.all()
    assert (record.rejected, record.parked, record.conflicts) == (2, 1, 0)


def test_a_discarded_id_is_never_used_again(journal: Journal) -> None:
    journal.held.record("m", {THERE: BatchRecord(rejected=[refusal("1")])})
    [held] = journal.held.rejected()

    assert journal.held.discard([held.id, 12345]) == 1
    journal.held.record("m", {THERE: BatchRecord(rejected=[refusal("2")])})

    assert journal.held.rejected()[0].id > held.id


def test_all_rows_of_a_map_are_discarded_and_no_others(journal: Journal) -> None:
    for name in ("m", "n"):
        journal.held.record(name, {THERE: BatchRecord(rejected=[refusal("1")])})

    journal.held.discard_map("m")

    assert [row.map for row in journal.held.rejected()] == ["n"]


def test_values_without_a_json_type_are_stored_as_text(journal: Journal) -> None:
    row = {"money": Decimal("12345678901234567.1234567890"), "ratio": math.nan, "list": [math.inf]}
    journal.held.record(
        "m", {THERE: BatchRecord(rejected=[Rejection({"ID": "1"}, "r", "nul\0here", row)])}
    )

    [held] = journal.held.rejected()
    assert held.row == {"money": "12345678901234567.1234567890", "ratio": "nan", "list": ["inf"]}
    assert held.reason == "nul\\0here"


def test_ten_thousand_rejections_are_one_transaction(journal: Journal) -> None:
    rows = [refusal(str(number)) for number in range(10_000)]
    journal.held.record("m", {THERE: BatchRecord(rejected=rows)})

    assert len(journal.held.keys("m", THERE)) == 10_000


def test_nothing_is_held_when_the_transaction_breaks(journal: Journal) -> None:
    class Unwritable:
        def __str__(self) -> str:
            raise RuntimeError("cut off here")

    broken = Rejection({"ID": "2"}, "r", "x", {"value": Unwritable()})
    with pytest.raises(Exception, match="cut off here"):
        journal.held.record("m", {THERE: BatchRecord(rejected=[refusal("1"), broken])})

    assert journal.held.rejected() == []


keys = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    min_size=1,
    max_size=3,
)


@given(first=keys, second=keys)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_keys_have_the_same_text_only_if_they_are_equal(
    first: dict[str, str | None], second: dict[str, str | None]
) -> None:
    same = list(first.items()) == list(second.items())

    assert (key_text(first) == key_text(second)) == same


@given(key=keys)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_a_key_is_read_as_it_was_recorded(journal: Journal, key: dict[str, str | None]) -> None:
    journal.held.record("m", {THERE: BatchRecord(rejected=[Rejection(key, "r", "x", {})])})

    assert list(journal.held.keys("m", THERE)) == [key_text(key)]
    assert list(journal.held.rejected()[0].key.items()) == list(key.items())
    journal.held.record("m", {THERE: BatchRecord(cleared=[key_text(key)])})
    assert journal.held.keys("m", THERE) == {}


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        pytest.param(("A",), ("B", "A"), ("A", "B"), id="both wait"),
        pytest.param(None, ("A",), None, id="all waited before"),
        pytest.param(("A",), None, None, id="all wait now"),
        pytest.param((), ("A",), ("A",), id="none waited before"),
    ],
)
@pytest.mark.parametrize("together", [False, True], ids=["one after the other", "in one call"])
def test_changed_columns_of_a_held_row_add_up(
    journal: Journal,
    first: tuple[str, ...] | None,
    second: tuple[str, ...] | None,
    kept: tuple[str, ...] | None,
    together: bool,
) -> None:
    waiting = replace(parking("1"), changed=first)
    refused = replace(refusal("1"), changed=second)
    if together:
        journal.held.record("m", {THERE: BatchRecord(parked=[waiting], rejected=[refused])})
    else:
        journal.held.record("m", {THERE: BatchRecord(parked=[waiting])})
        journal.held.record("m", {THERE: BatchRecord(rejected=[refused])})

    assert journal.held.rejected()[0].changed == kept


def test_changed_columns_are_deleted_with_the_released_row(journal: Journal) -> None:
    held = replace(refusal("1"), changed=("A",))
    journal.held.record("m", {THERE: BatchRecord(rejected=[held])})
    journal.held.record("m", {THERE: BatchRecord(cleared=[key_text(held.key)])})
    journal.held.record("m", {THERE: BatchRecord(rejected=[replace(held, changed=("B",))])})

    assert journal.held.rejected()[0].changed == ("B",)


def test_nothing_is_written_for_an_empty_batch(journal: Journal) -> None:
    with assert_no_write(journal):
        journal.held.record("m", {THERE: BatchRecord(Counts(read=3, unchanged=3))})
