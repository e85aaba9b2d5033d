"""A write of both sides in two phases: whoever dies when, both have it or neither."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dualwrite.errors import AppUnreachableError
from dualwrite.link import Side
from dualwrite.sync.capture import recovery
from dualwrite.sync.capture.recovery import WithdrawnError, recover
from dualwrite.sync.write_both.write import FollowsError, write_both
from tests.servers import running as servers
from tests.sync.killed_writer import POINTS
from tests.sync.world import D, F, World, cust, make_world

ROOT = Path(__file__).parents[2]
ROW = {"INVOICEACCOUNT": "", "PARTYTYPE": "Organization"}
TWO = cust("C2", "two", **ROW)
BEFORE = [[("C1", "one")]] * 2
AFTER = [[("C1", "one"), ("C2", "two")]] * 2

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def preparing() -> Iterator[servers.Server]:
    """A PostgreSQL that lets transactions be prepared."""
    with servers.postgresql(prepared=10) as server:
        yield server


@pytest.fixture(params=["postgresql", "mariadb"])
def phased(request: pytest.FixtureRequest, tmp_path: Path, empty_journal: Path) -> Iterator[World]:
    """A running world whose apps both prepare transactions."""
    kind = request.param
    server = request.getfixturevalue("preparing" if kind == "postgresql" else "mariadb_server")
    urls = {side: server.fresh_database() for side in Side}
    world = make_world(tmp_path / "project", kind, urls, journal=empty_journal)
    world.put(F, "Cust", cust("C1", "one"))
    world.run()
    yield world
    world.close()
    for url in urls.values():
        server.drop(url)


def both(world: World) -> list[list[tuple[str, str]]]:
    return [
        world.rows(F, "Cust", "ACCOUNT", "NAME"),
        world.rows(D, "customer", "accountnumber", "name"),
    ]


def test_both_sides_have_the_row_and_nothing_is_left_in_doubt(phased: World) -> None:
    done = write_both(phased.session, "customers", F, [TWO])

    assert (done.here.inserted, done.across, both(phased)) == (1, 1, AFTER)
    assert phased.session.journal.prepared_writes.all() == []
    phased.cycle_until_done()
    assert both(phased) == AFTER


@pytest.mark.parametrize("point", POINTS)
def test_a_writer_that_is_killed_leaves_both_or_neither(
    phased: World, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if phased.kind == "postgresql" and point not in ("prepare twice", "decide"):
        pytest.skip("where nothing differs between the databases one of them is enough")
    phased.close()
    died = subprocess.run(
        [sys.executable, "-m", "tests.sync.killed_writer", str(phased.folder), point],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr

    monkeypatch.setattr(recovery, "YOUNG", timedelta(0))
    recover(phased.session)

    assert both(phased) == (AFTER if point in ("decide", "remove") else BEFORE)
    phased.cycle_until_done()
    assert both(phased) == (AFTER if point in ("decide", "remove") else BEFORE)
    assert phased.unexplained() == {}
    assert write_both(phased.session, "customers", F, [TWO]).across in (0, 1)
    assert both(phased) == AFTER


class Losing:
    """An app whose connection is lost when it is to commit what it has prepared."""

    def __init__(self, app: Any, side: Side) -> None:
        self._app, self._loses = app, app.side is side

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    @contextmanager
    def branch(self, origin: Any, name: str) -> Iterator[Any]:
        with self._app.branch(origin, name) as writing:
            yield writing
            if self._loses:
                raise AppUnreachableError(app=self._app.name, reason="the line broke")


@pytest.mark.parametrize("side", list(Side))
def test_a_line_that_breaks_after_the_decision_changes_nothing(phased: World, side: Side) -> None:
    phased.wrap = lambda app: Losing(app, side)
    done = write_both(phased.open(), "customers", F, [TWO])

    assert (done.across, both(phased)) == (1, AFTER)
    assert phased.session.journal.prepared_writes.all() == []


def test_an_app_that_stays_away_after_the_decision_is_written_by_the_next_cycle(
    phased: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(Losing):
        away = True

        def resolve_prepared(self, name: str, *, commit: bool) -> bool:
            if self._loses and self.away:
                raise AppUnreachableError(app=self._app.name, reason="gone")
            return bool(self._app.resolve_prepared(name, commit=commit))

    phased.wrap = lambda app: Away(app, D)
    with pytest.raises(FollowsError, match="do not write them again"):
        write_both(phased.open(), "customers", F, [TWO])
    assert both(phased)[0] == AFTER[0]

    monkeypatch.setattr(Away, "away", False)
    phased.cycle_until_done()  # the worker that starts resolves it

    assert both(phased) == AFTER
    assert phased.session.journal.prepared_writes.all() == []


def test_a_writer_taken_for_dead_is_withdrawn(
    phased: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = phased.session.journal.prepared_writes
    decided: Callable[..., bool] = writes.decide
    monkeypatch.setattr(
        writes,
        "decide",
        lambda name, *, commits: decided(name, commits=False) and commits,
    )
    with pytest.raises(WithdrawnError):
        write_both(phased.session, "customers", F, [TWO])

    assert both(phased) == BEFORE
    assert phased.held() == []
