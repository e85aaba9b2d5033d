"""Entries: taken apart and put together, whatever their key is called."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.apps.canonical import IN_UTC
from dualwrite.apps.entries import (
    Entries,
    Op,
    changed_of,
    changed_text,
    id_ranges,
    names_of,
    ops_of,
)

NAMES = ("id", "op", "changed", "at")


def entries(*ops: Op) -> Entries:
    """Entries numbered from 1; their key is called as their own columns are."""
    count = len(ops)
    numbers = pa.array(range(1, count + 1), pa.int64())
    times = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * count, IN_UTC)
    values = pa.array([op.value for op in ops], pa.string())
    key = [pa.array([f"{name}{n}" for n in range(count)], pa.string()) for name in NAMES]
    return Entries.of([numbers, values, changed_of("", count), times, *key], NAMES)


def test_the_key_has_columns_of_its_own():
    found = entries(Op.INSERT, Op.DELETE)

    assert found.id.to_pylist() == [1, 2]
    assert found.keys["id"].to_pylist() == ["id0", "id1"]
    assert found.keys.column_names == list(NAMES)


def test_entries_are_filtered_taken_and_sliced_with_their_keys():
    found = entries(Op.INSERT, Op.UPDATE, Op.DELETE)

    kept = [
        found.filter(pa.array([True, None, True])),
        found.take(pa.array([2, 0])),
        found.slice(1),
        found.slice(0, 1),
    ]

    assert [each.id.to_pylist() for each in kept] == [[1, 3], [3, 1], [2, 3], [1]]
    assert [each.keys["at"].to_pylist() for each in kept] == [
        *[["at0", "at2"], ["at2", "at0"], ["at1", "at2"], ["at0"]]
    ]


def test_parts_are_put_together():
    whole = entries(Op.INSERT, Op.UPDATE, Op.DELETE)

    assert Entries.concat([whole.slice(0, 1), whole.slice(1)]) == whole
    assert Entries.concat([whole]) is whole
    assert len(Entries.concat([Entries.empty(whole.keys.schema), whole])) == 3


def test_an_operation_is_looked_for():
    found = entries(Op.INSERT, Op.DRIFTED)

    assert found.is_op(Op.DRIFTED).to_pylist() == [False, True]
    assert found.has_op(Op.DRIFTED)
    assert not found.has_op(Op.DELETE)
    assert not Entries.empty(found.keys.schema).has_op(Op.INSERT)


def test_what_is_alike_in_all_entries_is_given_once():
    each = pa.chunked_array([["i"], ["u"]])

    assert ops_of(Op.REQUEUED, 2).to_pylist() == ["c", "c"]
    assert ops_of(each, 2).to_pylist() == ["i", "u"]
    assert changed_of(None, 2).to_pylist() == [None, None]
    assert changed_of('"a",', 2).to_pylist() == ['"a",', '"a",']
    assert changed_of(pa.array([None, None]), 2).type == pa.string()


@given(st.lists(st.text(), unique=True))
def test_changed_columns_come_back_whatever_they_are_called(names: list[str]) -> None:
    assert names_of(changed_text(names)) == tuple(names)


def test_all_columns_count_where_none_is_named():
    assert names_of(None) is None


@pytest.mark.parametrize(
    ("ids", "ranges"),
    [([], []), ([5], [(5, 5)]), ([9, 5, 7, 6, 6], [(5, 7), (9, 9)])],
)
def test_ids_are_kept_as_ranges(ids: list[int], ranges: list[tuple[int, int]]) -> None:
    assert id_ranges(pa.array(ids, pa.int64())) == ranges
