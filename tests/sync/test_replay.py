"""`replay: every`: no state of a row is skipped, and none overtakes another."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dualwrite.apps.entries import Entries
from dualwrite.apps.transactions import Locked
from dualwrite.sync.cycle.replay import generations
from tests.sync.world import D, F, World, cust


class Log:
    """An app that notes the names that are written to its customers."""

    def __init__(self, app, seen):
        self._app, self._seen = app, seen

    def __getattr__(self, name):
        return getattr(self._app, name)

    def writing(self, origin=None):
        from contextlib import contextmanager

        @contextmanager
        def noting():
            with self._app.writing(origin) as writing:
                yield Noted(writing, self._seen)

        return noting()


class Noted:
    def __init__(self, writing, seen):
        self._writing, self._seen = writing, seen

    def __getattr__(self, name):
        return getattr(self._writing, name)

    def lock(self, query, keys, **options):
        return self._writing.lock(query, keys, **options)

    def update(self, table, rows, *, key):
        self._seen += rows["name"].to_pylist()
        return self._writing.update(table, rows, key=key)

    def insert(self, table, rows, **options):
        self._seen += rows["name"].to_pylist()
        return self._writing.insert(table, rows, **options)

    def delete(self, table, keys):
        self._seen += ["gone"] * keys.num_rows
        return self._writing.delete(table, keys)


@pytest.fixture
def replayed(every_world) -> tuple[World, list[str]]:
    world = every_world
    world.map("customers", ("columns:", "replay: every\ncolumns:"))
    world.put(F, "Cust", cust("C1", "A"))
    world.run()
    seen: list[str] = []
    world.wrap = lambda app: Log(app, seen) if app.side is D else app
    return world, seen


def test_every_state_crosses_in_order(replayed):
    world, seen = replayed
    for name in ("B", "C", "D"):
        world.put(F, "Cust", cust("C1", name))

    world.cycle_until_done()

    assert seen == ["B", "C", "D"]
    assert world.rows(D, "customer", "name") == [("D",)]


def test_a_row_that_came_and_went_comes_and_goes(replayed):
    world, seen = replayed
    world.put(F, "Cust", cust("C2", "here"))
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C2")
    world.put(F, "Cust", cust("C2", "again"))

    world.cycle_until_done()

    assert seen == ["here", "gone", "again"]


def test_what_follows_a_refused_state_waits_for_it(replayed):
    world, seen = replayed
    world.put(F, "Cust", cust("C1", "a name of more than twenty letters"))
    world.put(F, "Cust", cust("C1", "later"))

    world.cycle_until_done()
    assert seen == []
    (held,) = world.held()

    world.session.journal.held.discard([held.id])
    world.cycle_until_done()
    assert seen == ["later"]


def test_what_follows_a_locked_state_waits_for_it(replayed, monkeypatch):
    world, seen = replayed
    world.put(F, "Cust", cust("C1", "B"))
    world.put(F, "Cust", cust("C1", "C"))
    lock, locked = Noted.lock, [True]

    def held_by_another(self, query, keys, **options):
        found = lock(self, query, keys, **options)
        if not locked or not found.rows.num_rows:
            return found
        locked.pop()
        return Locked(found.rows.slice(0, 0), keys)

    monkeypatch.setattr(Noted, "lock", held_by_another)

    world.cycle()
    assert seen == []

    world.cycle_until_done()
    assert seen == ["B", "C"]


def test_a_state_outside_the_filter_is_passed_over(replayed):
    world, seen = replayed
    world.put(F, "Cust", cust("C1", "person", PARTYTYPE="Person"))
    world.put(F, "Cust", cust("C1", "back", PARTYTYPE="Organization"))

    world.cycle_until_done()

    assert seen == ["back"]


def test_generations_keep_each_keys_order():
    ids, keys = [1, 2, 3, 4, 5, 6], ["a", "b", "a", "a", "c", "b"]
    ops, never = pa.array(["u"] * 6), pa.nulls(6, pa.timestamp("us", "UTC"))
    columns = [pa.array(ids), ops, pa.nulls(6, pa.string()), never, pa.array(keys)]
    entries = Entries.of(columns, ["k"])

    parts = [part.id.to_pylist() for part in generations(entries)]

    assert parts == [[1, 2, 5], [3, 6], [4]]
