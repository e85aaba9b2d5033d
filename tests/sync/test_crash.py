"""The process is killed at any moment, again and again, and the same command goes on.

What it leaves must be what a run that nobody disturbed leaves: no row lost, none doubled.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dualwrite.journal.records import MapStatus
from tests.sync.world import MAPS, D, F, World, cust, customer

ROOT = Path(__file__).parents[2]
CUSTOMERS = 700
LONGEST = 120.0


@pytest.fixture
def oracle(new_world: Callable[..., World]) -> World:
    """The same rows after a run that nobody disturbed, in memory."""
    world = new_world("memory")
    fill(world)
    world.run(partition_rows=100)
    return world


def test_a_run_that_is_killed_again_and_again_comes_to_the_same_end(new_world, oracle):
    assert_survives(new_world, oracle, "sqlite", kills=5, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_a_run_survives_many_kills(new_world, oracle, kind):
    assert_survives(new_world, oracle, kind, kills=10, seed=2)


def assert_survives(
    new_world: Callable[..., World], oracle: World, kind: str, *, kills: int, seed: int
) -> None:
    """Kill runs of fresh projects until `kills` have hit, each run going on with the last."""
    chance = random.Random(seed)
    expected, held = oracle.everything(), oracle.causes()
    while kills > 0:
        world = new_world(kind, partition_rows=100)
        fill(world)
        world.close()
        # some moments at the start, where nothing is written yet, more while it works
        hits = 0
        while hits < 7 and kills > 0 and killed(world, chance.uniform(0.6, 3.0)):
            hits, kills = hits + 1, kills - 1
        finished(world)

        assert [world.status(name) for name in MAPS] == [MapStatus.RUNNING] * len(MAPS)
        assert world.unexplained() == {}
        assert doubled(world) == []
        assert world.everything() == expected
        assert world.causes() == held
        world.close()


def started(world: World) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dualwrite", "run", *MAPS, "--json"]
    return subprocess.Popen(
        [*command, "--project", str(world.folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def killed(world: World, after: float) -> bool:
    """Whether the run was still at work after that many seconds, and so was killed."""
    process = started(world)
    end = time.monotonic() + after
    try:
        process.wait(timeout=max(end - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    output, messages = process.communicate()
    assert process.returncode == 0, messages.decode()
    assert json.loads(output)["maps"]
    return False


def finished(world: World) -> None:
    process = started(world)
    output, messages = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, messages.decode()
    assert len(json.loads(output)["maps"]) == len(MAPS)


def doubled(world: World) -> list[Any]:
    """Keys that a side holds more than once."""
    tables = {
        (F, "Cust"): ("DATAAREAID", "ACCOUNT"),
        (D, "customer"): ("company.code", "accountnumber"),
        (F, "Vend"): ("DATAAREAID", "ACCOUNT"),
        (D, "vendor"): ("company.code", "number"),
    }
    return [
        key
        for (side, table), paths in tables.items()
        for key, count in Counter(world.rows(side, table, *paths)).items()
        if count > 1
    ]


def fill(world: World) -> None:
    """Customers and vendors of both sides that point at each other, some rows at fault."""
    chance = random.Random(7)
    world.put(F, "CustGroup", *({"DATAAREAID": "USMF", "GROUPID": f"{n}"} for n in range(10, 15)))
    vendors = [f"V{n:03}" for n in range(150)]
    numbers = [f"C{n:04}" for n in range(CUSTOMERS)]
    world.put(
        F,
        "Vend",
        *(
            {"DATAAREAID": "USMF", "ACCOUNT": v, "NAME": v, "CUSTOMER": chance.choice(numbers)}
            for v in vendors
        ),
    )
    world.put(
        F,
        "Cust",
        *(
            cust(
                number,
                "x" * 21 if chance.random() < 0.01 else f"name {number}",
                GROUPID="none" if chance.random() < 0.01 else str(chance.randint(10, 14)),
                CREDIT=Decimal(chance.randint(0, 10**6)) / 100,
                INVOICEACCOUNT=chance.choice(numbers) if chance.random() < 0.3 else "",
                VENDOR=chance.choice(vendors) if chance.random() < 0.3 else None,
            )
            for number in numbers
        ),
    )
    overlapping = chance.sample(numbers, 150)
    world.put(
        D,
        "customer",
        *(
            customer(number, f"theirs {number[1:]}", memo="theirs", hold=chance.choice([0, 1, 9]))
            for number in [*overlapping, *(f"D{n:04}" for n in range(200))]
        ),
    )
