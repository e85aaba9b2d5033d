"""The flow `live_sync`: it syncs changes, reports progress, and releases its leases."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

import flows.live_sync
from dualwrite.errors import AppUnreachableError
from dualwrite.link import Side
from dualwrite.sync.cycle import live as engine
from dualwrite.sync.cycle import outages
from dualwrite.sync.mapstate import mapstate
from dualwrite.sync.session import open_session
from flows.live_sync import live_sync
from tasks.cycle import MapsStuckError
from tasks.live import stop_all
from tasks.sessions import close_sessions
from tests.flows.people import MAP, describe, described

F, D = Side.FINOPS, Side.DATAVERSE
LONG = 10.0
"""Minutes; each test ends its run itself."""


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(flows.live_sync, "REPORT_SECONDS", 0.2)


async def until(found, *, seconds=60.0):
    """What `found` gives, once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        await asyncio.sleep(0.05)
    pytest.fail(f"nothing after {seconds} seconds")


def held_by(project):
    with open_session(project) as session:
        return session.journal.leases.holder(MAP)


async def during(project, work):
    """Run live sync while `work` goes on, then let it end; its last state."""
    run = asyncio.ensure_future(live_sync(project, minutes=LONG, return_state=True))
    try:
        await until(lambda: held_by(project) or run.done())
        await work()
    finally:
        stop_all()
    return await run


async def record(state):
    run_id = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client:
        artifacts = await client.read_artifacts(flow_run_filter=run_id)
        tasks = await client.read_task_runs(flow_run_filter=run_id)
    return {each.key: each for each in artifacts}, tasks, await flow_runs()


async def flow_runs():
    async with get_client() as client:
        return len(await client.read_flow_runs())


def test_changes_are_synced_while_the_run_lasts(prefect_server, running, emitted):
    async def work():
        for text in ("One", "Two", "Three"):
            describe(running, F, text)
            await until(lambda text=text: described(running, D) == text)
        describe(running, D, "Four")
        await until(lambda: described(running, F) == "Four")

    async def main():
        before = await flow_runs()
        state = await during(running, work)
        return state, before, *await record(state)

    state, before, artifacts, tasks, after = asyncio.run(main())

    assert (state.name, state.message) == ("Completed", "4 rows synced in 1 map.")
    # neither a task nor a flow run for a change
    assert tasks == []
    assert after == before + 1
    assert 0 < artifacts["live-sync"].data < 100
    assert artifacts["live-sync"].description.startswith("4 rows synced in 1 map. 95 % of")
    to_d, to_f = json.loads(artifacts["changes-by-map"].data)
    assert (to_d["written"], to_f["written"]) == (3, 1)
    assert "dualwrite.cycle.done" in [each["event"] for each in emitted]


def test_a_live_run_ends_by_itself_and_releases_its_leases(prefect_server, running):
    state = asyncio.run(live_sync(running, minutes=0.02, return_state=True))

    assert state.message == "Nothing was pending."
    assert held_by(running) is None


def test_a_cancelled_run_releases_its_leases_and_loses_nothing(prefect_server, running):
    async def main():
        run = asyncio.ensure_future(live_sync(running, minutes=LONG))
        await until(lambda: held_by(running))
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())

    assert held_by(running) is None
    describe(running, F, "Later")
    asyncio.run(live_sync(running, minutes=0.05))
    assert described(running, D) == "Later"


def test_the_next_run_starts_as_soon_as_the_last_has_released_its_leases(prefect_server, running):
    async def main():
        first = asyncio.ensure_future(live_sync(running, minutes=0.1, return_state=True))
        await until(lambda: held_by(running))

        async def work():
            assert (await first).is_completed()
            describe(running, F, "By the second")
            await until(lambda: described(running, D) == "By the second")

        return await during(running, work)

    state = asyncio.run(main())

    assert state.message == "1 row synced in 1 map."


def test_a_paused_map_is_skipped_until_it_is_resumed(prefect_server, running, emitted):
    async def work():
        with open_session(running) as session:
            mapstate.pause(session, [MAP])
            await until(lambda: session.journal.leases.holder(MAP) is None)
            describe(running, F, "Meanwhile")
            mapstate.resume(session, [MAP], mapstate.Resume.CATCH_UP)
        await until(lambda: described(running, D) == "Meanwhile")
        await until(lambda: "dualwrite.map.running" in [each["event"] for each in emitted])

    asyncio.run(during(running, work))

    events = [each["event"] for each in emitted if each["event"].startswith("dualwrite.map.")]
    assert events == ["dualwrite.map.paused", "dualwrite.map.resuming", "dualwrite.map.running"]


def test_a_run_waits_for_an_app_that_is_unreachable_at_the_start(
    prefect_server, running, monkeypatch
):
    monkeypatch.setattr(outages, "BACK_OFF", (0.05, 0.05))
    real, calls = engine.cycle_runner, []

    def sleepy(*args, **kwargs):
        calls.append(1)
        if len(calls) < 3:
            raise AppUnreachableError(app="finops", reason="it sleeps")
        return real(*args, **kwargs)

    monkeypatch.setattr(engine, "cycle_runner", sleepy)

    async def work():
        describe(running, F, "Awake")
        await until(lambda: described(running, D) == "Awake")

    state = asyncio.run(during(running, work))

    assert len(calls) == 3
    assert (state.name, state.message) == ("Completed", "1 row synced in 1 map.")


def test_an_app_that_stays_unreachable_does_not_fail_a_run(prefect_server, running, monkeypatch):
    def gone(*_, **__):
        raise AppUnreachableError(app="finops", reason="it sleeps")

    monkeypatch.setattr(engine, "cycle_runner", gone)

    state = asyncio.run(live_sync(running, minutes=0.02, return_state=True))

    assert (state.is_completed(), state.name) == (True, "Waiting")
    assert state.message.startswith(
        "Nothing was synced. 5 maps wait: finops: no answer (it sleeps)."
    )


def test_an_unreachable_prefect_server_does_not_stop_the_sync(prefect_server, running, monkeypatch):
    asked = []

    async def silent(*_):
        asked.append(1)
        raise httpx.ConnectError("it restarts")

    async def work():
        await until(lambda: asked)
        describe(running, F, "Unwatched")
        await until(lambda: described(running, D) == "Unwatched")

    with monkeypatch.context() as patched:
        patched.setattr(flows.live_sync.artifacts.Progress, "show", silent)
        state = asyncio.run(during(running, work))

    assert (state.name, state.message) == ("Completed", "1 row synced in 1 map.")


def test_a_map_that_needs_a_person_fails_the_run_in_the_end(prefect_server, running, monkeypatch):
    (running / "maps" / f"{MAP}.yaml").write_text("map: [", encoding="utf-8")
    close_sessions()

    with pytest.raises(MapsStuckError) as caught:
        asyncio.run(live_sync(running, minutes=0.05))

    assert caught.value.maps == [MAP]
