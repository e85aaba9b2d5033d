"""Two-phase writes of both apps: which prepared transactions are to be committed.

The decision is stored here once, by whoever is first: the writer, or a worker that starts after
the writer has died.  A prepared transaction without a decision is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update

from dualwrite.journal.database import Database
from dualwrite.journal.models import PreparedWriteModel


@dataclass(frozen=True, slots=True)
class PreparedWrite:
    """A write of both apps in progress; `commits` is None until it is decided."""

    name: str
    map: str
    at: datetime
    commits: bool | None


class PreparedWriteStore:
    """The writes of both apps in progress, and those that a dead writer left."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, name: str, map_name: str) -> None:
        """Record that transactions of this name are about to be prepared in both apps."""
        row = {"name": name, "map": map_name, "at": datetime.now(UTC), "commits": None}
        with self._database.writing() as connection:
            connection.execute(insert(PreparedWriteModel), row)

    def decide(self, name: str, *, commits: bool) -> bool:
        """Store the decision unless there is one; return the decision that is stored.

        A name that is not recorded is not committed.
        """
        undecided = update(PreparedWriteModel).where(
            PreparedWriteModel.name == name, PreparedWriteModel.commits.is_(None)
        )
        decision = select(PreparedWriteModel.commits).where(PreparedWriteModel.name == name)
        with self._database.writing() as connection:
            connection.execute(undecided.values(commits=commits))
            return bool(connection.scalar(decision))

    def all(self) -> list[PreparedWrite]:
        """Every recorded write, the oldest first."""
        query = select(PreparedWriteModel.__table__).order_by(
            PreparedWriteModel.at, PreparedWriteModel.name
        )
        with self._database.reading() as connection:
            return [
                PreparedWrite(row.name, row.map, row.at, row.commits)
                for row in connection.execute(query)
            ]

    def remove(self, name: str) -> None:
        """Remove a write that no app has a prepared transaction of any more."""
        with self._database.writing() as connection:
            connection.execute(delete(PreparedWriteModel).where(PreparedWriteModel.name == name))
