"""Short torture runs; for a long one: `python -m tests.torture --seconds 60 --writers 8`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sync.world import World
from tests.torture.run import torture


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_nothing_is_lost_when_live_sync_is_killed_repeatedly(
    new_world: Callable[..., World], kind: str
) -> None:
    figures = torture(new_world(kind), seconds=10, writers=3)

    assert figures.kills >= 2
    assert figures.commits > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_nothing_is_lost_when_live_sync_is_disturbed_in_every_way(
    new_world: Callable[..., World], kind: str
) -> None:
    figures = torture(new_world(kind), seconds=20, writers=2, seed=20_261_129)

    assert set(figures.disturbed) == {
        *("cascading", "frozen", "full disk", "ignoring"),
        *("journal locked", "refusing", "silent"),
    }
    assert figures.commits > 0
