"""Each mutation is detected by a test that passes without it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.mutations.breaking import MUTATIONS, Mutation
from tests.mutations.running import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def checked() -> dict[str, dict[str, Any]]:
    """Every mutation by its name, all checked by one process of their own."""
    command = [sys.executable, "-m", "tests.mutations", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(MUTATIONS), done.stderr
    return {each["name"]: each for each in found}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_mutation_of_the_engine_is_detected(checked: dict[str, Any], mutation: Mutation) -> None:
    found = checked[mutation.name]

    assert found["passes"], found["output"]
    assert found["caught"], f"no test of {found['where']} failed\n{found['output']}"
