"""Pause, resume, stop: what becomes of a map, of its queues, and of their entries."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dualwrite.apps.app import App
from dualwrite.errors import AppUnreachableError
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from dualwrite.sync.capture import queues
from dualwrite.sync.capture.captures import queue_name, queues_of
from dualwrite.sync.mapstate.mapstate import Moved, Resume, pause, resume, stop
from dualwrite.sync.mapstate.queues import HELD_AT_RESUME
from dualwrite.sync.session import leases
from dualwrite.tablemap.catalogue import UnknownMapError
from tests.sync.tables import D, F
from tests.sync.world import World, cust


@pytest.fixture
def running(every_world: World) -> World:
    """Companies run; three of them are on both sides."""
    every_world.run("companies")
    return every_world


def pending(world: World, name: str = "companies") -> dict[str, int]:
    found = {}
    for side_name, queue in queues_of(world.session, name).items():
        found[side_name] = world.session.apps[Side(side_name)].pending([queue])[queue]
    return found


def one(results: Sequence[Moved]) -> Moved:
    [result] = results
    return result


class Away:
    """An app that goes away as soon as one thing is asked of it."""

    def __init__(self, app: App, operation: str) -> None:
        self._app, self._operation = app, operation

    def __getattr__(self, name: str) -> Any:
        if name == self._operation:
            raise AppUnreachableError(app="dataverse", reason="gone")
        return getattr(self._app, name)


def test_capture_that_cannot_be_installed_everywhere_is_installed_nowhere(world: World) -> None:
    world.wrap = lambda app: Away(app, "install") if app.side is D else app  # type: ignore[assignment,return-value]

    with pytest.raises(AppUnreachableError):
        world.run("companies")

    name = queue_name(world.session.map("companies"), F)
    assert world.session.apps[F].pending([name]) == {}
    assert queues_of(world.session, "companies") == {}
    assert world.status("companies") is MapStatus.NOT_RUNNING


def test_changes_queue_for_as_long_as_a_map_is_paused(running: World) -> None:
    result = one(pause(running.session, ["companies"]))

    running.put(F, "Company", {"CODE": "20", "NAME": "New"})
    note = "paused; changes queue in both apps until it is resumed"
    assert result == Moved("companies", MapStatus.PAUSED, note)
    assert running.status("companies") is MapStatus.PAUSED
    assert pending(running)["finops"] == 1


def test_to_pause_twice_changes_nothing(running: World) -> None:
    pause(running.session, ["companies"])

    again = one(pause(running.session, ["companies"]))

    assert (again.error, again.note) == (None, "was paused already, nothing changed")


@pytest.mark.parametrize("command", ["paused", "resumed"])
def test_a_map_that_does_not_run_is_not_moved(world: World, command: str) -> None:
    if command == "paused":
        result = one(pause(world.session, ["companies"]))
    else:
        result = one(resume(world.session, ["companies"], Resume.CATCH_UP))

    assert result.status is MapStatus.NOT_RUNNING
    assert str(result.error) == (
        f"companies: it is not running, so it cannot be {command}. Nothing was changed.\n"
        "  Start it with: dualwrite run companies"
    )


def test_a_map_in_its_initial_sync_is_not_paused(running: World) -> None:
    running.session.journal.maps.set_status("companies", MapStatus.INITIALIZING, reason="test")

    result = one(pause(running.session, ["companies"]))

    assert running.status("companies") is MapStatus.INITIALIZING
    assert str(result.error) == (
        "companies: it is initializing, so it cannot be paused. Nothing was changed.\n"
        "  Let its initial sync end (dualwrite run companies), or give it up: "
        "dualwrite stop companies"
    )


def test_one_map_that_is_refused_stops_no_other(running: World) -> None:
    running.run("customers")

    results = pause(running.session, ["vendors", "compnies", "companies", "customers", "companies"])

    assert [(each.map, each.status.value, each.error is None) for each in results] == [
        ("vendors", "not running", False),
        ("compnies", "not running", False),
        ("companies", "paused", True),
        ("customers", "paused", True),
    ]
    assert isinstance(results[1].error, UnknownMapError)


def test_to_catch_up_leaves_the_queue_to_the_cycles(running: World) -> None:
    pause(running.session, ["companies"])
    running.put(F, "Company", {"CODE": "20", "NAME": "New"})

    result = one(resume(running.session, ["companies"], Resume.CATCH_UP))

    assert result.status is running.status("companies") is MapStatus.RESUMING
    assert pending(running)["finops"] == 1
    assert one(resume(running.session, ["companies"], Resume.CATCH_UP)).error is None


@pytest.mark.parametrize("how", Resume)
def test_a_map_that_runs_is_resumed_already(running: World, how: Resume) -> None:
    running.put(F, "Company", {"CODE": "20", "NAME": "New"})

    result = one(resume(running.session, ["companies"], how))

    assert result.note == "was running already, nothing changed"
    assert pending(running)["finops"] == 1


def test_a_kept_queue_waits_among_the_held_rows_with_what_changed(running: World) -> None:
    pause(running.session, ["companies"])
    running.put(F, "Company", {"CODE": "DEMF", "NAME": "Contoso"})
    running.put(F, "Company", {"CODE": "20", "NAME": "New"})

    result = one(resume(running.session, ["companies"], Resume.KEEP_QUEUE))

    assert result.status is running.status("companies") is MapStatus.RUNNING
    assert result.note == (
        "running; 2 queued rows are held for a retry (dualwrite errors --map companies)"
    )
    assert pending(running) == {"finops": 0, "dataverse": 0}
    held = running.session.journal.held.rejected("companies", rule=HELD_AT_RESUME)
    new, changed = sorted(held, key=lambda row: str(row.key))
    assert (changed.key, changed.changed) == ({"CODE": "DEMF"}, ("NAME",))
    assert changed.row["NAME"] == "Contoso"
    assert (new.key, new.changed) == ({"CODE": "20"}, None)
    assert changed.reason.startswith("it changed while the map was paused, last at 2")
    assert changed.cure == "carry it across: dualwrite errors retry --map companies"


def test_a_queued_delete_is_left_to_the_next_cycle(running: World) -> None:
    pause(running.session, ["companies"])
    running.put(F, "Company", {"CODE": "20", "NAME": "New"})
    running.remove(F, "Company", CODE="FRRT")
    running.remove(F, "Company", CODE="20")

    result = one(resume(running.session, ["companies"], Resume.KEEP_QUEUE))

    assert result.note.endswith(", 2 queued deletes go across with the next cycle")
    assert running.held("companies") == []
    assert pending(running)["finops"] == 3


def test_a_row_that_is_not_among_the_maps_rows_is_held_by_its_key(running: World) -> None:
    running.run("customers")
    pause(running.session, ["customers"])
    running.put(F, "Cust", cust("A1", PARTYTYPE="Person"))

    resume(running.session, ["customers"], Resume.KEEP_QUEUE)

    [held] = running.held("customers")
    assert held.row == held.key == {"DATAAREAID": "USMF", "ACCOUNT": "A1"}


def test_a_dropped_queue_is_exported_first(running: World) -> None:
    pause(running.session, ["companies"])
    running.put(F, "Company", {"CODE": "DEMF", "NAME": "Contoso"})
    running.put(D, "company", {"code": "40", "name": "New"})

    result = one(resume(running.session, ["companies"], Resume.DROP_QUEUE))

    assert result.note == (
        "running; 2 queued changes were dropped, a copy of them is in the exports"
    )
    assert pending(running) == {"finops": 0, "dataverse": 0}
    finops, dataverse = (rows_of(file) for file in result.files)
    assert [list(row)[:4] for row in (finops[0], dataverse[0])] == [
        ["CODE", "op", "changed", "at"],
        ["code", "op", "changed", "at"],
    ]
    assert (finops[0]["CODE"], finops[0]["op"]) == ("DEMF", "u")
    assert finops[0]["changed"] == "NAME"
    assert (dataverse[0]["code"], dataverse[0]["op"]) == ("40", "i")
    assert result.files[0].parent == running.folder / ".dualwrite" / "exports"


def test_nothing_is_dropped_that_cannot_be_exported(running: World) -> None:
    pause(running.session, ["companies"])
    running.put(F, "Company", {"CODE": "20", "NAME": "New"})
    (running.folder / ".dualwrite" / "exports").touch()

    result = one(resume(running.session, ["companies"], Resume.DROP_QUEUE))

    assert result.status is running.status("companies") is MapStatus.PAUSED
    assert pending(running)["finops"] == 1
    message = str(result.error)
    assert message.startswith(f"companies: its queue cannot be exported to {running.folder}")
    assert message.endswith(
        "). Nothing was dropped; every change stays in the queue.\n"
        "  Make room there, or give this user the right to write there, and repeat the command."
    )


def test_a_queue_is_read_page_by_page(running: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "PAGE", 2)
    pause(running.session, ["companies"])
    for number in range(5):
        running.put(F, "Company", {"CODE": str(number), "NAME": "x"})
    table_map = running.session.map("companies")

    found = queues.entries(running.session, table_map, F, text="3", limit=10)
    first = queues.entries(running.session, table_map, F, limit=3)
    resume(running.session, ["companies"], Resume.KEEP_QUEUE)

    assert found.keys["CODE"].to_pylist() == ["3"]
    assert first.keys["CODE"].to_pylist() == ["0", "1", "2"]
    assert len(running.held("companies")) == 5
    assert pending(running)["finops"] == 0


def test_stop_takes_the_queues_out_of_both_apps(running: World) -> None:
    names = queues_of(running.session, "companies")

    result = one(stop(running.session, ["companies"]))

    assert (result.status, result.note) == (MapStatus.NOT_RUNNING, "stopped")
    assert set(names) == {"finops", "dataverse"}
    assert all(
        not running.session.apps[Side(side)].pending([queue]) for side, queue in names.items()
    )
    assert queues_of(running.session, "companies") == {}
    assert one(stop(running.session, ["companies"])).note == "was not running, nothing changed"


def test_a_map_whose_file_is_gone_can_be_stopped(running: World) -> None:
    names = queues_of(running.session, "companies")
    del running.session.catalogue.entries["companies"]

    assert one(stop(running.session, ["companies"])).note == "stopped"
    assert running.session.apps[F].pending([names["finops"]]) == {}


def test_an_app_that_is_away_keeps_its_queue_and_the_queue_is_named(running: World) -> None:
    running.wrap = lambda app: Away(app, "uninstall") if app.side is D else app  # type: ignore[assignment,return-value]
    queue = queues_of(running.session, "companies")["dataverse"]

    result = one(stop(running.open(), ["companies"]))

    assert result.status is running.status("companies") is MapStatus.NOT_RUNNING
    assert result.note == (
        f"stopped; its queue {queue} in dataverse could not be removed and goes on filling. "
        "Once the app answers: dualwrite check --repair"
    )
    assert queues_of(running.session, "companies") == {"dataverse": queue}


def test_a_worker_that_does_not_release_a_map_is_named(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "PATIENCE", 0)
    session = running.session
    with session.journal.leases.take("companies", "live", 60):
        result = one(stop(session, ["companies"]))

    assert result.status is running.status("companies") is MapStatus.NOT_RUNNING
    assert result.note.endswith(
        "has not released it yet, so its queues stay. Once that has ended: dualwrite check --repair"
    )
    assert one(stop(session, ["companies"])).note == "stopped"


def test_a_map_with_queued_changes_is_not_stopped_without_a_word(running: World) -> None:
    running.put(F, "Company", {"CODE": "USMF", "NAME": "new"})
    running.put(D, "company", {"code": "DEMF", "name": "neu"})

    refused = one(stop(running.session, ["companies"]))

    assert "2 changes are queued and not synced yet" in str(refused.error)
    assert "dualwrite sync companies" in str(refused.error)
    assert refused.status is running.status("companies") is MapStatus.RUNNING
    assert pending(running) == {"finops": 1, "dataverse": 1}

    pause(running.session, ["companies"])
    assert "dualwrite resume companies" in str(one(stop(running.session, ["companies"])).error)


def test_queued_changes_are_exported_before_a_stop_drops_them(running: World) -> None:
    running.put(F, "Company", {"CODE": "USMF", "NAME": "new"})

    stopped = one(stop(running.session, ["companies"], drop_queue=True))

    assert stopped.note.startswith("stopped; 1 queued changes were dropped")
    rows = [list(csv.DictReader(file.read_text().splitlines())) for file in stopped.files]
    assert [[row["CODE"] for row in some if "CODE" in row] for some in rows] == [["USMF"], []]
    assert queues_of(running.session, "companies") == {}


def test_what_is_synced_leaves_nothing_to_drop(running: World) -> None:
    running.put(F, "Company", {"CODE": "USMF", "NAME": "new"})
    running.cycle()

    assert one(stop(running.session, ["companies"])).note == "stopped"


def test_an_initial_sync_under_way_is_not_stopped_from_outside(running: World) -> None:
    session = running.session
    session.journal.maps.set_status("companies", MapStatus.INITIALIZING, reason="test")
    with session.journal.leases.take("companies", "run", 60):
        result = one(stop(session, ["companies"]))

    assert type(result.error).__name__ == "LeaseHeldError"
    assert running.status("companies") is MapStatus.INITIALIZING


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
