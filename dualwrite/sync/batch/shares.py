"""From an outcome to what the journal is told, one share for each direction.

A key that came through is let go from the journal, should it have waited there.
Usually nothing waits, and then nothing is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture
from dualwrite.journal.records import BatchRecord, Counts, key_text
from dualwrite.journal.store import Journal
from dualwrite.link import Side
from dualwrite.sync.batch.carry import Outcome
from dualwrite.sync.batch.held import Held
from dualwrite.sync.capture.changes import ids_in
from dualwrite.sync.capture.queues import PAGE, pages
from dualwrite.sync.session import Session
from dualwrite.translate.keys import key_text as key_texts


def shares_of(journal: Journal, map_name: str, outcome: Outcome) -> Mapping[str, BatchRecord]:
    """What to journal of an outcome, by direction."""
    shares: dict[str, BatchRecord] = {}
    for direction in {**outcome.counts, **outcome.seen}:
        held = outcome.held.get(direction, Held())
        waiting = journal.held.keys(map_name, direction)
        still = {key_text(key) for key in held.keys}
        came = among(waiting, outcome.seen.get(direction, ())) if waiting else set()
        counts = outcome.counts.get(direction, Counts())
        shares[direction] = BatchRecord(counts, held.rejected, held.parked, came - still)
    return shares


def clear_carried(
    session: Session, map_name: str, side: Side, capture: Capture, ranges: Sequence[tuple[int, int]]
) -> None:
    """Let go from the journal what is across: a worker may have died before it came to that.

    What waited there would count as a change of its side for ever, at odds with every later one
    of the other side.
    """
    waiting = session.journal.held.keys(map_name, side.direction)
    if not waiting:
        return
    lows, highs = np.array(sorted(ranges), np.int64).T
    found: set[str] = set()
    for page in pages(session, capture, side, PAGE):
        ids = ids_in(page).to_numpy()
        at = np.searchsorted(lows, ids, "right") - 1
        carried = (at >= 0) & (ids <= highs[at])
        found |= among(waiting, (page.select(range(4, page.num_columns)).filter(carried),))
    if found:
        session.journal.held.record(map_name, {side.direction: BatchRecord(cleared=found)})


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
