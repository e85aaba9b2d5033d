"""The life of a map: capture comes with `run` and goes with `stop`; pause and resume between.

    not running ─ run ─> initializing ─> running ─ pause ─> paused ─ resume ─> resuming ─> running
    any ─ stop ─> not running

Pausing carries nothing: the apps go on filling their queues, for as long as it lasts.  A worker
reads the status between its cycles, so a map that is live somewhere can be paused and stopped
from here; what has to change its queues waits for that worker to release the map.

Each command takes several maps and has a result for each: one that is refused stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path

from dualwrite.apps.capture import Capture
from dualwrite.errors import DualWriteError, PermanentError, TransientError
from dualwrite.journal.leases import LeaseHeldError
from dualwrite.journal.records import MapStatus, RunOutcome
from dualwrite.link import Side
from dualwrite.sync.capture.captures import captures_of, queues_of, remove_captures
from dualwrite.sync.mapstate.queues import drop_entries, export_queue, hold_queue
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import own_lease
from dualwrite.tablemap.catalogue import UnknownMapError
from dualwrite.tablemap.findings import MapError
from dualwrite.tablemap.model import TableMap


class Resume(Enum):
    """What becomes of the changes that queued while a map was paused."""

    CATCH_UP = "catch-up"
    KEEP_QUEUE = "keep-queue"
    DROP_QUEUE = "drop-queue"


class WrongStatusError(PermanentError):
    """A map does not have the status that a command needs."""

    def __init__(self, *, map_name: str, status: MapStatus, wanted: str) -> None:
        self.map_name, self.status = map_name, status
        hint = (
            f"Start it with: dualwrite run {map_name}"
            if status is MapStatus.NOT_RUNNING
            else f"Let its initial sync end (dualwrite run {map_name}), or give it up: "
            f"dualwrite stop {map_name}"
        )
        super().__init__(
            f"{map_name}: it is {status.value}, so it cannot be {wanted}. Nothing was changed.\n"
            f"  {hint}"
        )


class QueuedChangesError(PermanentError):
    """Stopping a map would drop changes that are queued."""

    def __init__(self, *, map_name: str, status: MapStatus, queued: int) -> None:
        self.map_name, self.queued = map_name, queued
        changes = "1 change is" if queued == 1 else f"{queued:,} changes are"
        first = {
            MapStatus.INITIALIZING: f"Let its initial sync end: dualwrite run {map_name}",
            MapStatus.PAUSED: f"Resume it, then sync them: dualwrite resume {map_name}",
        }
        super().__init__(
            f"{map_name}: {changes} queued and not synced yet; stopping the map drops them, and "
            "its next run may overwrite them. Nothing was changed.\n"
            f"  {first.get(status, f'Sync them first: dualwrite sync {map_name}')}\n"
            f"  Or export them to a file and drop them: dualwrite stop {map_name} --drop-queue"
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """What a command did with one map; `error` says why it did not."""

    map: str
    status: MapStatus
    note: str = ""
    error: DualWriteError | None = None
    files: tuple[Path, ...] = ()
    """Where entries were exported to before they were dropped."""


def pause(session: Session, names: Sequence[str]) -> list[Moved]:
    """Let changes queue in the apps from now on, without a limit of time."""
    return _each(session, names, _pause)


def resume(session: Session, names: Sequence[str], how: Resume) -> list[Moved]:
    """Let paused maps run again; `how` says what becomes of what has queued."""
    return _each(session, names, partial(_resume, how=how))


def stop(session: Session, names: Sequence[str], *, drop_queue: bool = False) -> list[Moved]:
    """Take maps out of work and their captures out of the apps.

    A map with queued changes is refused; with `drop_queue` they are exported and dropped.
    """
    return _each(session, names, partial(_stop, drop_queue=drop_queue))


def _each(
    session: Session, names: Sequence[str], move: Callable[[Session, str], Moved]
) -> list[Moved]:
    results = []
    known = {each.name for each in session.journal.maps.all()}
    for name in dict.fromkeys(names):
        try:
            # A map whose file is gone can still be stopped.
            if name not in known:
                session.catalogue.entry(name)
            results.append(move(session, name))
        except DualWriteError as error:
            results.append(Moved(name, session.journal.maps.status(name), error=error))
    return results


def _pause(session: Session, name: str) -> Moved:
    among = (MapStatus.RUNNING, MapStatus.RESUMING)
    before = session.journal.maps.change_status(
        name, MapStatus.PAUSED, among=among, reason="paused"
    )
    if before is MapStatus.PAUSED:
        return Moved(name, before, "was paused already, nothing changed")
    if before not in among:
        raise WrongStatusError(map_name=name, status=before, wanted="paused")
    return Moved(name, MapStatus.PAUSED, "paused; changes queue in both apps until it is resumed")


def _resume(session: Session, name: str, how: Resume) -> Moved:
    status = session.journal.maps.status(name)
    if status is MapStatus.RUNNING:
        return Moved(name, status, "was running already, nothing changed")
    if status not in (MapStatus.PAUSED, MapStatus.RESUMING):
        raise WrongStatusError(map_name=name, status=status, wanted="resumed")
    if how is not Resume.CATCH_UP:
        return _go_live(session, name, _keep if how is Resume.KEEP_QUEUE else _drop)
    among = (MapStatus.PAUSED,)
    session.journal.maps.change_status(name, MapStatus.RESUMING, among=among, reason="catches up")
    return Moved(
        name,
        MapStatus.RESUMING,
        f"resuming; the next cycles carry what has queued (dualwrite sync {name}), then it runs",
    )


def _go_live(session: Session, name: str, clear: Callable[[Session, TableMap], Moved]) -> Moved:
    """Empty the queues, then run at once: later changes are carried as they come."""
    maps, table_map = session.journal.maps, session.map(name)
    among = (MapStatus.PAUSED, MapStatus.RESUMING)
    # a worker that catches up has to release the map first
    maps.change_status(name, MapStatus.PAUSED, among=among, reason="goes live at once")
    with own_lease(session, name, "resume"):
        cleared = clear(session, table_map)
        session.journal.activity.log(name, "resume", cleared.note)
        maps.change_status(name, MapStatus.RUNNING, among=among, reason="resumed")
    return cleared


def _keep(session: Session, table_map: TableMap) -> Moved:
    name = table_map.name
    moved = [hold_queue(session, table_map, side) for side in _queueing(session, table_map)]
    kept, left = sum(held for held, _ in moved), sum(stay for _, stay in moved)
    note = f"running; {kept:,} queued rows are held for a retry (dualwrite errors --map {name})"
    if left:
        note += f", {left:,} queued deletes go across with the next cycle"
    return Moved(name, MapStatus.RUNNING, note)


def _drop(session: Session, table_map: TableMap) -> Moved:
    dropped, files = _export_and_drop(session, table_map)
    note = f"running; {dropped:,} queued changes were dropped, a copy of them is in the exports"
    return Moved(table_map.name, MapStatus.RUNNING, note, files=files)


def _export_and_drop(session: Session, table_map: TableMap) -> tuple[int, tuple[Path, ...]]:
    """Export every queue before any is dropped: a file that cannot be written stops all."""
    name, at = table_map.name, datetime.now(UTC)
    folder = session.link.project / ".dualwrite" / "exports"
    sides = _queueing(session, table_map)
    files = [folder / f"{name}-{at:%Y%m%dT%H%M%SZ}-{side.value}.csv" for side in sides]
    exported = [
        export_queue(session, table_map, side, file)
        for side, file in zip(sides, files, strict=True)
    ]
    dropped = sum(
        drop_entries(session, table_map, side, ids)
        for side, ids in zip(sides, exported, strict=True)
    )
    return dropped, tuple(files)


def _queueing(session: Session, table_map: TableMap) -> list[Side]:
    queues = queues_of(session, table_map.name)
    return [side for side in Side if side.value in queues]


def _export_all(session: Session, name: str) -> tuple[int, tuple[Path, ...]]:
    """As `_export_and_drop`; of a map whose file is gone nobody can say what its queue names."""
    try:
        table_map = session.map(name)
    except (UnknownMapError, MapError):
        return 0, ()
    return _export_and_drop(session, table_map)


def _queued(session: Session, name: str) -> int:
    """How many entries the queues of a map have; an app that is away keeps its queue anyway."""
    count = 0
    for side, queue in queues_of(session, name).items():
        with suppress(TransientError, PermanentError):
            count += sum(session.apps[Side(side)].pending([queue]).values())
    return count


def _stop(session: Session, name: str, *, drop_queue: bool) -> Moved:
    journal = session.journal
    before = journal.maps.status(name)
    if before is MapStatus.NOT_RUNNING and not queues_of(session, name):
        return Moved(name, before, "was not running, nothing changed")
    queued = _queued(session, name)
    if queued and not drop_queue:
        raise QueuedChangesError(map_name=name, status=before, queued=queued)
    if before is not MapStatus.INITIALIZING:
        # a worker that carries it reads this after its cycle, and releases the map
        journal.maps.change_status(
            name, MapStatus.NOT_RUNNING, among=tuple(MapStatus), reason="stopped"
        )
    try:
        with own_lease(session, name, "stop"):
            if run := journal.runs.unfinished(name):
                journal.runs.finish(run.id, RunOutcome.CANCELLED, "the map was stopped")
            journal.maps.set_status(name, MapStatus.NOT_RUNNING, reason="stopped")
            journal.maps.set_waits(name, None)
            dropped, files = (0, ()) if not queued else _export_all(session, name)
            left = stop_capture(session, name)
    except LeaseHeldError as error:
        if before is MapStatus.INITIALIZING:
            raise
        return Moved(
            name,
            MapStatus.NOT_RUNNING,
            f"stopped; process {error.pid} on {error.machine} has not released it yet, "
            "so its queues stay. Once that has ended: dualwrite check --repair",
        )
    if not left:
        note = "stopped"
        if dropped:
            note += f"; {dropped:,} queued changes were dropped, a copy of them is in the exports"
        return Moved(name, MapStatus.NOT_RUNNING, note, files=files)
    queues = queues_of(session, name)
    listed = " and ".join(f"{queues[side.value]} in {side.value}" for side in left)
    return Moved(
        name,
        MapStatus.NOT_RUNNING,
        f"stopped; its queue {listed} could not be removed and goes on filling. "
        "Once the app answers: dualwrite check --repair",
    )


def stop_capture(session: Session, name: str) -> tuple[Side, ...]:
    """Remove a map's queues from both apps; the sides that were away and keep theirs.

    The caller holds the map's lease.  A map whose file is gone can be stopped too: the
    journal knows its queues.
    """
    queues = queues_of(session, name)
    known: Mapping[Side, Capture] = {}
    with suppress(UnknownMapError, MapError, TransientError, PermanentError):
        known = captures_of(session, session.map(name))
    captures = {
        side: known.get(side, Capture(queues[side.value], "", (), ()))
        for side in Side
        if side.value in queues
    }
    left = remove_captures(session, captures)
    session.journal.maps.set_queues(name, {side.value: queues[side.value] for side in left})
    if not left:
        session.journal.maps.set_marks(name, {})
    return left
