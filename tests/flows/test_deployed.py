"""The real thing: the demo as a stranger types it, and a deployment with server and worker."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

ROOT = Path(__file__).parents[2]
MAP = "customer-groups--msdyn-customergroups"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def environment(**more: str) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**mine, "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **more}


def until(found, *, seconds: float):
    """What `found` gives, once it gives something."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        if result := found():
            return result
        pause.wait(0.5)
    pytest.fail(f"nothing after {seconds} seconds")


def test_the_demo_ends_well(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "flows.demo", "--rows", "200", "--dir", str(tmp_path / "box")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(
        r"demo finished: \d+ maps, [\d,]+ rows written, \d+ held back, 1 mended and released, "
        r"0 unexplained differences, \d+ seconds",
        lines[-1],
    )
    assert "  nothing to write" in lines
    assert (tmp_path / "box" / "reports" / "quality" / "index.html").exists()


@pytest.fixture
def deployed(tmp_path: Path, project: Path) -> Iterator[dict[str, str]]:
    """A server and a worker, with the deployments of deployments/prefect.yaml."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    env = environment(
        PREFECT_HOME=str(tmp_path / "prefect"),
        PREFECT_API_URL=url,
        PREFECT_WORKER_QUERY_SECONDS="1",
        DUALWRITE_HOME=str(ROOT),
        DUALWRITE_PROJECT=str(project),
    )
    prefect = str(Path(sys.executable).with_name("prefect"))

    def start(*args: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [prefect, *args],
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/health") as answer:
                return answer.status == 200
        except OSError:
            return False

    running = [start("server", "start", "--port", str(port))]
    try:
        until(healthy, seconds=180)
        file = "deployments/prefect.yaml"
        for words in (
            ["work-pool", "create", "dualwrite", "--type", "process"],
            ["--no-prompt", "deploy", "--prefect-file", file, "--all"],
        ):
            subprocess.run([prefect, *words], cwd=ROOT, env=env, check=True, capture_output=True)
        running.append(start("worker", "start", "--pool", "dualwrite"))
        yield env
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(60)


def test_a_scheduled_run_carries_the_map_and_leaves_its_record(deployed, project):
    async def order():
        async with get_client() as client:
            deployment = await client.read_deployment_by_name("initial_sync/nightly")
            run = await client.create_flow_run_from_deployment(
                deployment.id, parameters={"project": str(project), "maps": [MAP]}
            )
        return run.id

    async def state(run_id):
        async with get_client() as client:
            run = await client.read_flow_run(run_id)
        return run if run.state.is_final() else None

    async def record(run_id):
        async with get_client() as client:
            tasks = await client.read_task_runs()
            artifacts = await client.read_artifacts()
        return tasks, {a.key for a in artifacts if a.flow_run_id == run_id}

    with temporary_settings({PREFECT_API_URL: deployed["PREFECT_API_URL"]}):
        run_id = asyncio.run(order())
        run = until(lambda: asyncio.run(state(run_id)), seconds=300)
        tasks, artifacts = asyncio.run(record(run_id))

    assert run.state.is_completed(), run.state.message
    assert run.name == f"initial sync {MAP}"
    assert {"summary", "rows-by-map", "rows-held-back", "quality"} <= artifacts
    carried = [task for task in tasks if task.name.startswith(f"carry {MAP}")]
    assert carried
    assert {task.state.name for task in tasks} == {"Completed"}
    assert {task.empirical_policy.retries for task in carried} == {4}
