"""Worlds: in memory unless a test asks for a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dualwrite.journal.store import Journal
from dualwrite.link import Side
from tests.sync.stock import Stock, make_stock
from tests.sync.world import World, make_world

KINDS = ("memory", "sqlite", "postgresql", "mariadb")

WorldMaker = Callable[..., World]


@pytest.fixture(scope="session")
def empty_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new journal's file: to bring one up to date takes longer than most tests."""
    file = tmp_path_factory.mktemp("journal") / "journal.db"
    Journal.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def new_world(
    tmp_path: Path, app_pair_urls: Callable[[str], tuple[str, str]], empty_journal: Path
) -> Iterator[WorldMaker]:
    """Make a world of a kind: memory, sqlite, postgresql, mariadb."""
    made: list[World] = []

    def make(kind: str = "memory", **engine: int) -> World:
        # in memory the urls are never opened
        pair = app_pair_urls("sqlite" if kind == "memory" else kind)
        urls = dict(zip(Side, pair, strict=True))
        folder = tmp_path / f"project{len(made)}"
        made.append(make_world(folder, kind, urls, journal=empty_journal, **engine))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(new_world: WorldMaker) -> World:
    """Two apps in memory that hold the same three companies and nothing else."""
    return new_world()


@pytest.fixture(params=KINDS)
def real_world(request: pytest.FixtureRequest, new_world: WorldMaker) -> World:
    """The same, of every kind in turn."""
    return new_world(request.param)


# SQLite locks as memory does; what differs the apps' contract shows
_SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("postgresql", "mariadb")]


@pytest.fixture(params=["memory", *_SLOW])
def every_world(request: pytest.FixtureRequest, new_world: WorldMaker) -> World:
    """The same; databases only where slow tests run."""
    return new_world(request.param)


@pytest.fixture
def new_stock(tmp_path: Path, empty_journal: Path) -> Iterator[Callable[..., Stock]]:
    """Make a small world of quantities and money, in memory."""
    made: list[Stock] = []

    def make(**options: bool) -> Stock:
        made.append(make_stock(tmp_path / f"stock{len(made)}", empty_journal, **options))
        return made[-1]

    yield make
    for stock in made:
        stock.journal.close()


@pytest.fixture
def stock(new_stock: Callable[..., Stock]) -> Stock:
    """One whose ERP keeps units of its own."""
    return new_stock()
