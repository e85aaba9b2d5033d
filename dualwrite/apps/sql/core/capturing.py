"""What each database supplies for capture, and the tables of ours that all keep.

A dialect supplies the queue and its triggers, how a transaction names its origin, how rows
are locked without waiting, and how to wait for changes.  Reading queues, writing and recording
are written once, in the modules beside this one.

Two tables stand in an app beside its queues: `dualwrite_epoch`, the newest worker seen for
each map, and `dualwrite_inbox`, which entries of the other app's queues are in here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import changed_text
from dualwrite.apps.sql.core.dialect import Dialect, Expression
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.transactions import Watch
from dualwrite.tablemap.schema import Column, TableSchema

BRIEFLY = 0.5
"""Seconds that a writing waits for a lock that an application holds."""

_MAP = Column("map", pa.string(), "TEXT", nullable=False)
_EPOCH = Column("epoch", pa.int64(), "BIGINT", nullable=False)
EPOCHS = TableSchema("dualwrite_epoch", {"map": _MAP, "epoch": _EPOCH}, primary_key=("map",))


def spelled(origin: Origin) -> str:
    """The queues that an origin silences, as one text for the session of its transaction.

    A line for each: its name, a tab, and the columns as `changed_text`, or `*` for all.
    """
    lines = (
        f"{queue}\t{'*' if columns is None else changed_text(columns)}\n"
        for queue, columns in origin.silenced.items()
    )
    return "\n" + "".join(lines)


class Capturing(ABC):
    """Queues, triggers, origins and locks of one database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    @abstractmethod
    def create_tables(self, session: DatabaseSession) -> None:
        """Make the tables of ours that are not there."""

    @abstractmethod
    def install(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> None:
        """Make the queue and its triggers, or bring them up to date; entries stay.

        Raises:
            NoCaptureError: This database cannot watch this table.
            QueueTakenError: Its triggers of that name are another project's.
        """

    @abstractmethod
    def uninstall(self, session: DatabaseSession, capture: Capture) -> None:
        """Remove triggers and queue, as far as they are there."""

    @abstractmethod
    def faults(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:
        """What is not as `install` makes it, one line each."""

    @abstractmethod
    def uncaptured(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:
        """How rows of the table can change unseen, one line each."""

    @abstractmethod
    def existing(self, session: DatabaseSession, queues: Collection[str]) -> set[str]:
        """Which of these queues are there."""

    @abstractmethod
    def begin(
        self,
        session: DatabaseSession,
        origin: Origin | None,
        *,
        wait: float | None,
        branch: str | None = None,
    ) -> int | None:
        """Begin a transaction that writes, marked with its origin.

        It waits `wait` seconds for a lock; None leaves the session's own patience.  As a
        `branch` it can be prepared, where the database can.
        What it gives is what `newest_epoch` gives for the origin's map.
        """

    def statement(
        self,
        session: DatabaseSession,  # noqa: ARG002
        origin: Origin | None,  # noqa: ARG002
        rows: pa.Table,  # noqa: ARG002
        *,
        schema: TableSchema,  # noqa: ARG002
        key: Sequence[str],  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """Around a statement that writes `rows`, known by `key`.

        What else it changes is captured, where the database's own triggers cannot tell.
        """
        return nullcontext()

    @abstractmethod
    def commit(self, session: DatabaseSession, origin: Origin | None) -> None:
        """Commit; the session is nobody's afterwards."""

    def begin_reading(self, session: DatabaseSession) -> None:
        """Begin a transaction in which every read sees the same moment."""
        session.begin(writing=False)

    @abstractmethod
    def newest_epoch(
        self, session: DatabaseSession, map_name: str, *, alone: bool = False
    ) -> int | None:
        """The newest epoch of a map, locked until the transaction ends.

        Writers share the lock: a partition does not wait for another.  Who is to raise it has
        it `alone`.
        """

    @abstractmethod
    def store_epoch(self, session: DatabaseSession, map_name: str, epoch: int) -> bool:
        """Store an epoch unless a newer one is there; whether it was stored."""

    def overtaken(self, root: Any) -> sa.ColumnElement[bool] | None:  # noqa: ARG002
        """Of a row just locked, whether it may be newer than the statement that locked it.

        None where one statement cannot lock and read.
        """
        return None

    def held(
        self,
        statement: sa.Select[tuple[Any, ...]],
        root: Any,
        *,
        deleting: bool,
    ) -> sa.Select[tuple[Any, ...]]:
        """The statement so that it locks its rows of `root`, leaving out those it cannot."""
        return statement.with_for_update(skip_locked=True, key_share=not deleting, of=root)

    @abstractmethod
    def place(self, schema: TableSchema, root: Any) -> Sequence[tuple[Column, Expression]]:
        """What tells rows of a table apart inside one transaction.

        Empty where a writing has the whole database to itself.
        """

    @abstractmethod
    def notify(self, session: DatabaseSession, queue: QueueTable) -> None:
        """Wake who watches the queue: entries were added by hand."""

    @abstractmethod
    def watch(self, queues: Collection[str]) -> Watch:
        """Wait for changes; driver faults come out as they are."""
