"""Writes of both apps at once: what is to become of their prepared branches.

The decision is made here once, by whoever comes first: the writer, or a worker that starts
after the writer has died.  A branch without a decision is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select, update

from dualwrite.journal.models import IntentRow


@dataclass(frozen=True, slots=True)
class Intent:
    """A write on its way; `commits` is None until that is decided."""

    name: str
    map: str
    at: datetime
    commits: bool | None


def intend(connection: Connection, name: str, map_name: str) -> None:
    """Note that branches of this name are about to be prepared."""
    row = {"name": name, "map": map_name, "at": datetime.now(UTC), "commits": None}
    connection.execute(insert(IntentRow), row)


def decide(connection: Connection, name: str, *, commits: bool) -> bool:
    """Decide, if that was not done; what stands.  What nobody knows of is not committed."""
    open_one = update(IntentRow).where(IntentRow.name == name, IntentRow.commits.is_(None))
    connection.execute(open_one.values(commits=commits))
    return bool(connection.scalar(select(IntentRow.commits).where(IntentRow.name == name)))


def listed(connection: Connection) -> list[Intent]:
    """Those on their way, the oldest first."""
    rows = connection.execute(select(IntentRow.__table__).order_by(IntentRow.at, IntentRow.name))
    return [Intent(row.name, row.map, row.at, row.commits) for row in rows]


def done(connection: Connection, name: str) -> None:
    """Forget one: no app has a branch of that name any more."""
    connection.execute(delete(IntentRow).where(IntentRow.name == name))
