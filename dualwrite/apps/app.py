"""An app behind one small protocol: what the engine asks of either business system.

Rows travel as `pyarrow.Table`.  What is read is named by path
(`msdyn_customergroupid.msdyn_groupid`), the app having followed the lookups;
what is written is named by the table's own columns, references filled in.
The app in memory (`memory/`) is the reference; every implementation passes the same contract
(`tests/apps/contract.py`), one test for every `Raises:` below.

Canonical types: string, int64, float64, bool, date32, timestamp[us] (naive) or
timestamp[us, UTC], decimal128(p, s), binary.  A decimal is exact from the
driver to here and back.  Null is null and '' is ''.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa

from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import Inbox
from dualwrite.apps.query import KeyRange, Query
from dualwrite.apps.transactions import Snapshot, Watch, Writing, Written
from dualwrite.link import Side
from dualwrite.tablemap.schema import TableSchema


class App(Protocol):
    """One business system.  Safe to use from several threads at once."""

    side: Side
    losses: int
    """How often the connection to the app was lost so far, whoever has noticed it."""

    @property
    def name(self) -> str:
        """`finops` or `dataverse`, for messages."""

    def tables(self) -> Sequence[str]:
        """Names of all tables and views, sorted.

        Raises:
            AppUnreachableError: No answer.
            AppRefusedError: Wrong user, password or database.
            MissingFileError: The app's file is not there.
        """

    def schema(self, table: str) -> TableSchema:
        """Describe a table; remembered until `refresh`.

        Raises:
            MissingTableError: There is none of that name (near names are offered).
        """

    def cautions(self) -> Sequence[tuple[str, str]]:
        """What a power cut or the like can do to this app by its own settings, each with a cure."""

    def refresh(self) -> None:
        """Forget what is remembered of tables: they may have been altered."""

    def privileges(self, table: str) -> frozenset[str]:
        """Which of `select`, `insert`, `update`, `delete` our user holds."""

    def count(self, query: Query) -> int:
        """How many rows `query` would give."""

    def partitions(
        self, query: Query, *, size: int, together: Sequence[str] = ()
    ) -> Sequence[KeyRange]:
        """Cut the table into ranges of about `size` rows, together covering every row.

        The first has an open low end and the last an open high one, so rows that
        come later fall into one of them.  An empty table gives one range.  The order
        is that of the primary key, or of the first unique index of non-null columns,
        or of `together`: rows that agree on those columns are never parted.

        Raises:
            NoKeyError: The table has no key to order it by, and no `together`.
        """

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        """Read the rows of `query`, or of one range of it, in one consistent state.

        Raises:
            MissingTableError, MissingColumnError: The query names what is not there.
            PrivilegeError: Our user may not read it.
            AppUnreachableError, AppBusyError: Try again later.
        """

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        """Read the rows of `query` whose key is among `keys`.

        Shapes: `keys` is (n, k), its columns named as `query.key` in any order, in
        canonical types; repeated rows are allowed, a null in a key finds nothing.
        The result holds each found row once, in no particular order.

        Raises:
            As `read`.
        """

    def write(
        self, table: str, rows: pa.Table, *, key: Sequence[str], fresh: bool = False
    ) -> Written:
        """Insert the rows that are not there by `key`, update those that differ.  All or nothing.

        Shapes: `rows` is (n, c), named by the table's own columns, in its canonical
        types; `key` are among them, unique and never null in `rows`.  Columns not
        given keep their value, or get their default in a new row.  A row that is
        equal already is not touched (no row version, no trigger).  `fresh` says that
        none of the keys is there: a straight bulk insert, which falls back to the
        careful way by itself when one is.

        Raises:
            ValueError: `key` is null or repeated in `rows`, or not among its columns.
            ReadOnlyTableError: The table is a view.
            RowsRefusedError: The app will not have some row (constraint, trigger, value).
            PrivilegeError, MissingTableError, MissingColumnError: A person must act.
            AppUnreachableError, AppBusyError, StorageFullError: Nothing was written.
        """

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        """As `write`, but rows that are not there are left out (counted as unchanged)."""

    def delete(self, table: str, keys: pa.Table) -> int:
        """Delete the rows whose columns equal a row of `keys`; how many went.  All or nothing.

        Raises:
            As `write`.
        """

    def redeclare(self, table: str, columns: Mapping[str, pa.DataType]) -> None:
        """Let decimal columns keep other digits from now on; no stored value changes.

        `columns` gives each its new `decimal128(p, s)`.  No row is touched, so nothing is queued.

        Raises:
            DigitsLostError: A stored value has more digits than its column would keep.
            NotDeclaredError: A column is no exact decimal, or something in the app depends on it.
            ReadOnlyTableError, MissingTableError, MissingColumnError, PrivilegeError: As `write`.
            AppBusyError: An application has the table in use.  Nothing was changed.
        """

    # Capture, see `apps.capture`

    def install(self, capture: Capture) -> None:
        """Keep these changes from now on; whole again if parts were missing or out of date.

        Entries that stand in the queue stay.

        Raises:
            NoCaptureError: The table is a view, or has no way to be watched.
            PrivilegeError: Our user may not make tables or triggers.
            MissingTableError, MissingColumnError: The capture names what is not there.
        """

    def uninstall(self, capture: Capture) -> None:
        """Remove a queue, its entries and its triggers; what is gone already is no fault."""

    def problems(self, capture: Capture, *, fresh: bool = True) -> Sequence[str]:
        """What is wrong with an installed capture, one line each; empty when it is whole.

        A missing queue or trigger, one that is switched off, one that was made for other
        columns; and changes that it cannot see in this app (deletes by cascade, a table that can
        be emptied).  Unless `fresh` the tables are taken as they were when last read: a table
        that was altered is then no news, and others go on using what is known of theirs.
        """

    def blind(self, capture: Capture) -> Sequence[str]:
        """Those of its problems that no installing mends: how rows change here unseen."""

    def pending(self, queues: Collection[str]) -> Mapping[str, int]:
        """How many entries stand in each queue; a queue that is gone is left out."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """One consistent state to read queues and tables from."""

    def writing(self, origin: Origin | None = None) -> AbstractContextManager[Writing]:
        """One transaction.  Without an origin it is an application's own: captured.

        It waits for other people's locks half a second at most.

        Raises:
            OvertakenError: A newer epoch has written.
            AppBusyError: A lock, a deadlock: nothing was written, try the whole again.
            As `write`.
        """

    def branch(self, origin: Origin | None, name: str) -> AbstractContextManager[Writing]:
        """As `writing`, as the branch `name` of a transaction that another app has part in.

        Where the app cannot prepare transactions it is a writing like any other.
        """

    def resolve_prepared(self, name: str, *, commit: bool) -> bool:
        """Commit a prepared branch, or roll it back; whether none of that name is left.

        One that another connection still holds is left to it.
        """

    def acknowledge(self, queue: str, ids: pa.Array) -> int:
        """Remove entries of a queue by id; how many there were.  All others stay."""

    def inbox(self, queue: str) -> Inbox:
        """What was recorded last of the other app's `queue`; an empty one if nothing was."""

    def acknowledge_ranges(self, queue: str, ranges: Sequence[tuple[int, int]]) -> int:
        """As `acknowledge`, by ranges as `inbox` gives them."""

    def fence(self, epochs: Mapping[str, int]) -> Mapping[str, int]:
        """Shut out workers with older epochs, by map; the epochs that were seen before."""

    def watch(self, queues: Collection[str]) -> Watch:
        """Wait for changes of these queues on a connection of its own."""

    def close(self) -> None:
        """Give back connections.  The object is not used afterwards."""
