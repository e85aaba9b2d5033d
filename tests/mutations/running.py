"""Running the tests that must notice a mutation, on apps in memory, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.mutations.breaking import Mutation

ROOT = Path(__file__).parents[2]
PASSED, FAILED = 0, 1


def sound(mutation: Mutation) -> bool:
    """Whether the tests pass as long as nothing is broken."""
    return _run(mutation, broken=False) == PASSED


def caught(mutation: Mutation) -> bool:
    """Whether a test fails once it is."""
    return _run(mutation, broken=True) == FAILED


def _run(mutation: Mutation, *, broken: bool) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.mutations.breaking"]
    command += [mutation.tests, "-k", f"memory and ({mutation.only})"]
    env = {**os.environ, "DUALWRITE_MUTATION": mutation.name if broken else ""}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
    return done.returncode
