"""The flow `incremental_sync`: what it syncs, what it reports, and which runs fail."""

from __future__ import annotations

import asyncio
import json

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

import flows.incremental_sync
import tasks.cycle
from dualwrite.errors import AppUnreachableError
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from dualwrite.operations.commands.sync import CycleResult
from dualwrite.operations.counts import MapCounts
from dualwrite.sync.mapstate import mapstate
from dualwrite.sync.session import open_session
from flows.incremental_sync import incremental_sync
from tasks.cycle import MapsStuckError
from tasks.sessions import close_sessions, session_of
from tests.flows.people import MAP, PARENT, describe, described, make_group, make_term

F, D = Side.FINOPS, Side.DATAVERSE


def run(project, **parameters):
    """Run the flow; its last state."""
    return asyncio.run(incremental_sync(project, **parameters, return_state=True))


def record(state):
    """The artifacts and the names of the task runs of a flow run."""

    async def read():
        run_id = state.state_details.flow_run_id
        async with get_client() as client:
            artifacts = await client.read_artifacts(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
            )
            flow_run = await client.read_flow_run(run_id)
        return {each.key: each.data for each in artifacts}, flow_run.name

    return asyncio.run(read())


def names(emitted):
    return [each["event"] for each in emitted]


def test_a_change_on_either_side_is_on_both(prefect_server, running):
    describe(running, F, "Big ones")
    describe(running, D, "Web only", "WEB")

    state = run(running)

    assert (state.name, state.message) == ("Completed", "2 rows synced in 1 map.")
    assert described(running, D) == "Big ones"
    assert described(running, F, "WEB") == "Web only"
    artifacts, name = record(state)
    assert name == "incremental sync every running map"
    to_d, to_f = json.loads(artifacts["changes-by-map"])
    assert (to_d["map"], to_d["to"], to_d["written"], to_d["pending"]) == (MAP, "dataverse", 1, 0)
    assert (to_f["to"], to_f["written"]) == ("finops", 1)
    assert to_d["lag p99 (s)"] > 0


def test_a_synced_change_is_not_echoed(prefect_server, running, emitted):
    describe(running, F, "Big ones")
    run(running)
    emitted.clear()

    state = run(running)

    assert (state.name, state.message) == ("Completed", "Nothing was pending.")
    assert record(state)[0] == {}
    # a sign of life, and no more
    assert names(emitted) == ["dualwrite.cycle.done"]


def test_only_the_maps_that_are_named_take_part(prefect_server, running):
    describe(running, F, "Big ones")

    state = run(running, maps=[PARENT])

    assert state.message == "Nothing was pending."
    assert described(running, D) != "Big ones"
    assert record(state)[1] == f"incremental sync {PARENT}"


def test_a_held_row_is_reported_with_its_reason(prefect_server, running, emitted):
    make_group(running, "TOO", "It waits", term="never")

    state = run(running)

    assert state.message == "0 rows synced, 1 held."
    assert "dualwrite.rows.parked" in names(emitted)
    artifacts, _ = record(state)
    reasons = [row["reason of one row"] for row in json.loads(artifacts["rows-held-back"])]
    assert any("'never'" in reason for reason in reasons)


def test_a_conflict_is_reported_and_decided_by_the_policy(prefect_server, running, emitted):
    describe(running, F, "As the ERP has it")
    describe(running, D, "As dataverse has it")

    state = run(running)

    assert state.message == "1 row synced in 1 map, 1 in conflict."
    assert described(running, F) == described(running, D)
    [event] = [each for each in emitted if each["event"] == "dualwrite.conflict.found"]
    assert event["resource"]["prefect.resource.name"] == MAP
    assert event["payload"]["rows"] == 1


def test_a_paused_map_fills_its_queue_and_catches_up(prefect_server, running, emitted):
    run(running)
    emitted.clear()
    with open_session(running) as session:
        mapstate.pause(session, [PARENT])
    make_term(running, "Week")
    make_group(running, "NEW", "Paid within a week", term="Week")

    paused, again = run(running), run(running)

    assert paused.message == "0 rows synced, 1 held."
    assert again.message == "Nothing was pending."
    # emitted once, though two flows ran
    assert names(emitted).count("dualwrite.map.paused") == 1

    with open_session(running) as session:
        mapstate.resume(session, [PARENT], mapstate.Resume.CATCH_UP)
    resumed = run(running)

    assert resumed.message == "2 rows synced in 2 maps."
    assert described(running, D, "NEW") == "Paid within a week"
    assert {"dualwrite.map.resuming", "dualwrite.map.running"} <= set(names(emitted))
    with open_session(running) as session:
        assert session.journal.maps.status(PARENT) is MapStatus.RUNNING


def test_a_map_with_the_lease_of_another_worker_is_skipped(prefect_server, running):
    describe(running, F, "Big ones")

    with open_session(running) as session, session.journal.leases.take(MAP, "a live worker", 60):
        state = run(running)

    assert state.is_completed()
    assert state.name == "Waiting"
    assert state.message.startswith(f"Nothing was synced. 1 map waits: {MAP}: another worker has")
    assert run(running).message == "1 row synced in 1 map."


def test_an_unreachable_app_does_not_fail_a_run(prefect_server, running, monkeypatch):
    describe(running, F, "Big ones")
    away = AppUnreachableError(app="dataverse", reason="it sleeps")

    def gone(*_, **__):
        raise away

    app = session_of(running).apps[D]
    with monkeypatch.context() as patched:
        patched.setattr(app, "writing", gone)
        state = run(running)

    assert (state.is_completed(), state.name) == (True, "Waiting")
    assert "dataverse: no answer (it sleeps)" in state.message
    assert run(running).message == "1 row synced in 1 map."


def test_a_run_that_cannot_begin_waits_too(prefect_server, running, monkeypatch):
    calls = []

    def gone(*_, **__):
        calls.append(1)
        raise AppUnreachableError(app="journal", reason="it sleeps")

    patient = tasks.cycle.sync_changes.with_options(retry_delay_seconds=0)
    monkeypatch.setattr(flows.incremental_sync, "sync_changes", patient)
    monkeypatch.setattr(tasks.cycle, "sync", gone)

    state = run(running)

    assert (state.is_completed(), state.name) == (True, "Waiting")
    assert "journal: no answer (it sleeps)" in state.message
    assert len(calls) == 5


def test_a_map_that_needs_a_person_fails_the_run_after_the_other_maps(prefect_server, running):
    (running / "maps" / f"{PARENT}.yaml").write_text("map: [", encoding="utf-8")
    close_sessions()
    describe(running, F, "Big ones")

    state = run(running)

    assert state.is_failed()
    assert described(running, D) == "Big ones"
    assert "changes-by-map" in record(state)[0]


def test_a_failed_run_names_the_maps_that_need_a_person():
    stuck = [MapCounts("a", note="a: its queue is gone.\n  dualwrite check --repair", stuck=True)]

    assert str(MapsStuckError(stuck)) == (
        "1 map needs a person; the others were synced, and changes stay queued.\n"
        "a: its queue is gone.\n"
        "  dualwrite check --repair"
    )


@pytest.mark.parametrize(
    ("bulk", "pages"),
    [pytest.param(1, True, id="many changes"), pytest.param(2, False, id="a few")],
)
def test_many_changes_are_checked_by_great_expectations(
    prefect_server, running, monkeypatch, bulk, pages
):
    monkeypatch.setattr(tasks.cycle, "BULK", bulk)
    describe(running, F, "Big ones")

    state = run(running)

    assert state.message == "1 row synced in 1 map."
    assert ("quality" in record(state)[0]) is pages
    assert (running / "reports" / "quality" / "index.html").exists() is pages


def test_many_deletes_need_a_parameter(prefect_server, running, monkeypatch):
    asked = []

    def cycle(session, names, *, allow_deletes):
        asked.append((names, allow_deletes))
        return CycleResult(())

    monkeypatch.setattr(tasks.cycle, "sync", cycle)

    run(running)
    run(running, maps=[MAP], allow_deletes=True)

    assert asked == [(None, False), ([MAP], True)]
