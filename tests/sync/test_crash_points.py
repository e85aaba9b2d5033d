"""A cycle is killed at each named step, the users go on, and the next worker completes it.

What is left must be what the same changes leave when nobody disturbs them: no row lost,
doubled or echoed, no conflict that was none, none missing.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sync.killed_cycle import NEVER
from tests.sync.world import D, F, World, cust, customer

ROOT = Path(__file__).parents[2]
BOTH = (
    "before the first page",
    "between two pages",
    "before the transaction",
    "locked, not looked",
    "looked, not written",
    "inserted",
    "updated",
    "in the inbox",
    "before the commit",
    "after the commit",
    "before the acknowledgement",
    "after the acknowledgement",
    "deleted",
    "before the commit of deletes",
    "after the commit of deletes",
)
POINTS = [
    *(f"{side.value}: {point}" for side in (F, D) for point in BOTH),
    *(
        f"journal: {when} {what}"
        for when in ("before", "after")
        for what in ("held rows", "conflicts", "counts")
    ),
]
FAST = (
    "dataverse: looked, not written",
    "dataverse: before the commit",
    "dataverse: after the commit",
    "finops: after the acknowledgement",
    "journal: before conflicts",
    "dataverse: after the commit of deletes",
)


HELD = ("C06", "L00")
"""Rows that dataverse cannot take: one whose other version wins there, and one that waits."""


def begun(world: World) -> World:
    """Rows that both sides hold, and changes of every sort that are queued."""
    world.map("customers", ("columns:", "conflicts: {policy: merge, then: dataverse}\ncolumns:"))
    world.put(F, "Cust", *(cust(f"C{n:02}", "one") for n in range(14)))
    world.run()
    world.put(F, "CustGroup", {"DATAAREAID": "USMF", "GROUPID": "G1", "DESCRIPTION": "g"})
    world.put(F, "Cust", *(cust(f"C{n:02}", "of finops") for n in range(6)))
    world.put(F, "Cust", *(cust(f"N{n:02}", "new", GROUPID="G1") for n in range(6)))
    world.put(F, "Cust", *(cust(account, "a name of more than twenty letters") for account in HELD))
    world.put(D, "customer", *(customer(f"C{n:02}", "of dataverse") for n in range(4, 12)))
    world.put(D, "customer", *(customer(f"M{n:02}", "new") for n in range(6)))
    world.remove(F, "Cust", DATAAREAID="USMF", ACCOUNT="C12")
    world.remove(D, "customer", accountnumber="C13")
    return world


def meanwhile(world: World) -> None:
    """Users go on while no worker lives."""
    world.put(D, "customer", customer("C00", "meanwhile"))
    world.put(F, "Cust", cust("C11", "meanwhile"))
    world.put(F, "Cust", cust("N00", "meanwhile", GROUPID="G1"))
    world.put(F, "Cust", cust("L00", "meanwhile"))


Killer = Callable[[World, str], bool]


@pytest.fixture(scope="module")
def killed() -> Iterator[Killer]:
    """Run a cycle to its death at a point; whether it came there."""
    command = [sys.executable, "-m", "tests.sync.killed_cycle"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as workers:
        stdin, stdout = workers.stdin, workers.stdout
        assert stdin is not None
        assert stdout is not None

        def kill(world: World, point: str) -> bool:
            world.close()
            stdin.write(json.dumps([str(world.folder), point, 1]) + "\n")
            stdin.flush()
            ended = int(stdout.readline())
            assert ended in (NEVER, -signal.SIGKILL)
            return ended != NEVER

        yield kill
        stdin.close()


def assert_good(world: World) -> None:
    """Both sides agree, and only what must be in conflict was."""
    world.cycle_until_done()
    assert world.unexplained() == {}
    assert world.held() == []
    names = dict(world.rows(F, "Cust", "ACCOUNT", "NAME"))
    across = dict(world.rows(D, "customer", "accountnumber", "name"))
    assert len(names) == len(world.rows(F, "Cust", "ACCOUNT"))
    assert len(across) == len(world.rows(D, "customer", "accountnumber"))
    assert names.keys() == across.keys()
    assert {"C12", "C13"}.isdisjoint(names)
    for account in (f"N{n:02}" for n in range(1, 6)):
        assert names[account] == "new"
    assert names["N00"] == names["L00"] == "meanwhile"
    # changed on both sides, if the first change was not across yet: then dataverse wins
    assert names["C11"] in ("meanwhile", "of dataverse")
    assert names["C00"] == "meanwhile"
    assert [names[f"C{n:02}"] for n in range(1, 4)] == ["of finops"] * 3
    assert [names[f"C{n:02}"] for n in (4, 5, *range(7, 11))] == ["of dataverse"] * 6
    # C00, C11 and N00 may come in conflict by what the users did meanwhile, no other row may
    reported = {key for key, _, _ in world.conflicts()}
    assert {"C04", "C05"} <= reported <= {"C04", "C05", "C06", "C00", "C11", "N00"}
    assert world.cycle() == {}, "nothing echoes"


@pytest.mark.parametrize("point", FAST[:3])
def test_the_next_worker_completes_a_cycle_that_was_killed(
    new_world: Callable[..., World], killed, point
):
    world = begun(new_world("sqlite"))

    assert killed(world, point)

    meanwhile(world)
    assert_good(world)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "point"),
    [
        *(("sqlite", point) for point in POINTS if point not in FAST[:3]),
        *((kind, point) for kind in ("postgresql", "mariadb") for point in FAST),
    ],
)
def test_a_cycle_survives_a_kill_at_every_point(
    new_world: Callable[..., World], killed: Killer, kind, point
):
    world = begun(new_world(kind))

    assert killed(world, point)

    meanwhile(world)
    assert_good(world)
