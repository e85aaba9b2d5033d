from __future__ import annotations

import pytest

from dualwrite.journal import cycles
from dualwrite.journal.lag import lag_of
from dualwrite.journal.records import Counts, Mark
from dualwrite.journal.store import Journal
from dualwrite.link import Side

THERE = Side.FINOPS.direction
BACK = Side.DATAVERSE.direction


def at_minute(monkeypatch: pytest.MonkeyPatch, minute: int) -> None:
    monkeypatch.setattr(cycles, "this_minute", lambda: minute)


def test_cycles_of_a_map_add_up_by_direction(journal: Journal) -> None:
    journal.note_cycle("m", {THERE: Counts(read=3, written=2)}, {THERE: {4: 2}})
    journal.note_cycle("m", {THERE: Counts(read=1), BACK: Counts(deleted=1)}, {THERE: {4: 1, 9: 1}})
    journal.note_cycle("n", {THERE: Counts(read=100)})

    assert journal.cycles("m") == {
        THERE: (Counts(read=4, written=2), {4: 3, 9: 1}),
        BACK: (Counts(deleted=1), {}),
    }


def test_a_cycle_is_the_last_one_whatever_it_carried(journal: Journal) -> None:
    journal.note_cycle("m", {})

    [record] = journal.maps()
    assert record.last_cycle_at is not None
    assert journal.cycles("m") == {}


def test_what_still_stands_in_the_queues_is_known_until_the_next_word(journal: Journal) -> None:
    journal.note_cycle("m", {}, pending={Side.FINOPS: 12, Side.DATAVERSE: 0})
    journal.note_cycle("m", {})

    assert journal.maps()[0].pending == {"finops": 12, "dataverse": 0}


def test_minutes_are_told_apart_and_old_ones_go(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = cycles.this_minute()
    for minute in (0, 5, 5 + cycles.KEPT_MINUTES, 6 + cycles.KEPT_MINUTES):
        at_minute(monkeypatch, start + minute)
        journal.note_cycle("m", {THERE: Counts(read=1)})

    assert journal.cycles("m", minutes=1)[THERE][0].read == 2
    assert journal.cycles("m", minutes=10 * cycles.KEPT_MINUTES)[THERE][0].read == 2


def test_the_lag_of_the_last_quarter_of_an_hour_is_told(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = cycles.this_minute()
    for minute, bucket in ((now - 20, 90), (now - 3, 10), (now, 20)):
        at_minute(monkeypatch, minute)
        journal.note_cycle("m", {THERE: Counts(), BACK: Counts()}, {THERE: {bucket: 1}})

    assert journal.maps()[0].lag == lag_of({10: 1, 20: 1})


def test_marks_are_kept_by_side(journal: Journal) -> None:
    assert journal.marks("m") == {}

    journal.set_marks("m", {Side.FINOPS: Mark(3, "abc")})

    assert journal.marks("m") == {Side.FINOPS: Mark(3, "abc")}


def test_marks_move_on_with_the_workers(journal: Journal) -> None:
    journal.set_marks("m", {Side.FINOPS: Mark(3, "abc"), Side.DATAVERSE: Mark(3, "")})
    journal.set_marks("n", {Side.FINOPS: Mark(4, "def")})

    journal.advance_marks({"m": 9, "never heard of": 7})

    assert journal.all_marks() == {
        "m": {Side.FINOPS: Mark(9, "abc"), Side.DATAVERSE: Mark(9, "")},
        "n": {Side.FINOPS: Mark(4, "def")},
    }


def test_why_a_map_waits_is_told_once_in_the_log(journal: Journal) -> None:
    for reason in ("finops: no answer", "finops: no answer", None, None):
        journal.set_waits("m", reason)

    assert [line.text for line in journal.activity("m")] == ["goes on", "finops: no answer"]
    assert journal.maps()[0].waits is None

    journal.set_waits("m", "finops: no answer")
    assert journal.maps()[0].waits == "finops: no answer"
