"""Maps paused, resumed and stopped: several at once, a result for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dualwrite.operations.results import CommandResult
from dualwrite.operations.session import Session
from dualwrite.sync.mapstate import mapstate as engine
from dualwrite.sync.mapstate.mapstate import Moved, Resume

__all__ = ["MovedMaps", "Resume", "pause", "resume", "stop"]


@dataclass(frozen=True, slots=True)
class MovedMaps(CommandResult):
    """The status of each map after the command; one that was refused says why."""

    maps: tuple[Moved, ...]

    @property
    def failed(self) -> bool:
        """Whether at least one was refused."""
        return any(each.error is not None for each in self.maps)

    def as_dict(self) -> dict[str, Any]:
        """`maps`: `map`, `status`, and `note`, `files` or `error` where there is one."""
        return {"maps": [_as_dict(each) for each in self.maps]}


def _as_dict(moved: Moved) -> dict[str, Any]:
    shown: dict[str, Any] = {"map": moved.map, "status": moved.status.value}
    if moved.note:
        shown["note"] = moved.note
    if moved.files:
        shown["files"] = [str(file) for file in moved.files]
    if moved.error is not None:
        shown["error"] = {"kind": type(moved.error).__name__, "message": str(moved.error)}
    return shown


def pause(session: Session, names: Sequence[str]) -> MovedMaps:
    """Carry nothing through these maps until they are resumed; changes queue in the apps.

    Raises:
        TransientError, PermanentError: From the journal.
    """
    return MovedMaps(tuple(engine.pause(session, names)))


def resume(session: Session, names: Sequence[str], how: Resume = Resume.CATCH_UP) -> MovedMaps:
    """Let paused maps run again; `how` says what becomes of the changes that queued.

    `KEEP_QUEUE` holds them in the journal for a retry; `DROP_QUEUE` exports them to a file in
    `.dualwrite/exports`, then removes them.

    Raises:
        TransientError, PermanentError: From the journal.
    """
    return MovedMaps(tuple(engine.resume(session, names, how)))


def stop(session: Session, names: Sequence[str], *, drop_queue: bool = False) -> MovedMaps:
    """Take maps out of work, and their queues out of the apps.

    A map with queued changes is refused; with `drop_queue` they are exported to a file in
    `.dualwrite/exports`, then removed.

    Raises:
        TransientError, PermanentError: From the journal.
    """
    return MovedMaps(tuple(engine.stop(session, names, drop_queue=drop_queue)))
