"""A queue longer than a page: the next one is read while one is carried; nothing else differs."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest

from dualwrite.errors import AppBusyError
from dualwrite.sync.cycle import pages
from dualwrite.sync.cycle.read_ahead import Ahead
from dualwrite.sync.cycle.runner import run_cycle
from tests.sync.points import pointed
from tests.sync.world import D, F, World, cust

ACCOUNTS = tuple(f"C{number}" for number in range(7))


@pytest.fixture
def changed(every_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Seven customers on both sides, all changed in finops; a page takes two."""
    every_world.put(F, "Cust", *(cust(account, "old") for account in ACCOUNTS))
    every_world.run()
    monkeypatch.setattr(pages, "PAGE", 2)
    for account in ACCOUNTS:
        every_world.put(F, "Cust", {"DATAAREAID": "USMF", "ACCOUNT": account, "NAME": account})
    return every_world


def names(world: World) -> list[str]:
    return sorted(name for (name,) in world.rows(D, "customer", "name"))


def test_every_page_crosses(changed):
    changed.cycle()

    assert names(changed) == list(ACCOUNTS)
    assert len(changed.entries(F, "customers")) == 0


def test_rows_deleted_and_made_on_later_pages_cross_too(changed):
    changed.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C6")
    changed.put(F, "Cust", cust("C7", "new"))

    changed.cycle()

    assert names(changed) == [*ACCOUNTS[:-1], "new"]


def test_a_source_that_fails_on_a_later_page_loses_nothing(changed):
    passed = 0

    def fail_at_the_third_page(point: str) -> None:
        nonlocal passed
        here = point == "finops: between two pages"
        passed += here
        if here and passed == 2:
            raise AppBusyError(app="finops", table=None, reason="a test")

    results = run_cycle(pointed(changed.session, fail_at_the_third_page), ["customers"])

    assert "busy" in results[0].note
    assert 0 < len(changed.entries(F, "customers")) < len(ACCOUNTS)
    changed.cycle_until_done()
    assert names(changed) == list(ACCOUNTS)


def test_a_snapshot_answers_one_query_at_a_time():
    inside, most = 0, 0

    class Source:
        def fetch(self, query: Any, keys: Any) -> Any:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            threading.Event().wait(0.01)
            inside -= 1
            return keys

    with Ahead(Source()) as ahead:
        coming = ahead.start(lambda: ahead.fetch(None, "ahead"))
        assert ahead.fetch(None, "now") == "now"
        assert coming.result() == "ahead"
    assert most == 1


def test_nobody_reads_from_a_snapshot_after_its_end():
    read = []

    class Source:
        def fetch(self, query: Any, keys: Any) -> Any:
            threading.Event().wait(0.02)
            read.append(keys)

    with suppress(KeyError), Ahead(Source()) as ahead:
        ahead.start(lambda: ahead.fetch(None, "under way"))
        raise KeyError
    assert read == ["under way"]


def test_the_guard_counts_the_whole_queue_not_what_one_cycle_carries(
    every_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 rows, of which 130 are deleted: a cycle carries 60, and that alone would be allowed."""
    accounts = [f"C{number:03}" for number in range(400)]
    every_world.put(F, "Cust", *(cust(account, "old") for account in accounts))
    every_world.run()
    monkeypatch.setattr(pages, "PAGE", 20)
    monkeypatch.setattr(pages, "AT_MOST", 60)
    for account in accounts[:130]:
        every_world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT=account)

    every_world.cycle()

    assert "this would delete 130 of 400 rows in dataverse" in every_world.notes["customers"]
    assert len(names(every_world)) == 400
