"""The function that fills one queue in PostgreSQL, for every kind of statement.

Three tries, one inside the other: entries as they should be; where a captured column has
gone, the keys alone; where no key can be built, that something changed (`?`).  The last one
gives up only where the queue itself is gone.  Anything else that goes wrong (a full disk, a
deadlock) is the statement's own fault and ends it: a change that is not queued is lost.

A statement of one row is what applications send most, so its plan is kept.  Kept for many,
it would compare every row with every row: they are planned anew, for so many as there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.sql.core.dialect import Dialect, Expression
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.triggers import Condition, EntryStatements
from dualwrite.apps.sql.postgresql.listening import CHANNEL
from dualwrite.apps.sql.postgresql.literals import literal

NOTIFIES = "current_setting('max_prepared_transactions') = '0'"
"""Whether watchers are notified: a transaction that has notified cannot be prepared, so where
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


def body(dialect: Dialect, reader: Reader, queue: QueueTable) -> str:
    """The body of the function."""
    one, many = (_FunctionBody(dialect, reader, queue, at=at) for at in ("dualwrite_moment", "$1"))
    name, nothing = literal(queue.name), _run(dialect, many.nothing())
    events = "\n".join(
        f"    {word} TG_OP = '{event}' THEN\n{_apart(dialect, rows, one=single, many=several)}"
        for word, event, rows, single, several in (
            ("IF", "INSERT", NEW, one.inserted(), many.inserted()),
            ("ELSIF", "UPDATE", NEW, one.updated(), many.updated()),
            ("ELSIF", "DELETE", OLD, one.deleted(), many.deleted()),
        )
    )
    drifted = f"""\
    IF TG_OP = 'INSERT' THEN
{_run(dialect, many.inserted())}
    ELSIF TG_OP = 'UPDATE' THEN
{_run(dialect, many.keys_alone())}
    ELSIF TG_OP = 'DELETE' THEN
{_run(dialect, many.deleted())}
    ELSE
{_run(dialect, many.emptied())}
    END IF;"""
    return f"""
#variable_conflict use_variable
DECLARE
  dualwrite_moment CONSTANT timestamptz := clock_timestamp();
  dualwrite_rows bigint;
  dualwrite_queued bigint := 0;
BEGIN
  IF current_setting('{ORIGIN}', true) = {name} THEN
    RETURN NULL;
  END IF;
  BEGIN
{events}
    ELSE
{_run(dialect, many.emptied())}
    END IF;
  EXCEPTION WHEN {_DRIFT} THEN
    BEGIN
{nothing if queue.images else drifted}
    EXCEPTION WHEN {_DRIFT} THEN
      BEGIN
{nothing}
      EXCEPTION WHEN undefined_table THEN
        RETURN NULL;
      END;
    END;
  END;
  IF dualwrite_queued > 0 AND {NOTIFIES} THEN
    PERFORM pg_notify('{CHANNEL}', {name});
  END IF;
  RETURN NULL;
END
"""


def _apart(
    dialect: Dialect, rows: str, *, one: Sequence[sa.Insert], many: Sequence[sa.Insert]
) -> str:
    """One row by a statement whose plan is kept, many by one that is planned for them."""
    few = f"(SELECT FROM {rows} LIMIT 2) AS few"
    lines = [
        f"      dualwrite_rows := (SELECT count(*) FROM {few});",  # noqa: S608 - as above
        "      IF dualwrite_rows = 1 THEN",
        _run(dialect, one, kept=True),
        "      ELSIF dualwrite_rows > 1 THEN",
        _run(dialect, many),
        "      END IF;",
    ]
    return "\n".join(lines)


def _run(dialect: Dialect, statements: Sequence[sa.Insert], *, kept: bool = False) -> str:
    lines = []
    for statement in statements:
        text = str(
            statement.compile(dialect=dialect.compiler, compile_kwargs={"literal_binds": True})
        )
        lines += [
            f"{text};" if kept else f"EXECUTE {literal(text)} USING dualwrite_moment;",
            "GET DIAGNOSTICS dualwrite_rows = ROW_COUNT;",
            "dualwrite_queued := dualwrite_queued + dualwrite_rows;",
        ]
    return "\n".join(f"        {line}" for line in lines)


class _FunctionBody:
    """The statements that fill the queue, by what happened."""

    def __init__(self, dialect: Dialect, reader: Reader, queue: QueueTable, *, at: str) -> None:
        self._dialect, self._queue = dialect, queue
        self._at: Expression = sa.literal_column(at)
        self._entries = EntryStatements(reader, queue, at=self._at)
        self._old, self._new = self._rows(OLD), self._rows(NEW)

    def inserted(self) -> list[sa.Insert]:
        return [self._entries.of(self._new, "i")]

    def deleted(self) -> list[sa.Insert]:
        return [self._entries.of(self._old, "d", image=False)]

    def emptied(self) -> list[sa.Insert]:
        return [self._entries.of(self._rows(self._queue.source.name), "d", image=False)]

    def nothing(self) -> list[sa.Insert]:
        """That something changed, and no more."""
        return [self._entries.insert(["op", "at"], sa.select(sa.literal("?"), self._at))]

    def keys_alone(self) -> list[sa.Insert]:
        """Every key of an update as one that changed in whatever way."""
        source, was = self._entries.keys(self._old)
        other, now = self._entries.keys(self._new)
        gone = sa.select(*was).select_from(source)
        come = sa.select(*now).select_from(other)
        names = ["op", "changed", "at", *(column.name for column in self._queue.key)]
        lost = sa.except_(gone, come).subquery("lost")
        head: tuple[Any, ...] = (sa.null(), self._at)
        return [
            self._entries.insert(names, sa.select(sa.literal("d"), *head, *lost.c)),
            self._entries.insert(names, sa.select(sa.literal("u"), *head, *now).select_from(other)),
        ]

    def updated(self) -> list[sa.Insert]:
        """What an update makes, rows before and after it met in one pass."""
        if not self._queue.identity:
            return [*self.deleted(), *self.inserted()]
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
        value = sa.cast(sa.null(), sa.Text) if changed is None else changed
        names = self._queue.made_of
        columns = (rows.c[name].label(quoted_name(name, quote=True)) for name in names)
        return (
            sa.select(op.label("dualwrite_op"), value.label("dualwrite_changed"), *columns)
            .where(*where)
            .correlate(*among)
        )

    def _rows(self, name: str, alias: str = "t0") -> Any:
        columns = (
            sa.column(quoted_name(column.name, quote=True), self._dialect.sql_type(column))
            for column in self._queue.source.columns.values()
        )
        return sa.table(quoted_name(name, quote=True), *columns).alias(alias)
