from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dualwrite.journal.records import Conflict
from dualwrite.journal.store import Journal
from dualwrite.link import Side


def conflict(key: str = "1", token: str = "", *, waits: bool = True) -> Conflict:
    return Conflict(
        key={"COMPANY": "USMF", "ID": key},
        token=token or f"token {key}",
        kind="update",
        policy="ask",
        outcome="waits" if waits else "merged",
        rows={Side.FINOPS: {"ID": key, "NAME": "Acme"}, Side.DATAVERSE: {"name": "Acme Ltd"}},
        changed={Side.FINOPS: ("NAME", "CITY"), Side.DATAVERSE: ("name",)},
        columns={"NAME": "finops"},
        status="open" if waits else "settled",
    )


def test_a_conflict_comes_back_as_it_was_noted(journal: Journal) -> None:
    journal.note_conflicts("m", [conflict("1"), conflict("2", waits=False)])

    newest, oldest = journal.conflicts("m", open_only=False)
    assert (oldest.map, oldest.conflict, oldest.settled_at) == ("m", conflict("1"), None)
    assert newest.conflict == conflict("2", waits=False)
    assert newest.settled_at == newest.at


def test_a_side_that_deleted_the_row_has_none(journal: Journal) -> None:
    gone = replace(
        conflict(),
        kind="delete",
        rows={Side.FINOPS: None, Side.DATAVERSE: {"name": "Acme"}},
        changed={Side.FINOPS: None, Side.DATAVERSE: ()},
    )
    journal.note_conflicts("m", [gone])

    [stored] = journal.conflicts()
    assert stored.conflict == gone


def test_money_in_a_version_keeps_its_digits(journal: Journal) -> None:
    money = Decimal("12345678901234567.1234567890")
    rows = {Side.FINOPS: {"LIMIT": money}, Side.DATAVERSE: None}
    journal.note_conflicts("m", [replace(conflict(), rows=rows)])

    [stored] = journal.conflicts()
    assert stored.conflict.rows[Side.FINOPS] == {"LIMIT": "12345678901234567.1234567890"}


def test_the_same_conflict_noted_again_takes_its_own_place(journal: Journal) -> None:
    journal.note_conflicts("m", [conflict("1", "t")])
    [before] = journal.conflicts()

    journal.note_conflicts("m", [conflict("1", "t", waits=False), conflict("2", "u")])
    journal.note_conflicts("n", [conflict("1", "t")])

    assert [each.id for each in journal.conflicts("m", open_only=False)][-1] == before.id
    assert len(journal.conflicts("m", open_only=False)) == 2
    assert [each.conflict.key for each in journal.conflicts("m")] == [conflict("2").key]


def test_one_token_twice_in_a_batch_is_one_conflict(journal: Journal) -> None:
    journal.note_conflicts("m", [conflict("1", "t"), conflict("1", "t", waits=False)])

    [stored] = journal.conflicts(open_only=False)
    assert stored.conflict.status == "settled"


def test_a_settled_conflict_waits_no_longer(journal: Journal) -> None:
    journal.note_conflicts("m", [conflict("1")])
    [waiting] = journal.conflicts()

    journal.settle_conflict(waiting.id, "dataverse")

    [settled] = journal.conflicts(open_only=False)
    assert journal.conflicts() == []
    assert (settled.conflict.outcome, settled.conflict.status) == ("dataverse", "settled")
    assert settled.settled_at is not None

    journal.settle_conflict(waiting.id, "kept", "undone")
    assert journal.conflicts(open_only=False)[0].conflict.status == "undone"


def test_what_is_no_conflict_cannot_be_settled(journal: Journal) -> None:
    with pytest.raises(LookupError, match="there is no conflict 77"):
        journal.settle_conflict(77, "finops")


def test_conflicts_are_found_by_map_id_and_number(journal: Journal) -> None:
    journal.note_conflicts("m", [conflict("1"), conflict("2"), conflict("3", waits=False)])
    journal.note_conflicts("n", [conflict("1")])
    ids = [each.id for each in journal.conflicts(open_only=False)]

    assert len(journal.conflicts("m")) == 2
    assert [each.id for each in journal.conflicts(open_only=False, limit=2)] == ids[:2]
    assert [each.id for each in journal.conflicts(ids=ids, open_only=False)] == ids
    assert journal.conflicts(ids=[]) == []


def test_maps_count_the_conflicts_that_wait(journal: Journal) -> None:
    journal.set_waits("m", None)
    journal.note_conflicts("m", [conflict("1"), conflict("2"), conflict("3", waits=False)])

    [record] = journal.maps()
    assert record.conflicts == 2
