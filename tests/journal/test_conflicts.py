from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from dualwrite.journal.conflicts import ConflictStore
from dualwrite.journal.records import Conflict, ConflictKind, ConflictOutcome, ConflictStatus
from dualwrite.journal.store import Journal
from dualwrite.link import Side
from tests.journal.conftest import assert_no_write


def conflict(key: str = "1", token: str = "", *, waits: bool = True) -> Conflict:
    return Conflict(
        key={"COMPANY": "USMF", "ID": key},
        token=token or f"token {key}",
        kind=ConflictKind.UPDATE,
        policy="ask",
        outcome=ConflictOutcome.WAITS if waits else ConflictOutcome.MERGED,
        rows={Side.FINOPS: {"ID": key, "NAME": "Acme"}, Side.DATAVERSE: {"name": "Acme Ltd"}},
        changed={Side.FINOPS: ("NAME", "CITY"), Side.DATAVERSE: ("name",)},
        columns={"NAME": "finops"},
        status=ConflictStatus.OPEN if waits else ConflictStatus.CLOSED,
    )


def test_a_conflict_is_read_as_it_was_recorded(journal: Journal) -> None:
    journal.conflicts.record("m", [conflict("1"), conflict("2", waits=False)])

    newest, oldest = journal.conflicts.find("m", open_only=False)
    assert (oldest.map, oldest.conflict, oldest.closed_at) == ("m", conflict("1"), None)
    assert newest.conflict == conflict("2", waits=False)
    assert newest.closed_at == newest.at


def test_a_side_that_deleted_the_row_has_no_version(journal: Journal) -> None:
    gone = replace(
        conflict(),
        kind=ConflictKind.DELETE,
        rows={Side.FINOPS: None, Side.DATAVERSE: {"name": "Acme"}},
        changed={Side.FINOPS: None, Side.DATAVERSE: ()},
    )
    journal.conflicts.record("m", [gone])

    [stored] = journal.conflicts.find()
    assert stored.conflict == gone


def test_money_in_a_version_keeps_all_digits(journal: Journal) -> None:
    money = Decimal("12345678901234567.1234567890")
    rows = {Side.FINOPS: {"LIMIT": money}, Side.DATAVERSE: None}
    journal.conflicts.record("m", [replace(conflict(), rows=rows)])

    [stored] = journal.conflicts.find()
    assert stored.conflict.rows[Side.FINOPS] == {"LIMIT": "12345678901234567.1234567890"}


def test_a_conflict_recorded_again_replaces_itself(journal: Journal) -> None:
    journal.conflicts.record("m", [conflict("1", "t")])
    [before] = journal.conflicts.find()

    journal.conflicts.record("m", [conflict("1", "t", waits=False), conflict("2", "u")])
    journal.conflicts.record("n", [conflict("1", "t")])

    assert [each.id for each in journal.conflicts.find("m", open_only=False)][-1] == before.id
    assert len(journal.conflicts.find("m", open_only=False)) == 2
    assert [each.conflict.key for each in journal.conflicts.find("m")] == [conflict("2").key]


def test_a_token_that_occurs_twice_in_a_batch_is_one_conflict(journal: Journal) -> None:
    journal.conflicts.record("m", [conflict("1", "t"), conflict("1", "t", waits=False)])

    [stored] = journal.conflicts.find(open_only=False)
    assert stored.conflict.status is ConflictStatus.CLOSED


def test_a_conflict_is_closed_and_then_undone(journal: Journal) -> None:
    journal.conflicts.record("m", [conflict("1")])
    [waiting] = journal.conflicts.find()

    journal.conflicts.close(waiting.id, ConflictOutcome.DATAVERSE)

    [closed] = journal.conflicts.find(open_only=False)
    assert journal.conflicts.find() == []
    assert closed.conflict.outcome is ConflictOutcome.DATAVERSE
    assert closed.conflict.status is ConflictStatus.CLOSED
    assert closed.closed_at is not None

    journal.conflicts.mark_undone(waiting.id)
    [undone] = journal.conflicts.find(open_only=False)
    assert undone.conflict.status is ConflictStatus.UNDONE
    assert undone.conflict.outcome is ConflictOutcome.DATAVERSE


def test_a_reopened_conflict_waits_again(journal: Journal) -> None:
    journal.conflicts.record("m", [conflict("1")])
    [before] = journal.conflicts.find()
    journal.conflicts.close(before.id, ConflictOutcome.FINOPS)

    journal.conflicts.reopen(before.id)

    assert journal.conflicts.find() == [before]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda conflicts: conflicts.close(77, ConflictOutcome.FINOPS), id="close"),
        pytest.param(lambda conflicts: conflicts.reopen(77), id="reopen"),
        pytest.param(lambda conflicts: conflicts.mark_undone(77), id="mark undone"),
    ],
)
def test_an_unknown_conflict_cannot_be_changed(
    journal: Journal, command: Callable[[ConflictStore], None]
) -> None:
    with pytest.raises(LookupError, match="there is no conflict 77"):
        command(journal.conflicts)


def test_conflicts_are_filtered_by_map_id_and_limit(journal: Journal) -> None:
    journal.conflicts.record("m", [conflict("1"), conflict("2"), conflict("3", waits=False)])
    journal.conflicts.record("n", [conflict("1")])
    ids = [each.id for each in journal.conflicts.find(open_only=False)]

    assert len(journal.conflicts.find("m")) == 2
    assert [each.id for each in journal.conflicts.find(open_only=False, limit=2)] == ids[:2]
    assert [each.id for each in journal.conflicts.find(ids=ids, open_only=False)] == ids
    assert journal.conflicts.find(ids=[]) == []


def test_a_map_record_counts_open_conflicts(journal: Journal) -> None:
    journal.maps.set_queues("m", {})
    journal.conflicts.record("m", [conflict("1"), conflict("2"), conflict("3", waits=False)])

    [record] = journal.maps.all()
    assert record.conflicts == 2


def test_nothing_is_written_for_no_conflicts(journal: Journal) -> None:
    with assert_no_write(journal):
        journal.conflicts.record("m", [])
