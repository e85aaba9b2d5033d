"""Every journal test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from dualwrite.journal.store import Journal


@pytest.fixture(params=["sqlite", "postgresql"])
def url(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/not there yet/journal.db"
    return fresh_database("postgresql")


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    with Journal.open(url) as opened:
        yield opened


@contextmanager
def assert_no_write(journal: Journal) -> Iterator[None]:
    """Fails if a writing transaction begins inside the block."""
    writes = []

    def note(connection: Connection) -> None:
        writes.append(connection.get_execution_options().get("writes", False))

    event.listen(journal._database.engine, "begin", note)
    try:
        yield
    finally:
        event.remove(journal._database.engine, "begin", note)
    assert not any(writes)
