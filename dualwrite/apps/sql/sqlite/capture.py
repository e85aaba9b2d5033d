"""Capture in SQLite: row triggers, silent as far as a marker of ours in `dualwrite_origin` says.

The marker is written after BEGIN IMMEDIATE and removed before COMMIT, so nobody else ever
sees it: a crash takes it along, and one writer at a time has the file to itself.  What a
statement of ours sets off beyond its own rows, triggers of our connection capture
(`setting_off.py`).

REPLACE removes the rows in its way without telling any delete trigger; a trigger of ours
looks for such rows before each insert.  A column that a trigger names cannot be dropped in
SQLite: uninstall first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import pyarrow as pa
import sqlalchemy as sa

from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import changed_text
from dualwrite.apps.sql.core.capturing import Capturing
from dualwrite.apps.sql.core.dialect import Dialect, Expression
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.core.triggers import Bare, Condition, EntryStatements, row
from dualwrite.apps.sql.core.watch import Polling
from dualwrite.apps.sql.sqlite.session import SqliteSession
from dualwrite.apps.sql.sqlite.setting_off import (
    capturing_beyond,
    marked,
    sets_off,
    silent_columns,
    whole,
)
from dualwrite.apps.transactions import Watch
from dualwrite.tablemap.schema import Column, TableSchema

_NOW = "strftime('%Y-%m-%d %H:%M:%f+00:00','now')"
_BOOKS = (
    "CREATE TABLE IF NOT EXISTS dualwrite_epoch (map TEXT PRIMARY KEY, epoch BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS dualwrite_inbox (queue TEXT PRIMARY KEY NOT NULL, ranges TEXT)",
    "CREATE TABLE IF NOT EXISTS dualwrite_origin (queue TEXT PRIMARY KEY NOT NULL, columns TEXT)",
)
_MASTER = sa.table("sqlite_master", *(sa.column(c, sa.String()) for c in ("type", "name", "sql")))
_NUMBERS = sa.table(
    "sqlite_sequence", sa.column("name", sa.String()), sa.column("seq", sa.BigInteger())
)


class SqliteCapture(Capturing):
    """Queues in SQLite."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._version: int | None = None
        self._known: dict[str, bool] = {}
        """Of each table whether it sets off changes of itself, in this version of the schema."""

    def create_tables(self, session: DatabaseSession) -> None:
        if "columns" not in self._columns_of(session, "dualwrite_origin"):
            session.run("DROP TABLE IF EXISTS dualwrite_origin")  # empty outside a transaction
        for statement in _BOOKS:
            session.run(statement)

    def install(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> None:
        self._keep_queue(session, queue)
        held = self._sql(session, "trigger")
        for name, wanted in self._triggers(session, reader, queue).items():
            if held.get(name) == wanted:
                continue
            session.run(f"DROP TRIGGER IF EXISTS {session.quote(name)}")
            session.run(wanted)

    def uninstall(self, session: DatabaseSession, capture: Capture) -> None:
        for event in _EVENTS:
            session.run(f"DROP TRIGGER IF EXISTS {session.quote(f'{capture.queue}_{event}')}")
        session.run(f"DROP TABLE IF EXISTS {session.quote(capture.queue)}")

    def faults(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:
        found = []
        columns = self._columns(session, queue.name)
        if not columns:
            found.append(f"queue {queue.name} is missing: what changed since is not known")
        elif not queue.declared.items() <= columns.items():
            found.append(f"queue {queue.name} was made for other columns")
        if not self.existing(session, ["dualwrite_origin"]):
            found.append("table dualwrite_origin is missing: no change can be made")
        held = self._sql(session, "trigger")
        for name, wanted in self._triggers(session, reader, queue).items():
            if name not in held:
                found.append(f"trigger {name} is missing: its changes are not queued")
            elif held[name] != wanted:
                found.append(f"trigger {name} was made for other columns")
        return found

    def uncaptured(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:  # noqa: ARG002
        lookups = {path.column for path in queue.capture.key if path.is_lookup}
        _, table = self._dialect.place(queue.source.name)
        declared: Any = sa.func.pragma_foreign_key_list(table).table_valued(
            "from", "table", "on_delete"
        )
        found = session.arrays(
            sa.select(declared.c["from"], declared.c["table"], declared.c["on_delete"])
        )
        return [
            f"foreign key of {column}: a row that changes with its {parent} (ON DELETE {rule}) "
            "is queued without its key"
            for column, parent, rule in zip(*(each.to_pylist() for each in found), strict=True)
            if column in lookups and rule in ("CASCADE", "SET NULL", "SET DEFAULT")
        ]

    def existing(self, session: DatabaseSession, queues: Collection[str]) -> set[str]:
        names = list(queues)
        marks = ", ".join(map(session.mark, range(1, len(names) + 1)))
        found = session.arrays(
            f"SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ({marks})",  # noqa: S608
            names,
        )
        return set(found[0].to_pylist())

    def begin(
        self,
        session: DatabaseSession,
        origin: Origin | None,
        *,
        wait: float | None,
        branch: str | None = None,  # noqa: ARG002 - nothing is prepared here
    ) -> int | None:
        session.begin(writing=True, wait=wait)
        if origin is None:
            return None
        for queue, columns in origin.silenced.items():
            text = None if columns is None else changed_text(columns)
            session.run("INSERT INTO dualwrite_origin VALUES (?1, ?2)", [queue, text])
        return self.newest_epoch(session, origin.map)

    @contextmanager
    def statement(
        self,
        session: DatabaseSession,
        origin: Origin | None,
        rows: pa.Table,
        *,
        schema: TableSchema,
        key: Sequence[str],
    ) -> Iterator[None]:
        assert isinstance(session, SqliteSession)
        queues = [] if origin is None else list(origin.silenced)
        if not queues or not self._setting_off(session, schema.name):
            yield
            return
        with capturing_beyond(session, queues, schema, rows.select(list(key))):
            yield

    def commit(self, session: DatabaseSession, origin: Origin | None) -> None:
        if origin is not None and origin.silenced:
            session.run("DELETE FROM dualwrite_origin")
        session.commit()

    def begin_reading(self, session: DatabaseSession) -> None:
        session.begin(writing=False)
        session.arrays("SELECT count(*) FROM sqlite_master")  # the first read sets the moment

    def newest_epoch(
        self,
        session: DatabaseSession,
        map_name: str,
        *,
        alone: bool = False,  # noqa: ARG002 - the whole file is
    ) -> int | None:
        answer = session.arrays("SELECT epoch FROM dualwrite_epoch WHERE map = ?1", [map_name])
        return answer[0][0].as_py() if len(answer[0]) else None

    def store_epoch(self, session: DatabaseSession, map_name: str, epoch: int) -> bool:
        stored = session.run(
            "INSERT INTO dualwrite_epoch (map, epoch) VALUES (?1, ?2) ON CONFLICT (map) "
            "DO UPDATE SET epoch = excluded.epoch WHERE epoch <= excluded.epoch",
            [map_name, epoch],
        )
        return stored > 0

    def place(
        self,
        schema: TableSchema,  # noqa: ARG002
        root: Any,  # noqa: ARG002
    ) -> Sequence[tuple[Column, Expression]]:
        return ()

    def notify(self, session: DatabaseSession, queue: QueueTable) -> None:
        """Who watches looks at the queue itself."""

    def watch(self, queues: Collection[str]) -> Watch:
        return Polling(self._dialect.connect, _Sign(queues))

    def _keep_queue(self, session: DatabaseSession, queue: QueueTable) -> None:
        name, held = session.quote(queue.name), self._columns(session, queue.name)
        wanted = queue.declared
        if not held:
            columns = "".join(f", {session.quote(c)} {kind}" for c, kind in wanted.items())
            session.run(
                f"CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT, op TEXT NOT NULL, "
                f"changed TEXT, at {self._dialect.moment} NOT NULL DEFAULT ({_NOW}){columns})"
            )
            start = time.time_ns() // 1000
            session.run(sa.insert(_NUMBERS).values(name=queue.name, seq=start))
            keys = ", ".join(session.quote(column.name) for column in queue.key)
            session.run(f"CREATE INDEX {session.quote(f'{queue.name}_key')} ON {name} ({keys})")
            return
        for column, kind in wanted.items():
            if column not in held:
                session.run(f"ALTER TABLE {name} ADD COLUMN {session.quote(column)} {kind}")

    def _columns(self, session: DatabaseSession, queue: str) -> dict[str, str]:
        """The columns of the key and of the image, by type."""
        every = self._columns_of(session, queue)
        return {name: kind for name, kind in every.items() if name[:1] in "kwv"}

    def _columns_of(self, session: DatabaseSession, table: str) -> dict[str, str]:
        described = sa.func.pragma_table_info(table).table_valued("name", "type")
        found = session.arrays(sa.select(described.c.name, described.c.type))
        return dict(zip(found[0].to_pylist(), found[1].to_pylist(), strict=True))

    def _setting_off(self, session: SqliteSession, table: str) -> bool:
        """Whether a statement on a table can change other rows of it, as the file is now."""
        version = session.number(sa.text("PRAGMA schema_version"))
        if version != self._version:
            self._known, self._version = {}, version
        if table not in self._known:
            self._known[table] = sets_off(session, self._dialect.place(table)[1])
        return self._known[table]

    def _sql(self, session: DatabaseSession, kind: str) -> dict[str, str]:
        found = session.arrays(
            sa.select(_MASTER.c.name, _MASTER.c.sql).where(_MASTER.c.type == kind)
        )
        return dict(zip(found[0].to_pylist(), found[1].to_pylist(), strict=True))

    def _triggers(
        self, session: DatabaseSession, reader: Reader, queue: QueueTable
    ) -> dict[str, str]:
        quote = session.quote
        made = {}
        for event, (head, make) in _EVENTS.items():
            statements, when = make(session, reader, queue)
            if not statements:
                continue
            name = f"{queue.name}_{event}"
            ours = whole(session, queue.name) if event == "u" else marked(session, queue.name)
            also = "" if when is None else f" AND ({session.text(when)})"
            made[name] = (
                f"CREATE TRIGGER {quote(name)} {head} ON {self._dialect.named(queue.source.name)} "
                f"WHEN {ours}{also} BEGIN {' '.join(f'{session.text(s)};' for s in statements)} END"
            )
        return made


def _inserted(session: DatabaseSession, reader: Reader, queue: QueueTable) -> _Body:
    return [_entries(reader, queue).of(row(queue, "NEW", session.quote), "i")], None


def _updated(session: DatabaseSession, reader: Reader, queue: QueueTable) -> _Body:
    entries = _entries(reader, queue)
    old, new = Bare("OLD", session.quote), Bare("NEW", session.quote)
    was, now = row(queue, "OLD", session.quote), row(queue, "NEW", session.quote)
    moved = sa.or_(entries.moved(old, new), entries.any_altered(queue.identity, old, new))
    unmarked: Any = sa.literal_column(marked(session, queue.name), sa.Boolean)
    statements = [
        entries.of(was, "d", image=False, where=[moved, unmarked]),
        entries.of(now, "i", was=old, where=[moved, unmarked]),
    ]
    if entries.telling:
        silent = silent_columns(queue.name)
        touched = [sa.not_(moved), entries.touched(old, new, silent)]
        changed = entries.changed(old, new, silent)
        statements.append(entries.of(now, "u", changed=changed, where=touched))
    return statements, None


def _replaced(
    session: DatabaseSession, reader: Reader, queue: QueueTable, *, update: bool
) -> _Body:
    """Rows that stand in the way of the new one, under another key."""
    entries = _entries(reader, queue)
    table: Any = reader.dialect.table(queue.source).alias("t0")
    old, new = Bare("OLD", session.quote), Bare("NEW", session.quote)
    sets = [names for names in (queue.source.primary_key, *queue.source.unique) if names]
    if not sets:
        return [], None
    met = sa.or_(*(entries.same(names, table, new) for names in sets))
    where, when = [met, entries.moved(table, new)], None
    if update:
        where.append(entries.any_altered(queue.identity or queue.steering, table, old))
        unique = tuple(dict.fromkeys(name for names in sets for name in names))
        when = entries.any_altered(unique, old, new)
    return [entries.of(table, "d", image=False, where=where)], when


def _deleted(session: DatabaseSession, reader: Reader, queue: QueueTable) -> _Body:
    return [_entries(reader, queue).of(row(queue, "OLD", session.quote), "d", image=False)], None


_Body: TypeAlias = "tuple[list[sa.Insert], Condition | None]"
"""What a trigger does, and when beside the marker."""
_EVENTS: dict[str, tuple[str, Callable[[DatabaseSession, Reader, QueueTable], _Body]]] = {
    "b": ("BEFORE INSERT", partial(_replaced, update=False)),
    "c": ("BEFORE UPDATE", partial(_replaced, update=True)),
    "i": ("AFTER INSERT", _inserted),
    "u": ("AFTER UPDATE", _updated),
    "d": ("AFTER DELETE", _deleted),
}


def _entries(reader: Reader, queue: QueueTable) -> EntryStatements:
    return EntryStatements(reader, queue, at=sa.literal_column(_NOW))


class _Sign:
    """The last id of each queue, asked for only when somebody has committed."""

    def __init__(self, queues: Collection[str]) -> None:
        self._last = (
            sa.select(_NUMBERS.c.name, _NUMBERS.c.seq)
            .where(_NUMBERS.c.name.in_(sorted(queues)))
            .order_by(_NUMBERS.c.name)
        )
        self._version: int | None = None
        self._known: Any = None

    def __call__(self, session: DatabaseSession) -> Any:
        version = session.number(sa.text("PRAGMA data_version"))
        if version != self._version:
            self._version = version
            self._known = [values.to_pylist() for values in session.arrays(self._last)]
        return self._known
