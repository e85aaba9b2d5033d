"""Which rows a job takes, by what the target holds under their keys."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

from dualwrite.sync.batch.batch import Takes

ROWS = ("new", "there", "locked", "changed there")
FOUND = pa.array([False, True, False, True])
LOCKED = pa.array([False, False, True, False])
CHANGED = pa.array([False, False, False, True])


@pytest.mark.parametrize(
    ("takes", "taken"),
    [
        (Takes.ALL, {"new", "there", "locked", "changed there"}),
        # a row that an application holds locked is there
        (Takes.NEW, {"new"}),
        (Takes.PRESENT, {"there", "locked", "changed there"}),
        (Takes.UNTOUCHED, {"new", "there"}),
        (Takes.UNMOVED, {"new", "there", "locked"}),
        (Takes.KNOWN, {"there", "changed there"}),
        (Takes.CLEAN, {"there"}),
    ],
)
def test_the_rows_that_are_taken(takes: Takes, taken: set[str]) -> None:
    state: Any = SimpleNamespace(found=FOUND, locked=LOCKED, changed=CHANGED)

    others = takes.others(cast("Any", state)).to_pylist()

    assert {row for row, other in zip(ROWS, others, strict=True) if not other} == taken
