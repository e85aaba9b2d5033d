"""Databases to write every type into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.apps.workshops import Workshop, workshop
from tests.matrix.types import MADE
from tests.servers.running import Server


@pytest.fixture
def shops(
    fresh_database: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Workshop]]:
    """Empty databases, with the types that are made."""
    with ExitStack() as stack:

        def server_of(kind: str) -> Server:
            server: Server = request.getfixturevalue(f"{kind}_server")
            return server

        def make(kind: str) -> Workshop:
            made = stack.enter_context(workshop(kind, fresh_database, server_of))
            if MADE[kind]:
                made.execute(*MADE[kind])
            return made

        yield make
