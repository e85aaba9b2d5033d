"""Runs the tests that must detect each mutation, on apps in memory.

All runs are forked from one process that has imported the engine and pytest, so that a run costs
its tests alone.  That process starts no thread and opens no database before it forks.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# what the forked processes would import each
import alembic.command  # noqa: F401
import hypothesis  # noqa: F401
import psycopg  # noqa: F401
import pymysql  # noqa: F401
import pytest
import pytest_timeout  # noqa: F401
import xdist.plugin  # noqa: F401

import tests.sync.world  # noqa: F401
from tests.mutations.breaking import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
PASSED, FAILED = 0, 1
LAST_LINES = 15
PLAIN = ("-q", "-x", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:cov")
"""Which test fails is enough, and plain assertions are compiled before the fork."""


@dataclass(frozen=True)
class Checked:
    """What the tests of a mutation did without it and with it."""

    name: str
    where: str
    passes: bool
    """Whether they pass as long as nothing is broken."""
    caught: bool
    """Whether one fails once it is."""
    output: str
    """The last lines of a run that did otherwise."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check_all() -> Iterator[Checked]:
    """Check every mutation, one after the other."""
    os.chdir(ROOT)
    for mutation in MUTATIONS:
        passes, unbroken = _run(mutation, broken=False)
        caught, broken = _run(mutation, broken=True)
        output = "" if passes == PASSED else unbroken
        output += "" if caught == FAILED else broken
        where = f"`{mutation.tests}` -k `{mutation.only}`"
        yield Checked(mutation.name, where, passes == PASSED, caught == FAILED, output)


def _run(mutation: Mutation, *, broken: bool) -> tuple[int, str]:
    """Run its tests in a forked process: pytest's exit code and the end of its output."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        child = os.fork()
        if child == 0:
            _carry_out(mutation, broken, output.fileno())
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return os.waitstatus_to_exitcode(status), "".join(output.readlines()[-LAST_LINES:])


def _carry_out(mutation: Mutation, broken: bool, output: int) -> None:
    """In the forked process, which ends here."""
    code = -1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        if broken:
            mutation.apply()
        chosen = ["-k", f"memory and ({mutation.only})"]
        code = pytest.main([*PLAIN, mutation.tests, *chosen])
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)
