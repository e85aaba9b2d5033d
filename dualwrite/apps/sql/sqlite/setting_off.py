"""What a statement of ours sets off in SQLite beyond the rows that it writes.

The triggers of a queue are silent for a transaction of ours as a whole: SQLite tells them
neither what caused a change nor how deep they stand.  Therefore, where a table has triggers of
the application or foreign keys that act on it, our own connection has the same triggers once
more for as long as a statement takes, as TEMP triggers, for all rows but those of the statement.
No other connection sees them, and a table without such triggers and keys pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from dualwrite.apps.entries import changed_text
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.core.triggers import Condition, Silent
from dualwrite.apps.sql.sqlite.session import SqliteSession
from dualwrite.tablemap.schema import TableSchema

_ORIGINS = sa.table(
    "dualwrite_origin", sa.column("queue", sa.String()), sa.column("columns", sa.String())
)
_WRITTEN = "dualwrite_written"
"""The keys of the rows that a statement writes, on our connection only."""
_TRIGGERS = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' "
    "AND name IN (?1 || '_b', ?1 || '_c', ?1 || '_i', ?1 || '_u', ?1 || '_d')"
)
_COMING = ("_i", "_b")
"""How the triggers of rows that come are called."""
_OWN = "dualwrite\\_q\\_%"
_ACTS = "('CASCADE', 'SET NULL', 'SET DEFAULT')"
_SETS_OFF = f"""
SELECT EXISTS (
  SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?1)
  AND name NOT LIKE ?2 ESCAPE '\\'
) OR EXISTS (
  SELECT 1 FROM sqlite_master AS child, pragma_foreign_key_list(child.name) AS parent
  WHERE child.type = 'table' AND lower(parent."table") = lower(?1)
  AND (parent.on_delete IN {_ACTS} OR parent.on_update IN {_ACTS})
)
"""  # noqa: S608 - all of it is written here


def marked(session: DatabaseSession, queue: str) -> str:
    """The condition under which a trigger keeps what comes and goes: no marker for its queue."""
    there = sa.select(sa.literal(1)).where(_ORIGINS.c.queue == queue)
    return f"NOT EXISTS ({session.text(there)})"


def whole(session: DatabaseSession, queue: str) -> str:
    """The condition under which a trigger looks at an update: no marker for all columns."""
    there = sa.select(sa.literal(1)).where(_ORIGINS.c.queue == queue, _ORIGINS.c.columns.is_(None))
    return f"NOT EXISTS ({session.text(there)})"


def silent_columns(queue: str) -> Silent:
    """Whether the marker of a queue names a column."""
    names: Any = _columns(queue).scalar_subquery()

    def silent(name: str) -> Condition:
        found: Condition = sa.func.instr(sa.func.coalesce(names, ""), changed_text([name]))
        return found > 0

    return silent


def _columns(queue: str) -> sa.Select[Any]:
    return sa.select(_ORIGINS.c.columns).where(_ORIGINS.c.queue == queue)


def sets_off(session: DatabaseSession, table: str) -> bool:
    """Whether a statement on a table can change other rows of it."""
    return bool(session.arrays(_SETS_OFF, [table, _OWN])[0][0].as_py())


@contextmanager
def capturing_beyond(
    session: SqliteSession, queues: Sequence[str], schema: TableSchema, keys: pa.Table
) -> Iterator[None]:
    """Have these queues keep what changes meanwhile in a table, but for the rows of `keys`.

    Where the statement is refused, its savepoint takes back what was made here too.
    """
    names = ", ".join(map(session.quote, keys.column_names))
    declared = ", ".join(
        f"{session.quote(name)} {schema.columns[name].native}".rstrip()
        for name in keys.column_names
    )
    session.run(f"CREATE TEMP TABLE {_WRITTEN} ({declared}, PRIMARY KEY ({names}))")
    session.append(_WRITTEN, keys)
    made = [name for queue in queues for name in _repeat(session, queue, keys.column_names)]
    yield
    for name in made:
        session.run(f"DROP TRIGGER temp.{session.quote(name)}")
    session.run(f"DROP TABLE temp.{_WRITTEN}")


def _repeat(session: SqliteSession, queue: str, key: Sequence[str]) -> Iterator[str]:
    """Make the triggers of a queue once more, for rows that are not written; their names."""
    found = session.arrays(_TRIGGERS, [queue])
    for name, text in zip(*(each.to_pylist() for each in found), strict=True):
        row = "NEW" if name.endswith(_COMING) else "OLD"
        same = (f"{row}.{session.quote(c)} = w.{session.quote(c)}" for c in key)
        other = f"NOT EXISTS (SELECT 1 FROM temp.{_WRITTEN} AS w WHERE {' AND '.join(same)})"  # noqa: S608
        for condition in (whole(session, queue), marked(session, queue)):
            text = text.replace(condition, other)  # noqa: PLW2901
        text = text.replace(f"({session.text(_columns(queue))})", "NULL")  # noqa: PLW2901
        own = f"{name}_beyond"
        head = f"CREATE TRIGGER {session.quote(name)}"
        session.run(text.replace(head, f"CREATE TEMP TRIGGER {session.quote(own)}", 1))
        yield own
