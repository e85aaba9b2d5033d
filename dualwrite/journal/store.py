"""The journal as its callers use it: one object, with one store for each subject.

A `Journal` may be used from many threads, and many processes may open the same database.  Every
method of a store is one transaction.  Queries return data and change nothing; commands change
something, and return nothing, or what they found or made.
"""

from __future__ import annotations

from types import TracebackType

from dualwrite.journal.activity import ActivityStore
from dualwrite.journal.conflicts import ConflictStore
from dualwrite.journal.cycles import CycleStore
from dualwrite.journal.database import Database, open_database
from dualwrite.journal.held import HeldRowStore
from dualwrite.journal.leases import LeaseStore
from dualwrite.journal.maps import MapStore
from dualwrite.journal.prepared_writes import PreparedWriteStore
from dualwrite.journal.runs import RunStore
from dualwrite.journal.schema import migrate


class Journal:
    """The journal of a link."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.maps = MapStore(database)
        self.runs = RunStore(database)
        self.held = HeldRowStore(database)
        self.cycles = CycleStore(database)
        self.conflicts = ConflictStore(database)
        self.prepared_writes = PreparedWriteStore(database)
        self.activity = ActivityStore(database)
        self.leases = LeaseStore(database)

    @classmethod
    def open(cls, url: str, *, app_name: str = "journal") -> Journal:
        """Open the journal at `url`; it is created, or migrated to this release, when needed.

        Raises:
            ConfigError: The url is not valid, or a newer release wrote this journal.
            AppUnreachableError, AppRefusedError: The database cannot be reached.
            AppBusyError: Another worker holds its lock for too long.
            StorageFullError: Its disk is full.
        """
        database = open_database(url, app=app_name)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
