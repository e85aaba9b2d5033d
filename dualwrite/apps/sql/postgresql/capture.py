"""Capture in PostgreSQL: statement triggers over transition tables, one function a queue.

An application's statement never finds itself refused because of us.  Where a captured
column was dropped or renamed the function queues the keys alone (`changed` null); where not
even a key can be built, one entry whose op is `?`; where the queue itself is gone, nothing,
which `problems` and the next read of it report.

The statements are planned anew at each call: a plan made for an update of one row would
compare every row with every row in an update of a hundred thousand.  The function runs with
its owner's rights and a fixed search path, so an application's users need no rights of ours.
Triggers fire ALWAYS, whatever `session_replication_role` says, where our user owns the
table; who only has the right to make triggers may not say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from dualwrite.apps.capture import Capture, NoCaptureError, Origin, QueueTakenError
from dualwrite.apps.sql.core.capturing import EPOCHS, Capturing, spelled
from dualwrite.apps.sql.core.dialect import Expression
from dualwrite.apps.sql.core.queues import INBOX, QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.core.watch import Newest, Polling
from dualwrite.apps.sql.postgresql.catalogue import PostgresqlCatalogue
from dualwrite.apps.sql.postgresql.function import (
    NEW,
    NOTIFIES,
    OLD,
    ORIGIN,
    body,
    renamed,
    set_off,
)
from dualwrite.apps.sql.postgresql.listening import CHANNEL, Listening
from dualwrite.apps.sql.postgresql.literals import literal
from dualwrite.apps.sql.postgresql.session import PostgresqlSession
from dualwrite.apps.transactions import Watch
from dualwrite.tablemap.names import TableName
from dualwrite.tablemap.schema import Column, TableSchema

_EVENTS = {
    "i": f"AFTER INSERT ON {{table}} REFERENCING NEW TABLE AS {NEW}",
    "u": f"AFTER UPDATE ON {{table}} REFERENCING OLD TABLE AS {OLD} NEW TABLE AS {NEW}",
    "d": f"AFTER DELETE ON {{table}} REFERENCING OLD TABLE AS {OLD}",
    "t": "BEFORE TRUNCATE ON {table}",
    "r": "AFTER INSERT OR UPDATE OR DELETE ON {table}",
    "m": "AFTER UPDATE ON {table}",
}
"""When each trigger fires; `r` for every row that a statement of ours sets off, `m` for one
whose identity is its key, and changed: no statement trigger knows it again."""
_BOOKS = {
    EPOCHS.name: "map text PRIMARY KEY, epoch bigint NOT NULL",
    INBOX.name: "queue text PRIMARY KEY, ranges text NOT NULL",
}
_STATES = {
    "A": None,
    "O": "was switched off and on again: what changed between is not queued",
    "": "is missing: its changes are not queued",
}
"""What is wrong with a trigger, by how it is enabled."""
NOT_FOR_EVER = "SET LOCAL idle_in_transaction_session_timeout = '75s'"
"""The locks of a worker that is frozen in its transaction are freed; no stage takes so long."""
READS_END = "SET LOCAL idle_in_transaction_session_timeout = '120s'"
"""So does the look of a reader who is gone: while it lasts nobody can alter what it has read.  A
page may be carried for longer than a write takes; a cycle that loses its look goes on later."""
BY_INDEX = "SET LOCAL random_page_cost = 0.1; SET LOCAL enable_mergejoin = off"
"""A page of keys is looked up one by one, also in a table that was filled just now and that no
ANALYZE has seen: the planner thinks that one small, and would read it, or its index, whole."""


class PostgresqlCapture(Capturing):
    """Queues in PostgreSQL."""

    def create_tables(self, session: DatabaseSession) -> None:
        catalogue = PostgresqlCatalogue(self._dialect, session)
        if catalogue.existing(_BOOKS) == _BOOKS.keys():
            return
        _take_turn(session)
        for name, columns in _BOOKS.items():
            session.run(f"CREATE TABLE IF NOT EXISTS {catalogue.named(name)} ({columns})")

    def install(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> None:
        catalogue, table = PostgresqlCatalogue(self._dialect, session), queue.capture.table
        if catalogue.kind(table) not in ("r", "p"):
            raise NoCaptureError(app=reader.app, table=table, reason="it is not an ordinary table")
        _take_turn(session)
        if place := catalogue.other_place(table, f"{queue.name}_i"):
            raise QueueTakenError(app=reader.app, table=table, queue=queue.name, place=place)
        _keep_queue(session, catalogue, queue)
        session.run(_function(session, catalogue, body(self._dialect, reader, queue), queue))
        owned = catalogue.owned(table)
        rows = _row_triggers(session, queue)
        for place, event in _places(catalogue, table, rows):
            trigger = session.quote(f"{queue.name}_{event}")
            each = f"ROW WHEN ({rows[event]})" if event in rows else "STATEMENT"
            session.run(
                f"CREATE OR REPLACE TRIGGER {trigger} {_EVENTS[event].format(table=place)} "
                f"FOR EACH {each} EXECUTE FUNCTION {catalogue.named(queue.name)}()"
            )
            if owned:
                session.run(f"ALTER TABLE {place} ENABLE ALWAYS TRIGGER {trigger}")

    def uninstall(self, session: DatabaseSession, capture: Capture) -> None:
        queue = PostgresqlCatalogue(self._dialect, session).named(capture.queue)
        _take_turn(session)
        # with the function go the triggers, whatever the table is called by now
        session.run(f"DROP FUNCTION IF EXISTS {queue}() CASCADE")
        session.run(f"DROP TABLE IF EXISTS {queue}")

    def faults(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:
        catalogue, name, found = PostgresqlCatalogue(self._dialect, session), queue.name, []
        columns = catalogue.columns(name)
        if not columns:
            found.append(f"queue {name} is missing: what changed since is not known")
        elif not _declared(queue).items() <= columns.items():
            found.append(f"queue {name} was made for other columns")
        source = catalogue.source(name)
        if source is None:
            found.append(f"function {name} is missing: nothing is queued")
        elif source != body(self._dialect, reader, queue):
            found.append(f"function {name} was made for other columns")
        known = _STATES if catalogue.owned(queue.capture.table) else {**_STATES, "O": None}
        places = _places(catalogue, queue.capture.table, _row_triggers(session, queue))
        states = {place: catalogue.triggers(place) for place, _ in places}
        for place, event in places:
            trigger = f"{name}_{event}"
            fault = known.get(
                states[place].get(trigger, ""), "is switched off: its changes are not queued"
            )
            part = "" if place == places[0][0] else f" of {place}"
            found += [f"trigger {trigger}{part} {fault}"] if fault else []
        return found

    def uncaptured(self, session: DatabaseSession, reader: Reader, queue: QueueTable) -> list[str]:  # noqa: ARG002
        catalogue, table = PostgresqlCatalogue(self._dialect, session), queue.capture.table
        lookups = {path.column for path in queue.capture.key if path.is_lookup}
        found = [
            f"foreign key {name}: a row that changes with its {parent} (ON DELETE {rule}) "
            "is queued without its key"
            for name, column, parent, rule in catalogue.cascades(table)
            if column in lookups
        ]
        found += [
            f"foreign table {part}: what is written straight into it is not queued"
            for part, kind, _ in catalogue.family(table)
            if kind == "f"
        ]
        if catalogue.subscribed(table):
            found.append("what logical replication writes is not queued")
        return found

    def existing(self, session: DatabaseSession, queues: Collection[str]) -> set[str]:
        return PostgresqlCatalogue(self._dialect, session).existing(queues)

    def begin(
        self,
        session: DatabaseSession,
        origin: Origin | None,
        *,
        wait: float | None,
        branch: str | None = None,
    ) -> int | None:
        # one trip: none of them gives rows
        statements = ["BEGIN ISOLATION LEVEL READ COMMITTED", BY_INDEX, NOT_FOR_EVER]
        if wait is not None:
            statements.append(f"SET LOCAL lock_timeout = {round(wait * 1000)}")
        if origin is not None and origin.silenced:
            statements.append(f"SET LOCAL {ORIGIN} = {literal(spelled(origin))}")
        assert isinstance(session, PostgresqlSession)
        if session.commits_later:  # entries are acknowledged by what is committed here
            statements.append("SET LOCAL synchronous_commit = on")
        session.start(*statements)
        session.named(branch)
        return None if origin is None else self.newest_epoch(session, origin.map)

    def commit(self, session: DatabaseSession, origin: Origin | None) -> None:  # noqa: ARG002 - it was LOCAL
        session.commit()

    def begin_reading(self, session: DatabaseSession) -> None:
        # the moment is that of the first statement that reads; a cursor gives no rows by itself
        now = "DECLARE dualwrite_now CURSOR FOR SELECT 1"
        assert isinstance(session, PostgresqlSession)
        session.start("BEGIN ISOLATION LEVEL REPEATABLE READ", BY_INDEX, READS_END, now)

    def newest_epoch(
        self, session: DatabaseSession, map_name: str, *, alone: bool = False
    ) -> int | None:
        answer = session.arrays(
            f"SELECT epoch FROM {self._dialect.named(EPOCHS.name)} "  # noqa: S608 - quoted
            f"WHERE map = $1 FOR {'UPDATE' if alone else 'SHARE'}",
            [map_name],
            short=True,
        )
        return answer[0][0].as_py() if len(answer[0]) else None

    def store_epoch(self, session: DatabaseSession, map_name: str, epoch: int) -> bool:
        epochs = self._dialect.table(EPOCHS)
        insert = pg.insert(epochs).values(map=map_name, epoch=epoch)
        stored = insert.on_conflict_do_update(
            index_elements=[epochs.c["map"]],
            set_={"epoch": insert.excluded.epoch},
            where=epochs.c["epoch"] <= insert.excluded.epoch,
        ).returning(epochs.c["epoch"])
        return len(session.arrays(stored)[0]) > 0

    def overtaken(self, root: Any) -> sa.ColumnElement[bool]:
        # its writer was not done when the statement began; numbers of 32 bits that wrap round
        age = "(({0}.xmin::text::bigint - pg_snapshot_xmin(pg_current_snapshot())::text::bigint) "
        wraps = "& 4294967295) < 2147483648"
        return sa.literal_column((age + wraps).format(root.name), sa.Boolean)

    def place(self, schema: TableSchema, root: Any) -> Sequence[tuple[Column, Expression]]:  # noqa: ARG002
        where: Expression = sa.literal_column(f"{root.name}.ctid")
        return [(Column("dualwrite_place", pa.string(), "TEXT"), sa.cast(where, sa.Text))]

    def notify(self, session: DatabaseSession, queue: QueueTable) -> None:
        notifies: sa.ColumnElement[bool] = sa.literal_column(f"({NOTIFIES})", sa.Boolean)
        notified = sa.cast(sa.func.pg_notify(CHANNEL, queue.name), sa.Text)
        session.arrays(sa.select(sa.case((notifies, notified))))

    def watch(self, queues: Collection[str]) -> Watch:
        session = self._dialect.connect()
        assert isinstance(session, PostgresqlSession)
        try:
            notifies = (
                not session.pooled
                and session.arrays(f"SELECT {NOTIFIES} AS notifies", short=True)[0][0].as_py()
            )
        finally:
            session.close()
        if notifies:
            return Listening(self._dialect.url, queues)
        newest = Newest(self._dialect, queues, self.existing)
        return Polling(self._dialect.connect, newest)


def _places(
    catalogue: PostgresqlCatalogue, table: str, rows: Mapping[str, str | None]
) -> list[tuple[str, str]]:
    """Where the triggers of a table stand, and which: the table itself first.

    A statement fires those of the table that it names, so each partition has its own; those for
    single `rows` it takes over from its parent.
    """
    unwanted = {event for event, condition in rows.items() if condition is None}
    return [
        (place, event)
        for place, kind, partition in catalogue.family(table)
        if kind in ("r", "p")
        for event in _EVENTS
        if event not in (rows if partition else unwanted)
    ]


def _row_triggers(session: DatabaseSession, queue: QueueTable) -> dict[str, str | None]:
    """The conditions of the row triggers; None where one is not needed."""
    return {"r": set_off(queue.name), "m": renamed(queue, session.quote)}


def _take_turn(session: DatabaseSession) -> None:
    """Two that make the same thing at once would refuse each other.

    No application waits for this lock, so we wait for each other as long as it takes.
    """
    before = session.arrays("SELECT current_setting('lock_timeout') AS before", short=True)
    session.run("SET LOCAL lock_timeout = '60s'")
    session.arrays(
        "SELECT pg_advisory_xact_lock(hashtextextended('dualwrite', 0))::text AS turn", short=True
    )
    session.run(f"SET LOCAL lock_timeout = {literal(before[0][0].as_py())}")


def _keep_queue(
    session: DatabaseSession, catalogue: PostgresqlCatalogue, queue: QueueTable
) -> None:
    name, held, wanted = (
        catalogue.named(queue.name),
        catalogue.columns(queue.name),
        _declared(queue),
    )
    if not held:
        columns = ", ".join(f"{session.quote(c)} {_collated(kind)}" for c, kind in wanted.items())
        session.run(
            f"CREATE TABLE {name} (id bigint GENERATED BY DEFAULT AS IDENTITY "
            f"(START WITH {catalogue.clock()}) PRIMARY KEY, op text NOT NULL, changed text, "
            f"at timestamptz NOT NULL DEFAULT clock_timestamp(), {columns})"
        )
        keys = ", ".join(session.quote(column.name) for column in queue.key)
        session.run(f"CREATE INDEX ON {name} ({keys})")
        return
    for column, kind in wanted.items():
        quoted = session.quote(column)
        if column not in held:
            session.run(f"ALTER TABLE {name} ADD COLUMN {quoted} {_collated(kind)}")
        elif held[column] != kind:
            session.run(
                f"ALTER TABLE {name} ALTER COLUMN {quoted} TYPE {_collated(kind)} "
                f"USING {quoted}::text::{kind}"
            )


def _function(
    session: DatabaseSession, catalogue: PostgresqlCatalogue, body: str, queue: QueueTable
) -> str:
    mark = f"$dualwrite_{hashlib.sha256(body.encode()).hexdigest()[:8]}$"
    schemas = {catalogue.place: None}
    if TableName.parse(queue.source.name).schema is None:  # else its name says where it is
        schemas[catalogue.schema_of(queue.source.name)] = None
    return (
        f"CREATE OR REPLACE FUNCTION {catalogue.named(queue.name)}() RETURNS trigger "
        "LANGUAGE plpgsql SECURITY DEFINER SET work_mem = '64MB' "
        f"SET search_path = pg_catalog, {', '.join(map(session.quote, schemas))}, pg_temp "
        f"SET standard_conforming_strings = on AS {mark}{body}{mark}"
    )


def _collated(kind: str) -> str:
    """A type with the collation that an index is quickest in; keys are equal by their bytes."""
    return f'{kind} COLLATE "C"' if kind == "text" else kind


def _declared(queue: QueueTable) -> dict[str, str]:
    return {name: native.lower() for name, native in queue.declared.items()}
