"""Capture in MariaDB and MySQL: row triggers, silent as far as `@dualwrite_origin` says.

The variable is of the session: a writing sets it and clears it before it commits, and a
session that met a fault is closed, so no application ever finds it set.  Transactions that
write read what is committed (no gaps are locked) and wait a second, the shortest there is.

What no trigger sees: TRUNCATE, which an empty table with a foreign key onto this one
refuses; and foreign keys that cascade, which `problems` names.  An application goes on
whatever becomes of us (`mysql_triggers`); it cannot drop the table before `uninstall`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pymysql
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from dualwrite.apps.capture import Capture, NoCaptureError, Origin, QueueTakenError
from dualwrite.apps.sql.core.capturing import EPOCHS, Capturing, spelled
from dualwrite.apps.sql.core.dialect import Expression
from dualwrite.apps.sql.core.queues import QueueTable, identity_of
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.core.watch import Newest, Polling
from dualwrite.apps.sql.mysql.catalogue import MysqlCatalogue
from dualwrite.apps.sql.mysql.dialect import MysqlDialect
from dualwrite.apps.sql.mysql.triggers import ORIGIN, bodies
from dualwrite.apps.transactions import Watch
from dualwrite.tablemap.schema import Column, TableSchema

_KIND = "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_BOOKS = {
    "dualwrite_epoch": "map VARCHAR(255) NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL",
    "dualwrite_inbox": "queue VARCHAR(64) NOT NULL PRIMARY KEY, ranges MEDIUMTEXT NOT NULL",
}
_EVENTS = {"i": "AFTER INSERT", "u": "AFTER UPDATE", "d": "AFTER DELETE"}
_STRICT = ("RESTRICT", "NO ACTION")
_PLACE = "dualwrite_place:"
_OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0)}
"""The first that can leave out rows which someone holds."""
_UNGUARDED = (1005, 1142, 1215, 1506, 1822, 6125)
"""What a foreign key is refused with where there can be none."""
_LETTERS = 700
"""Letters of all text parts of a key that an index takes together."""


class MysqlCapture(Capturing):
    """Queues in MariaDB and MySQL."""

    def create_tables(self, session: DatabaseSession) -> None:
        catalogue = MysqlCatalogue(self._dialect, session)
        for table, columns in _BOOKS.items():
            session.run(f"CREATE TABLE IF NOT EXISTS {catalogue.named(table)} ({columns}) {_KIND}")

    def install(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> None:
        catalogue, table = MysqlCatalogue(self._dialect, session), queue.source.name
        server, version = catalogue.version()
        reason = None
        if version < _OLDEST[server]:
            reason = f"it needs {server} {'.'.join(map(str, _OLDEST[server]))}"
        elif (engine := catalogue.engine(table)) != "InnoDB":
            reason = f"its engine {engine} knows no transactions"
        if reason is not None:
            raise NoCaptureError(app=reader.app, table=table, reason=reason)
        if place := _other_place(catalogue, queue.capture):
            raise QueueTakenError(app=reader.app, table=table, queue=queue.name, place=place)
        there = queue.name in catalogue.existing([queue.name])
        try:
            self._make(session, catalogue, reader, queue)
        except pymysql.Error:
            # nothing is rolled back catalogue: what was made for the first time goes again
            for statement in () if there else _gone(catalogue, queue.capture):
                with suppress(pymysql.Error):
                    session.run(statement)
            raise

    def _make(
        self, session: DatabaseSession, catalogue: MysqlCatalogue, reader: Reader, queue: QueueTable
    ) -> None:
        _keep_queue(session, catalogue, queue)
        wanted, table = _wanted(session, catalogue, reader, queue), queue.source.name
        held = catalogue.triggers(table, list(wanted))
        for name, statement in wanted.items():
            if not held.get(name, "").endswith(statement):
                if name in held and not catalogue.stands(name, table):
                    # the table was swapped for another (an online schema change), and the
                    # trigger went with the old one
                    session.run(f"DROP TRIGGER IF EXISTS {catalogue.beside(table, name)}")
                _keep_trigger(session, catalogue, name, statement, on=table)
        if queue.identity and not _guarded(catalogue, queue):
            _guard(session, catalogue, queue)

    def uninstall(self, session: DatabaseSession, capture: Capture) -> None:
        catalogue = MysqlCatalogue(self._dialect, session)
        for statement in _gone(catalogue, capture):
            session.run(statement)

    def faults(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:
        catalogue, found = MysqlCatalogue(self._dialect, session), []
        columns = _kept(catalogue, queue)
        if not columns:
            found.append(f"queue {queue.name} is missing: what changed since is not known")
        elif columns != _declared(queue):
            found.append(f"queue {queue.name} was made for other columns")
        wanted = _wanted(session, catalogue, reader, queue)
        held = catalogue.triggers(queue.source.name, list(wanted))
        for name, statement in wanted.items():
            if name not in held:
                found.append(f"trigger {name} is missing: its changes are not queued")
            elif not catalogue.stands(name, queue.source.name):
                found.append(f"trigger {name} is on another table: its changes are not queued")
            elif not held[name].endswith(statement):
                found.append(f"trigger {name} was made for other columns")
        if not _guarded(catalogue, queue):
            found.append(
                f"no foreign key guards {queue.source.name}: TRUNCATE would empty it unseen"
            )
        return found

    def uncaptured(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:  # noqa: ARG002
        """Foreign keys whose cascades change rows below every trigger."""
        catalogue = MysqlCatalogue(self._dialect, session)
        watched = {*queue.capture.columns, *queue.steering}
        found = []
        for key in catalogue.references(queue.source.name):
            matters = bool(watched & key.columns)
            rules = []
            if key.deleted == "CASCADE" or (key.deleted.startswith("SET") and matters):
                rules.append(f"ON DELETE {key.deleted}")
            if key.updated not in _STRICT and matters:
                rules.append(f"ON UPDATE {key.updated}")
            found += [
                f"foreign key {key.name}: no trigger sees what {key.parent} does here {rule}"
                for rule in rules
            ]
        return found

    def existing(self, session: DatabaseSession, queues: Collection[str]) -> set[str]:
        return MysqlCatalogue(self._dialect, session).existing(queues)

    def begin(
        self,
        session: DatabaseSession,
        origin: Origin | None,
        *,
        wait: float | None,
        branch: str | None = None,
    ) -> int | None:
        settings = [] if wait is None else _patience(wait)
        if origin is not None and origin.silenced:
            queue: Any = sa.literal(spelled(origin))
            settings.append(f"{ORIGIN} = {session.text(queue)}")
        if settings:
            session.run(f"SET {', '.join(settings)}")
        session.begin(writing=True, branch=branch)
        return None if origin is None else self.newest_epoch(session, origin.map)

    def commit(self, session: DatabaseSession, origin: Origin | None) -> None:  # noqa: ARG002
        session.run(f"SET {', '.join([*_patience(self._dialect.patience), f'{ORIGIN} = NULL'])}")
        session.commit()

    def begin_reading(self, session: DatabaseSession) -> None:
        session.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")

    def newest_epoch(
        self, session: DatabaseSession, map_name: str, *, alone: bool = False
    ) -> int | None:
        epochs = self._dialect.table(EPOCHS)
        answer = session.arrays(
            sa.select(epochs.c["epoch"])
            .where(epochs.c["map"] == map_name)
            .with_for_update(read=not alone)
        )
        return int(answer[0][0].as_py()) if len(answer[0]) else None

    def store_epoch(self, session: DatabaseSession, map_name: str, epoch: int) -> bool:
        epochs = self._dialect.table(EPOCHS)
        insert = mysql.insert(epochs).values(map=map_name, epoch=epoch)
        newest = sa.func.greatest(epochs.c["epoch"], insert.inserted.epoch)
        session.run(insert.on_duplicate_key_update(epoch=newest))
        return self.newest_epoch(session, map_name) == epoch

    def held(
        self,
        statement: sa.Select[tuple[Any, ...]],
        root: Any,
        *,
        deleting: bool,  # noqa: ARG002 - there is one strength
    ) -> sa.Select[tuple[Any, ...]]:
        """The places of `statement` locked one by one, by their own index.

        A lock over the join itself would take the lookups' rows too, and in a scan rows
        that nobody asked for.
        """
        found = statement.distinct().subquery("dualwrite_found")
        table = root.element.alias("dualwrite_held")
        names = [(label, label.removeprefix(_PLACE)) for label in found.c.keys()]  # noqa: SIM118
        on = [table.c[name].is_not_distinct_from(found.c[label]) for label, name in names]
        return (
            sa.select(*(table.c[name].label(label) for label, name in names))
            .prefix_with("STRAIGHT_JOIN")
            .select_from(found.join(table, sa.and_(*on)))
            .with_for_update(skip_locked=True)
        )

    def place(self, schema: TableSchema, root: Any) -> Sequence[tuple[Column, Expression]]:
        names = identity_of(schema) or tuple(schema.columns)
        return [
            (replace(schema.columns[name], name=f"{_PLACE}{name}"), root.c[name]) for name in names
        ]

    def notify(self, session: DatabaseSession, queue: QueueTable) -> None:
        """Who watches looks at the queue itself."""

    def watch(self, queues: Collection[str]) -> Watch:
        newest = Newest(self._dialect, queues, self.existing)
        return Polling(self._dialect.connect, newest)


def _keep_queue(session: DatabaseSession, catalogue: MysqlCatalogue, queue: QueueTable) -> None:
    name, held, wanted = catalogue.named(queue.name), _kept(catalogue, queue), _declared(queue)
    if not held:
        declared = "".join(f"{session.quote(c)} {kind} NULL, " for c, kind in wanted.items())
        session.run(
            f"CREATE TABLE {name} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, "
            "op CHAR(1) NOT NULL, changed LONGTEXT NULL, "
            "at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), "
            f"{declared}INDEX ({_indexed(session, queue)})) "
            f"{_KIND} AUTO_INCREMENT={catalogue.clock()}"
        )
        return
    for column, kind in wanted.items():
        if held.get(column) != kind:
            change = "MODIFY" if column in held else "ADD"
            session.run(f"ALTER TABLE {name} {change} COLUMN {session.quote(column)} {kind} NULL")


def _kept(catalogue: MysqlCatalogue, queue: QueueTable) -> dict[str, str]:
    """The queue's columns of the key and of the image, by type."""
    columns = catalogue.columns(queue.name)
    return {name: kind for name, kind in columns.items() if name[:1] in "kwv"}


def _declared(queue: QueueTable) -> dict[str, str]:
    return {name: native.lower() for name, native in queue.declared.items()}


def _indexed(session: DatabaseSession, queue: QueueTable) -> str:
    """The key's columns for an index, texts as far as one takes them."""
    texts = [c for c in queue.key if re.match(r"\w*(char|text|blob|binary)|enum|set", c.native)]
    letters = _LETTERS // max(len(texts), 1)
    indexed = []
    for column in queue.key:
        length = re.match(r"(?:var)?(?:char|binary)\((\d+)\)", column.native)
        whole = column not in texts or (length and int(length[1]) <= letters)
        indexed.append(session.quote(column.name) + ("" if whole else f"({letters})"))
    return ", ".join(indexed)


def _wanted(
    session: DatabaseSession, catalogue: MysqlCatalogue, reader: Reader, queue: QueueTable
) -> dict[str, str]:
    """What follows the name of each trigger in its statement."""
    table = catalogue.named(queue.source.name)
    if not catalogue.is_own(queue.source.name):
        # a trigger takes a name without its database for one of its own table's
        assert isinstance(reader.dialect, MysqlDialect)
        reader = reader.speaking(reader.dialect.everywhere())
    every = bodies(session, reader, queue, mariadb=catalogue.is_mariadb)
    return {
        f"{queue.name}_{event}": f"{_EVENTS[event]} ON {table} FOR EACH ROW {body}"
        for event, body in every.items()
    }


def _keep_trigger(
    session: DatabaseSession, catalogue: MysqlCatalogue, name: str, statement: str, *, on: str
) -> None:
    """Put a trigger in the place of the one there was, with no change between them."""
    quoted = catalogue.beside(on, name)
    if catalogue.is_mariadb:
        session.run(f"CREATE OR REPLACE TRIGGER {quoted} {statement}")
        return
    session.run(f"LOCK TABLES {catalogue.named(on)} WRITE")
    session.run(f"DROP TRIGGER IF EXISTS {quoted}")
    session.run(f"CREATE TRIGGER {quoted} {statement}")
    session.run("UNLOCK TABLES")


def _gone(catalogue: MysqlCatalogue, capture: Capture) -> list[str]:
    """What takes a queue away, as far as it is there."""
    queue = capture.queue
    triggers = [
        f"DROP TRIGGER IF EXISTS {catalogue.beside(capture.table, f'{queue}_{event}')}"
        for event in (() if _other_place(catalogue, capture) else _EVENTS)
    ]
    return [
        *triggers,
        *(f"DROP TABLE IF EXISTS {catalogue.named(n)}" for n in (f"{queue}_t", queue)),
    ]


def _other_place(catalogue: MysqlCatalogue, capture: Capture) -> str | None:
    """The database of the queue that triggers of that name fill, where it is none of ours.

    They stand in the database of their table, which others may reach from theirs.
    """
    if catalogue.is_own(capture.table):
        return None
    held = catalogue.triggers(capture.table, [f"{capture.queue}_{event}" for event in _EVENTS])
    for statement in held.values():
        found = re.search(rf"INSERT INTO `((?:[^`]|``)+)`\.`{re.escape(capture.queue)}`", statement)
        if found and found[1].lower() != catalogue.database.lower():
            return found[1]
    return None


def _guarded(catalogue: MysqlCatalogue, queue: QueueTable) -> bool:
    guard = f"{queue.name}_t"
    held = catalogue.references(guard) if catalogue.existing([guard]) else []
    return [key.parent for key in held] == [queue.source.name]


def _guard(session: DatabaseSession, catalogue: MysqlCatalogue, queue: QueueTable) -> None:
    """Make the empty table whose foreign key refuses TRUNCATE."""
    guard, names = catalogue.named(f"{queue.name}_t"), queue.identity
    own = [f"k{place}" for place, _ in enumerate(names, start=1)]
    kinds = [queue.source.columns[name].native for name in names]
    key = "id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"  # some servers demand one
    columns = (f"{k} {kind} NULL" for k, kind in zip(own, kinds, strict=True))
    declared = ", ".join([key, *columns])
    pointed = ", ".join(map(session.quote, names))
    constraint = f"dualwrite_t_{zlib.crc32(f'{catalogue.database}.{queue.name}'.encode()):08x}"
    session.run(f"DROP TABLE IF EXISTS {guard}")
    try:
        session.run(
            # a name that the server made up would be longer than it takes; it compares those of
            # all databases without their case
            f"CREATE TABLE {guard} ({declared}, "
            f"CONSTRAINT {session.quote(constraint)} FOREIGN KEY ({', '.join(own)}) "
            f"REFERENCES {catalogue.named(queue.source.name)} ({pointed})) ENGINE=InnoDB"
        )
    except pymysql.Error as fault:
        if fault.args[0] not in _UNGUARDED:
            raise


def _patience(seconds: float) -> list[str]:
    wait = max(1, round(seconds))
    return [f"SESSION innodb_lock_wait_timeout = {wait}", f"SESSION lock_wait_timeout = {wait}"]
