"""The demo from the command line, and deployments with a real server and worker."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling

from dualwrite.link import Side
from dualwrite.sync.session import open_session
from tests.flows.people import MAP, describe, described
from tests.flows.servers import ROOT, a_server, environment, stop, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_demo_succeeds(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "flows.demo", "--rows", "200", "--dir", str(tmp_path / "box")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"demo finished: \d+ maps, [\d,]+ rows written at first, 11 synced by cycles, "
        r"1 conflict decided, 1 faulty and 1 parked row released, 2 columns widened, "
        r"2 quantities converted, 1 address activated, \d+ held, "
        r"0 unexplained differences, \d+ seconds",
        done.stdout.splitlines()[-1],
    )
    assert (tmp_path / "box" / "reports" / "quality" / "index.html").exists()


@pytest.fixture(scope="module")
def deployed(at_work: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project, a server and a worker, with the deployments of deployments/prefect.yaml."""
    home = tmp_path_factory.mktemp("deployed")
    project = home / "box"
    shutil.copytree(at_work, project)
    more = {
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "DUALWRITE_HOME": str(ROOT),
        "DUALWRITE_PROJECT": str(project),
    }
    with a_server(home, **more) as server:
        server.prefect("work-pool", "create", "dualwrite", "--type", "process")
        server.prefect(
            "--no-prompt", "deploy", "--prefect-file", "deployments/prefect.yaml", "--all"
        )
        worker = server.start("worker", "start", "--pool", "dualwrite")
        try:
            with temporary_settings({PREFECT_API_URL: server.url}):
                yield project
        finally:
            stop(worker)


def ask(question):
    """Ask the server, by a coroutine that takes a client."""

    async def asking():
        async with get_client() as client:
            return await question(client)

    return asyncio.run(asking())


@contextmanager
def scheduled(name: str, seconds: float, **parameters: object) -> Iterator[None]:
    """Let a deployment run by schedule, for this block."""
    fires = version("sqlalchemy") < "2.1"
    assert fires, (
        "on SQLAlchemy 2.1 no schedule of Prefect 3.8 fires: pip install -c constraints.txt"
    )

    async def begin(client):
        found = await client.read_deployment_by_name(name)
        update = DeploymentUpdate(parameters={**found.parameters, **parameters})
        await client.update_deployment(found.id, update)
        often = IntervalSchedule(interval=timedelta(seconds=seconds))
        [added] = await client.create_deployment_schedules(found.id, [(often, True)])
        return found, added

    found, added = ask(begin)
    yield
    ask(lambda client: client.delete_deployment_schedule(found.id, added.id))


def runs_of(flow: str):
    """The runs of a flow that have begun, the first one first."""

    async def read(client):
        mine = FlowFilter(name=FlowFilterName(any_=[flow]))
        runs = await client.read_flow_runs(flow_filter=mine)
        return sorted(
            (run for run in runs if not run.state.is_scheduled()),
            key=lambda run: run.expected_start_time,
        )

    return ask(read)


def through(flow: str):
    """The runs of a flow that came to an end; one that would overlap is cancelled before."""
    return [run for run in runs_of(flow) if run.state.is_final() and not run.state.is_cancelled()]


def record(run_id):
    """The task runs, the keys of the artifacts and the log lines of a flow run."""

    async def read(client):
        mine = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        logged = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
        return (
            await client.read_task_runs(flow_run_filter=mine),
            {each.key for each in await client.read_artifacts(flow_run_filter=mine)},
            [each.message for each in await client.read_logs(logged)],
        )

    return ask(read)


def test_a_scheduled_run_syncs_the_map_and_records_it(deployed, project):
    with scheduled("initial_sync/nightly", 20, project=str(project), maps=[MAP]):
        run = until(lambda: through("initial_sync"), seconds=300)[0]

    tasks, artifacts, _ = record(run.id)
    assert run.auto_scheduled
    assert run.state.is_completed(), run.state.message
    assert run.name == f"initial sync {MAP}"
    assert {"summary", "rows-by-map", "rows-held-back", "quality"} <= artifacts
    carried = [task for task in tasks if task.name.startswith(f"sync {MAP}")]
    assert carried
    assert {task.state.name for task in tasks} == {"Completed"}
    assert {task.empirical_policy.retries for task in carried} == {4}


def test_cycles_run_by_schedule_every_few_seconds(deployed):
    describe(deployed, Side.FINOPS, "By schedule")

    with scheduled("incremental_sync/frequent", 5):
        until(lambda: described(deployed, Side.DATAVERSE) == "By schedule", seconds=300)
        runs = until(lambda: (ended := through("incremental_sync"))[2:] and ended, seconds=300)

    assert {run.state.name for run in runs} == {"Completed"}
    assert {run.auto_scheduled for run in runs} == {True}
    messages = [run.state.message for run in runs]
    assert messages.count("1 row synced in 1 map.") == 1
    assert set(messages) == {"1 row synced in 1 map.", "Nothing was pending."}
    # never two at once
    for run, following in pairwise(runs):
        assert run.end_time <= following.start_time


def test_a_live_run_cancelled_in_the_ui_releases_its_leases(deployed):
    async def order(client):
        found = await client.read_deployment_by_name("live_sync/resident")
        return await client.create_flow_run_from_deployment(found.id)

    def holder():
        with open_session(deployed) as session:
            return session.journal.leases.holder(MAP)

    def is_synced():
        return "1 row synced in 1 map." in record(run.id)[2]

    run = ask(order)
    until(holder, seconds=300)
    describe(deployed, Side.FINOPS, "Live")
    until(lambda: described(deployed, Side.DATAVERSE) == "Live", seconds=60)
    until(is_synced, seconds=60)
    ask(lambda client: client.set_flow_run_state(run.id, Cancelling()))
    until(lambda: not holder(), seconds=120)
    ended = until(
        lambda: (now := ask(lambda c: c.read_flow_run(run.id))).state.is_final() and now, seconds=60
    )

    assert ended.state.is_cancelled(), ended.state.message
    tasks, artifacts, _ = record(run.id)
    assert tasks == []
    assert "live-sync" in artifacts
