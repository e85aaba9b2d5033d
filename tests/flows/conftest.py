"""One Prefect server for all tests of flows, and filters for warnings of third-party imports."""

from __future__ import annotations

import gc
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")

with warnings.catch_warnings():
    # great_expectations imports sre_constants; prefect's own dependencies say what will change
    warnings.simplefilter("ignore", DeprecationWarning)
    import great_expectations  # noqa: F401
    import prefect  # noqa: F401
    from prefect.testing.utilities import prefect_test_harness

from dualwrite.sandbox.project import create_sandbox
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import open_session
from tasks import events
from tasks.sessions import close_sessions
from tests.flows.people import MAP

SOCKETS = "ignore:.*unclosed (<socket|event loop|transport):"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Prefect leaves its clients' sockets to the garbage collector; nothing else is passed over."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(f"{SOCKETS}ResourceWarning"))


@pytest.fixture(autouse=True)
def no_socket_is_left_to_other_tests() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=240):
        yield


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    create_sandbox(tmp_path / "box", rows=100)
    yield tmp_path / "box"
    close_sessions()


@pytest.fixture(scope="session")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox whose customer groups run, with the maps that they need; to be copied."""
    box = tmp_path_factory.mktemp("at-work") / "box"
    create_sandbox(box, rows=100)
    with open_session(box) as session:
        run_maps(session, make_plan(session, [MAP], with_related=True), RunOptions())
    return box


@pytest.fixture
def running(at_work: Path, tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(at_work, tmp_path / "box")
    yield tmp_path / "box"
    close_sessions()


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The events that flows emit, in order."""
    emitted: list[dict[str, Any]] = []
    monkeypatch.setattr(events, "emit_event", lambda **event: emitted.append(event))
    return emitted
