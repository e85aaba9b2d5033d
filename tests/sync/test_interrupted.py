"""Runs that are cut off: apps that fail for a while or for good, and what the next run does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from dualwrite.apps.app import App
from dualwrite.apps.capture import Origin
from dualwrite.apps.transactions import Writing
from dualwrite.errors import (
    AppBusyError,
    AppUnreachableError,
    DualWriteError,
    PrivilegeError,
    TransientError,
)
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from tests.sync.tables import TABLES
from tests.sync.world import TO_D, D, F, World, cust, customer

BUSY = AppBusyError(app="dataverse", table="customer", reason="a lock")
DENIED = PrivilegeError(app="dataverse", table="customer", privilege="insert")


class Faulty:
    """An app that fails at some of its writes, before or after they are done."""

    def __init__(self, app: App, faults: Faults) -> None:
        self._app, self._faults = app, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def read(self, query: Any, *, within: Any = None) -> Any:
        if within is not None and self._app.side is self._faults.side.other:
            self._faults.read.append(within.low)
        return self._app.read(query, within=within)

    @contextmanager
    def writing(self, origin: Origin | None = None) -> Iterator[Writing]:
        fault = self._faults.next() if self._app.side is self._faults.side else None
        if fault is not None and not self._faults.after:
            raise fault
        with self._app.writing(origin) as writing:
            yield writing
        if fault is not None:
            raise fault


class Faults:
    """What goes wrong at each write to `side` in turn, and what was read of the other side."""

    def __init__(self, *faults: DualWriteError | None, after: bool = False, side: Side = D) -> None:
        self.faults, self.after, self.side = list(faults), after, side
        self.read: list[object] = []

    def next(self) -> DualWriteError | None:
        return self.faults.pop(0) if self.faults else None

    def into(self, world: World) -> Faults:
        world.wrap = lambda app: Faulty(app, self)  # type: ignore[assignment,return-value]
        return self


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dualwrite.sync.initial.run.time.sleep", lambda _: None)


def many(world: World, count: int = 30) -> list[tuple[str]]:
    world.put(F, "Cust", *(cust(f"C{n:02}") for n in range(count)))
    return [(f"C{n:02}",) for n in range(count)]


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_write_that_fails_for_a_while_loses_and_doubles_nothing(
    every_world, no_waiting, count, after
):
    world = every_world
    every = many(world)
    Faults(None, *[BUSY] * count, after=after).into(world)

    world.run("customers", partition_rows=10)

    assert world.rows(D, "customer", "accountnumber") == every
    assert world.status() is MapStatus.RUNNING
    assert world.unexplained() == {}


def test_a_table_without_a_unique_key_gets_no_row_twice(world, no_waiting):
    """Where the app does not forbid doubles, only looking first does."""
    schema = next(table for table in TABLES[D] if table.name == "customer")
    world.memory[D].create(replace(schema, unique=()))
    every = many(world)
    Faults(None, BUSY, after=True).into(world)

    world.run("customers", partition_rows=10)

    assert world.rows(D, "customer", "accountnumber") == every


def test_an_app_that_stays_busy_ends_the_run_and_the_next_one_goes_on(every_world, no_waiting):
    world = every_world
    every = many(world)
    Faults(None, None, BUSY, BUSY, BUSY).into(world)

    with pytest.raises(TransientError):
        world.run("customers", partition_rows=10)

    assert world.status() is MapStatus.INITIALIZING
    assert len(world.rows(D, "customer", "accountnumber")) == 20

    world.run("customers", partition_rows=10)

    assert world.status() is MapStatus.RUNNING
    assert world.rows(D, "customer", "accountnumber") == every


def test_the_next_run_carries_only_what_is_not_done(every_world):
    world = every_world
    every = many(world)
    Faults(None, None, DENIED).into(world)
    with pytest.raises(PrivilegeError):
        world.run("customers", partition_rows=10)
    assert world.status() is MapStatus.INITIALIZING
    [cut_off] = world.session.journal.runs.newest("customers")
    assert cut_off.finished_at is None

    faults = Faults().into(world)
    counts = world.counts("customers", partition_rows=10)["customers"]

    first_pass = faults.read[:1]
    assert first_pass == [("USMF", "C20")]
    assert counts == {f"{TO_D} read": 10, f"{TO_D} written": 10}
    [run] = world.session.journal.runs.newest("customers")
    assert (run.id, run.outcome) == (cut_off.id, "done")
    assert run.counts[TO_D].written == 30
    assert world.rows(D, "customer", "accountnumber") == every


def test_rows_that_come_between_two_runs_are_carried_where_their_part_is_not_done(world):
    many(world)
    Faults(None, None, DENIED).into(world)
    with pytest.raises(PrivilegeError):
        world.run("customers", partition_rows=10)
    world.put(F, "Cust", cust("C99"))

    Faults().into(world)
    world.run("customers", partition_rows=10)

    assert ("C99",) in world.rows(D, "customer", "accountnumber")


def test_a_map_that_is_interrupted_keeps_the_maps_before_it_running(world):
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "10"})
    many(world)
    Faults(None, DENIED).into(world)

    with pytest.raises(PrivilegeError):
        world.run("groups", "customers")

    assert (world.status("groups"), world.status()) == (
        MapStatus.RUNNING,
        MapStatus.INITIALIZING,
    )


def test_the_second_pass_is_continued_too(every_world):
    world = every_world
    world.put(F, "Cust", cust("C1", INVOICEACCOUNT="C2"), cust("C2", INVOICEACCOUNT="C1"))
    world.put(D, "customer", customer("D1"))
    calls: list[str] = []

    class NoUpdates:
        def __init__(self, app: App) -> None:
            self._app = app

        def __getattr__(self, name: str) -> Any:
            return getattr(self._app, name)

        @contextmanager
        def writing(self, origin: Origin | None = None) -> Iterator[Any]:
            with self._app.writing(origin) as writing:
                yield Frozen(writing)

    class Frozen:
        def __init__(self, writing: Writing) -> None:
            self._writing = writing

        def __getattr__(self, name: str) -> Any:
            return getattr(self._writing, name)

        def update(self, table: str, *args: Any, **options: Any) -> Any:
            calls.append(table)
            raise DENIED

    world.wrap = NoUpdates  # type: ignore[assignment]
    with pytest.raises(PrivilegeError):
        world.run("customers")
    assert calls
    assert world.status() is MapStatus.INITIALIZING

    world.wrap = lambda app: app
    world.run("customers")

    assert world.rows(D, "customer", "accountnumber", "billto.accountnumber") == [
        ("C1", "C2"),
        ("C2", "C1"),
        ("D1", None),
    ]
    assert world.unexplained() == {}


def test_an_initial_sync_after_one_that_was_given_up_begins_anew(world):
    many(world)
    Faults(None, None, DENIED).into(world)
    with pytest.raises(PrivilegeError):
        world.run("customers", partition_rows=10)
    Faults().into(world)
    skipped = world.run("customers", initial_sync=False)["customers"]
    assert skipped.note.startswith("its interrupted initial sync is given up")
    world.put(F, "Cust", cust("C00", "changed since"))

    world.run("customers", initial_sync=True, partition_rows=10)

    assert world.reconcile().unexplained == 0
    assert [run.outcome for run in world.session.journal.runs.newest("customers")] == [
        "done",
        "cancelled",
    ]


def test_an_app_that_does_not_answer_is_reported_before_a_run_begins(new_world):
    world = new_world("sqlite")
    many(world)
    config = world.folder / "dualwrite.toml"
    world.close()
    content = config.read_text(encoding="utf-8")
    gone = "postgresql://nobody@127.0.0.1:1/none"
    config.write_text(content.replace(world.urls[D], gone), encoding="utf-8")

    with pytest.raises(AppUnreachableError, match="dataverse: no answer"):
        world.run("customers")

    assert world.session.journal.runs.newest() == []
    assert world.status() is MapStatus.NOT_RUNNING
