from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dualwrite.journal.maps import change_map
from dualwrite.journal.records import (
    BatchRecord,
    Conflict,
    ConflictKind,
    ConflictOutcome,
    ConflictStatus,
    MapStatus,
    Mark,
    Rejection,
)
from dualwrite.journal.store import Journal
from dualwrite.link import Side
from tests.journal.conftest import assert_no_write


def test_an_unknown_map_is_not_running(journal: Journal) -> None:
    assert journal.maps.status("m") is MapStatus.NOT_RUNNING
    assert journal.maps.all() == []


def test_a_status_is_stored_and_logged(journal: Journal) -> None:
    journal.maps.set_status("m", MapStatus.INITIALIZING, reason="initial sync started")
    journal.maps.set_status("m", MapStatus.RUNNING, reason="initial sync done")

    assert journal.maps.status("m") is MapStatus.RUNNING
    assert [(line.map, line.event, line.text) for line in journal.activity.newest()] == [
        ("m", "status", "running: initial sync done"),
        ("m", "status", "initializing: initial sync started"),
    ]


def test_setting_the_same_status_again_changes_nothing(journal: Journal) -> None:
    journal.maps.set_status("m", MapStatus.RUNNING, reason="first")
    since = journal.maps.all()[0].since

    journal.maps.set_status("m", MapStatus.RUNNING, reason="second")

    assert journal.maps.all()[0].since == since
    assert [line.text for line in journal.activity.newest()] == ["running: first"]


@pytest.mark.parametrize("before", [MapStatus.RUNNING, MapStatus.PAUSED])
def test_a_status_is_changed_only_from_the_given_ones(journal: Journal, before: MapStatus) -> None:
    journal.maps.set_status("m", before, reason="test")
    among = [MapStatus.RUNNING]

    assert (
        journal.maps.change_status("m", MapStatus.PAUSED, among=among, reason="maintenance")
        is before
    )

    assert journal.maps.status("m") is MapStatus.PAUSED
    logged = [line for line in journal.activity.newest() if line.text == "paused: maintenance"]
    assert len(logged) == (before is MapStatus.RUNNING)


def test_the_status_names_are_those_of_the_contract(journal: Journal) -> None:
    assert [each.value for each in MapStatus] == [
        "not running",
        "initializing",
        "running",
        "paused",
        "resuming",
    ]


def test_times_are_returned_in_utc(journal: Journal) -> None:
    noon_in_tokyo = datetime(2026, 7, 1, 12, 0, 0, 123456, timezone(timedelta(hours=9)))

    with journal._database.writing() as connection:
        change_map(connection, "m", last_cycle_at=noon_in_tokyo)

    [record] = journal.maps.all()
    assert record.last_cycle_at == datetime(2026, 7, 1, 3, 0, 0, 123456, UTC)
    assert record.last_cycle_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(journal: Journal) -> None:
    with (
        pytest.raises(Exception, match="has no time zone"),
        journal._database.writing() as connection,
    ):
        change_map(connection, "m", last_cycle_at=datetime(2026, 7, 1))  # noqa: DTZ001 - on purpose


def test_the_change_queues_of_a_map_are_stored(journal: Journal) -> None:
    journal.maps.set_queues("m", {"finops": "dualwrite_q_a", "dataverse": "dualwrite_q_b"})

    assert journal.maps.all()[0].queues == {"finops": "dualwrite_q_a", "dataverse": "dualwrite_q_b"}


def test_activity_is_newest_first_and_filtered_by_map(journal: Journal) -> None:
    for number in range(5):
        journal.activity.log(
            "m" if number % 2 else None, "note", f"line {number}", {"number": number}
        )

    assert [line.text for line in journal.activity.newest(limit=2)] == ["line 4", "line 3"]
    assert [line.detail for line in journal.activity.newest("m")] == [{"number": 3}, {"number": 1}]


def test_marks_are_stored_by_side(journal: Journal) -> None:
    assert journal.maps.marks("m") == {}

    journal.maps.set_marks("m", {Side.FINOPS: Mark(3, "abc")})

    assert journal.maps.marks("m") == {Side.FINOPS: Mark(3, "abc")}


def test_marks_advance_to_the_epochs_that_the_apps_have_seen(journal: Journal) -> None:
    journal.maps.set_marks("m", {Side.FINOPS: Mark(3, "abc"), Side.DATAVERSE: Mark(3, "")})
    journal.maps.set_marks("n", {Side.FINOPS: Mark(4, "def")})

    journal.maps.advance_marks({"m": 9, "unknown": 7})

    assert journal.maps.all_marks() == {
        "m": {Side.FINOPS: Mark(9, "abc"), Side.DATAVERSE: Mark(9, "")},
        "n": {Side.FINOPS: Mark(4, "def")},
    }


def test_a_reason_to_wait_is_logged_once(journal: Journal) -> None:
    journal.maps.set_waits("m", "finops: no answer")
    with assert_no_write(journal):
        journal.maps.set_waits("m", "finops: no answer")
    journal.maps.set_waits("m", None)
    with assert_no_write(journal):
        journal.maps.set_waits("m", None)

    assert [line.text for line in journal.activity.newest("m")] == ["goes on", "finops: no answer"]
    assert journal.maps.all()[0].waits is None

    journal.maps.set_waits("m", "finops: no answer")
    assert journal.maps.all()[0].waits == "finops: no answer"


def test_a_status_that_stays_is_not_written(journal: Journal) -> None:
    journal.maps.set_status("m", MapStatus.RUNNING, reason="first")

    with assert_no_write(journal):
        among = [MapStatus.RESUMING]
        journal.maps.change_status("m", MapStatus.RUNNING, among=among, reason="caught up")


def test_the_backlog_of_a_map_counts_open_conflicts_and_held_rows(journal: Journal) -> None:
    conflict = Conflict(
        {"ID": "1"},
        "token",
        ConflictKind.UPDATE,
        "ask",
        ConflictOutcome.WAITS,
        {},
        status=ConflictStatus.OPEN,
    )
    journal.conflicts.record("m", [conflict])
    rejected = [Rejection({"ID": key}, "required", "blank", {}) for key in ("2", "3")]
    journal.held.record("m", {Side.FINOPS.direction: BatchRecord(rejected=rejected)})

    assert journal.maps.backlog("m") == (1, 2)
    assert journal.maps.backlog("another") == (0, 0)
