"""Capture: which changes an app keeps for us, how they are read, and how a write answers them.

An app keeps a *queue* of dirty keys for each map, filled by the app itself in the
transaction of each change.  Nothing is read by a cursor: an entry stands in the queue until
its id is acknowledged, so nothing that commits late can be skipped.  Three parties meet here:

* the queue, installed and removed with the map (`Capture`);
* a `Snapshot`: queues and tables of one app in one consistent state;
* a `Writing`: one transaction in the other app, silent for its own queue (`Origin`), in
  which rows are locked, looked up, written, and recorded in the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from dualwrite.apps.entries import Entries, Op
from dualwrite.errors import PermanentError
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference

if TYPE_CHECKING:
    from dualwrite.apps.base import KeyRange, Query, Written


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
    """What an app holds under some keys, read after it was locked.

    `rows` are named as the query reads them; their values cannot change before the
    transaction ends.  `locked` are the keys, named as `query.key`, of rows that exist but
    that another transaction has locked: leave them for later.
    """

    rows: pa.Table
    locked: pa.Table


@dataclass(frozen=True, slots=True)
class Images:
    """Rows as entries kept them.

    Shapes: `rows` (n, c) are named as the query reads them; `ids` (n,) are those of their entries.
    """

    ids: pa.Array
    rows: pa.Table


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

    def entries(self, capture: Capture, *, after: int = 0, limit: int) -> Entries:
        """The first `limit` entries with an id above `after`, by id."""

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        """As `App.fetch`."""

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        """As `App.read`."""

    def images(self, capture: Capture, query: Query, ids: pa.Array) -> Images:
        """The images of entries, as `query` would read those rows; a delete has none."""


class Writing(Protocol):
    """One transaction in the target app.  It commits when its `with` block ends well.

    One that was prepared is not rolled back when the block breaks: it stays in doubt until
    `App.resolve_prepared` commits it or rolls it back.

    `insert`, `update` and `delete` are all or nothing each; where one is refused, what was
    done before it in the transaction stays.
    """

    def lock(self, query: Query, keys: pa.Table, *, deleting: bool = False) -> Locked:
        """Lock the rows of `query` under these keys without waiting, and read them.

        Shapes: `keys` as in `App.fetch`.
        """

    def entries(self, capture: Capture, keys: pa.Table) -> Entries:
        """The entries of these keys as they are now, in a statement after the lock."""

    def insert(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        """As `App.write`; but with `fresh` a row that is there already is refused."""

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        """As `App.update`."""

    def delete(self, table: str, keys: pa.Table) -> int:
        """As `App.delete`."""

    def enqueue(
        self,
        capture: Capture,
        keys: pa.Table,
        *,
        op: Op | pa.Array,
        changed: pa.Array | str | None = None,
    ) -> None:
        """Add entries to the app's own queue, as if the app had made the changes now.

        Shapes: `keys` is (n, k), named by path in any order, others beside them allowed.  `op`
        and `changed` hold for all n entries, or are (n,), in the form of `Entries`.
        """

    def acknowledge(self, capture: Capture, ids: pa.Array) -> int:
        """Remove entries from the app's own queue; how many there were."""

    def attempt(self, work: Callable[[], bool]) -> bool:
        """Do `work`, some calls of this transaction, and return whether it is done.

        Where it returns false, or the app refuses it or makes it wait, all is as it was before.
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

    def record_applied(self, queue: str, ids: pa.Array) -> None:
        """Record in the inbox that the entries `ids` of the other app's `queue` are applied here.

        It replaces what was recorded for that queue before: those entries are acknowledged by now.
        """


class Watch(Protocol):
    """Waits for changes."""

    def wait(self, seconds: float) -> bool:
        """Wait until a queue may have new entries, at most so long; whether one has."""

    def close(self) -> None:
        """Stop."""
