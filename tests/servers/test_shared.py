"""The processes of a test run share one server of a kind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.servers import shared
from tests.servers.running import NoServerError, Server
from tests.servers.shared import GIVEN

ROOT = Path(__file__).parents[2]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is started and stopped, in order; MariaDB is not installed."""
    events: list[str] = []

    @contextmanager
    def postgresql() -> Iterator[Server]:
        events.append("started")
        yield Server("postgresql://here")
        events.append("stopped")

    @contextmanager
    def mariadb() -> Iterator[Server]:
        raise NoServerError("MariaDB is not installed")
        yield  # a generator all the same

    monkeypatch.setattr(shared, "START", {"postgresql": postgresql, "mariadb": mariadb})
    return events


@pytest.fixture
def owner(started: list[str]) -> Iterator[shared.Owner]:
    owner = shared.Owner()
    owner.open()
    yield owner
    owner.close()


def test_a_server_is_started_once_and_stopped_at_the_end(
    owner: shared.Owner, started: list[str]
) -> None:
    for _ in range(2):
        with shared.asked_of_owner("postgresql", owner.folder) as server:
            assert server.url == "postgresql://here"
    assert started == ["started"]

    owner.close()

    assert started == ["started", "stopped"]
    assert not owner.folder.exists()


def test_a_server_that_no_test_asks_for_is_not_started(
    owner: shared.Owner, started: list[str]
) -> None:
    owner.close()

    assert started == []


def test_a_test_without_its_server_gets_the_reason(owner: shared.Owner) -> None:
    with (
        pytest.raises(NoServerError, match=r"^MariaDB is not installed$"),
        shared.asked_of_owner("mariadb", owner.folder),
    ):
        pass


def test_a_command_gets_the_servers_in_its_environment_and_returns_its_exit_code() -> None:
    names = list(shared.GIVEN.values())
    command = [sys.executable, "-m", "tests.servers", sys.executable, "-c"]
    command.append(f"import os; print([os.environ[name] for name in {names}]); exit(3)")

    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(names, "given")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == ("['given', 'given']", 3)


def test_a_server_ends_with_a_process_that_is_killed() -> None:
    code = "from tests.servers.running import postgresql\nwith postgresql() as server:\n"
    code += "    print(server.url, flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in GIVEN.values()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    data = Path(child.stdout.readline().strip().partition("host=")[2])
    if not data.is_relative_to("/tmp"):
        child.kill()
        pytest.skip("there is no server to start")
    folder = data.parent if data.name == "data" else data
    number = int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    child.kill()
    child.communicate()

    end = time.monotonic() + 30
    while time.monotonic() < end and (psutil.pid_exists(number) or folder.exists()):
        time.sleep(0.05)
    assert not psutil.pid_exists(number)
    assert not folder.exists()
