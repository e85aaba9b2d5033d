"""Live and a PostgreSQL server that is stopped: at the start, and while changes are carried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dualwrite.link import Side
from tests.servers.running import NoServerError, Stoppable, stoppable_postgresql
from tests.sync.test_live import crossed, live, plain
from tests.sync.world import F, World, cust, make_world

pytestmark = pytest.mark.slow
APPS = [side.value for side in Side]


@pytest.fixture
def server() -> Iterator[Stoppable]:
    try:
        with stoppable_postgresql() as started:
            yield started
    except NoServerError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def running(tmp_path: Path, server: Stoppable, empty_journal: Path) -> Iterator[World]:
    """All maps run, over two databases of a server that can be stopped."""
    urls = {side: server.server.fresh_database() for side in Side}
    world = make_world(tmp_path / "project", "postgresql", urls, journal=empty_journal)
    world.put(F, "Cust", cust("C1", "one"))
    world.run()
    yield world
    server.start()
    world.close()


def test_a_server_that_is_started_after_live_is_waited_for(
    running: World, server: Stoppable
) -> None:
    running.put(F, "Cust", cust("C2", "two"))
    running.close()
    server.stop()

    with live(running.open) as under_way:
        under_way.until(lambda: under_way.notices)
        server.start()
        under_way.until(lambda: crossed(running, "C2"))
        under_way.until(lambda: under_way.notices[-1].endswith("4 maps go on."))

    # both are on that server; the one that was reached for first is the message
    first, last = (text.split()[0] for text in under_way.notices)
    assert first == last
    assert first in APPS
    assert ". 4 maps wait for it: " in under_way.notices[0]
    running.cycle_until_done()
    assert running.unexplained() == {}


def test_a_server_that_is_stopped_meanwhile_is_waited_for(
    running: World, server: Stoppable
) -> None:
    with live(running.open) as under_way:
        running.put(F, "Cust", cust("C2", "two"))
        under_way.until(lambda: crossed(running, "C2"))
        server.stop()
        under_way.until(lambda: under_way.notices)
        server.start()
        running.put(F, "Cust", cust("C3", "three"))
        under_way.until(lambda: crossed(running, "C3"))
        under_way.until(lambda: under_way.notices[-1].endswith("go on."))

    for app in APPS:
        mine = [text for text in plain(under_way.notices) if text.startswith(f"{app} ")]
        assert len(mine) <= 2, under_way.notices
    running.cycle_until_done()
    assert running.unexplained() == {}
