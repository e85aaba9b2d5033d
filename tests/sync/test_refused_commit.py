"""An app that refuses a transaction only at its commit: the row at fault is found and held."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dualwrite.apps.app import App
from dualwrite.errors import RowsRefusedError
from dualwrite.link import Side
from dualwrite.sync.cycle.runner import run_cycle
from tests.sync.points import pointed
from tests.sync.tables import WITHOUT_SELF
from tests.sync.world import TO_D, D, F, World, cust

ACCOUNTS = ("C1", "C2", "C3", "C4", "C5")


class RefusingAtCommit:
    """An app of dataverse that takes every statement, and refuses to commit some account."""

    def __init__(self, app: App, account: str) -> None:
        self._app, self._account = app, account
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    @contextmanager
    def writing(self, origin: Any = None) -> Iterator[Any]:
        with self._app.writing(origin) as writing:
            seen = Recording(writing)
            yield seen
            self.commits += 1
            if self._account in seen.accounts:
                raise RowsRefusedError(app="dataverse", table="customer", reason="not in credit")


class Recording:
    def __init__(self, writing: Any) -> None:
        self._writing, self.accounts = writing, set[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writing, name)

    def insert(self, table: str, rows: Any, **options: Any) -> Any:
        self._see(rows)
        return self._writing.insert(table, rows, **options)

    def update(self, table: str, rows: Any, **options: Any) -> Any:
        self._see(rows)
        return self._writing.update(table, rows, **options)

    def _see(self, rows: Any) -> None:
        if "accountnumber" in rows.column_names:
            self.accounts |= set(rows["accountnumber"].to_pylist())


def refusing(world: World, account: str) -> None:
    world.wrap = lambda app: (
        RefusingAtCommit(app, account) if app.side is Side.DATAVERSE else app  # type: ignore[return-value]
    )


@pytest.mark.parametrize("account", ["C1", "C3", "C5"])
def test_an_initial_sync_holds_the_row_whose_commit_is_refused_and_carries_the_others(
    world: World, account: str
) -> None:
    refusing(world, account)
    world.put(F, "Cust", *(cust(each) for each in ACCOUNTS))

    world.run()

    carried = [(each,) for each in ACCOUNTS if each != account]
    assert world.rows(D, "customer", "accountnumber") == carried
    (held,) = world.held()
    assert (held.key["ACCOUNT"], held.reason) == (account, "the commit is refused: not in credit")


@pytest.mark.parametrize("account", ["C1", "C3", "C5"])
def test_a_cycle_holds_the_row_whose_commit_is_refused_and_carries_the_others(
    world: World, account: str
) -> None:
    world.run()
    refusing(world, account)
    world.put(F, "Cust", *(cust(each) for each in ACCOUNTS))

    results = run_cycle(world.open(), ["customers"])

    (result,) = results
    assert (result.counts[TO_D].written, result.counts[TO_D].rejected) == (4, 1)
    carried = [(each,) for each in ACCOUNTS if each != account]
    assert world.rows(D, "customer", "accountnumber") == carried
    assert world.causes() == [(TO_D, account, "refused by the app")]
    session = world.session
    pending = session.apps[F].pending([session.journal.maps.all()[0].queues["finops"]])
    assert not any(pending.values())


def test_the_row_crosses_once_the_app_commits_it(world: World) -> None:
    world.run()
    refusing(world, "C2")
    world.put(F, "Cust", cust("C1"), cust("C2"))
    run_cycle(world.open(), ["customers"])
    world.wrap = lambda app: app

    world.put(F, "Cust", cust("C2", "another name"))
    run_cycle(world.open(), ["customers"])

    assert world.rows(D, "customer", "accountnumber", "name")[1] == ("C2", "another name")
    assert world.held() == []


@pytest.mark.slow
def test_a_deferred_constraint_of_postgresql_holds_one_row(new_world: Any) -> None:
    world = new_world("postgresql")
    world.run()
    world.execute(
        D,
        "alter table customer add constraint one_memo unique (memo) deferrable initially deferred",
    )
    world.put(F, "Cust", *(cust(each, MEMO=each) for each in ACCOUNTS))
    world.cycle_until_done()
    world.put(F, "Cust", cust("C6", MEMO="C1"), cust("C7", MEMO="free"))

    world.cycle_until_done()

    assert world.causes() == [(TO_D, "C6", "refused by the app")]
    assert ("C7",) in world.rows(D, "customer", "accountnumber")


def test_a_part_is_acknowledged_before_the_next_is_committed(world: World) -> None:
    """The inbox keeps the ids of the last transaction only: those before must be acknowledged."""
    world.map("customers", WITHOUT_SELF)
    world.run()
    refusing(world, "C3")
    world.put(F, "Cust", *(cust(each) for each in ACCOUNTS))
    steps: list[str] = []

    run_cycle(pointed(world.open(), steps.append), ["customers"])

    committed, acknowledged = "dataverse: after the commit", "finops: before the acknowledgement"
    order = [each for each in steps if each in (committed, acknowledged)]
    assert order.count(committed) > 1
    for before, after in itertools.pairwise(order):
        assert not before == after == committed


def test_no_conflict_stays_on_record_that_was_not_carried_out(world: World) -> None:
    world.put(F, "Cust", cust("C1", "old"), cust("C2", "old"))
    world.run()
    refusing(world, "C1")
    for account in ("C1", "C2"):
        world.put(D, "customer", {"accountnumber": account, "company": "USMF", "name": "theirs"})
        world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": account, "NAME": "ours"})
    world.map("customers", ("columns:", "conflicts: {policy: finops}\ncolumns:"))

    (result,) = run_cycle(world.open(), ["customers"])

    # that of C1 was decided from the other side: the held version is a change of finops too
    assert len(world.conflicts()) == 2
    assert sum(counts.conflicts for counts in result.counts.values()) == 2
