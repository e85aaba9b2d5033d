from __future__ import annotations

import pytest

from dualwrite.journal import cycles
from dualwrite.journal.lag import lag_of
from dualwrite.journal.records import Counts
from dualwrite.journal.store import Journal
from dualwrite.link import Side

THERE = Side.FINOPS.direction
BACK = Side.DATAVERSE.direction


def at_minute(monkeypatch: pytest.MonkeyPatch, minute: int) -> None:
    monkeypatch.setattr(cycles, "this_minute", lambda: minute)


def test_counts_and_lags_add_up_by_direction(journal: Journal) -> None:
    journal.cycles.record("m", {THERE: Counts(read=3, written=2)}, {THERE: {4: 2}})
    journal.cycles.record(
        "m", {THERE: Counts(read=1), BACK: Counts(deleted=1)}, {THERE: {4: 1, 9: 1}}
    )
    journal.cycles.record("n", {THERE: Counts(read=100)})

    assert journal.cycles.totals("m") == {
        THERE: (Counts(read=4, written=2), {4: 3, 9: 1}),
        BACK: (Counts(deleted=1), {}),
    }


def test_a_cycle_without_changes_sets_the_time_of_the_last_cycle(journal: Journal) -> None:
    journal.cycles.record("m", {})

    [record] = journal.maps.all()
    assert record.last_cycle_at is not None
    assert journal.cycles.totals("m") == {}


def test_pending_entries_stay_on_record_until_they_are_counted_again(journal: Journal) -> None:
    journal.cycles.record("m", {}, pending={Side.FINOPS: 12, Side.DATAVERSE: 0})
    journal.cycles.record("m", {})

    assert journal.maps.all()[0].pending == {"finops": 12, "dataverse": 0}


def test_counts_are_kept_by_minute_and_old_minutes_are_deleted(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = cycles.this_minute()
    for minute in (0, 5, 5 + cycles.KEPT_MINUTES, 6 + cycles.KEPT_MINUTES):
        at_minute(monkeypatch, start + minute)
        journal.cycles.record("m", {THERE: Counts(read=1)})

    assert journal.cycles.totals("m", minutes=1)[THERE][0].read == 2
    assert journal.cycles.totals("m", minutes=10 * cycles.KEPT_MINUTES)[THERE][0].read == 2


def test_a_map_record_has_the_lag_of_the_last_15_minutes(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = cycles.this_minute()
    for minute, bucket in ((now - 20, 90), (now - 3, 10), (now, 20)):
        at_minute(monkeypatch, minute)
        journal.cycles.record("m", {THERE: Counts(), BACK: Counts()}, {THERE: {bucket: 1}})

    assert journal.maps.all()[0].lag == lag_of({10: 1, 20: 1})
