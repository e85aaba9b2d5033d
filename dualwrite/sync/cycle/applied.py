"""After a crash between two commits: held rows whose changes are across are discarded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dualwrite.apps.capture import Capture
from dualwrite.journal.records import BatchRecord
from dualwrite.link import Side
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.capture.queues import PAGE, pages
from dualwrite.sync.session import Session


def clear_applied(
    session: Session, map_name: str, side: Side, capture: Capture, ranges: Sequence[tuple[int, int]]
) -> None:
    """Discard held rows whose newer changes are across: a worker died before it did so.

    Kept, such a row would count as a pending change of its side for ever, and make a conflict of
    every later change of the other side.
    """
    held = HeldChanges(session.journal, map_name, side.direction)
    if not held:
        return
    lows, highs = np.array(sorted(ranges), np.int64).T
    found: set[str] = set()
    for page in pages(session, capture, side, PAGE):
        ids = page.id.to_numpy()
        at = np.searchsorted(lows, ids, "right") - 1
        carried = (at >= 0) & (ids <= highs[at])
        found |= held.among(page.keys.filter(carried))
    if found:
        session.journal.held.record(map_name, {side.direction: BatchRecord(cleared=found)})
