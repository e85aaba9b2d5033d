"""The changes of a map that wait in the apps' queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dualwrite.apps.entries import Entries, Op, names_of
from dualwrite.errors import PermanentError
from dualwrite.journal.records import Key
from dualwrite.link import Side
from dualwrite.operations.results import QueryResult, timestamp
from dualwrite.operations.session import Session
from dualwrite.sync.batch.keys import keys_of
from dualwrite.sync.capture import queues
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.mapstate.queues import export_queue as write_queue

_DONE = {Op.INSERT.value: "insert", Op.UPDATE.value: "update", Op.DELETE.value: "delete"}


class NoQueueError(PermanentError):
    """A map has no queue on a side."""

    def __init__(self, *, map_name: str, side: Side) -> None:
        self.map_name, self.side = map_name, side
        super().__init__(
            f"{map_name}: it has no queue in {side.value}, because it does not run. "
            "No file was written.\n"
            f"  Start it with: dualwrite run {map_name}"
        )


@dataclass(frozen=True, slots=True)
class QueuedChange:
    """One entry of a queue."""

    id: int
    what: str
    """`insert`, `update` or `delete`."""
    key: Key
    changed: Sequence[str] | None
    """The columns that changed; None for all of them."""
    at: datetime


@dataclass(frozen=True, slots=True)
class SideQueue:
    """What waits on one side: how many changes in all, and the oldest of them."""

    pending: int
    entries: tuple[QueuedChange, ...]


@dataclass(frozen=True, slots=True)
class Queues(QueryResult):
    """The queues of a map, by side; a side on which nothing is captured is left out."""

    map: str
    queues: Mapping[Side, SideQueue]

    @property
    def pending(self) -> int:
        """How many changes wait on both sides."""
        return sum(queue.pending for queue in self.queues.values())

    def as_dict(self) -> dict[str, Any]:
        """`map`, and by side in `queues` the number `pending` and the `entries`."""
        return {
            "map": self.map,
            "queues": {
                side.value: {"pending": queue.pending, "entries": list(map(_dict, queue.entries))}
                for side, queue in self.queues.items()
            },
        }


@dataclass(frozen=True, slots=True)
class ExportedQueue(QueryResult):
    """A queue that was copied to a file; its entries stay in the queue."""

    file: Path
    entries: int

    def as_dict(self) -> dict[str, Any]:
        """`file`, `entries`."""
        return {"file": str(self.file), "entries": self.entries}


def look_into_queues(
    session: Session, name: str, side: Side | None = None, *, key: str = "", limit: int = 20
) -> Queues:
    """The oldest `limit` changes of each side, or of `side`, whose key contains the text `key`.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        TransientError, PermanentError: From the apps.
    """
    table_map = session.map(name)
    sides = [each for each in installed(session, table_map) if side in (None, each)]
    found = {
        each: SideQueue(
            queues.pending(session, table_map, each),
            _changes(queues.entries(session, table_map, each, text=key, limit=limit)),
        )
        for each in sides
    }
    return Queues(name, found)


def export_queue(session: Session, name: str, side: Side, file: Path) -> ExportedQueue:
    """Copy the whole queue of one side to a CSV file.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        NoQueueError: The map does not run.
        ExportError: The file cannot be written.
        TransientError, PermanentError: From the app.
    """
    table_map = session.map(name)
    if side not in installed(session, table_map):
        raise NoQueueError(map_name=name, side=side)
    ids = write_queue(session, table_map, side, file)
    return ExportedQueue(file, sum(map(len, ids)))


def _changes(entries: Entries) -> tuple[QueuedChange, ...]:
    columns = (entries.id, entries.op, entries.changed, entries.at)
    lists = [column.to_pylist() for column in columns]
    return tuple(
        QueuedChange(number, _DONE.get(op, op), key, names_of(changed), at)
        for number, op, changed, at, key in zip(*lists, keys_of(entries.keys), strict=True)
    )


def _dict(change: QueuedChange) -> dict[str, Any]:
    return {
        "id": change.id,
        "what": change.what,
        "key": change.key,
        "changed": change.changed,
        "at": timestamp(change.at),
    }
