from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dualwrite.journal.records import MapStatus
from dualwrite.journal.store import Journal


def test_a_map_never_heard_of_is_not_running(journal: Journal) -> None:
    assert journal.status("m") is MapStatus.NOT_RUNNING
    assert journal.maps() == []


def test_a_status_stays_and_is_told_in_the_activity_log(journal: Journal) -> None:
    journal.set_status("m", MapStatus.INITIALIZING, reason="initial sync started")
    journal.set_status("m", MapStatus.RUNNING, reason="initial sync done")

    assert journal.status("m") is MapStatus.RUNNING
    assert [(line.map, line.event, line.text) for line in journal.activity()] == [
        ("m", "status", "running: initial sync done"),
        ("m", "status", "initializing: initial sync started"),
    ]


def test_setting_the_same_status_again_changes_nothing(journal: Journal) -> None:
    journal.set_status("m", MapStatus.RUNNING, reason="first")
    since = journal.maps()[0].since

    journal.set_status("m", MapStatus.RUNNING, reason="second")

    assert journal.maps()[0].since == since
    assert [line.text for line in journal.activity()] == ["running: first"]


@pytest.mark.parametrize("before", [MapStatus.RUNNING, MapStatus.PAUSED])
def test_a_map_is_moved_only_from_where_it_may_stand(journal: Journal, before: MapStatus) -> None:
    journal.set_status("m", before, reason="test")
    among = [MapStatus.RUNNING]

    assert journal.move("m", MapStatus.PAUSED, among=among, reason="maintenance") is before

    assert journal.status("m") is MapStatus.PAUSED
    moved = [line for line in journal.activity() if line.text == "paused: maintenance"]
    assert len(moved) == (before is MapStatus.RUNNING)


def test_the_words_of_the_status_are_the_users(journal: Journal) -> None:
    assert [each.value for each in MapStatus] == [
        "not running",
        "initializing",
        "running",
        "paused",
        "resuming",
    ]


def test_times_come_back_in_utc_whatever_zone_they_were_given_in(journal: Journal) -> None:
    noon_in_tokyo = datetime(2026, 7, 1, 12, 0, 0, 123456, timezone(timedelta(hours=9)))

    journal.set_last_cycle("m", noon_in_tokyo)

    [record] = journal.maps()
    assert record.last_cycle_at == datetime(2026, 7, 1, 3, 0, 0, 123456, UTC)
    assert record.last_cycle_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(journal: Journal) -> None:
    with pytest.raises(Exception, match="has no time zone"):
        journal.set_last_cycle("m", datetime(2026, 7, 1))  # noqa: DTZ001 - that is the point


def test_the_queues_of_a_map_are_kept(journal: Journal) -> None:
    journal.set_queues("m", {"finops": "dualwrite_q_a", "dataverse": "dualwrite_q_b"})

    assert journal.maps()[0].queues == {"finops": "dualwrite_q_a", "dataverse": "dualwrite_q_b"}


def test_activity_is_newest_first_and_can_be_narrowed(journal: Journal) -> None:
    for number in range(5):
        journal.log("m" if number % 2 else None, "note", f"line {number}", {"number": number})

    assert [line.text for line in journal.activity(limit=2)] == ["line 4", "line 3"]
    assert [line.detail for line in journal.activity("m")] == [{"number": 3}, {"number": 1}]
