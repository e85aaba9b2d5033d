"""What is applied and acknowledged already, as the apps themselves know it.

A worker can die, or lose an app, between the commit over there and the acknowledgement here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Inbox, ids_within
from dualwrite.journal.records import BatchRecord
from dualwrite.link import Side
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.capture.fencing import RestoredError
from dualwrite.sync.capture.queues import PAGE, acknowledged_of, begun_in, pages
from dualwrite.sync.cycle.direction import DirectionWorker
from dualwrite.sync.session import Session

LOOK_SECONDS = 0.25
"""How often a target is asked whether it was restored, at most."""


def acknowledge_applied(
    session: Session, map_name: str, directions: Mapping[Side, DirectionWorker]
) -> None:
    """Acknowledge what the other side's inbox says is applied; of what is begun, carry the rest.

    Raises:
        RestoredError: An app has forgotten what this worker did.
        TransientError, PermanentError: From the apps.
    """
    for side, direction in directions.items():
        app, other, queue = session.apps[side], session.apps[side.other], direction.capture.queue
        inbox = _inbox(other, queue, map_name, direction.applied)
        _inbox(app, acknowledged_of(queue), map_name, direction.remembered)
        if inbox.ranges:
            _clear_held(session, map_name, side, direction.capture, inbox.ranges)
            app.acknowledge_ranges(queue, inbox.ranges)
        direction.context.begun[side] = ids_within(other.inbox(begun_in(queue)).ranges)


def notice_restore(session: Session, map_name: str, direction: DirectionWorker) -> None:
    """Look whether a target still has what this worker committed last, before it writes again.

    A restore need not end a connection, and the next commit would hide it.  A look costs a trip, so
    there is one in `LOOK_SECONDS` at most.

    Raises:
        RestoredError: It has not.
        TransientError, PermanentError: From the app.
    """
    if not direction.applied or time.monotonic() < direction.looks_at:
        return
    direction.looks_at = time.monotonic() + LOOK_SECONDS
    target = session.apps[direction.source.other]
    _inbox(target, direction.capture.queue, map_name, direction.applied)


def remember_acknowledged(
    session: Session, map_name: str, directions: Mapping[Side, DirectionWorker]
) -> Mapping[Side, int]:
    """Let each app remember the last entry of its queue that was acknowledged; which that is.

    An app that is put back to an earlier state has forgotten it, though its queue may have given
    as many ids again.

    Raises:
        RestoredError: An app has forgotten what it was told before.
        TransientError, PermanentError: From the apps.
    """
    for side, direction in directions.items():
        if direction.given > direction.remembered:
            app, queue = session.apps[side], acknowledged_of(direction.capture.queue)
            _inbox(app, queue, map_name, direction.remembered)
            with app.writing(direction.origin) as writing:
                nothing = pa.array([], pa.int64())
                writing.record_applied(queue, nothing, direction.given)
            direction.remembered = direction.given
    return {side: direction.remembered for side, direction in directions.items()}


def _inbox(app: App, queue: str, map_name: str, stamp: int) -> Inbox:
    """What an app has recorded of a queue; it had a record of this `stamp` once.

    Raises:
        RestoredError: It has an older one.
        TransientError, PermanentError: From the app.
    """
    inbox = app.inbox(queue)
    if inbox.stamp < stamp:
        raise RestoredError(map_name=map_name, app=app.side.value)
    return inbox


def _clear_held(
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
