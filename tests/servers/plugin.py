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

import pytest

from tests.servers import running
from tests.servers.running import NoServerError, Server


@contextmanager
def _or_skip(kind: str) -> Iterator[Server]:
    start = {"postgresql": running.postgresql, "mariadb": running.mariadb}[kind]
    try:
        context = start()
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
def postgresql_server() -> Iterator[Server]:
    with _or_skip("postgresql") as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Server]:
    with _or_skip("mariadb") as server:
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
