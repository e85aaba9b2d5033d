"""The flows have the results of the command line, and are recorded in Prefect."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from prefect.client.orchestration import get_client

from dualwrite.errors import ConfigError
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from dualwrite.sync.initial.partitions import InitialSync
from dualwrite.sync.mapstate import mapstate
from dualwrite.sync.session import open_session
from flows.initial_sync import initial_sync
from flows.quality_report import quality_report
from flows.reconcile import reconcile
from tasks.runners import task_runner

MAP = "customer-groups--msdyn-customergroups"


def written(results):
    return sum(counts.written for result in results for counts in result.counts.values())


def rejected_keys(project):
    with open_session(project) as session:
        return sorted((row.map, str(row.key), row.cause) for row in session.journal.held.rejected())


async def left():
    """Key and content of every artifact, whichever run left it."""
    async with get_client() as client:
        found = await client.read_artifacts()
    return [(artifact.key, artifact.data) for artifact in found]


async def artifacts():
    return dict(await left())


def test_an_initial_sync_flow_starts_a_map(prefect_server, project):
    results = asyncio.run(initial_sync(project, [MAP]))

    with open_session(project) as session:
        assert session.journal.maps.status(MAP) is MapStatus.RUNNING
    assert [result.map for result in results][-1] == MAP
    assert written(results)
    page = project / "reports" / "quality" / "index.html"
    assert MAP in page.read_text(encoding="utf-8")


def test_a_run_is_recorded_in_prefect(prefect_server, project):
    asyncio.run(initial_sync(project, [MAP]))

    left = asyncio.run(artifacts())
    assert {"summary", "rows-by-map", "rows-held-back", "quality"} <= left.keys()
    assert {row["map"] for row in json.loads(left["rows-by-map"])} >= {MAP}
    assert "reports/quality/index.html" in left["quality"]


def test_the_same_run_again_writes_nothing(prefect_server, project):
    asyncio.run(initial_sync(project, [MAP]))

    again = asyncio.run(initial_sync(project, [MAP]))

    assert written(again) == 0


def test_an_interrupted_run_is_resumed_under_a_new_lease(prefect_server, project, monkeypatch):
    """Apps refuse a write under the old one; what this process had compiled is under that."""
    carry, cut = InitialSync.carry, []

    def cut_off_once(self, partition):
        if self.name == MAP and not cut:
            cut.append(partition)
            raise ConfigError("cut off")
        return carry(self, partition)

    monkeypatch.setattr(InitialSync, "carry", cut_off_once)
    with pytest.raises(ConfigError):
        asyncio.run(initial_sync(project, [MAP], quality=False))

    again = asyncio.run(initial_sync(project, [MAP], quality=False))

    assert written(again)
    with open_session(project) as session:
        assert session.journal.maps.status(MAP) is MapStatus.RUNNING


def test_a_paused_map_is_unchanged(prefect_server, running):
    with open_session(running) as session:
        mapstate.pause(session, [MAP])

    state = asyncio.run(initial_sync(running, [MAP], quality=False, return_state=True))

    assert state.name == "Waiting"
    assert f"1 map waits: paused, nothing copied; dualwrite resume {MAP}" in state.message
    with open_session(running) as session:
        assert session.journal.maps.status(MAP) is MapStatus.PAUSED


def test_with_and_without_great_expectations_the_same_rows_are_held(prefect_server, project):
    asyncio.run(initial_sync(project, [MAP], quality=False))
    by_rules = rejected_keys(project)

    asyncio.run(initial_sync(project, [MAP], quality=True))

    assert by_rules
    assert rejected_keys(project) == by_rules


def test_a_dry_run_writes_nothing(prefect_server, project):
    results = asyncio.run(initial_sync(project, [MAP], dry_run=True))

    with open_session(project) as session:
        assert session.journal.maps.all() == []
    assert written(results)


def test_both_sides_agree_except_for_held_rows(prefect_server, project):
    asyncio.run(initial_sync(project, [MAP], quality=False))

    found = asyncio.run(reconcile(project))

    assert {each.unexplained for each in found} == {0}
    assert sum(each.held for each in found)


def test_the_quality_report_opens_without_a_network(prefect_server, project, emitted):
    page = asyncio.run(quality_report(project, [MAP]))

    [event] = [each for each in emitted if each["event"].startswith("dualwrite.quality.")]
    assert event["event"] == "dualwrite.quality.failed"
    assert event["resource"]["prefect.resource.id"] == f"dualwrite.map.{MAP}"
    assert event["payload"]["rows"] >= event["payload"]["expectations"] > 0
    assert event["payload"]["page"] == page.resolve().as_uri()
    assert ("quality-report", f"[Data Docs]({page.resolve().as_uri()})") in asyncio.run(left())

    pages = [path.read_text(encoding="utf-8") for path in page.parent.glob("*.html")]
    assert len(pages) == 1 + len(Side)
    assert re.findall(r"(?:src|href|url)\W{1,2}(?:https?:)?//[^\"')]*", "".join(pages)) == []


@pytest.mark.slow
def test_partitions_run_in_processes_too(prefect_server, project):
    many = initial_sync.with_options(task_runner=task_runner("processes", 2))

    results = asyncio.run(many(project, [MAP], with_related=False, partition_rows=100))

    assert written(results)
    assert {each.unexplained for each in asyncio.run(reconcile(project, [MAP]))} == {0}
