"""Capture in PostgreSQL: statement triggers over transition tables, one function a queue.

An application's statement never finds itself refused because of us.  Where a captured
column was dropped or renamed the function queues the keys alone (`changed` null); where not
even a key can be built, one entry whose op is `?`; where the queue itself is gone, nothing,
which `ailments` and the next read of it tell.

The statements are planned anew at each call: a plan made for an update of one row would
compare every row with every row in an update of a hundred thousand.  The function runs with
its owner's rights and a fixed search path, so an application's users need no rights of ours.
Triggers fire ALWAYS, whatever `session_replication_role` says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from dualwrite.apps.capture import Capture, NoCaptureError, Origin, Watch
from dualwrite.apps.sql.capturing import EPOCHS, Capturing
from dualwrite.apps.sql.dialect import Expression
from dualwrite.apps.sql.function_postgresql import CHANNEL, NEW, OLD, ORIGIN, body, literal
from dualwrite.apps.sql.queues import Queue
from dualwrite.apps.sql.reading import Reader
from dualwrite.apps.sql.session import Session
from dualwrite.tablemap.schema import Column, TableSchema

_EVENTS = {
    "i": f"AFTER INSERT ON {{table}} REFERENCING NEW TABLE AS {NEW}",
    "u": f"AFTER UPDATE ON {{table}} REFERENCING OLD TABLE AS {OLD} NEW TABLE AS {NEW}",
    "d": f"AFTER DELETE ON {{table}} REFERENCING OLD TABLE AS {OLD}",
    "t": "BEFORE TRUNCATE ON {table}",
}
_BOOKS = (
    "CREATE TABLE IF NOT EXISTS {epoch} (map text PRIMARY KEY, epoch bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS {inbox} (queue text NOT NULL, low bigint NOT NULL, high bigint)",
)


class PostgresqlCapture(Capturing):
    """Queues in PostgreSQL."""

    def keep_books(self, session: Session) -> None:
        if self.standing(session, ["dualwrite_epoch", "dualwrite_inbox"]) == {
            "dualwrite_epoch",
            "dualwrite_inbox",
        }:
            return
        # two that make the same table at once would refuse each other
        _number(session, sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("dualwrite", 0)))
        names = {
            "epoch": self._named(session, "dualwrite_epoch"),
            "inbox": self._named(session, "dualwrite_inbox"),
        }
        for statement in _BOOKS:
            session.run(statement.format(**names))

    def install(self, session: Session, reader: Reader, queue: Queue) -> None:
        capture = queue.capture
        kind = self._relation(session, capture.table)
        if kind not in ("r", "p"):
            raise NoCaptureError(
                app=reader.app, table=capture.table, reason="it is not an ordinary table"
            )
        self._keep_queue(session, queue)
        session.run(self._function(session, reader, queue))
        table, function = (self._named(session, name) for name in (capture.table, queue.name))
        for event, said in _EVENTS.items():
            trigger = session.quote(f"{queue.name}_{event}")
            session.run(
                f"CREATE OR REPLACE TRIGGER {trigger} {said.format(table=table)} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
            session.run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")

    def uninstall(self, session: Session, capture: Capture) -> None:
        queue = self._named(session, capture.queue)
        # with the function go the triggers, whatever the table is called by now
        session.run(f"DROP FUNCTION IF EXISTS {queue}() CASCADE")
        session.run(f"DROP TABLE IF EXISTS {queue}")

    def faults(self, session: Session, reader: Reader, queue: Queue) -> list[str]:
        found = []
        columns = self._queue_columns(session, queue.name)
        if not columns:
            found.append(f"queue {queue.name} is missing: what changed since cannot be told")
        elif columns != _declared(queue):
            found.append(f"queue {queue.name} was made for other columns")
        source = self._source(session, queue.name)
        if source is None:
            found.append(f"function {queue.name} is missing: nothing is queued")
        elif source != body(self._dialect, reader, queue):
            found.append(f"function {queue.name} was made for other columns")
        states = self._triggers(session, queue)
        for event in _EVENTS:
            trigger = f"{queue.name}_{event}"
            match states.get(trigger):
                case "A":
                    continue
                case None:
                    found.append(f"trigger {trigger} is missing: its changes are not queued")
                case "O":
                    found.append(
                        f"trigger {trigger} was switched off and on again: "
                        "what changed between is not queued"
                    )
                case _:
                    found.append(f"trigger {trigger} is switched off: its changes are not queued")
        return found

    def ways_round(self, session: Session, reader: Reader, queue: Queue) -> list[str]:  # noqa: ARG002
        return []

    def standing(self, session: Session, queues: Collection[str]) -> set[str]:
        if not queues:
            return set()
        place = (
            "current_schema()" if self._dialect.schema is None else literal(self._dialect.schema)
        )
        found = session.arrays(
            "SELECT relname::text FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') "  # noqa: S608
            f"AND relname IN ({', '.join(map(literal, queues))}) AND relnamespace = "
            f"(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {place})",
            short=True,
        )
        return set(found[0].to_pylist())

    def begin(self, session: Session, origin: Origin | None, *, wait: float | None) -> int | None:
        # one trip: none of them gives rows
        said = ["BEGIN ISOLATION LEVEL READ COMMITTED"]
        if wait is not None:
            said.append(f"SET LOCAL lock_timeout = {round(wait * 1000)}")
        if origin is not None and origin.queue is not None:
            said.append(f"SET LOCAL {ORIGIN} = {literal(origin.queue)}")
        session.run("; ".join(said))
        return None if origin is None else self.seen(session, origin.map)

    def commit(self, session: Session, origin: Origin | None) -> None:  # noqa: ARG002 - it was LOCAL
        session.commit()

    def begin_reading(self, session: Session) -> None:
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        session.arrays("SELECT 1 AS now", short=True)  # the moment is that of the first read

    def seen(self, session: Session, map_name: str) -> int | None:
        answer = session.arrays(
            f"SELECT epoch FROM {self._dialect.named(EPOCHS.name)} "  # noqa: S608 - quoted
            f"WHERE map = {literal(map_name)} FOR UPDATE",
            short=True,
        )
        return answer[0][0].as_py() if len(answer[0]) else None

    def see(self, session: Session, map_name: str, epoch: int) -> bool:
        epochs = self._dialect.table(EPOCHS)
        insert = pg.insert(epochs).values(map=map_name, epoch=epoch)
        stored = insert.on_conflict_do_update(
            index_elements=[epochs.c["map"]],
            set_={"epoch": insert.excluded.epoch},
            where=epochs.c["epoch"] <= insert.excluded.epoch,
        ).returning(epochs.c["epoch"])
        return len(session.arrays(stored)[0]) > 0

    def place(self, schema: TableSchema, root: Any) -> Sequence[tuple[Column, Expression]]:  # noqa: ARG002
        where: Expression = sa.literal_column(f"{root.name}.ctid")
        return [(Column("dualwrite_place", pa.string(), "TEXT"), sa.cast(where, sa.Text))]

    def note(self, session: Session, queue: Queue) -> None:
        session.arrays(sa.select(sa.cast(sa.func.pg_notify(CHANNEL, queue.name), sa.Text)))

    def watch(self, queues: Collection[str]) -> Watch:
        from dualwrite.apps.sql.watch import Listening

        return Listening(self._dialect.url, queues)

    # The queue

    def _keep_queue(self, session: Session, queue: Queue) -> None:
        name = self._named(session, queue.name)
        held, wanted = self._queue_columns(session, queue.name), _declared(queue)
        if held is None:
            start = session.number(
                sa.select(sa.literal_column("(extract(epoch FROM clock_timestamp())*1e6)::bigint"))
            )
            columns = ", ".join(f"{session.quote(c)} {_said(k)}" for c, k in wanted.items())
            session.run(
                f"CREATE TABLE {name} (id bigint GENERATED BY DEFAULT AS IDENTITY "
                f"(START WITH {start}) PRIMARY KEY, op text NOT NULL, changed text, "
                f"at timestamptz NOT NULL DEFAULT clock_timestamp(), {columns})"
            )
            keys = ", ".join(session.quote(column.name) for column in queue.key)
            session.run(f"CREATE INDEX ON {name} ({keys})")
            return
        for column, kind in wanted.items():
            said = session.quote(column)
            if column not in held:
                session.run(f"ALTER TABLE {name} ADD COLUMN {said} {_said(kind)}")
            elif held[column] != kind:
                session.run(
                    f"ALTER TABLE {name} ALTER COLUMN {said} TYPE {_said(kind)} "
                    f"USING {said}::text::{kind}"
                )

    def _queue_columns(self, session: Session, queue: str) -> dict[str, str] | None:
        """The columns of the key and of the image, by type; None without a queue."""
        columns = _catalogue("pg_attribute")
        kind = sa.func.format_type(columns.c.atttypid, columns.c.atttypmod)
        found = session.arrays(
            sa.select(sa.cast(columns.c.attname, sa.Text), kind)
            .where(
                columns.c.attrelid == self._regclass(queue),
                columns.c.attnum > 0,
                columns.c.attisdropped.is_(sa.false()),
            )
            .order_by(columns.c.attnum)
        )
        every = dict(zip(found[0].to_pylist(), found[1].to_pylist(), strict=True))
        if not every:
            return None
        return {name: kind for name, kind in every.items() if name[:1] in "kv"}

    # The function

    def _function(self, session: Session, reader: Reader, queue: Queue) -> str:
        said = body(self._dialect, reader, queue)
        mark = f"$dualwrite_{hashlib.sha256(said.encode()).hexdigest()[:8]}$"
        place = session.quote(self._place_name(session))
        return (
            f"CREATE OR REPLACE FUNCTION {self._named(session, queue.name)}() RETURNS trigger "
            "LANGUAGE plpgsql SECURITY DEFINER SET work_mem = '64MB' "
            f"SET search_path = pg_catalog, {place}, pg_temp "
            f"SET standard_conforming_strings = on AS {mark}{said}{mark}"
        )

    # The catalogue

    def _triggers(self, session: Session, queue: Queue) -> dict[str, str]:
        triggers = _catalogue("pg_trigger")
        found = session.arrays(
            sa.select(
                sa.cast(triggers.c.tgname, sa.Text), sa.cast(triggers.c.tgenabled, sa.Text)
            ).where(triggers.c.tgrelid == self._regclass(queue.capture.table))
        )
        return dict(zip(found[0].to_pylist(), found[1].to_pylist(), strict=True))

    def _source(self, session: Session, name: str) -> str | None:
        functions, places = _catalogue("pg_proc"), _catalogue("pg_namespace")
        found = session.arrays(
            sa.select(functions.c.prosrc)
            .select_from(functions.join(places, places.c.oid == functions.c.pronamespace))
            .where(functions.c.proname == name, places.c.nspname == self._place())
        )
        return found[0][0].as_py() if len(found[0]) else None

    def _relation(self, session: Session, table: str) -> str:
        relations = _catalogue("pg_class")
        found = session.arrays(
            sa.select(sa.cast(relations.c.relkind, sa.Text)).where(
                relations.c.oid == self._regclass(table)
            )
        )
        return str(found[0][0].as_py()) if len(found[0]) else ""

    def _regclass(self, table: str) -> Any:
        return sa.func.to_regclass(self._dialect.named(table))

    def _place(self) -> Any:
        return self._dialect.schema or sa.func.current_schema()

    def _place_name(self, session: Session) -> str:
        if self._dialect.schema is not None:
            return self._dialect.schema
        return str(session.arrays(sa.select(sa.func.current_schema()))[0][0].as_py())

    def _named(self, session: Session, name: str) -> str:
        return f"{session.quote(self._place_name(session))}.{session.quote(name)}"


def _said(kind: str) -> str:
    """A type with the collation that an index is quickest in; keys are equal by their bytes."""
    return f'{kind} COLLATE "C"' if kind == "text" else kind


def _declared(queue: Queue) -> dict[str, str]:
    return {column.name: column.native.lower() for column in (*queue.key, *queue.images)}


def _number(session: Session, expression: Any) -> None:
    session.arrays(sa.select(sa.cast(expression, sa.Text)))


def _catalogue(name: str) -> Any:
    columns = {
        "pg_class": ("oid", "relname", "relnamespace", "relkind"),
        "pg_namespace": ("oid", "nspname"),
        "pg_attribute": ("attrelid", "attname", "atttypid", "atttypmod", "attnum", "attisdropped"),
        "pg_trigger": ("tgname", "tgrelid", "tgenabled"),
        "pg_proc": ("proname", "prosrc", "pronamespace"),
    }[name]
    kinds: Any = {"attnum": sa.Integer(), "attisdropped": sa.Boolean()}
    said: Any = (sa.column(each, kinds.get(each, sa.String())) for each in columns)
    return sa.table(name, *said, schema="pg_catalog")
