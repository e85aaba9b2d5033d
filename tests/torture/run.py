"""Concurrent writers on both sides while live sync is disturbed and killed every few seconds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import sqlalchemy as sa

from dualwrite.link import Side
from dualwrite.sandbox.schema.creating import driver_url
from dualwrite.sync.retry import retry
from tests.sync.lineage import Lineage
from tests.sync.tables import D, F
from tests.sync.world import World, cust
from tests.torture.backups import backup
from tests.torture.disturbances import disturbances
from tests.torture.live import Live
from tests.torture.writers import SHARED, Forgotten, Writer, paused


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
    the seed gives, and in the end an app is put back to where it was halfway; what was held
    meanwhile is tried again.

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
    live = Live(world.folder, every, random.Random(seed or 1))
    forgotten = Forgotten(live.chance.choice(list(Side)))
    if seed is None:
        live.and_die(seconds, {})
    else:
        _disturb(world, live, seconds, users, engines[forgotten.side], forgotten)
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
        live.ended.total(),
        {name: live.ended[name] for name in sorted(live.ended) if name},
        sum(
            counts.written
            for counts, _ in world.session.journal.cycles.totals("customers").values()
        ),
        len(world.conflicts()),
        round(time.monotonic() - began, 1),
    )
    _hold(world, users, forgotten)
    return figures


def _disturb(
    world: World,
    live: Live,
    seconds: float,
    users: list[Writer],
    engine: sa.Engine,
    forgotten: Forgotten,
) -> None:
    """Disturb everything, and put one app back to the state of halfway."""
    side = forgotten.side
    with disturbances(world.folder, world.urls) as chaos, ExitStack() as stack:
        live.and_die(seconds / 2, {})
        with paused(users):
            engine.dispose()
            restore = stack.enter_context(backup(world.urls[side], world.folder))
            forgotten.begin(users)
        live.and_die(seconds, chaos)
        with paused(users):
            engine.dispose()
            restore()
            forgotten.end(users)
        live.command_until(f"{side.value} has an earlier state", "sync", "customers")
        live.command_until("rows that differ were queued", "check", "customers", "--repair")
        live.and_die(seconds / 4, {})


def _hold(world: World, users: list[Writer], forgotten: Forgotten) -> None:
    """Nothing lost, doubled, echoed, or overwritten without a record."""
    assert world.unexplained() == {}, world.unexplained()
    assert world.held() == [], world.held()
    assert world.cycle() == {}, "nothing echoes"
    sides = [
        world.rows(F, "Cust", "ACCOUNT", "NAME", "PHONE"),
        world.rows(D, "customer", "accountnumber", "name", "phone"),
    ]
    assert sides[0] == sides[1]
    names = {account: name for account, name, _ in sides[0]}
    assert len(names) == len(sides[0]), "no row is doubled"
    for user in users:
        for account, name in user.done.own.items():
            right = {name} | forgotten.allowed(user, account)
            assert names.get(account) in right, (user.name, account, names.get(account), right)
    lineage = Lineage()
    for user in users:
        for name, before in user.done.shared:
            lineage.wrote(name, where=user.name, over=before)
    stored = world.session.journal.conflicts.find("customers", open_only=False)
    rows = [row or {} for each in stored for row in each.conflict.rows.values()]
    named = {value for row in rows for value in row.values()}
    lost = lineage.lost(dict.fromkeys(Side, names.values()), named | forgotten.shared)
    assert lost == [], lost
