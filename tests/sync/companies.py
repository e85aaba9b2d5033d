"""The companies of a world, in the hands of a test: named, cycled, and what is reported of them."""

from __future__ import annotations

from dualwrite.journal.records import MapRecord
from dualwrite.link import Side
from dualwrite.sync.capture.fencing import fence
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.health.problems import problems
from tests.sync.tables import D, F
from tests.sync.world import World


def record(world: World, name: str = "companies") -> MapRecord:
    return next(each for each in world.session.journal.maps.all() if each.name == name)


def reported(world: World) -> list[tuple[Side | None, str]]:
    return [(each.side, each.text) for each in problems(world.session, record(world))]


def name_it(world: World, side: Side, name: str, code: str = "DEMF") -> None:
    if side is F:
        world.put(F, "Company", {"CODE": code, "NAME": name})
    else:
        world.put(D, "company", {"code": code, "name": name})


def names(world: World, code: str = "DEMF") -> list[str | None]:
    found = (world.rows(F, "Company", "CODE", "NAME"), world.rows(D, "company", "code", "name"))
    return [dict(rows).get(code) for rows in found]


def cycles(world: World) -> None:
    for _ in range(3):
        run_cycle(world.session)


def fenced(world: World) -> None:
    with world.session.journal.leases.take("companies", "test", 60) as lease:
        assert fence(world.session, {"companies": lease.epoch}) == {}
