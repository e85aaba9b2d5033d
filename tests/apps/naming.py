"""The contract of names: a key may have columns called as anything of ours is called inside.

`test_capture_contract.py` runs it against all apps.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import Entries, Op, changed_text
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Written
from dualwrite.tablemap.notation import ColumnPath
from tests.apps.workshops import Workshop, number, table, uuid

QUEUE = "dualwrite_q_named_1a2b3c"
ORIGIN = Origin("named", QUEUE, epoch=1)
NAMES = {
    "an entry": ("id", "op", "changed", "at", "n"),
    "a queue": ("k1", "k2", "v1", "queue", "low", "high"),
    "a statement": ("c0", "c1", "k0", "t0", "t1", "e", "o"),
    "a step": ("row", "ids", "keys", "rows", "fresh", "one", "excluded"),
    "a trigger": ("old", "new", "lost", "few", "u", "i", "moment"),
}
"""Columns of a key, by where we have the same names."""
IDENTITIES = [f"{number}f9619ff-8b86-4d01-b42d-00cf4fc964ff" for number in (6, 7)]
MANY = 300
"""More keys than go along with a statement."""


@pytest.fixture(params=[*NAMES])
def names(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = NAMES[request.param]
    return found


@pytest.fixture
def capture(names: tuple[str, ...]) -> Capture:
    paths = tuple(ColumnPath((name,)) for name in names)
    return Capture(QUEUE, "named", paths, (*names, "value"), images=True)


@pytest.fixture
def named(shop: Workshop, names: tuple[str, ...], capture: Capture) -> App:
    """An app with a table whose key has these columns, captured, and one row."""
    columns = [number(name, nullable=False) for name in names]
    identity = uuid("identity", nullable=False)
    whole = table("named", identity, *columns, number("value"), key=("identity",), unique=(names,))
    shop.create(whole)
    app = shop.open()
    app.install(capture)
    with shop.hand() as hand:
        hand.insert("named", {"identity": IDENTITIES[0], **_row(names, 1), "value": 10})
    return app


class Naming:
    def test_changes_are_captured(
        self, shop: Workshop, named: App, names: tuple[str, ...], capture: Capture
    ) -> None:
        first, last = _row(names, 1), _row(names, 2)
        with shop.hand() as hand:
            hand.update("named", first, value=11)
        with shop.hand() as hand:
            hand.update("named", first, **last)
        with shop.hand() as hand:
            hand.delete("named", last)

        found = _entries(named, capture)

        assert found.op.to_pylist() == ["i", "u", "d", "i", "d"]
        assert found.changed.to_pylist() == [None, changed_text(["value"]), None, None, None]
        assert found.keys.to_pylist() == [first, first, first, last, last]
        assert found.keys.column_names == list(names)
        assert named.problems(capture) == []

    def test_entries_come_in_pages_and_are_acknowledged(
        self, shop: Workshop, named: App, names: tuple[str, ...], capture: Capture
    ) -> None:
        with shop.hand() as hand:
            hand.insert("named", {"identity": IDENTITIES[1], **_row(names, 2), "value": 20})
        with named.snapshot() as snapshot:
            first = snapshot.entries(capture, limit=1)
            second = snapshot.entries(capture, after=first.id[0].as_py(), limit=1)

        assert named.acknowledge(QUEUE, first.id) == 1
        with named.writing(ORIGIN) as writing:
            assert writing.acknowledge(capture, second.id) == 1
            writing.record_applied("dualwrite_q_other", second.id)

        assert len(_entries(named, capture)) == 0

    @pytest.mark.parametrize("count", [1, MANY])
    def test_rows_are_locked_and_their_entries_found(
        self, named: App, names: tuple[str, ...], capture: Capture, count: int
    ) -> None:
        keys = _keys(names, count)
        with named.writing(ORIGIN) as writing:
            locked = writing.lock(_query(names), keys)
            entries = writing.entries(capture, keys)

        assert locked.rows.to_pylist() == [{**_row(names, 1), "value": 10}]
        assert locked.locked.column_names == list(names)
        assert entries.keys.to_pylist() == [_row(names, 1)]

    def test_entries_are_added_by_us(
        self, named: App, names: tuple[str, ...], capture: Capture
    ) -> None:
        keys = _keys(names, 2)
        with named.writing(ORIGIN) as writing:
            writing.enqueue(capture, keys, op=Op.UPDATE, changed=changed_text([names[0]]))

        added = _entries(named, capture).slice(1)

        assert (added.op.to_pylist(), added.keys.to_pylist()) == (["u", "u"], keys.to_pylist())
        assert added.changed.to_pylist() == [changed_text([names[0]])] * 2

    def test_images_are_read_apart_from_their_ids(
        self, named: App, names: tuple[str, ...], capture: Capture
    ) -> None:
        ids = _entries(named, capture).id
        with named.snapshot() as snapshot:
            images = snapshot.images(capture, _query(names), ids)

        assert images.ids == ids
        assert images.rows.to_pylist() == [{**_row(names, 1), "value": 10}]

    @pytest.mark.parametrize("count", [2, MANY])
    def test_rows_are_written_and_deleted(
        self, named: App, names: tuple[str, ...], count: int
    ) -> None:
        keys = _keys(names, count)
        values = pa.array(range(count), pa.int64())
        rows = keys.append_column("value", values)
        with named.writing(ORIGIN) as writing:
            assert writing.update("named", rows, key=names) == Written(0, 1, count - 1)
            assert writing.insert("named", rows, key=names) == Written(count - 1, 0, 1)
            assert writing.delete("named", keys.slice(0, 1)) == 1

        left = named.fetch(_query(names), keys).sort_by(names[0])
        assert left.to_pylist() == rows.slice(1).to_pylist()
        assert named.write("named", rows, key=names) == Written(1, 0, count - 1)

    def test_a_table_is_cut_into_ranges(self, named: App, names: tuple[str, ...]) -> None:
        named.write("named", _keys(names, 7), key=names)
        ranges = named.partitions(_query(names), size=2)
        parts = [named.read(_query(names), within=each) for each in ranges]

        assert len(parts) == 4
        found = pa.concat_tables(parts).sort_by(names[0])
        assert found.select(list(names)).to_pylist() == _keys(names, 7).to_pylist()


def _row(names: tuple[str, ...], of: int) -> dict[str, Any]:
    return {name: of * 1000 + place for place, name in enumerate(names)}


def _keys(names: tuple[str, ...], count: int) -> pa.Table:
    """The key of the first row and of those after it."""
    return pa.Table.from_pylist([_row(names, of) for of in range(1, count + 1)])


def _query(names: tuple[str, ...]) -> Query:
    paths = tuple(ColumnPath((name,)) for name in names)
    return Query("named", (*paths, ColumnPath(("value",))), paths)


def _entries(app: App, capture: Capture) -> Entries:
    with app.snapshot() as snapshot:
        return snapshot.entries(capture, limit=100)
