"""The start of a worker: older ones are shut out, and an app that was restored is noticed.

Each app remembers the newest worker it has seen of a map, what of its queue was acknowledged
last, and in its inbox the stamp of what was applied last; the journal remembers what it should
remember.  An app that remembers less was restored from a backup: its queue names what was
carried long ago, its ids are given out again, and the rows we wrote since are gone.  Nothing is
carried then until a person has confirmed it (`dualwrite check --repair`).
"""

from __future__ import annotations

from collections.abc import Mapping

from dualwrite.errors import PermanentError
from dualwrite.journal.records import Mark
from dualwrite.link import Side
from dualwrite.logs import GUARD_RESTORED
from dualwrite.sync.capture.queues import acknowledged_of
from dualwrite.sync.capture.recovery import recover
from dualwrite.sync.session import Session


class RestoredError(PermanentError):
    """An app has the state of some time ago."""

    def __init__(self, *, map_name: str, app: str) -> None:
        self.map_name, self.app = map_name, app
        super().__init__(
            f"{map_name}: {app} has an earlier state: it was restored from a backup, "
            "or is another database. Nothing was carried.\n"
            f"  dualwrite check {map_name} --repair compares both sides, and queues what differs."
        )


def fence(session: Session, epochs: Mapping[str, int]) -> dict[str, RestoredError]:
    """Shut out workers older than these epochs, by map; the maps of which an app was restored.

    Those stay as they are: the next worker gets the same error.

    Raises:
        TransientError, PermanentError: From the apps.
    """
    recover(session)  # what a dead writer left in doubt holds locks
    marks = session.journal.maps.all_marks()
    faults: dict[str, RestoredError] = {}
    for side in Side:
        for name in restored(session, side, {name: marks.get(name, {}) for name in epochs}):
            GUARD_RESTORED.log(map=name, app=side.value)
            faults.setdefault(name, RestoredError(map_name=name, app=side.value))
    sound = {name: epoch for name, epoch in epochs.items() if name not in faults}
    for side in Side:
        session.apps[side].fence(sound)
    # after the apps: what the journal expects of them, they have
    session.journal.maps.advance_marks(sound)
    return faults


def fence_one(session: Session, map_name: str, epoch: int) -> None:
    """As `fence`, for one map.

    Raises:
        RestoredError: An app was restored from a backup.
        TransientError, PermanentError: From the apps.
    """
    faults = fence(session, {map_name: epoch})
    if faults:
        raise faults[map_name]


def restored(session: Session, side: Side, marks: Mapping[str, Mapping[Side, Mark]]) -> list[str]:
    """The maps of which an app has forgotten workers, or how far its queue or its inbox was."""
    # an epoch of 0 shuts out nobody, and returns what was seen
    app = session.apps[side]
    seen = app.fence(dict.fromkeys(marks, 0))
    queues = {each.name: each.queues for each in session.journal.maps.all()}

    def forgotten(name: str, mark: Mark) -> bool:
        if seen.get(name, 0) < mark.epoch:
            return True
        ours, across = (queues.get(name, {}).get(each.value) for each in (side, side.other))
        if mark.given and ours and app.inbox(acknowledged_of(str(ours))).stamp < mark.given:
            return True
        return bool(mark.applied and across) and app.inbox(str(across)).stamp < mark.applied

    return [name for name, known in marks.items() if side in known and forgotten(name, known[side])]
