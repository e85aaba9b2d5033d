"""What a flow asks before it runs a cycle: the maps at work, and how much is queued."""

from __future__ import annotations

from collections.abc import Sequence

from dualwrite.errors import TransientError
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from dualwrite.operations.session import Session


def maps_at_work(session: Session) -> list[str]:
    """The maps that run, or whose initial sync is under way.

    Raises:
        TransientError, PermanentError: From the journal.
    """
    records = session.journal.maps.all()
    return [each.name for each in records if each.status is not MapStatus.NOT_RUNNING]


def queued_changes(session: Session, names: Sequence[str] | None = None) -> int:
    """The changes that wait in the queues of these maps, or of all.

    An app that does not answer counts as none: nothing of it can be carried.

    Raises:
        TransientError, PermanentError: From the journal.
    """
    records = [each for each in session.journal.maps.all() if names is None or each.name in names]
    pending = 0
    for side in Side:
        queues = [each.queues[side.value] for each in records if side.value in each.queues]
        try:
            pending += sum(session.apps[side].pending(queues).values())
        except TransientError:
            continue
    return pending
