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
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.capture import Capture, NoCaptureError, Origin, Watch
from dualwrite.apps.sql.capturing import EPOCHS, Capturing
from dualwrite.apps.sql.dialect import Expression
from dualwrite.apps.sql.queues import Queue
from dualwrite.apps.sql.reading import Reader
from dualwrite.apps.sql.session import Session
from dualwrite.apps.sql.triggers import Entries
from dualwrite.tablemap.schema import Column, TableSchema

CHANNEL = "dualwrite"
ORIGIN = "dualwrite.origin"
_OURS = (
    "syntax_error_or_access_rule_violation OR data_exception OR integrity_constraint_violation"
    " OR feature_not_supported"
)
"""What a table that has drifted makes of our statements."""
_OLD, _NEW = "dualwrite_old", "dualwrite_new"
_EVENTS = {
    "i": f"AFTER INSERT ON {{table}} REFERENCING NEW TABLE AS {_NEW}",
    "u": f"AFTER UPDATE ON {{table}} REFERENCING OLD TABLE AS {_OLD} NEW TABLE AS {_NEW}",
    "d": f"AFTER DELETE ON {{table}} REFERENCING OLD TABLE AS {_OLD}",
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
        elif source != self._body(reader, queue):
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

    def ways_round(self, session: Session, reader: Reader, queue: Queue) -> list[str]:
        return []

    def standing(self, session: Session, queues: Collection[str]) -> set[str]:
        if not queues:
            return set()
        names, places = _catalogue("pg_class"), _catalogue("pg_namespace")
        found = session.arrays(
            sa.select(sa.cast(names.c.relname, sa.Text))
            .select_from(names.join(places, places.c.oid == names.c.relnamespace))
            .where(
                names.c.relname.in_(queues),
                places.c.nspname == self._place(),
                names.c.relkind.in_(["r", "p"]),
            )
        )
        return set(found[0].to_pylist())

    def begin(self, session: Session, origin: Origin | None, *, wait: float | None) -> int | None:
        session.run("BEGIN ISOLATION LEVEL READ COMMITTED")
        said: list[Any] = []
        if wait is not None:
            patience = f"{round(wait * 1000)}ms"
            said.append(sa.func.set_config("lock_timeout", patience, sa.true()).label("wait"))
        if origin is not None and origin.queue is not None:
            said.append(sa.func.set_config(ORIGIN, origin.queue, sa.true()).label("origin"))
        if origin is not None:
            epochs = self._dialect.table(EPOCHS)
            seen = sa.select(epochs.c["epoch"]).where(epochs.c["map"] == origin.map)
            said.append(seen.with_for_update().scalar_subquery().label("seen"))
        if not said:
            return None
        answer = session.arrays(sa.select(*said))
        return None if origin is None else answer[-1][0].as_py()

    def commit(self, session: Session, origin: Origin | None) -> None:  # noqa: ARG002 - it was LOCAL
        session.commit()

    def begin_reading(self, session: Session) -> None:
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        session.arrays(sa.select(sa.literal(1).label("now")))

    def seen(self, session: Session, map_name: str) -> int | None:
        epochs = self._dialect.table(EPOCHS)
        answer = session.arrays(
            sa.select(epochs.c["epoch"]).where(epochs.c["map"] == map_name).with_for_update()
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
            columns = ", ".join(f"{session.quote(c)} {kind}" for c, kind in wanted.items())
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
                session.run(f"ALTER TABLE {name} ADD COLUMN {said} {kind}")
            elif held[column] != kind:
                session.run(
                    f"ALTER TABLE {name} ALTER COLUMN {said} TYPE {kind} USING {said}::text::{kind}"
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
        body = self._body(reader, queue)
        mark = f"$dualwrite_{hashlib.sha256(body.encode()).hexdigest()[:8]}$"
        place = session.quote(self._place_name(session))
        return (
            f"CREATE OR REPLACE FUNCTION {self._named(session, queue.name)}() RETURNS trigger "
            "LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = pg_catalog, {place}, pg_temp "
            f"SET standard_conforming_strings = on AS {mark}{body}{mark}"
        )

    def _body(self, reader: Reader, queue: Queue) -> str:
        said = _Said(self._dialect, reader, queue)
        name = _literal(queue.name)
        drifted = said.keys_alone() if not queue.images else said.nothing()
        return f"""
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  added bigint;
  queued bigint := 0;
BEGIN
  IF current_setting('{ORIGIN}', true) = {name} THEN
    RETURN NULL;
  END IF;
  BEGIN
{said.whole()}
  EXCEPTION WHEN {_OURS} THEN
    BEGIN
{drifted}
    EXCEPTION WHEN {_OURS} THEN
      BEGIN
{said.nothing()}
      EXCEPTION WHEN undefined_table THEN
        RETURN NULL;
      END;
    END;
  END;
  IF queued > 0 THEN
    PERFORM pg_notify('{CHANNEL}', {name});
  END IF;
  RETURN NULL;
END
"""

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
        quote = self._dialect.compiler.identifier_preparer.quote_identifier
        schema = self._dialect.schema
        name = quote(table) if schema is None else f"{quote(schema)}.{quote(table)}"
        return sa.func.to_regclass(name)

    def _place(self) -> Any:
        return self._dialect.schema or sa.func.current_schema()

    def _place_name(self, session: Session) -> str:
        if self._dialect.schema is not None:
            return self._dialect.schema
        return str(session.arrays(sa.select(sa.func.current_schema()))[0][0].as_py())

    def _named(self, session: Session, name: str) -> str:
        return f"{session.quote(self._place_name(session))}.{session.quote(name)}"


class _Said:
    """The parts of the function."""

    def __init__(self, dialect: Any, reader: Reader, queue: Queue) -> None:
        self._dialect, self._queue = dialect, queue
        self._entries = Entries(reader, queue, at=sa.literal_column("$1"))
        self._old, self._new = self._rows(_OLD), self._rows(_NEW)

    def whole(self) -> str:
        """Every entry as it should be."""
        update = [self._gone(), self._come()]
        if self._queue.identity and self._queue.capture.columns:
            update.append(self._touched())
        return self._by_event(
            [self._entries.of(self._new, "i")],
            update,
            [self._entries.of(self._old, "d", image=False)],
        )

    def keys_alone(self) -> str:
        """Every key as one that changed in whatever way."""
        source, was = self._entries.keys(self._old)
        other, now = self._entries.keys(self._new)
        gone = sa.select(*was).select_from(source)
        come = sa.select(*now).select_from(other)
        names = ["op", "changed", "at", *(column.name for column in self._queue.key)]
        lost = sa.except_(gone, come).subquery("lost")
        head: tuple[Any, ...] = (sa.null(), sa.literal_column("$1"))
        update = [
            self._entries.insert(names, sa.select(sa.literal("d"), *head, *lost.c)),
            self._entries.insert(names, sa.select(sa.literal("u"), *head, *now).select_from(other)),
        ]
        return self._by_event(
            [self._entries.of(self._new, "i", image=False)],
            update,
            [self._entries.of(self._old, "d", image=False)],
        )

    def nothing(self) -> str:
        """That something changed, and no more."""
        values: Any = sa.select(sa.literal("?"), sa.literal_column("$1"))
        return self._run([self._entries.insert(["op", "at"], values)], 8)

    def _rows(self, name: str, alias: str = "t0") -> Any:
        return sa.table(
            quoted_name(name, quote=True),
            *(
                sa.column(quoted_name(column.name, quote=True), self._dialect.sql_type(column))
                for column in self._queue.source.columns.values()
            ),
        ).alias(alias)

    def _gone(self) -> sa.Insert:
        return self._unless_same(self._old, self._rows(_NEW, "other"), "d")

    def _come(self) -> sa.Insert:
        return self._unless_same(self._new, self._rows(_OLD, "other"), "i")

    def _unless_same(self, root: Any, other: Any, op: str) -> sa.Insert:
        if not self._queue.identity:
            return self._entries.of(root, op, image=op != "d")
        same = self._entries.same(self._queue.identity, root, other)
        stayed = sa.exists().where(same, sa.not_(self._entries.moved(root, other)))
        return self._entries.of(root, op, image=op != "d", where=[sa.not_(stayed)])

    def _touched(self) -> sa.Insert:
        old, new = self._rows(_OLD, "other"), self._new
        return self._entries.of(
            new,
            "u",
            changed=self._entries.changed(old, new),
            beside=(old, self._entries.same(self._queue.identity, old, new)),
            where=[sa.not_(self._entries.moved(old, new)), self._entries.touched(old, new)],
        )

    def _by_event(
        self,
        insert: Sequence[sa.Insert],
        update: Sequence[sa.Insert],
        delete: Sequence[sa.Insert],
    ) -> str:
        table = sa.table(
            quoted_name(self._queue.source.name, quote=True),
            *(
                sa.column(quoted_name(column.name, quote=True), self._dialect.sql_type(column))
                for column in self._queue.source.columns.values()
            ),
        ).alias("t0")
        emptied = [self._entries.of(table, "d", image=False)]
        return f"""    IF TG_OP = 'INSERT' THEN
      IF NOT EXISTS (SELECT FROM {_NEW}) THEN RETURN NULL; END IF;
{self._run(insert)}
    ELSIF TG_OP = 'UPDATE' THEN
      IF NOT EXISTS (SELECT FROM {_NEW}) THEN RETURN NULL; END IF;
{self._run(update)}
    ELSIF TG_OP = 'DELETE' THEN
      IF NOT EXISTS (SELECT FROM {_OLD}) THEN RETURN NULL; END IF;
{self._run(delete)}
    ELSE
{self._run(emptied)}
    END IF;"""

    def _run(self, statements: Sequence[sa.Insert], indent: int = 6) -> str:
        lines = []
        for statement in statements:
            text = str(
                statement.compile(
                    dialect=self._dialect.compiler, compile_kwargs={"literal_binds": True}
                )
            )
            lines += [
                f"EXECUTE {_literal(' '.join(text.split()))} USING moment;",
                "GET DIAGNOSTICS added = ROW_COUNT;",
                "queued := queued + added;",
            ]
        return "\n".join(" " * indent + line for line in lines)


def _declared(queue: Queue) -> dict[str, str]:
    return {column.name: column.native.lower() for column in (*queue.key, *queue.images)}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


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
