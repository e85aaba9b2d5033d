"""The transactions of an app: a `Snapshot` that reads one moment, a `Writing`, and a `Watch`.

A snapshot reads queues and tables in one consistent state.  A writing is one transaction,
silent for its own queue (`Origin`), in which rows are locked, looked up and written, and what
was applied is recorded in the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Entries, Op
from dualwrite.apps.query import KeyRange, Query


@dataclass(frozen=True, slots=True)
class Altered:
    """Rows that the app's own triggers gave other values than those written.

    Shapes: `numbers` (m,) int64, their places among the rows given; `changed` (m,) the columns
    that hold other values, in the spelling of an entry.
    """

    numbers: pa.Array
    changed: pa.Array

    def at(self, places: pa.Array) -> Altered:
        """The same rows among others, of which those given were the `places`."""
        return Altered(places.take(self.numbers), self.changed)


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did; the three add up to the rows given."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    altered: tuple[Altered, ...] = ()

    def __add__(self, other: Written) -> Written:
        return Written(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.altered + other.altered,
        )

    def at(self, places: pa.Array) -> Written:
        """The same, of rows that were the `places` among others."""
        if not self.altered:
            return self
        return replace(self, altered=tuple(each.at(places) for each in self.altered))


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

    `insert`, `update`, `delete` and `rename` are all or nothing each; where one is refused, what
    was done before it in the transaction stays.
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

    def rename(self, table: str, old: pa.Table, new: pa.Table) -> int:
        """Give the rows whose columns equal a row of `old` the values of `new`; how many.

        Shapes: (n, k) and (n, c), row by row, each named by the table's own columns; columns of
        `old` may be among those of `new`.  All or nothing.

        Raises:
            As `App.write`.
        """

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

    def record_applied(self, queue: str, ids: pa.Array, stamp: int = 0) -> None:
        """Record in the inbox that the entries `ids` of the other app's `queue` are applied here.

        It replaces what was recorded for that queue before: those entries are acknowledged by now.
        `stamp` grows from one record to the next.
        """


class Watch(Protocol):
    """Waits for changes."""

    def wait(self, seconds: float) -> bool:
        """Wait until a queue may have new entries, at most so long; whether one has."""

    def close(self) -> None:
        """Stop."""
