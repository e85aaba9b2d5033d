"""The function that fills one queue in PostgreSQL, for every kind of statement.

Three tries, one inside the other: entries as they should be; where a captured column has
gone, the keys alone; where no key can be built, that something changed (`?`).  The last one
gives up only where the queue itself is gone.  Anything else that goes wrong (a full disk, a
deadlock) is the statement's own fault and ends it: a change that is not queued is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.sql.dialect import Dialect, Expression
from dualwrite.apps.sql.postgresql_here import literal
from dualwrite.apps.sql.queues import Queue
from dualwrite.apps.sql.reading import Reader
from dualwrite.apps.sql.triggers import Condition, Entries
from dualwrite.apps.sql.watch import CHANNEL

TELLS = "current_setting('max_prepared_transactions') = '0'"
"""Whether who watches is told: a transaction that has notified cannot be prepared, so where
a server allows PREPARE TRANSACTION an application might find its own refused."""
ORIGIN = "dualwrite.origin"
"""The setting that holds the queue for which a transaction is silent."""
OLD, NEW = "dualwrite_old", "dualwrite_new"
"""The transition tables."""
_DRIFT = (
    "syntax_error_or_access_rule_violation OR data_exception OR integrity_constraint_violation"
    " OR feature_not_supported"
)
"""What a table that has drifted makes of our statements."""


def body(dialect: Dialect, reader: Reader, queue: Queue) -> str:
    """The body of the function."""
    said = _Said(dialect, reader, queue)
    name = literal(queue.name)
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
  EXCEPTION WHEN {_DRIFT} THEN
    BEGIN
{drifted}
    EXCEPTION WHEN {_DRIFT} THEN
      BEGIN
{said.nothing()}
      EXCEPTION WHEN undefined_table THEN
        RETURN NULL;
      END;
    END;
  END;
  IF queued > 0 AND {TELLS} THEN
    PERFORM pg_notify('{CHANNEL}', {name});
  END IF;
  RETURN NULL;
END
"""


class _Said:
    """The parts of the function."""

    def __init__(self, dialect: Any, reader: Reader, queue: Queue) -> None:
        self._dialect, self._queue = dialect, queue
        self._entries = Entries(reader, queue, at=sa.literal_column("$1"))
        self._old, self._new = self._rows(OLD), self._rows(NEW)

    def whole(self) -> str:
        """Every entry as it should be."""
        return self._by_event(
            [self._entries.of(self._new, "i")],
            self._updates(),
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

    def _updates(self) -> list[sa.Insert]:
        """What an update makes, rows before and after it met in one pass."""
        if not self._queue.identity:
            return [self._entries.of(self._old, "d", image=False), self._entries.of(self._new, "i")]
        old, new = self._rows(OLD, "o"), self._rows(NEW, "n")
        met = self._entries.same(self._queue.identity, old, new)
        was, there = (each.c[self._queue.identity[0]].is_not(None) for each in (old, new))
        moved = self._entries.moved(old, new)
        ways = [
            self._way(old, sa.literal("d"), [was, sa.or_(sa.not_(there), moved)], (old, new)),
            self._way(new, sa.literal("i"), [there, sa.or_(sa.not_(was), moved)], (old, new)),
        ]
        if self._entries.telling:
            stayed = [was, there, sa.not_(moved), self._entries.touched(old, new)]
            changed = self._entries.changed(old, new)
            ways.append(self._way(new, sa.literal("u"), stayed, (old, new), changed))
        one = sa.union_all(*ways).lateral("e")
        rows = (
            sa.select(*one.c)
            .select_from(old.join(new, met, full=True).join(one, sa.true()))
            .subquery("t0")
        )
        op = rows.c["dualwrite_op"]
        return [
            self._entries.of(
                rows,
                op,
                changed=rows.c["dualwrite_changed"],
                # a key that one row leaves and another takes is gone before it comes
                order=[op] if self._queue.images else (),
            )
        ]

    def _way(
        self,
        rows: Any,
        op: Expression,
        where: Sequence[Condition],
        among: Sequence[Any],
        changed: Expression | None = None,
    ) -> Any:
        """The columns of a row that an entry is made of, if it makes one."""
        said = sa.cast(sa.null(), sa.Text) if changed is None else changed
        columns = (rows.c[name].label(quoted_name(name, quote=True)) for name in self._queue.made_of)
        return (
            sa.select(op.label("dualwrite_op"), said.label("dualwrite_changed"), *columns)
            .where(*where)
            .correlate(*among)
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
        some = "IF NOT EXISTS (SELECT FROM {rows}) THEN RETURN NULL; END IF;"
        lines = [
            "    IF TG_OP = 'INSERT' THEN",
            f"      {some.format(rows=NEW)}",
            self._run(insert),
            "    ELSIF TG_OP = 'UPDATE' THEN",
            f"      {some.format(rows=NEW)}",
            self._run(update),
            "    ELSIF TG_OP = 'DELETE' THEN",
            f"      {some.format(rows=OLD)}",
            self._run(delete),
            "    ELSE",
            self._run(emptied),
            "    END IF;",
        ]
        return "\n".join(lines)

    def _run(self, statements: Sequence[sa.Insert], indent: int = 6) -> str:
        lines = []
        for statement in statements:
            text = statement.compile(
                dialect=self._dialect.compiler, compile_kwargs={"literal_binds": True}
            )
            lines += [
                f"EXECUTE {literal(str(text))} USING moment;",
                "GET DIAGNOSTICS added = ROW_COUNT;",
                "queued := queued + added;",
            ]
        return "\n".join(" " * indent + line for line in lines)
