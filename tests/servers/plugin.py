"""Fixtures of real servers, for every test; one server of a kind a test run.

Without a server a test is skipped with the plain reason, or fails where
DUALWRITE_TEST_REQUIRE_SERVERS=1 says that it must run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.running import NoServerError, Server
from tests.servers.shared import START, Owner, asked_of_owner

FOLDER = "dualwrite_servers"
OWNER = pytest.StashKey[Owner]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of pytest-xdist: its workers ask the first process for servers."""
    config: pytest.Config = node.config
    if OWNER not in config.stash:
        config.stash[OWNER] = Owner()
        config.stash[OWNER].open()
    node.workerinput[FOLDER] = str(config.stash[OWNER].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if OWNER in config.stash:
        config.stash[OWNER].close()


@contextmanager
def _or_skip(kind: str, config: pytest.Config) -> Iterator[Server]:
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    context = START[kind]() if worker is None else asked_of_owner(kind, Path(worker[FOLDER]))
    try:
        server = context.__enter__()
    except NoServerError as reason:
        if os.environ.get("DUALWRITE_TEST_REQUIRE_SERVERS") == "1":
            pytest.fail(f"{kind} is required and cannot be started: {reason}")
        pytest.skip(f"{kind}: {reason}")
    try:
        yield server
    finally:
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with _or_skip("postgresql", request.config) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with _or_skip("mariadb", request.config) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: Server) -> str:
    """The server's own database; tests make theirs with `fresh_database`."""
    return postgresql_server.url


@pytest.fixture(scope="session")
def mariadb_url(mariadb_server: Server) -> str:
    """The server's own database; tests make theirs with `fresh_database`."""
    return mariadb_server.url


@pytest.fixture
def fresh_database(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """Make an empty database of a kind (sqlite, postgresql, mariadb); its URL."""
    made: list[tuple[Server, str]] = []
    files = iter(range(1000))

    def make(kind: str) -> str:
        if kind == "sqlite":
            file = tmp_path / f"app{next(files)}.db"
            sqlite3.connect(file).close()
            file.touch()
            return f"sqlite:///{file}"
        server: Server = request.getfixturevalue(f"{kind}_server")
        url = server.fresh_database()
        made.append((server, url))
        return url

    yield make
    for server, url in made:
        server.drop(url)


@pytest.fixture
def app_pair_urls(fresh_database: Callable[[str], str]) -> Callable[[str], tuple[str, str]]:
    """Two fresh databases of a kind: (finops, dataverse)."""
    return lambda kind: (fresh_database(kind), fresh_database(kind))
