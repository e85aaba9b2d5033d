"""Each way of breaking the engine is noticed by a test; that it passes else, the suite says."""

from __future__ import annotations

import pytest

from tests.mutations.breaking import MUTATIONS, Mutation
from tests.mutations.running import caught


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_broken_engine_is_noticed(mutation: Mutation) -> None:
    assert caught(mutation)
