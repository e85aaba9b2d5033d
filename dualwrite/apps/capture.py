"""Capture: which changes an app keeps for us, how they are read, and how a write answers them.

An app keeps a *queue* of dirty keys for each map, filled by the app itself in the
transaction of each change.  Nothing is read by a cursor: an entry stands in the queue until
its id is forgotten, so nothing that commits late can be skipped.  Three parties meet here:

* the queue, installed and removed with the map (`Capture`);
* a `Snapshot`: queues and tables of one app in one consistent state;
* a `Writing`: one transaction in the other app, silent for its own queue (`Origin`), in
  which rows are locked, looked at, written, and noted in the inbox.

Entries are a table of the columns of `ENTRY` and then the integration key, each part named
by its path and typed as the column at its end:

    id       int64     grows with each entry; never used twice, not even by a queue made anew
    op       string    'i', 'u' or 'd'; a changed key is a 'd' of the old and an 'i' of the new;
                       'c' was put here by us (`Writing.queue`); '?' says that the table no
                       longer has the shape that its capture was made for
    changed  string    `"name","other",` - own columns that changed; null: all of them (i, d)
    at       UTC time  when the app made the change, by the app's clock

A part of a key is null where the row had none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from dualwrite.apps.canonical import IN_UTC
from dualwrite.errors import PermanentError
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference

if TYPE_CHECKING:
    from dualwrite.apps.base import KeyRange, Query, Written

ENTRY = pa.schema(
    [("id", pa.int64()), ("op", pa.string()), ("changed", pa.string()), ("at", IN_UTC)]
)
"""The columns of an entry before those of its key."""


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
    """Who writes: our own work for one map.

    `queue` is the target's own queue, which stays silent for this write; the queues of
    other maps over the same table are not silent.  A write by an `epoch` older than the
    one the app has seen for `map` is refused.
    """

    map: str
    queue: str | None
    epoch: int


@dataclass(frozen=True, slots=True)
class Locked:
    """What stands in the app under some keys, read after it was locked.

    `rows` are named as the query reads them; their values cannot change before the
    transaction ends.  `busy` are the keys, named as `query.key`, of rows that are there but
    that someone else holds: leave them for later.
    """

    rows: pa.Table
    busy: pa.Table


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
            f"{app}.{table}: its queue {queue} is gone, so changes made since cannot be told. "
            "Nothing was written.\n"
            "  dualwrite check --repair installs it again and compares both sides."
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


class Snapshot(Protocol):
    """One consistent state of an app: every read sees the same moment."""

    def dirty(self, capture: Capture, *, after: int = 0, limit: int) -> pa.Table:
        """The first `limit` entries with an id above `after`, by id."""

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        """As `App.fetch`."""

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        """As `App.read`."""

    def images(self, capture: Capture, query: Query, ids: pa.Array) -> pa.Table:
        """The images of entries, as `query` would read those rows, with their `id` first."""


class Writing(Protocol):
    """One transaction in the target app.  It commits when its `with` block ends well.

    One that was prepared is not rolled back when the block breaks: it stays in doubt until
    `App.settle` says what becomes of it.

    `insert`, `update` and `delete` are all or nothing each; where one is refused, what was
    done before it in the transaction stays.
    """

    def lock(self, query: Query, keys: pa.Table, *, deleting: bool = False) -> Locked:
        """Lock the rows of `query` under these keys without waiting, and read them.

        Shapes: `keys` as in `App.fetch`.
        """

    def dirty(self, capture: Capture, keys: pa.Table) -> pa.Table:
        """The entries of these keys as they stand now, in a statement after the lock."""

    def insert(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        """As `App.write`; but with `fresh` a row that is there already is refused."""

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        """As `App.update`."""

    def delete(self, table: str, keys: pa.Table) -> int:
        """As `App.delete`."""

    def queue(self, capture: Capture, entries: pa.Table) -> None:
        """Add entries to the app's own queue, as if the app had made the changes now.

        Shapes: (n, 2 + k): `op`, `changed` and the key by path.
        """

    def forget(self, capture: Capture, ids: pa.Array) -> int:
        """Drop entries of the app's own queue; how many there were."""

    def tried(self, work: Callable[[], bool]) -> bool:
        """Do `work`, some calls of this transaction, and say whether it is done.

        Where it answers no, or the app refuses it or makes it wait, all is as it was before.
        Only where the app `steps_back`; else nothing is done.
        """

    @property
    def steps_back(self) -> bool:
        """Whether a statement that had to wait too long takes back no more than itself."""

    @property
    def preparable(self) -> bool:
        """Whether this is a branch that can be prepared, with what was done in it so far."""

    def prepare(self) -> None:
        """Make sure that this branch can be committed, whatever happens; the last call in it."""

    def carried(self, queue: str, ids: pa.Array) -> None:
        """Note in the inbox that the entries `ids` of the other app's `queue` are in here.

        It takes the place of what was noted for that queue before, which is forgotten by now.
        """


class Watch(Protocol):
    """Waits for changes."""

    def wait(self, seconds: float) -> bool:
        """Wait until a queue may have new entries, at most so long; whether one has."""

    def close(self) -> None:
        """Stop."""


def changed_text(columns: Sequence[str]) -> str:
    """Column names as `changed` spells them."""
    return "".join(f"{json.dumps(name, ensure_ascii=False)}," for name in columns)


def id_ranges(ids: pa.Array) -> list[tuple[int, int]]:
    """Ids as ranges with both ends within, as the inbox keeps them: no other id is in one."""
    ordered = np.unique(ids.to_numpy(zero_copy_only=False))
    if not len(ordered):
        return []
    cuts = np.flatnonzero(np.diff(ordered) != 1)
    lows, highs = ordered[[0, *(cuts + 1)]], ordered[[*cuts, -1]]
    return list(zip(lows.tolist(), highs.tolist(), strict=True))
