"""Conflicts: a row that changed on both sides, whatever the policy, is on record and agrees."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal

import pytest

from dualwrite.sync.cycle import pages
from dualwrite.sync.resolve.resolve import NoSuchConflictError, resolve_conflict, undo_conflict
from tests.sync.world import D, F, World, cust, customer

ASKED = "policy: ask"


def conflicting(world: World, policy: str) -> World:
    world.map("customers", ("columns:", f"conflicts: {{{policy}}}\ncolumns:"))
    world.put(F, "Cust", cust("C1", "one", CREDIT=Decimal("1.00")))
    world.run()
    return world


def both(world: World) -> list[tuple[str, ...]]:
    """(name, credit) of C1 on either side."""
    finops = world.rows(F, "Cust", "NAME", "CREDIT")
    dataverse = world.rows(D, "customer", "name", "credit")
    return [tuple(map(str, row)) for row in (*finops, *dataverse)]


def set_name(world: World, finops: str, dataverse: str) -> None:
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": finops})
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": dataverse})


@pytest.mark.parametrize(
    ("policy", "winner"),
    [
        ("policy: finops", "theirs of finops"),
        ("policy: dataverse", "theirs of dataverse"),
        ("policy: newest", "theirs of dataverse"),
        ("policy: merge, then: finops", "theirs of finops"),
        ("policy: merge, then: newest", "theirs of dataverse"),
        ("policy: finops, columns: {NAME: dataverse}", "theirs of dataverse"),
    ],
)
def test_one_side_wins_a_column_that_both_changed(every_world, policy, winner):
    world = conflicting(every_world, policy)
    set_name(world, "theirs of finops", "theirs of dataverse")

    world.cycle_until_done()

    assert {row[0] for row in both(world)} == {winner}
    assert [(key, kind) for key, kind, _ in world.conflicts()] == [("C1", "update")]
    assert world.unexplained() == {}


def test_columns_that_changed_on_one_side_only_are_merged(every_world):
    world = conflicting(every_world, "policy: merge")
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "new"})
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "credit": Decimal("9.00")})

    world.cycle_until_done()

    assert {row[0] for row in both(world)} == {"new"}
    assert {row[1].rstrip("0") for row in both(world)} == {"9."}
    assert world.conflicts() == [("C1", "update", "merged")]


def test_the_losing_side_takes_the_whole_row_where_rows_win(every_world):
    world = conflicting(every_world, "policy: dataverse")
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "CREDIT": Decimal("7.00")})
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "new"})

    world.cycle_until_done()

    assert {row[0] for row in both(world)} == {"new"}
    assert {row[1].rstrip("0") for row in both(world)} == {"1."}
    assert world.unexplained() == {}


def test_the_same_change_on_both_sides_is_no_conflict(every_world):
    world = conflicting(every_world, "policy: merge")
    set_name(world, "same", "same")

    world.cycle_until_done()

    assert world.conflicts() == []


def test_a_row_that_comes_back_into_the_map_is_a_conflict_with_one_held_back(every_world):
    world = conflicting(every_world, "policy: dataverse")
    world.put(
        F,
        "Cust",
        {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "much too long for the other side"},
    )
    world.cycle()
    for kind in (1, 3):
        world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "kind": kind})

    world.cycle_until_done()

    assert {row[0] for row in both(world)} == {"one"}
    assert world.conflicts() == [("C1", "update", "dataverse")]


def test_a_conflict_keeps_both_versions_and_what_each_side_changed(every_world):
    world = conflicting(every_world, "policy: finops")
    set_name(world, "f", "d")

    world.cycle_until_done()

    (stored,) = world.session.journal.conflicts.find("customers", open_only=False)
    conflict = stored.conflict
    assert conflict.rows[F]["NAME"] == "f"
    assert conflict.rows[D]["name"] == "d"
    assert conflict.changed == {F: ("NAME",), D: ("name",)}
    assert conflict.columns == {"name": "finops"}


@pytest.mark.parametrize(
    ("policy", "left"),
    [("policy: finops", []), ("policy: dataverse", ["kept"]), ("policy: newest", ["kept"])],
)
def test_a_delete_in_finops_against_an_update_in_dataverse(every_world, policy, left):
    world = conflicting(every_world, policy)
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "kept"})

    (identity,) = world.rows(D, "customer", "customerid")

    world.cycle_until_done()

    assert [row[0] for row in world.rows(D, "customer", "name")] == left
    assert [row[0] for row in world.rows(F, "Cust", "NAME")] == left
    assert [kind for _, kind, _ in world.conflicts()] == ["delete"]
    assert world.rows(D, "customer", "customerid") == [identity] * len(left), "never made anew"


@pytest.mark.parametrize(
    ("policy", "left"),
    [("policy: finops", ["kept"]), ("policy: dataverse", []), ("policy: newest", [])],
)
def test_an_update_in_finops_against_a_delete_in_dataverse(every_world, policy, left):
    world = conflicting(every_world, policy)
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "kept"})
    world.remove(D, "customer", accountnumber="C1")

    world.cycle_until_done()

    assert [row[0] for row in world.rows(D, "customer", "name")] == left
    assert [row[0] for row in world.rows(F, "Cust", "NAME")] == left
    assert [kind for _, kind, _ in world.conflicts()] == ["delete"]


def test_a_row_made_on_both_sides_is_merged_too(every_world):
    world = conflicting(every_world, "policy: merge, then: dataverse")
    world.put(F, "Cust", cust("N1", "of finops"))
    world.put(D, "customer", customer("N1", "of dataverse"))

    world.cycle_until_done()

    assert world.rows(F, "Cust", "ACCOUNT", "NAME")[1] == ("N1", "of dataverse")
    assert world.rows(D, "customer", "accountnumber", "name")[1] == ("N1", "of dataverse")
    assert world.unexplained() == {}


def test_with_ask_neither_side_is_written_until_a_person_decides(every_world):
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")

    world.cycle_until_done()

    assert [row[0] for row in both(world)] == ["f", "d"]
    assert world.conflicts() == [("C1", "update", "waits")]
    (record,) = [each for each in world.session.journal.maps.all() if each.name == "customers"]
    assert record.conflicts == 1


def test_what_changes_while_a_conflict_waits_waits_with_it(every_world):
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")
    world.cycle_until_done()
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "f2"})

    world.cycle_until_done()

    assert [row[0] for row in both(world)] == ["f2", "d"]


def test_a_later_page_of_the_same_cycle_waits_too(every_world, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 1)
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "f2"})

    world.cycle_until_done()

    assert [row[0] for row in both(world)] == ["f2", "d"]
    assert world.conflicts() == [("C1", "update", "waits")]


@pytest.mark.parametrize("deleter", [F, D])
def test_a_row_made_anew_waits_for_a_person_with_the_one_that_was_deleted(every_world, deleter):
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")
    if deleter is F:
        world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    else:
        world.remove(D, "customer", accountnumber="C1")
    world.cycle_until_done()
    set_name(world, "f2", "d2")

    world.cycle_until_done()

    assert [world.rows(F, "Cust", "NAME"), world.rows(D, "customer", "name")] == [
        [("f2",)],
        [("d2",)],
    ]
    assert world.conflicts() == [("C1", "delete", "waits")]


@pytest.mark.parametrize(("side", "winner"), [(F, "f"), (D, "d")])
def test_a_person_chooses_a_side(every_world, side, winner):
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")
    world.cycle_until_done()

    resolve_conflict(world.session, world.conflict_id(), side)
    world.cycle_until_done()

    assert {row[0] for row in both(world)} == {winner}
    assert world.session.journal.conflicts.find("customers") == []
    assert world.unexplained() == {}


def test_what_changed_while_a_conflict_waited_is_not_overwritten_unseen(every_world):
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")
    world.cycle_until_done()
    world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": "C1", "NAME": "f2"})
    world.cycle_until_done()

    resolve_conflict(world.session, world.conflict_id(), D)
    world.cycle_until_done()

    (stored,) = world.session.journal.conflicts.find("customers", open_only=False)
    assert stored.conflict.rows[F]["NAME"] == "f2"
    assert {row[0] for row in both(world)} == {"d"}


def test_the_winning_row_is_locked_while_a_decision_is_closed_and_queued(every_world, monkeypatch):
    """Else a cycle between the two would overwrite it, with what is on no record."""
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")
    world.cycle_until_done()
    done: list[str] = []

    class Noting:
        def __init__(self, inner):
            self._inner = inner

        def __getattr__(self, name):
            return getattr(self._inner, name)

        @contextmanager
        def writing(self, origin=None):
            with self._inner.writing(origin) as writing:
                yield Noting(writing)
            done.append("committed")

        def lock(self, *args, **options):
            done.append("locked")
            return self._inner.lock(*args, **options)

        def enqueue(self, *args, **options):
            done.append("queued")
            return self._inner.enqueue(*args, **options)

    conflict = world.conflict_id()
    session = world.session
    close = session.journal.conflicts.close
    session.apps[D] = Noting(session.apps[D])
    monkeypatch.setattr(
        session.journal.conflicts, "close", lambda *args: (done.append("closed"), close(*args))
    )

    resolve_conflict(session, conflict, D)

    assert done == ["locked", "closed", "queued", "committed"]


@pytest.mark.parametrize(("side", "loser"), [(F, "d"), (D, "f")])
def test_what_a_person_decided_is_undone(every_world, side, loser):
    world = conflicting(every_world, ASKED)
    set_name(world, "f", "d")
    world.cycle_until_done()
    resolve_conflict(world.session, world.conflict_id(), side)
    world.cycle_until_done()

    undo_conflict(world.session, world.conflict_id())
    world.cycle_until_done()

    assert {row[0] for row in both(world)} == {loser}
    assert world.unexplained() == {}


@pytest.mark.parametrize(("side", "left"), [(F, []), (D, ["d"])])
def test_a_person_decides_about_a_deleted_row(every_world, side, left):
    world = conflicting(every_world, ASKED)
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "d"})
    world.cycle_until_done()

    resolve_conflict(world.session, world.conflict_id(), side)
    world.cycle_until_done()

    assert [row[0] for row in world.rows(F, "Cust", "NAME")] == left
    assert [row[0] for row in world.rows(D, "customer", "name")] == left


@pytest.mark.parametrize(("policy", "loser"), [("finops", "d"), ("dataverse", "f")])
def test_a_decision_is_undone(every_world, policy, loser):
    world = conflicting(every_world, f"policy: {policy}")
    set_name(world, "f", "d")
    world.cycle_until_done()

    undo_conflict(world.session, world.conflict_id())
    world.cycle_until_done()

    assert {row[0] for row in both(world)} == {loser}
    assert world.unexplained() == {}
    with pytest.raises(NoSuchConflictError, match="it is undone"):
        undo_conflict(world.session, world.conflict_id())


def test_what_only_the_winner_had_changed_is_kept_when_it_is_undone(every_world):
    world = conflicting(every_world, "policy: merge, then: finops")
    set_name(world, "f", "d")
    world.put(F, "Cust", cust("C1", "f", CREDIT=Decimal("7.00")))
    world.cycle_until_done()

    undo_conflict(world.session, world.conflict_id())
    world.cycle_until_done()

    assert {(name, Decimal(credit)) for name, credit in both(world)} == {("d", Decimal(7))}


def test_a_deleted_row_comes_back_when_it_is_undone(every_world):
    world = conflicting(every_world, "policy: finops")
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "d"})
    world.cycle_until_done()

    undo_conflict(world.session, world.conflict_id())
    world.cycle_until_done()

    assert [row[0] for row in world.rows(F, "Cust", "NAME")] == ["d"]
    assert [row[0] for row in world.rows(D, "customer", "name")] == ["d"]


def test_a_row_that_was_kept_goes_when_it_is_undone(every_world):
    world = conflicting(every_world, "policy: dataverse")
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C1")
    world.put(D, "customer", {"company": "USMF", "accountnumber": "C1", "name": "d"})
    world.cycle_until_done()

    undo_conflict(world.session, world.conflict_id())
    world.cycle_until_done()

    assert world.rows(F, "Cust", "NAME") == []
    assert world.rows(D, "customer", "name") == []
