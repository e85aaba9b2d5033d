"""Capture: which changes an app keeps for us, and who may write without being captured.

An app keeps a *queue* of changed keys for each map, filled by the app itself in the
transaction of each change (`entries.py`).  A queue is installed and removed with its map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dualwrite.errors import PermanentError
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference


@dataclass(frozen=True, slots=True)
class Capture:
    """What of a table is captured, for one map.

    `queue` is the name of the queue table, and of its triggers.  Only a change of one of
    `columns` (the table's own, by name) makes an update an entry; an insert or a delete
    always does.  `key` is followed through lookups when the change is made, so that the key
    of a deleted row is known.  With `images` each entry keeps the row as the change left it.
    """

    queue: str
    table: str
    key: tuple[ColumnPath, ...]
    columns: tuple[str, ...]
    lookups: Mapping[str, Reference] = field(default_factory=dict)
    images: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Who writes: our own work for one map of the link.

    `queue` is the target's own queue: it keeps none of the rows that we write.  `echoes` are the
    queues of other maps of the link over the same two tables, each with the table's own columns
    that both maps carry: those keep of our rows the changes of other columns only.  What our
    write sets off beyond the rows that we write (a trigger, a foreign key that cascades) is
    a change like any other, and every queue keeps it.  A write by an `epoch` older than the one
    that the app has seen for `map` is refused.
    """

    map: str
    queue: str | None
    epoch: int
    echoes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def silenced(self) -> dict[str, tuple[str, ...] | None]:
        """Each queue that does not keep all of what we write: the columns that it leaves out,
        None for all.
        """
        own = {} if self.queue is None else {self.queue: None}
        return {**self.echoes, **own}


class OvertakenError(PermanentError):
    """A worker with a newer lease has written: this one must stop."""

    def __init__(self, *, app: str, map_name: str) -> None:
        self.app, self.map_name = app, map_name
        super().__init__(
            f"{map_name}: another worker has taken it over ({app} has seen a newer one). "
            "This transaction was rolled back; what was committed before stays.\n"
            "  See dualwrite status; nothing needs to be repaired."
        )


class QueueMissingError(PermanentError):
    """A queue that the journal knows of is not in the app."""

    def __init__(self, *, app: str, table: str, queue: str) -> None:
        self.app, self.table, self.queue = app, table, queue
        super().__init__(
            f"{app}.{table}: its queue {queue} is gone, so changes made since are not known. "
            "Nothing was written.\n"
            "  dualwrite check --repair installs it again and compares both sides."
        )


class QueueTakenError(PermanentError):
    """A table that several schemas reach is captured under the same name from another one."""

    def __init__(self, *, app: str, table: str, queue: str, place: str) -> None:
        self.app, self.table, self.queue, self.place = app, table, queue, place
        super().__init__(
            f"{app}.{table}: its triggers {queue} fill a queue in {place}, which another project "
            "keeps there. Nothing was installed, its changes are captured as before.\n"
            "  Give the map another name in one of the two projects; if there is no other one, "
            "remove these triggers."
        )


class NoCaptureError(PermanentError):
    """Changes of a table cannot be captured at all."""

    def __init__(self, *, app: str, table: str, reason: str) -> None:
        self.app, self.table, self.reason = app, table, reason
        super().__init__(
            f"{app}.{table}: changes cannot be captured ({reason}). Nothing was installed.\n"
            "  Map the table below it, or compare both sides on a schedule "
            "(dualwrite reconcile --repair)."
        )
