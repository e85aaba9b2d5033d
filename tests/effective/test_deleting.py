"""Deletes from a dated table."""

from __future__ import annotations

import pytest

from dualwrite.effective import plan_delete
from tests.effective.tables import ALLOW, FORBID, table, texts_of

SITUATIONS = [
    ("the row before takes over", ["A 1-4 x", "A 5-9 y", "A 10- z"], ["A 5-"], FORBID,
     ["A 1-9 x", "A 10- z"]),
    ("a gap stays where it may", ["A 1-4 x", "A 5-9 y", "A 10- z"], ["A 5-"], ALLOW,
     ["A 1-4 x", "A 10- z"]),
    ("a future row taken back opens the present one", ["A 1-4 x", "A 5- y"], ["A 5-"], FORBID,
     ["A 1- x"]),
    ("several in a row", ["A 1-4 x", "A 5-9 y", "A 10- z"], ["A 10-", "A 5-"], FORBID, ["A 1- x"]),
    ("the first one leaves no gap", ["A 1-4 x", "A 5- y"], ["A 1-"], FORBID, ["A 5- y"]),
    ("first and second", ["A 1-4 x", "A 5-9 y", "A 10- z"], ["A 1-", "A 5-"], FORBID, ["A 10- z"]),
    ("all of them", ["A 1-4 x", "A 5- y"], ["A 1-", "A 5-"], FORBID, []),
    ("a row behind a gap is not stretched into", ["A 1-4 x", "A 7- y"], ["A 7-"], FORBID,
     ["A 1-4 x"]),
    ("what is gone already is no fault", ["A 1- x"], ["A 5-", "B 1-"], FORBID, ["A 1- x"]),
    ("other entities stay", ["A 1-4 x", "A 5- y", "B 5- z"], ["A 5-"], FORBID,
     ["A 1- x", "B 5- z"]),
    ("nothing from nothing", [], ["A 1-"], FORBID, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("held", "keys", "periods", "afterwards"),
    [situation[1:] for situation in SITUATIONS],
    ids=[situation[0] for situation in SITUATIONS],
)
def test_a_delete(held, keys, periods, afterwards):
    existing = table(*held)

    changes = plan_delete(existing, table(*keys).select(["ID", "FROM"]), periods)

    assert texts_of(changes.apply(existing, periods)) == afterwards
    assert changes.rejected.num_rows == changes.inserts.num_rows == 0


def test_keys_of_missing_rows_are_ignored():
    changes = plan_delete(table("A 1- x"), table("A 1-", "A 5-"), FORBID)

    assert texts_of(changes.deletes.append_column("TO", table("A 1-")["TO"])) == ["A 1-"]
