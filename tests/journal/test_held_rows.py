from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dualwrite.journal.records import Cause, Parking, Rejection, Share, key_text
from dualwrite.journal.store import Journal

THERE = "finops->dataverse"
BACK = "dataverse->finops"


def refusal(key: str, rule: str = "required", reason: str = "A is blank") -> Rejection:
    return Rejection({"COMPANY": "USMF", "ID": key}, rule, reason, {"A": None, "ID": key})


def parking(key: str) -> Parking:
    return Parking({"COMPANY": "USMF", "ID": key}, "customer 7", "no such customer", {"ID": key})


def test_a_row_is_held_once_with_the_newest_reason_and_its_first_id(journal: Journal) -> None:
    journal.record("m", {THERE: Share(rejected=[refusal("1", reason="old")])})
    [before] = journal.rejected()

    journal.record("m", {THERE: Share(rejected=[refusal("1", rule="length", reason="new")])})

    [after] = journal.rejected()
    assert (after.id, after.cause, after.reason) == (before.id, "length", "new")
    assert after.key == {"COMPANY": "USMF", "ID": "1"}
    assert after.row == {"A": None, "ID": "1"}


def test_a_rejected_row_may_become_a_parked_one(journal: Journal) -> None:
    journal.record("m", {THERE: Share(rejected=[refusal("1")])})
    journal.record("m", {THERE: Share(parked=[parking("1")])})

    assert journal.rejected() == []
    assert [(row.cause, row.kind) for row in journal.parked()] == [("customer 7", "parked")]


def test_one_key_may_be_held_in_each_direction_and_map(journal: Journal) -> None:
    journal.record(
        "m", {THERE: Share(rejected=[refusal("1")]), BACK: Share(rejected=[refusal("1")])}
    )
    journal.record("n", {THERE: Share(rejected=[refusal("1")])})

    assert len(journal.rejected()) == 3
    assert len({row.id for row in journal.rejected()}) == 3
    assert len(journal.rejected("m")) == 2


def test_what_is_cleared_is_let_go_and_the_rest_stays(journal: Journal) -> None:
    journal.record("m", {THERE: Share(rejected=[refusal(str(n)) for n in range(4)])})

    gone = [key_text(refusal(str(n)).key) for n in (1, 2, 99)]
    journal.record("m", {THERE: Share(cleared=gone), BACK: Share(cleared=gone)})

    assert set(journal.held_keys("m", THERE)) == {key_text(refusal(n).key) for n in ("0", "3")}


def test_many_keys_are_cleared_at_once(journal: Journal) -> None:
    keys = [str(n) for n in range(1500)]
    journal.record("m", {THERE: Share(rejected=[refusal(key) for key in keys])})

    cleared = {key_text(refusal(key).key) for key in keys[:-1]}
    journal.record("m", {THERE: Share(cleared=cleared)})

    assert list(journal.held_keys("m", THERE)) == [key_text(refusal(keys[-1]).key)]


def test_rows_are_found_by_rule_id_and_number(journal: Journal) -> None:
    rows = [refusal("1"), refusal("2"), refusal("3", rule="length")]
    journal.record("m", {THERE: Share(rejected=rows, parked=[parking("4")])})
    ids = [row.id for row in journal.rejected()]

    assert [row.key["ID"] for row in journal.rejected(rule="length")] == ["3"]
    assert [row.id for row in journal.rejected(ids=ids[1:])] == ids[1:]
    assert [row.id for row in journal.rejected(limit=1)] == ids[:1]
    assert journal.rejected(ids=[]) == []
    assert [row.key["ID"] for row in journal.parked(waits_for="customer 7")] == ["4"]


def test_causes_are_counted_the_most_rows_first(journal: Journal) -> None:
    rows = [refusal("1"), refusal("2"), refusal("3", rule="length", reason="A is too long")]
    journal.record("m", {THERE: Share(rejected=rows, parked=[parking("4")])})

    assert journal.causes() == [
        Cause("m", THERE, "rejected", "required", "A is blank", 2),
        Cause("m", THERE, "parked", "customer 7", "no such customer", 1),
        Cause("m", THERE, "rejected", "length", "A is too long", 1),
    ]
    assert [cause.cause for cause in journal.rejected_by_rule("m")] == ["required", "length"]
    assert journal.causes("another") == []


def test_maps_count_what_waits(journal: Journal) -> None:
    journal.record(
        "m", {THERE: Share(rejected=[refusal("1"), refusal("2")], parked=[parking("3")])}
    )

    [record] = journal.maps()
    assert (record.rejected, record.parked, record.conflicts) == (2, 1, 0)


def test_a_discarded_id_never_comes_back(journal: Journal) -> None:
    journal.record("m", {THERE: Share(rejected=[refusal("1")])})
    [held] = journal.rejected()

    assert journal.discard([held.id, 12345]) == 1
    journal.record("m", {THERE: Share(rejected=[refusal("2")])})

    assert journal.rejected()[0].id > held.id


def test_values_that_json_does_not_know_are_kept_as_text(journal: Journal) -> None:
    row = {"money": Decimal("12345678901234567.1234567890"), "ratio": math.nan, "list": [math.inf]}
    journal.record("m", {THERE: Share(rejected=[Rejection({"ID": "1"}, "r", "nul\0here", row)])})

    [held] = journal.rejected()
    assert held.row == {"money": "12345678901234567.1234567890", "ratio": "nan", "list": ["inf"]}
    assert held.reason == "nul\\0here"


def test_ten_thousand_rejections_are_one_transaction(journal: Journal) -> None:
    rows = [refusal(str(number)) for number in range(10_000)]
    journal.record("m", {THERE: Share(rejected=rows)})

    assert len(journal.held_keys("m", THERE)) == 10_000


def test_nothing_is_held_when_the_transaction_breaks(journal: Journal) -> None:
    class Unwritable:
        def __str__(self) -> str:
            raise RuntimeError("cut off here")

    broken = Rejection({"ID": "2"}, "r", "x", {"value": Unwritable()})
    with pytest.raises(Exception, match="cut off here"):
        journal.record("m", {THERE: Share(rejected=[refusal("1"), broken])})

    assert journal.rejected() == []


keys = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    min_size=1,
    max_size=3,
)


@given(first=keys, second=keys)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_keys_have_one_text_only_if_they_are_one_key(
    first: dict[str, str | None], second: dict[str, str | None]
) -> None:
    same = list(first.items()) == list(second.items())

    assert (key_text(first) == key_text(second)) == same


@given(key=keys)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_a_key_comes_back_as_it_was_given(journal: Journal, key: dict[str, str | None]) -> None:
    journal.record("m", {THERE: Share(rejected=[Rejection(key, "r", "x", {})])})

    assert list(journal.held_keys("m", THERE)) == [key_text(key)]
    assert list(journal.rejected()[0].key.items()) == list(key.items())
    journal.record("m", {THERE: Share(cleared=[key_text(key)])})
    assert journal.held_keys("m", THERE) == {}


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
def test_what_changed_while_a_row_was_held_adds_up(
    journal: Journal,
    first: tuple[str, ...] | None,
    second: tuple[str, ...] | None,
    kept: tuple[str, ...] | None,
    together: bool,
) -> None:
    waiting = replace(parking("1"), changed=first)
    refused = replace(refusal("1"), changed=second)
    if together:
        journal.record("m", {THERE: Share(parked=[waiting], rejected=[refused])})
    else:
        journal.record("m", {THERE: Share(parked=[waiting])})
        journal.record("m", {THERE: Share(rejected=[refused])})

    assert journal.rejected()[0].changed == kept


def test_what_changed_is_forgotten_with_the_row(journal: Journal) -> None:
    held = replace(refusal("1"), changed=("A",))
    journal.record("m", {THERE: Share(rejected=[held])})
    journal.record("m", {THERE: Share(cleared=[key_text(held.key)])})
    journal.record("m", {THERE: Share(rejected=[replace(held, changed=("B",))])})

    assert journal.rejected()[0].changed == ("B",)
