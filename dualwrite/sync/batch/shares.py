"""From an outcome to what the journal is told, one share for each direction.

A key that came through is let go from the journal, should it have waited there.
Usually nothing waits, and then nothing is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.journal.records import BatchRecord, Counts, key_text
from dualwrite.journal.store import Journal
from dualwrite.sync.batch.held import Held
from dualwrite.sync.batch.results import Totals
from dualwrite.translate.keys import key_text as key_texts


def shares_of(journal: Journal, map_name: str, totals: Totals) -> Mapping[str, BatchRecord]:
    """What to journal of some batches, by direction."""
    shares: dict[str, BatchRecord] = {}
    for direction in {**totals.counts, **totals.keys}:
        held = totals.held.get(direction, Held())
        waiting = journal.held.keys(map_name, direction)
        still = {key_text(key) for key in held.keys}
        came = among(waiting, totals.keys.get(direction, ())) if waiting else set()
        counts = totals.counts.get(direction, Counts())
        shares[direction] = BatchRecord(counts, held.rejected, held.parked, came - still)
    return shares


def among(waiting: Mapping[str, int], seen: tuple[pa.Table, ...]) -> set[str]:
    """Which of the waiting keys are among the rows that were seen."""
    found: set[str] = set()
    for rows in seen:
        asked, own = _told(waiting, rows)
        hit = pc.is_in(asked, value_set=own).to_pylist()
        found |= {text for text, there in zip(waiting, hit, strict=True) if there}
    return found


def waits_among(waiting: Mapping[str, int], keys: pa.Table) -> Any:
    """Which of n keys are among those that wait (as `held_keys` gives them)."""
    asked, own = _told(waiting, keys)
    return pc.is_in(own, value_set=asked, skip_nulls=True)


def _told(waiting: Mapping[str, int], keys: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Keys that wait, and others, told alike."""
    names = keys.column_names
    told = [json.loads(text) for text in waiting]
    asked = pa.table({n: pa.array([key.get(n) for key in told], pa.string()) for n in names})
    own = pa.table({n: keys[n].cast(pa.string()) for n in names})
    return key_texts(asked, names), key_texts(own, names)
