"""Capture in MariaDB and MySQL: row triggers, silent while `@dualwrite_origin` says so.

The variable is of the session: a writing sets it and clears it before it commits, and a
session that met a fault is closed, so no application ever finds it set.  Transactions that
write read what is committed (no gaps are locked) and wait a second, the shortest there is.

What no trigger sees: TRUNCATE, which an empty table with a foreign key onto this one
refuses; and foreign keys that cascade, which `ailments` names.  An application goes on
whatever becomes of us (`mysql_triggers`); it cannot drop the table before `uninstall`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pymysql
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.capture import Capture, NoCaptureError, Origin, Watch
from dualwrite.apps.sql.capturing import EPOCHS, Capturing
from dualwrite.apps.sql.dialect import Expression
from dualwrite.apps.sql.mysql_triggers import ORIGIN, bodies
from dualwrite.apps.sql.queues import Queue
from dualwrite.apps.sql.reading import Reader
from dualwrite.apps.sql.session import Session
from dualwrite.tablemap.schema import Column, TableSchema

_BOOKS = (
    "CREATE TABLE IF NOT EXISTS {}dualwrite_epoch (map VARCHAR(255) NOT NULL PRIMARY KEY, "
    "epoch BIGINT NOT NULL) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    "CREATE TABLE IF NOT EXISTS {}dualwrite_inbox (queue VARCHAR(64) NOT NULL, "
    "low BIGINT NOT NULL, high BIGINT NOT NULL, PRIMARY KEY (queue, low)) "
    "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
)
_EVENTS = {"i": "AFTER INSERT", "u": "AFTER UPDATE", "d": "AFTER DELETE"}
_PLACE = "dualwrite_place:"
_OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0)}
"""The first that can leave out rows which someone holds."""
_UNGUARDED = (1005, 1142, 1215, 1506, 1822, 6125)
"""What a foreign key is refused with where there can be none."""
_LETTERS = 700
"""Letters of all text parts of a key that an index takes together."""
_LOOK = 500
"""So many of a queue's newest entries are looked at for one that was not there before."""


class MysqlCapture(Capturing):
    """Queues in MariaDB and MySQL."""

    at_once = False

    def keep_books(self, session: Session) -> None:
        for statement in _BOOKS:
            session.run(statement.format(self._prefix(session)))

    def install(self, session: Session, reader: Reader, queue: Queue) -> None:
        server, version = _version(session)
        if version < _OLDEST[server]:
            reason = f"it needs {server} {'.'.join(map(str, _OLDEST[server]))}"
            raise NoCaptureError(app=reader.app, table=queue.source.name, reason=reason)
        engine = self._engine(session, queue.source.name)
        if engine != "InnoDB":
            reason = f"its engine {engine} knows no transactions"
            raise NoCaptureError(app=reader.app, table=queue.source.name, reason=reason)
        self._keep_queue(session, queue)
        held = self._triggers(session, queue)
        for event, body in bodies(session, reader, queue, mariadb=server == "MariaDB").items():
            name = f"{queue.name}_{event}"
            if held.get(name) != (queue.source.name, body):
                head = f"{_EVENTS[event]} ON {self._named(session, queue.source.name)}"
                self._keep_trigger(session, queue, name, f"{head} FOR EACH ROW {body}")
        if queue.identity and not self._guarded(session, queue):
            self._guard(session, queue)

    def uninstall(self, session: Session, capture: Capture) -> None:
        for event in _EVENTS:
            session.run(
                f"DROP TRIGGER IF EXISTS {self._named(session, f'{capture.queue}_{event}')}"
            )
        session.run(f"DROP TABLE IF EXISTS {self._named(session, f'{capture.queue}_t')}")
        session.run(f"DROP TABLE IF EXISTS {self._named(session, capture.queue)}")

    def faults(self, session: Session, reader: Reader, queue: Queue) -> list[str]:
        found = []
        columns = self._columns(session, queue.name)
        if not columns:
            found.append(f"queue {queue.name} is missing: what changed since cannot be told")
        elif columns != _declared(queue):
            found.append(f"queue {queue.name} was made for other columns")
        held = self._triggers(session, queue)
        server, _ = _version(session)
        for event, body in bodies(session, reader, queue, mariadb=server == "MariaDB").items():
            name = f"{queue.name}_{event}"
            if name not in held:
                found.append(f"trigger {name} is missing: its changes are not queued")
            elif held[name] != (queue.source.name, body):
                found.append(f"trigger {name} was made for other columns")
        if not self._guarded(session, queue):
            found.append(
                f"no foreign key guards {queue.source.name}: TRUNCATE would empty it unseen"
            )
        return found

    def ways_round(self, session: Session, reader: Reader, queue: Queue) -> list[str]:  # noqa: ARG002
        """Foreign keys whose cascades change rows below every trigger."""
        rules, uses = _schema("REFERENTIAL_CONSTRAINTS"), _schema("KEY_COLUMN_USAGE")
        wanted = ("CONSTRAINT_NAME", "REFERENCED_TABLE_NAME", "DELETE_RULE", "UPDATE_RULE")
        same = [
            uses.c[name] == rules.c[name]
            for name in ("CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "TABLE_NAME")
        ]
        rows = _rows(
            session,
            sa.select(*(rules.c[name] for name in wanted), uses.c["COLUMN_NAME"])
            .select_from(rules.join(uses, sa.and_(*same)))
            .where(
                rules.c["CONSTRAINT_SCHEMA"] == self._place(),
                rules.c["TABLE_NAME"] == queue.source.name,
            ),
        )
        watched = {*queue.capture.columns, *queue.steering}
        found = []
        for name, parent, deleted, updated, column in rows:
            said = []
            if deleted == "CASCADE" or (deleted.startswith("SET") and column in watched):
                said.append(f"ON DELETE {deleted}")
            if updated not in ("RESTRICT", "NO ACTION") and column in watched:
                said.append(f"ON UPDATE {updated}")
            found += [
                f"foreign key {name}: what {parent} does to rows here {rule} is seen by no trigger"
                for rule in said
            ]
        return sorted(set(found))

    def standing(self, session: Session, queues: Collection[str]) -> set[str]:
        if not queues:
            return set()
        tables = _schema("TABLES")
        found = session.arrays(
            sa.select(tables.c["TABLE_NAME"]).where(
                tables.c["TABLE_SCHEMA"] == self._place(), tables.c["TABLE_NAME"].in_(queues)
            )
        )
        return set(found[0].to_pylist()) & set(queues)

    def begin(self, session: Session, origin: Origin | None, *, wait: float | None) -> int | None:
        said = [] if wait is None else _patience(wait)
        if origin is not None and origin.queue is not None:
            said.append(f"{ORIGIN} = {session.text(sa.literal(origin.queue))}")
        if said:
            session.run(f"SET {', '.join(said)}")
        session.begin(writing=True)
        return None if origin is None else self.seen(session, origin.map)

    def commit(self, session: Session, origin: Origin | None) -> None:  # noqa: ARG002
        session.run(f"SET {', '.join([*_patience(self._dialect.patience), f'{ORIGIN} = NULL'])}")
        session.commit()

    def begin_reading(self, session: Session) -> None:
        session.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")

    def seen(self, session: Session, map_name: str) -> int | None:
        epochs = self._dialect.table(EPOCHS)
        answer = session.arrays(
            sa.select(epochs.c["epoch"]).where(epochs.c["map"] == map_name).with_for_update()
        )
        return int(answer[0][0].as_py()) if len(answer[0]) else None

    def see(self, session: Session, map_name: str, epoch: int) -> bool:
        epochs = self._dialect.table(EPOCHS)
        insert = mysql.insert(epochs).values(map=map_name, epoch=epoch)
        newest = sa.func.greatest(epochs.c["epoch"], insert.inserted.epoch)
        session.run(insert.on_duplicate_key_update(epoch=newest))
        return self.seen(session, map_name) == epoch

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
        names = _identity(schema) or tuple(schema.columns)
        return [
            (replace(schema.columns[name], name=f"{_PLACE}{name}"), root.c[name]) for name in names
        ]

    def note(self, session: Session, queue: Queue) -> None:
        """Who watches looks at the queue itself."""

    def watch(self, queues: Collection[str]) -> Watch:
        from dualwrite.apps.sql.watch import Polling

        return Polling(self._dialect.connect, _Newest(self, queues))

    def newest(self, queues: Collection[str]) -> sa.CompoundSelect[Any]:
        """The last entries of each of these queues, by its number."""
        columns = {"id": Column("id", pa.int64(), "BIGINT")}
        selects = []
        for number, name in enumerate(sorted(queues)):
            table = self._dialect.table(TableSchema(name, columns))
            one = sa.select(sa.literal(number).label("queue"), table.c["id"])
            last = one.order_by(table.c["id"].desc()).limit(_LOOK).subquery()
            selects.append(sa.select(last.c["queue"], last.c["id"]))
        return sa.union_all(*selects)

    # The queue, its triggers and its guard

    def _keep_queue(self, session: Session, queue: Queue) -> None:
        name, held = self._named(session, queue.name), self._columns(session, queue.name)
        wanted = _declared(queue)
        if not held:
            clock = sa.literal_column("CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)")
            start = session.number(sa.select(clock.label("clock")))
            declared = "".join(f"{session.quote(c)} {kind} NULL, " for c, kind in wanted.items())
            session.run(
                f"CREATE TABLE {name} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, "
                "op CHAR(1) NOT NULL, changed LONGTEXT NULL, "
                "at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), "
                f"{declared}INDEX ({_indexed(session, queue)})) "
                "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin "
                f"AUTO_INCREMENT={start}"
            )
            return
        for column, kind in wanted.items():
            if column not in held:
                session.run(f"ALTER TABLE {name} ADD COLUMN {session.quote(column)} {kind} NULL")
            elif held[column] != kind:
                session.run(f"ALTER TABLE {name} MODIFY COLUMN {session.quote(column)} {kind} NULL")

    def _columns(self, session: Session, queue: str) -> dict[str, str]:
        """The columns of the key and of the image, by type."""
        columns = _schema("COLUMNS")
        rows = _rows(
            session,
            sa.select(*(columns.c[n] for n in ("COLUMN_NAME", "COLUMN_TYPE", "COLLATION_NAME")))
            .where(columns.c["TABLE_SCHEMA"] == self._place(), columns.c["TABLE_NAME"] == queue)
            .order_by(columns.c["ORDINAL_POSITION"]),
        )
        return {
            name: f"{kind} collate {collation}".lower() if collation else kind.lower()
            for name, kind, collation in rows
            if name[:1] in "kv"
        }

    def _keep_trigger(self, session: Session, queue: Queue, name: str, said: str) -> None:
        """Put the trigger in the place of the one there was, with no change between them."""
        server, _ = _version(session)
        quoted = self._named(session, name)
        if server == "MariaDB":
            session.run(f"CREATE OR REPLACE TRIGGER {quoted} {said}")
            return
        session.run(f"LOCK TABLES {self._named(session, queue.source.name)} WRITE")
        session.run(f"DROP TRIGGER IF EXISTS {quoted}")
        session.run(f"CREATE TRIGGER {quoted} {said}")
        session.run("UNLOCK TABLES")

    def _triggers(self, session: Session, queue: Queue) -> dict[str, tuple[str, str]]:
        """Table and body of each trigger of the queue."""
        triggers = _schema("TRIGGERS")
        rows = _rows(
            session,
            sa.select(
                *(
                    triggers.c[name]
                    for name in ("TRIGGER_NAME", "EVENT_OBJECT_TABLE", "ACTION_STATEMENT")
                )
            ).where(
                triggers.c["TRIGGER_SCHEMA"] == self._place(),
                triggers.c["TRIGGER_NAME"].in_([f"{queue.name}_{event}" for event in _EVENTS]),
            ),
        )
        return {name: (table, body) for name, table, body in rows}

    def _guarded(self, session: Session, queue: Queue) -> bool:
        rules = _schema("REFERENTIAL_CONSTRAINTS")
        found = session.arrays(
            sa.select(rules.c["REFERENCED_TABLE_NAME"]).where(
                rules.c["CONSTRAINT_SCHEMA"] == self._place(),
                rules.c["TABLE_NAME"] == f"{queue.name}_t",
            )
        )
        return found[0].to_pylist() == [queue.source.name]

    def _guard(self, session: Session, queue: Queue) -> None:
        guard, table = (self._named(session, n) for n in (f"{queue.name}_t", queue.source.name))
        names = [session.quote(name) for name in queue.identity]
        own = [f"k{place}" for place, _ in enumerate(names, start=1)]
        declared = ", ".join(
            f"{name} {queue.source.columns[column].native} NULL"
            for name, column in zip(own, queue.identity, strict=True)
        )
        session.run(f"DROP TABLE IF EXISTS {guard}")
        try:
            session.run(
                f"CREATE TABLE {guard} ({declared}, FOREIGN KEY ({', '.join(own)}) "
                f"REFERENCES {table} ({', '.join(names)})) ENGINE=InnoDB"
            )
        except pymysql.Error as fault:
            if fault.args[0] not in _UNGUARDED:
                raise

    # The catalogue

    def _engine(self, session: Session, table: str) -> str:
        tables = _schema("TABLES")
        found = session.arrays(
            sa.select(tables.c["ENGINE"]).where(
                tables.c["TABLE_SCHEMA"] == self._place(), tables.c["TABLE_NAME"] == table
            )
        )
        return str(found[0][0].as_py())

    def _place(self) -> Any:
        return self._dialect.schema or sa.func.database()

    def _prefix(self, session: Session) -> str:
        schema = self._dialect.schema
        return "" if schema is None else f"{session.quote(schema)}."

    def _named(self, session: Session, name: str) -> str:
        return f"{self._prefix(session)}{session.quote(name)}"


class _Newest:
    """A sign that changes when an entry is there that was not there before."""

    def __init__(self, capturing: MysqlCapture, queues: Collection[str]) -> None:
        self._capturing, self._queues = capturing, queues
        self._known: frozenset[tuple[Any, ...]] | None = None
        self._turn = 0

    def __call__(self, session: Session) -> int:
        there = self._there(session)
        if self._known is not None and there - self._known:
            self._turn += 1
        self._known = there
        return self._turn

    def _there(self, session: Session) -> frozenset[tuple[Any, ...]]:
        queues: Collection[str] = self._queues
        while queues:
            try:
                return frozenset(_rows(session, self._capturing.newest(queues)))
            except pymysql.ProgrammingError as fault:
                left = self._capturing.standing(session, queues)
                if fault.args[0] != 1146 or left == set(queues):
                    raise
                queues = left  # the rest are told by whoever reads them
        return frozenset()


def _identity(schema: TableSchema) -> tuple[str, ...]:
    """The columns by which a row is found again; maybe none."""
    if schema.primary_key:
        return schema.primary_key
    columns = schema.columns
    sure = (names for names in schema.unique if not any(columns[n].nullable for n in names))
    return next(sure, ())


def _declared(queue: Queue) -> dict[str, str]:
    return {column.name: column.native.lower() for column in (*queue.key, *queue.images)}


def _indexed(session: Session, queue: Queue) -> str:
    """The key's columns for an index, texts as far as one takes them."""
    texts = [c for c in queue.key if pa.types.is_string(c.type) or pa.types.is_binary(c.type)]
    letters = _LETTERS // max(len(texts), 1)
    said = []
    for column in queue.key:
        length = re.match(r"varchar\((\d+)\)", column.native)
        whole = column not in texts or (length and int(length[1]) <= letters)
        fixed = column.native.startswith(("uuid", "inet"))
        said.append(session.quote(column.name) + ("" if whole or fixed else f"({letters})"))
    return ", ".join(said)


def _patience(seconds: float) -> list[str]:
    wait = max(1, round(seconds))
    return [f"SESSION innodb_lock_wait_timeout = {wait}", f"SESSION lock_wait_timeout = {wait}"]


def _version(session: Session) -> tuple[str, tuple[int, ...]]:
    text = str(session.arrays(sa.select(sa.func.version()))[0][0].as_py())
    server = "MariaDB" if "MariaDB" in text else "MySQL"
    return server, tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _rows(session: Session, statement: Any) -> list[tuple[Any, ...]]:
    arrays = session.arrays(statement)
    return list(zip(*(array.to_pylist() for array in arrays), strict=True))


def _schema(name: str) -> Any:
    columns = {
        "TABLES": ("TABLE_SCHEMA", "TABLE_NAME", "ENGINE"),
        "COLUMNS": (
            *("TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "COLUMN_TYPE"),
            *("COLLATION_NAME", "ORDINAL_POSITION"),
        ),
        "TRIGGERS": (
            *("TRIGGER_SCHEMA", "TRIGGER_NAME", "EVENT_OBJECT_TABLE", "ACTION_STATEMENT"),
        ),
        "KEY_COLUMN_USAGE": (
            *("CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "TABLE_NAME", "COLUMN_NAME"),
        ),
        "REFERENTIAL_CONSTRAINTS": (
            *("CONSTRAINT_SCHEMA", "CONSTRAINT_NAME", "TABLE_NAME", "REFERENCED_TABLE_NAME"),
            *("DELETE_RULE", "UPDATE_RULE"),
        ),
    }[name]
    return sa.table(
        name,
        *(sa.column(quoted_name(each, quote=True), sa.String()) for each in columns),
        schema="information_schema",
    )
