"""Concurrent writers on both sides while live sync is disturbed and killed every few seconds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from dualwrite.link import Side
from dualwrite.sandbox.schema.creating import driver_url
from dualwrite.sync.retry import retry
from tests.sync.lineage import Lineage
from tests.sync.tables import D, F
from tests.sync.world import World, cust
from tests.torture.disturbances import Disturbance, disturbances
from tests.torture.writers import SHARED, Writer

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Figures:
    """How much there was, and how long it took to be one again."""

    commits: int
    rollbacks: int
    kills: int
    disturbed: Mapping[str, int]
    """How often the worker was disturbed before it was killed, and how."""
    carried: int
    conflicts: int
    settle_seconds: float


def torture(
    world: World, *, seconds: float, writers: int, every: float = 3.0, seed: int | None = None
) -> Figures:
    """Torture a fresh world, and hold both sides to what was committed.

    With a `seed` the worker, its journal and its databases are disturbed too, in an order that
    the seed gives; what was held meanwhile is tried again in the end.

    Raises:
        AssertionError: Something is lost, doubled, echoed, or overwritten without a record.
    """
    world.map("customers", ("columns:", "conflicts: {policy: merge, then: newest}\ncolumns:"))
    world.put(F, "Cust", *(cust(f"S{n:02}", "shared") for n in range(SHARED)))
    world.run()
    ids = dict(world.rows(D, "company", "code", "companyid"))
    world.close()
    over = threading.Event()
    engines = {
        side: sa.create_engine(driver_url(world.urls[side]), pool_size=writers) for side in Side
    }
    users = [Writer(side, n, engines[side], over) for side in Side for n in range(writers)]
    for user in users:
        user.company = "USMF" if user.side is F else ids["USMF"]
        user.start()
    chance = random.Random(seed or 1)
    if seed is None:
        disturbed = _live_and_die(world.folder, seconds, every, {}, chance)
    else:
        with disturbances(world.folder, world.urls) as chaos:
            disturbed = _live_and_die(world.folder, seconds, every, chaos, chance)
    over.set()
    for user in users:
        user.join()
    for engine in engines.values():
        engine.dispose()
    began = time.monotonic()
    world.cycle_until_done()
    if seed is not None:
        retry(world.open(), world.held())
        world.cycle_until_done()
    figures = Figures(
        sum(user.done.commits for user in users),
        sum(user.done.rollbacks for user in users),
        disturbed.total(),
        {name: disturbed[name] for name in sorted(disturbed) if name},
        sum(
            counts.written
            for counts, _ in world.session.journal.cycles.totals("customers").values()
        ),
        len(world.conflicts()),
        round(time.monotonic() - began, 1),
    )
    _hold(world, users)
    return figures


def _live_and_die(
    project: Path,
    seconds: float,
    every: float,
    chaos: Mapping[str, Disturbance],
    chance: random.Random,
) -> Counter[str]:
    """Live sync for so long, killed and begun again; how often it was, by its disturbance."""
    end, done = time.monotonic() + seconds, Counter[str]()
    # each comes, whatever the chance; then they are drawn
    todo = chance.sample(list(chaos), len(chaos))
    command = [sys.executable, "-m", "dualwrite", "live", "--project", str(project)]
    while todo or time.monotonic() < end:
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as live:
            assert live.stderr is not None
            # it is to die at work, not while it starts
            assert live.stderr.readline().startswith(b"Live."), live.stderr.read()
            name = todo.pop() if todo else chance.choice(["", *chaos])
            try:
                with chaos[name](live) if name else nullcontext():
                    time.sleep(every + chance.random() * every)
                if chance.random() < 0.5:
                    time.sleep(every)  # it goes on by itself
            finally:
                live.send_signal(signal.SIGKILL)
        assert live.returncode == -signal.SIGKILL, f"it lives until it is killed, also {name}"
        done[name] += 1
    return done


def _hold(world: World, users: list[Writer]) -> None:
    """Nothing lost, doubled, echoed, or overwritten without a record."""
    assert world.unexplained() == {}, world.unexplained()
    assert world.held() == [], world.held()
    assert world.cycle() == {}, "nothing echoes"
    sides = [
        world.rows(F, "Cust", "ACCOUNT", "NAME"),
        world.rows(D, "customer", "accountnumber", "name"),
    ]
    assert sides[0] == sides[1]
    names = dict(sides[0])
    assert len(names) == len(sides[0]), "no row is doubled"
    for user in users:
        for account, name in user.done.own.items():
            assert names.get(account) == name, (user.name, account, names.get(account), name)
    lineage = Lineage()
    for user in users:
        for name, before in user.done.shared:
            lineage.wrote(name, where=user.name, over=before)
    stored = world.session.journal.conflicts.find("customers", open_only=False)
    rows = [row or {} for each in stored for row in each.conflict.rows.values()]
    named = {value for row in rows for value in row.values()}
    lost = lineage.lost(dict.fromkeys(Side, names.values()), named)
    assert lost == [], lost
