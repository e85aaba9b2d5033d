"""Live waits for an app or a journal that is away, says so once, and goes on."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from dualwrite.errors import AppBusyError, AppUnreachableError
from dualwrite.journal.records import MapRecord, MapStatus
from dualwrite.link import Side
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle import outages
from dualwrite.sync.cycle.live import run_live
from dualwrite.sync.cycle.outages import BackOff, Outage, Outages, outages_of
from dualwrite.sync.health.problems import repair_map
from dualwrite.sync.reconcile.repair import repair
from dualwrite.sync.resolve.resolve import undo_conflict
from dualwrite.sync.retry import retry
from tests.sync.world import MAPS, D, F, World, cust, customer

PATIENCE = 60.0


class Switched:
    """An app that can be switched off: then nothing that is asked of it is answered."""

    def __init__(self, app: Any, off: set[Side]) -> None:
        self._app, self._off = app, off

    def __getattr__(self, name: str) -> Any:
        if self._app.side in self._off and name not in (
            "side",
            "name",
            "losses",
            "close",
            "refresh",
        ):
            raise AppUnreachableError(app=self._app.side.value, reason="it sleeps")
        return getattr(self._app, name)


@dataclass
class Running:
    """Live in a thread, and what it reported."""

    stopped: threading.Event = field(default_factory=threading.Event)
    notices: list[str] = field(default_factory=list)
    results: list[MapResult] = field(default_factory=list)

    def until(self, found: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE
        while not found():
            assert time.monotonic() < end, self.notices
            time.sleep(0.02)


@contextmanager
def live(open_session: Callable[[], Any], **options: Any) -> Iterator[Running]:
    running = Running()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            run_live(
                open_session,
                report=lambda results: running.results.extend(results.values()),
                notify=lambda outage: running.notices.append(str(outage)),
                stopped=running.stopped,
                **options,
            )
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    thread = threading.Thread(target=work, name="live of a test")
    thread.start()
    try:
        yield running
    finally:
        running.stopped.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert errors == []


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "BACK_OFF", (0.05, 0.2))


@pytest.fixture
def off() -> set[Side]:
    return set()


@pytest.fixture
def running(world: World, off: set[Side]) -> World:
    """All maps run, over apps that `off` switches off."""
    world.put(F, "Cust", cust("C1", "one"))
    world.run()
    world.wrap = lambda app: Switched(app, off)  # type: ignore[assignment,return-value]
    return world


def crossed(world: World, account: str) -> bool:
    return (account,) in world.rows(D, "customer", "accountnumber")


def plain(notices: list[str]) -> list[str]:
    """Notices without their times."""
    return [
        re.sub(r"after \d+ s", "after N s", re.sub(r"\d\d:\d\d:\d\d", "TIME", text))
        for text in notices
    ]


AWAY = (
    "dataverse does not answer since TIME (it sleeps). 4 maps wait for it: changes stay queued "
    "in the apps.\n  Live goes on by itself as soon as it answers; Ctrl-C stops it."
)
BACK = "dataverse answers again after N s; 4 maps go on."


def test_an_app_that_is_away_at_the_start_is_waited_for(running, off):
    off.add(D)
    session = running.open()
    running.put(F, "Cust", cust("C2", "two"))

    with live(lambda: session) as under_way:
        under_way.until(lambda: under_way.results)
        assert {each.waits[:31] for each in session.journal.maps.all()} == {
            "dataverse: no answer (it sleeps"
        }
        off.clear()
        under_way.until(lambda: crossed(running, "C2"))
        under_way.until(lambda: len(under_way.notices) == 2)

    assert plain(under_way.notices) == [AWAY, BACK]
    assert {each.waits for each in session.journal.maps.all()} == {None}
    running.cycle_until_done()
    assert running.unexplained() == {}


def test_an_app_that_goes_away_meanwhile_is_one_message_for_all_maps(running, off):
    session = running.open()

    with live(lambda: session) as under_way:
        running.put(F, "Cust", cust("C2", "two"))
        under_way.until(lambda: crossed(running, "C2"))
        off.add(D)
        running.put(F, "Cust", cust("C3", "three"))
        under_way.until(lambda: under_way.notices)
        off.clear()
        under_way.until(lambda: crossed(running, "C3"))
        under_way.until(lambda: len(under_way.notices) == 2)

    assert plain(under_way.notices) == [AWAY, BACK]
    waiting = [each for each in under_way.results if each.note]
    assert {each.map for each in waiting} == set(MAPS)
    assert {each.stuck for each in waiting} == {False}


def test_a_journal_that_is_away_at_the_start_is_waited_for(running):
    session = running.open()
    errors = [AppUnreachableError(app="journal", reason="it sleeps") for _ in range(3)]

    def open_session():
        if errors:
            raise errors.pop()
        return session

    running.put(F, "Cust", cust("C2", "two"))
    with live(open_session) as under_way:
        under_way.until(lambda: crossed(running, "C2"))
        under_way.until(lambda: len(under_way.notices) == 2)

    away, back = plain(under_way.notices)
    assert away == (
        "journal does not answer since TIME (it sleeps). All maps wait for it: changes stay "
        "queued in the apps.\n  Live goes on by itself as soon as it answers; Ctrl-C stops it."
    )
    assert back == "journal answers again after N s; all maps go on."


def test_a_journal_that_goes_away_meanwhile_is_waited_for(running, monkeypatch):
    session = running.open()
    real, away = type(session.journal.cycles).record, threading.Event()

    def record(*args, **more):
        if away.is_set():
            raise AppUnreachableError(app="journal", reason="it sleeps")
        return real(*args, **more)

    monkeypatch.setattr(type(session.journal.cycles), "record", record)
    with live(lambda: session) as under_way:
        running.put(F, "Cust", cust("C2", "two"))
        under_way.until(lambda: crossed(running, "C2"))
        away.set()
        running.put(F, "Cust", cust("C3", "three"))
        under_way.until(lambda: under_way.notices)
        away.clear()
        under_way.until(lambda: len(under_way.notices) == 2)
        running.put(F, "Cust", cust("C4", "four"))
        under_way.until(lambda: crossed(running, "C4"))

    assert plain(under_way.notices)[1] == "journal answers again after N s; all maps go on."


def test_a_live_that_waits_ends_at_once_when_it_is_stopped(running, off, monkeypatch):
    monkeypatch.setattr(outages, "BACK_OFF", (3600.0, 3600.0))
    off.add(D)
    session = running.open()

    with live(lambda: session) as under_way:
        under_way.until(lambda: under_way.notices)
        stopped = time.monotonic()
    assert time.monotonic() - stopped < PATIENCE / 2


def test_the_time_of_waiting_counts_where_an_app_is_away_at_the_start(running, off):
    off.add(D)
    session = running.open()

    run_live(lambda: session, seconds=0.3)


def test_an_outage_is_logged_once_and_each_attempt_at_debug_level(running, off, caplog):
    caplog.set_level("DEBUG", logger="dualwrite")
    off.add(D)
    session = running.open()

    run_live(lambda: session, seconds=0.4)

    events = [getattr(record, "event", "") for record in caplog.records]
    assert events.count("app.away") == 1
    assert events.count("app.tried") >= 2
    assert events.count("map.waits") == 0
    assert events[-1] == "live.stopped"


def test_pauses_double_up_to_the_longest():
    back_off = BackOff()

    assert [back_off.take() for _ in range(4)] == [0.05, 0.1, 0.2, 0.2]
    back_off.reset()
    assert back_off.take() == 0.05


def test_apps_away_at_the_same_time_are_outages_of_their_own():
    notices: list[Outage] = []
    known = Outages(notices.append)
    errors = {side: AppUnreachableError(app=side.value, reason="it sleeps") for side in Side}
    results = [MapResult(name, fault=errors[side]) for name in ("m", "n") for side in (F,)]
    results += [MapResult("o", fault=errors[D]), MapResult("p", fault=None)]
    results.append(MapResult("q", fault=AppBusyError(app="finops", table="t", reason="a lock")))

    away = outages_of(results)
    known.update(away)
    known.update(away)
    known.update(away[:1])

    assert [(each.app, each.maps, each.ended is None) for each in notices] == [
        ("finops", ("m", "n"), True),
        ("dataverse", ("o",), True),
        ("dataverse", ("o",), False),
    ]
    assert str(notices[-1]) == "dataverse answers again after 0 s; 1 map goes on."

    known.update([], lambda app: app != "finops")
    assert len(notices) == 3
    known.update([], lambda _: True)
    assert str(notices[-1]) == "finops answers again after 0 s; 2 maps go on."


@pytest.mark.parametrize(
    ("seconds", "shown"), [(12.4, "12 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_how_long_it_was_away_reads_well(seconds, shown):
    ended = datetime.fromtimestamp(1_800_000_000 + seconds, UTC)
    outage = Outage("finops", "r", datetime.fromtimestamp(1_800_000_000, UTC), ("m", "n"), ended)

    assert str(outage) == f"finops answers again after {shown}; 2 maps go on."


OPERATIONS: dict[str, Callable[[World], Any]] = {
    "check --repair": lambda world: repair_map(world.session, record_of(world, "customers")),
    "reconcile --repair": lambda world: repair(
        world.session, world.session.map("customers"), master=D
    ),
    "errors retry": lambda world: retry(world.session, world.held("customers")),
    "conflicts undo": lambda world: undo_conflict(world.session, world.conflict_id()),
}


def record_of(world: World, name: str) -> MapRecord:
    return next(each for each in world.session.journal.maps.all() if each.name == name)


@pytest.mark.parametrize("name", OPERATIONS)
def test_live_lends_a_map_to_who_repairs_it(running: World, name: str) -> None:
    running.put(F, "Cust", cust("C1", "of finops"), cust("C2", "no group", GROUPID="none"))
    running.put(D, "customer", customer("C1", "of dataverse"))
    running.cycle_until_done()
    running.conflict_id()
    with live(running.open) as seen:
        running.put(F, "Cust", cust("C3", "three"))
        seen.until(lambda: crossed(running, "C3"))

        OPERATIONS[name](running)

        assert running.status("customers") is MapStatus.RUNNING
        running.put(F, "Cust", cust("C4", "four"))
        seen.until(lambda: crossed(running, "C4"))
