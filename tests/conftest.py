"""Common to all tests: servers, the option --slow, profiles of Hypothesis."""

from __future__ import annotations

import logging
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# a contract suite asserts in files that are no test_*.py: they too say what they compared
pytest.register_assert_rewrite(
    *(f"tests.{folder.parent.name}" for folder in Path(__file__).parent.glob("*/__init__.py"))
)
pytest_plugins = ["tests.servers.plugin"]

settings.register_profile(
    "dev", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# the same draws for the same tests: what lands is judged by itself, searches are made by hand
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.register_profile("thorough", parent=settings.get_profile("dev"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too")
    parser.addoption(
        "--one-server",
        action="store_true",
        help="of a slow test that every server runs, run one server's; which, its name says",
    )


SERVERS = ("postgresql", "mariadb")
WHOLE_PROCESSES = ("mutations", "torture", "flows", "docs", "real")
"""Folders with slow files, which are started first to balance the workers."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--one-server"):
        left_out = [item for item in items if _is_anothers(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    items.sort(key=lambda item: item.path.parent.name not in WHOLE_PROCESSES)
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow: run with --slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


def _is_anothers(item: pytest.Item) -> bool:
    """Whether another server's run of the same test stands for this one."""
    given = getattr(item, "callspec", None)
    kind = None if given is None else given.params.get("every_world")
    if kind not in SERVERS:
        return False
    name = item.nodeid.replace(kind, "")
    return SERVERS[zlib.crc32(name.encode()) % len(SERVERS)] != kind


@pytest.fixture
def engine_loggers() -> Iterator[None]:
    """The loggers of the engine as a new process has them: an import of `tasks` sets levels."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("dualwrite")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
