"""The function that fills one queue in PostgreSQL, for every kind of statement.

Three tries, one inside the other: entries as they should be; where a captured column has
gone, the keys alone; where no key can be built, that something changed (`?`).  The last one
gives up only where the queue itself is gone.  Anything else that goes wrong (a full disk, a
deadlock) is the statement's own fault and ends it: a change that is not queued is lost.

Of a transaction of ours the statement triggers keep nothing, or in a queue of another map the
columns that this map does not carry.  What our statement sets off in triggers and foreign keys is
kept row by row: such a row is changed inside a trigger, which our own rows never are.

A statement of one row is what applications send most, so its plan is kept.  Kept for many,
it would compare every row with every row: they are planned anew, for so many as there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.entries import changed_text
from dualwrite.apps.sql.core.dialect import Dialect, Expression
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.triggers import (
    Bare,
    Condition,
    EntryStatements,
    Silent,
    row,
)
from dualwrite.apps.sql.postgresql.listening import CHANNEL
from dualwrite.apps.sql.postgresql.literals import literal

NOTIFIES = "current_setting('max_prepared_transactions') = '0'"
"""Whether watchers are notified: a transaction that has notified cannot be prepared, so where
a server allows PREPARE TRANSACTION an application might find its own refused."""
ORIGIN = "dualwrite.origin"
"""The setting that holds the queues that a transaction of ours silences (`spelled`)."""
OLD, NEW = "dualwrite_old", "dualwrite_new"
"""The transition tables."""
_BEFORE = "dualwrite_was "
_DRIFT = (
    "syntax_error_or_access_rule_violation OR data_exception OR integrity_constraint_violation"
    " OR feature_not_supported"
)
"""What a table that has drifted makes of our statements."""


def marked(queue: str) -> str:
    """Whether a transaction is ours, as the queue sees it."""
    return f"position({literal(_line(queue))} IN current_setting('{ORIGIN}', true)) > 0"


def set_off(queue: str) -> str:
    """The condition of the row trigger: ours, and inside a trigger or a foreign key's action."""
    return f"pg_trigger_depth() > 0 AND {marked(queue)}"


def renamed(queue: QueueTable, quote: Any) -> str | None:
    """The condition of the row trigger for rows that only it knows again: their key is what
    tells them apart, and it changed.  None where the key is another one.
    """
    names = [name for name in queue.identity if name in queue.steering]
    if not names or queue.images:  # images are kept in an order of their own
        return None
    each = (f"OLD.{quote(name)} IS DISTINCT FROM NEW.{quote(name)}" for name in names)
    return " OR ".join(each)


def _line(queue: str) -> str:
    return f"\n{queue}\t"


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
  dualwrite_silent text;
  dualwrite_queued bigint := 0;
BEGIN
  IF TG_LEVEL = 'ROW' AND TG_NAME = {literal(f"{queue.name}_m")} THEN
    IF {marked(queue.name)} THEN
      RETURN NULL;
    END IF;
    BEGIN
{_run(dialect, one.row_renamed(), kept=True)}
    EXCEPTION WHEN {_DRIFT} THEN
      RETURN NULL;
    END;
  ELSIF {marked(queue.name)} THEN
{_ours(dialect, queue, one, many)}
  ELSE
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
  END IF;
  IF dualwrite_queued > 0 AND {NOTIFIES} THEN
    PERFORM pg_notify('{CHANNEL}', {name});
  END IF;
  RETURN NULL;
END
"""


def _ours(dialect: Dialect, queue: QueueTable, one: _FunctionBody, many: _FunctionBody) -> str:
    """What is kept of a transaction of ours: what it set off, and what only this map carries."""
    columns = f"split_part(current_setting('{ORIGIN}', true), {literal(_line(queue.name))}, 2)"
    partly = _run(dialect, many.updated(_silent), using="dualwrite_moment, dualwrite_silent")
    return f"""\
    BEGIN
      IF TG_LEVEL = 'ROW' AND TG_OP = 'INSERT' THEN
{_run(dialect, one.row_inserted(), kept=True)}
      ELSIF TG_LEVEL = 'ROW' AND TG_OP = 'UPDATE' THEN
{_run(dialect, one.row_updated(), kept=True)}
      ELSIF TG_LEVEL = 'ROW' THEN
{_run(dialect, one.row_deleted(), kept=True)}
      ELSIF TG_OP = 'TRUNCATE' THEN
{_run(dialect, many.emptied())}
      ELSIF TG_OP = 'UPDATE' THEN
        dualwrite_silent := split_part({columns}, E'\\n', 1);
        IF dualwrite_silent <> '*' THEN
{partly}
        END IF;
      END IF;
    EXCEPTION WHEN {_DRIFT} THEN
      BEGIN
{_run(dialect, many.nothing())}
      EXCEPTION WHEN undefined_table THEN
        RETURN NULL;
      END;
    END;"""


def _silent(name: str) -> Condition:
    """Whether a column of a row that we write is carried by the map that writes."""
    written: Condition = sa.func.strpos(sa.literal_column("$2", sa.Text), changed_text([name]))
    return written > 0


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


def _run(
    dialect: Dialect,
    statements: Sequence[sa.Insert],
    *,
    kept: bool = False,
    using: str = "dualwrite_moment",
) -> str:
    lines = []
    for statement in statements:
        text = str(
            statement.compile(dialect=dialect.compiler, compile_kwargs={"literal_binds": True})
        )
        lines += [
            f"{text};" if kept else f"EXECUTE {literal(text)} USING {using};",
            "GET DIAGNOSTICS dualwrite_rows = ROW_COUNT;",
            "dualwrite_queued := dualwrite_queued + dualwrite_rows;",
        ]
    return "\n".join(f"        {line}" for line in lines)


class _Before:
    """The rows of a statement as they were before it."""

    def __init__(self, rows: Any) -> None:
        self.c = _BeforeColumns(rows)


class _BeforeColumns:
    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __getitem__(self, name: str) -> Any:
        return self._rows.c[f"{_BEFORE}{name}"]


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
        table = self._dialect.table(self._queue.source).alias("t0")
        return [self._entries.of(table, "d", image=False)]

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

    def row_inserted(self) -> list[sa.Insert]:
        return [self._entries.of(self._row("NEW"), "i")]

    def row_deleted(self) -> list[sa.Insert]:
        return [self._entries.of(self._row("OLD"), "d", image=False)]

    def row_renamed(self) -> list[sa.Insert]:
        old = Bare("OLD", self._quote)
        return [
            self._entries.of(self._row("OLD"), "d", image=False),
            self._entries.of(self._row("NEW"), "i", was=old),
        ]

    def row_updated(self) -> list[sa.Insert]:
        old, new = (Bare(prefix, self._quote) for prefix in ("OLD", "NEW"))
        moved = self._entries.moved(old, new)
        statements = [
            self._entries.of(self._row("OLD"), "d", image=False, where=[moved]),
            self._entries.of(self._row("NEW"), "i", was=old, where=[moved]),
        ]
        if self._entries.telling:
            stayed = [sa.not_(moved), self._entries.touched(old, new)]
            changed = self._entries.changed(old, new)
            statements.append(
                self._entries.of(self._row("NEW"), "u", changed=changed, where=stayed)
            )
        return statements

    def updated(self, silent: Silent | None = None) -> list[sa.Insert]:
        """What an update makes, rows before and after it met in one pass.

        Where some columns are `silent`, a row that we wrote: it came and went with us.
        """
        if not self._queue.identity:
            return [] if silent else [*self.deleted(), *self.inserted()]
        old, new = self._rows(OLD, "o"), self._rows(NEW, "n")
        met = self._entries.same(self._queue.identity, old, new)
        was, there = (each.c[self._queue.identity[0]].is_not(None) for each in (old, new))
        moved = self._entries.moved(old, new)
        # a row that is not met has another identity now: where that is the key, a row trigger
        # has queued it, with what it was
        by_row = renamed(self._queue, self._quote) is not None
        ways = []
        if not silent:
            gone = [was, there, moved] if by_row else [was, sa.or_(sa.not_(there), moved)]
            come = [was, there, moved] if by_row else [there, sa.or_(sa.not_(was), moved)]
            ways.append(self._way(old, sa.literal("d"), gone, (old, new)))
            ways.append(self._way(new, sa.literal("i"), come, (old, new)))
        if self._entries.telling:
            stayed = [was, there, sa.not_(moved), self._entries.touched(old, new, silent)]
            changed = self._entries.changed(old, new, silent)
            ways.append(self._way(new, sa.literal("u"), stayed, (old, new), changed))
        if not ways:
            return []
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
                was=None if silent else _Before(rows),
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
        columns = [rows.c[name].label(quoted_name(name, quote=True)) for name in names]
        old, key = among[0], dict.fromkeys(path.column for path in self._queue.capture.key)
        columns += [old.c[name].label(f"{_BEFORE}{name}") for name in key]
        return (
            sa.select(op.label("dualwrite_op"), value.label("dualwrite_changed"), *columns)
            .where(*where)
            .correlate(*among)
        )

    def _quote(self, name: str) -> str:
        return self._dialect.compiler.identifier_preparer.quote_identifier(name)

    def _row(self, prefix: str) -> Any:
        return row(self._queue, prefix, self._quote)

    def _rows(self, name: str, alias: str = "t0") -> Any:
        columns = (
            sa.column(quoted_name(column.name, quote=True), self._dialect.sql_type(column))
            for column in self._queue.source.columns.values()
        )
        return sa.table(quoted_name(name, quote=True), *columns).alias(alias)
