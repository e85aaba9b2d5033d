"""Capture in SQLite: row triggers, silent while a marker of ours stands in `dualwrite_origin`.

The marker is written after BEGIN IMMEDIATE and removed before COMMIT, so nobody else ever
sees it: a crash takes it along, and one writer at a time has the file to itself.

REPLACE removes the rows in its way without telling any delete trigger; a trigger of ours
looks for such rows before each insert.  A column that a trigger names cannot be dropped in
SQLite: uninstall first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dml

from dualwrite.apps.capture import Capture, Origin, Watch
from dualwrite.apps.sql.capturing import EPOCHS, Capturing
from dualwrite.apps.sql.dialect import Expression
from dualwrite.apps.sql.queues import Queue
from dualwrite.apps.sql.reading import Reader
from dualwrite.apps.sql.session import Session
from dualwrite.apps.sql.triggers import Bare, Entries, row
from dualwrite.apps.sql.watch import Polling
from dualwrite.tablemap.schema import Column, TableSchema

_NOW = "strftime('%Y-%m-%d %H:%M:%f+00:00','now')"
_BOOKS = (
    "CREATE TABLE IF NOT EXISTS dualwrite_epoch (map TEXT PRIMARY KEY, epoch BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS dualwrite_inbox (queue TEXT NOT NULL, low BIGINT, high BIGINT)",
    "CREATE TABLE IF NOT EXISTS dualwrite_origin (queue TEXT PRIMARY KEY NOT NULL)",
)
_ORIGINS = sa.table("dualwrite_origin", sa.column("queue", sa.String()))
_MASTER = sa.table("sqlite_master", *(sa.column(c, sa.String()) for c in ("type", "name", "sql")))
_NUMBERS = sa.table(
    "sqlite_sequence", sa.column("name", sa.String()), sa.column("seq", sa.BigInteger())
)


class SqliteCapture(Capturing):
    """Queues in SQLite."""

    def keep_books(self, session: Session) -> None:
        for statement in _BOOKS:
            session.run(statement)

    def install(self, session: Session, reader: Reader, queue: Queue) -> None:
        self._keep_queue(session, queue)
        held = self._sql(session, "trigger")
        for name, wanted in self._triggers(session, reader, queue).items():
            if held.get(name) == wanted:
                continue
            session.run(f"DROP TRIGGER IF EXISTS {session.quote(name)}")
            session.run(wanted)

    def uninstall(self, session: Session, capture: Capture) -> None:
        for event in _EVENTS:
            session.run(f"DROP TRIGGER IF EXISTS {session.quote(f'{capture.queue}_{event}')}")
        session.run(f"DROP TABLE IF EXISTS {session.quote(capture.queue)}")

    def faults(self, session: Session, reader: Reader, queue: Queue) -> list[str]:
        found = []
        columns = self._columns(session, queue.name)
        if not columns:
            found.append(f"queue {queue.name} is missing: what changed since cannot be told")
        elif not _declared(queue).items() <= columns.items():
            found.append(f"queue {queue.name} was made for other columns")
        held = self._sql(session, "trigger")
        for name, wanted in self._triggers(session, reader, queue).items():
            if name not in held:
                found.append(f"trigger {name} is missing: its changes are not queued")
            elif held[name] != wanted:
                found.append(f"trigger {name} was made for other columns")
        return found

    def ways_round(self, session: Session, reader: Reader, queue: Queue) -> list[str]:  # noqa: ARG002
        return []

    def standing(self, session: Session, queues: Collection[str]) -> set[str]:
        return set(queues) & self._sql(session, "table").keys()

    def begin(self, session: Session, origin: Origin | None, *, wait: float | None) -> int | None:
        session.begin(writing=True, wait=wait)
        if origin is None:
            return None
        if origin.queue is not None:
            session.run(sa.insert(_ORIGINS).values(queue=origin.queue))
        return self.seen(session, origin.map)

    def commit(self, session: Session, origin: Origin | None) -> None:
        if origin is not None and origin.queue is not None:
            session.run(sa.delete(_ORIGINS).where(_ORIGINS.c.queue == origin.queue))
        session.commit()

    def begin_reading(self, session: Session) -> None:
        session.begin(writing=False)
        self._sql(session, "table")  # the moment is that of the first read

    def seen(self, session: Session, map_name: str) -> int | None:
        epochs = self._dialect.table(EPOCHS)
        answer = session.arrays(sa.select(epochs.c["epoch"]).where(epochs.c["map"] == map_name))
        return answer[0][0].as_py() if len(answer[0]) else None

    def see(self, session: Session, map_name: str, epoch: int) -> bool:
        epochs = self._dialect.table(EPOCHS)
        insert = dml.insert(epochs).values(map=map_name, epoch=epoch)
        stored = insert.on_conflict_do_update(
            index_elements=[epochs.c["map"]],
            set_={"epoch": insert.excluded.epoch},
            where=epochs.c["epoch"] <= insert.excluded.epoch,
        )
        return session.run(stored) > 0

    def place(
        self,
        schema: TableSchema,  # noqa: ARG002
        root: Any,  # noqa: ARG002
    ) -> Sequence[tuple[Column, Expression]]:
        return ()

    def note(self, session: Session, queue: Queue) -> None:
        """Who watches looks at the queue itself."""

    def watch(self, queues: Collection[str]) -> Watch:
        return Polling(self._dialect.connect, _Sign(queues))

    def _keep_queue(self, session: Session, queue: Queue) -> None:
        name, held = session.quote(queue.name), self._columns(session, queue.name)
        wanted = _declared(queue)
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

    def _columns(self, session: Session, queue: str) -> dict[str, str]:
        """The columns of the key and of the image, by type."""
        described = sa.func.pragma_table_info(queue).table_valued("name", "type")
        found = session.arrays(sa.select(described.c.name, described.c.type))
        every = dict(zip(found[0].to_pylist(), found[1].to_pylist(), strict=True))
        return {name: kind for name, kind in every.items() if name[:1] in "kv"}

    def _sql(self, session: Session, kind: str) -> dict[str, str]:
        found = session.arrays(
            sa.select(_MASTER.c.name, _MASTER.c.sql).where(_MASTER.c.type == kind)
        )
        return dict(zip(found[0].to_pylist(), found[1].to_pylist(), strict=True))

    def _triggers(self, session: Session, reader: Reader, queue: Queue) -> dict[str, str]:
        said = {event: make(session, reader, queue) for event, make in _EVENTS.items()}
        head = {
            "b": "BEFORE INSERT",
            "c": "BEFORE UPDATE",
            "i": "AFTER INSERT",
            "u": "AFTER UPDATE",
            "d": "AFTER DELETE",
        }
        marker = sa.select(sa.literal(1)).where(_ORIGINS.c.queue == queue.name)
        quote = session.quote
        return {
            f"{queue.name}_{event}": (
                f"CREATE TRIGGER {quote(f'{queue.name}_{event}')} {head[event]} "
                f"ON {quote(queue.source.name)} "
                f"WHEN NOT EXISTS ({session.text(marker)}) BEGIN "
                + " ".join(f"{session.text(each)};" for each in statements)
                + " END"
            )
            for event, statements in said.items()
        }


def _inserted(session: Session, reader: Reader, queue: Queue) -> list[sa.Insert]:
    return [_entries(reader, queue).of(row(queue, "NEW", session.quote), "i")]


def _updated(session: Session, reader: Reader, queue: Queue) -> list[sa.Insert]:
    entries = _entries(reader, queue)
    old, new = Bare("OLD", session.quote), Bare("NEW", session.quote)
    moved = entries.moved(old, new)
    if queue.identity:
        moved = sa.or_(moved, entries.any_altered(queue.identity, old, new))
    said = [
        entries.of(row(queue, "OLD", session.quote), "d", image=False, where=[moved]),
        entries.of(row(queue, "NEW", session.quote), "i", where=[moved]),
    ]
    if entries.telling:
        touched = [sa.not_(moved), entries.touched(old, new)]
        changed = entries.changed(old, new)
        said.append(
            entries.of(row(queue, "NEW", session.quote), "u", changed=changed, where=touched)
        )
    return said


def _replaced(session: Session, reader: Reader, queue: Queue, *, update: bool) -> list[sa.Insert]:
    """Rows that stand in the way of the new one, under another key."""
    entries = _entries(reader, queue)
    table: Any = reader.dialect.table(queue.source).alias("t0")
    new = Bare("NEW", session.quote)
    sets = [names for names in (queue.source.primary_key, *queue.source.unique) if names]
    met = [sa.or_(sa.false(), *(entries.same(names, table, new) for names in sets))]
    met.append(entries.moved(table, new))
    if update:
        old = Bare("OLD", session.quote)
        met.append(entries.any_altered(queue.identity or queue.steering, table, old))
    return [entries.of(table, "d", image=False, where=met)]


def _deleted(session: Session, reader: Reader, queue: Queue) -> list[sa.Insert]:
    return [_entries(reader, queue).of(row(queue, "OLD", session.quote), "d", image=False)]


_EVENTS: dict[str, Callable[[Session, Reader, Queue], list[sa.Insert]]] = {
    "b": partial(_replaced, update=False),
    "c": partial(_replaced, update=True),
    "i": _inserted,
    "u": _updated,
    "d": _deleted,
}


def _entries(reader: Reader, queue: Queue) -> Entries:
    return Entries(reader, queue, at=sa.literal_column(_NOW))


def _declared(queue: Queue) -> dict[str, str]:
    return {column.name: column.native for column in (*queue.key, *queue.images)}


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

    def __call__(self, session: Session) -> Any:
        version = session.number(sa.text("PRAGMA data_version"))
        if version != self._version:
            self._version = version
            self._known = [values.to_pylist() for values in session.arrays(self._last)]
        return self._known
