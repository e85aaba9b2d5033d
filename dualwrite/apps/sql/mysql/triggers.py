"""The bodies of a queue's triggers in MariaDB and MySQL.

An application's statement never fails because of them.  Where a captured column was dropped
or renamed, the keys alone are queued (`changed` null); where not even a key can be built,
one entry whose op is `?`; where the queue itself is gone, nothing, which `problems` and the
next read of it report.  Locks and deadlocks are the application's own and are let through.
The triggers run with the rights of the user who installed them, so that an application's
users need none of ours; that user must not be dropped before `uninstall`.

A key behind a lookup is read as the transaction sees it, without a lock: a shared lock would
let two applications deadlock that never did before.  A parent that this transaction
cannot see yet (committed after it began to read) is then read under a lock, which the
foreign key holds already; through a lookup that only the map declares it stays null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from dualwrite.apps.entries import changed_text
from dualwrite.apps.sql.core.dialect import Expression
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Reader
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.core.triggers import Bare, Condition, EntryStatements

ORIGIN = "@dualwrite_origin"
_OURS = "1048, 1054, 1136, 1146, 1264, 1265, 1267, 1292, 1364, 1366, 1406, 1411, 1690"
"""What a table that has drifted makes of our statements."""


def bodies(
    session: DatabaseSession, reader: Reader, queue: QueueTable, *, mariadb: bool
) -> Mapping[str, str]:
    """The body of each trigger, by event."""
    parts = _TriggerBodies(session, reader, queue, mariadb=mariadb)
    return {
        "i": parts.body(parts.inserted(), parts.inserted(image=False)),
        "u": parts.body(parts.updated(), parts.keys_alone(), parts.updated_by_us()),
        "d": parts.body(parts.deleted(), parts.deleted()),
    }


def _silent(name: str) -> Condition:
    """Whether a column of a row that we write is carried by the map that writes."""
    written: Condition = sa.func.instr(sa.literal_column("dualwrite_silent"), changed_text([name]))
    return written > 0


class _Row:
    """`NEW` or `OLD` as what a query reads from: one row, its columns named by prefix."""

    name = "t0"

    def __init__(self, prefix: str, quote: Any) -> None:
        self.prefix = prefix
        self.c = Bare(prefix, quote).c
        self._one = sa.select(sa.literal_column("1").label("one")).subquery(self.name)

    def outerjoin(self, other: Any, on: Any) -> Any:
        return self._one.outerjoin(other, on)


class _TriggerBodies:
    """The parts of the bodies."""

    def __init__(
        self, session: DatabaseSession, reader: Reader, queue: QueueTable, *, mariadb: bool
    ) -> None:
        self._session, self._dialect, self._queue = session, reader.dialect, queue
        self._entries = EntryStatements(reader, queue, at=sa.null())
        self._share = "LOCK IN SHARE MODE" if mariadb else "FOR SHARE"
        self._old, self._new = _Row("OLD", session.quote), _Row("NEW", session.quote)

    def body(self, whole: str, drifted: str, ours: str = "") -> str:
        """The body of a trigger; `ours` is done for a row that we write."""
        variables = "".join(
            f"DECLARE dualwrite_{column.name} {column.native} DEFAULT NULL; "
            for place, column in enumerate(self._queue.key)
            if self._queue.capture.key[place].is_lookup
        )
        line = self._text(sa.literal(f"\n{self._queue.name}\t"))
        nothing = self._insert("?", sa.null(), {})
        if self._queue.images:
            drifted = nothing
        handler = f"DECLARE EXIT HANDLER FOR {_OURS} BEGIN"
        return (
            f"BEGIN {variables}DECLARE dualwrite_changed, dualwrite_silent LONGTEXT; "
            f"{handler} {handler} {handler} END; {nothing} END; {drifted} END; "
            f"IF COALESCE(INSTR({ORIGIN}, {line}), 0) = 0 THEN {whole} {ours}END IF; END"
        )

    def inserted(self, *, image: bool = True) -> str:
        return self._entry("i", self._new, image=image)

    def deleted(self) -> str:
        return self._entry("d", self._old, image=False)

    def updated(self) -> str:
        names = self._text(self._entries.changed(self._old, self._new))
        touched = self._entry("u", self._new, changed=sa.literal_column("dualwrite_changed"))
        return self._unless_moved(
            f"SET dualwrite_changed = {names}; IF dualwrite_changed <> '' THEN {touched} END IF;"
        )

    def updated_by_us(self) -> str:
        """Of a row that we write for another map: the columns which that map does not carry."""
        line = self._text(sa.literal(f"\n{self._queue.name}\t"))
        end = self._text(sa.literal("\n"))
        names = self._text(self._entries.changed(self._old, self._new, _silent))
        moved = self._text(self._entries.moved(self._old, self._new))
        touched = self._entry("u", self._new, changed=sa.literal_column("dualwrite_changed"))
        return (
            f"ELSEIF NOT ({moved}) THEN SET dualwrite_silent = "
            f"SUBSTRING_INDEX(SUBSTRING_INDEX({ORIGIN}, {line}, -1), {end}, 1); "
            f"IF dualwrite_silent <> '*' THEN SET dualwrite_changed = {names}; "
            f"IF dualwrite_changed <> '' THEN {touched} END IF; END IF; "
        )

    def keys_alone(self) -> str:
        """Every updated key as one that changed in whatever way."""
        return self._unless_moved(self._entry("u", self._new, image=False), image=False)

    def _unless_moved(self, stayed: str, *, image: bool = True) -> str:
        moved = self._text(self._entries.moved(self._old, self._new))
        both = f"{self.deleted()} {self._entry('i', self._new, image=image, was=self._old)}"
        return f"IF {moved} THEN {both} ELSE {stayed} END IF;"

    def _entry(
        self,
        op: str,
        row: _Row,
        *,
        changed: Expression | None = None,
        image: bool = True,
        was: _Row | None = None,
    ) -> str:
        source, keys = self._entries.keys(row)
        values: dict[str, Any] = {}
        looked_up = []
        for path, column, key in zip(self._queue.capture.key, self._queue.key, keys, strict=True):
            values[column.name] = key
            if path.is_lookup:
                values[column.name] = sa.literal_column(f"dualwrite_{column.name}")
                looked_up.append((path.column, column.name, key))
        if was is not None:
            keyed = [values[column.name] for column in self._queue.key]
            before = self._entries.before(was, row, keyed)
            values |= {c.name: part for c, part in zip(self._queue.was, before, strict=True)}
        if image:
            for name, held in zip(self._queue.capture.columns, self._queue.images, strict=False):
                values[held.name] = row.c[name]
        insert = self._insert(op, sa.null() if changed is None else changed, values)
        return f"{self._look_up(row, source, looked_up)}{insert}"

    def _look_up(self, row: _Row, source: Any, wanted: Sequence[tuple[str, str, Any]]) -> str:
        """Read the parts of the key that lie behind lookups into their variables."""
        if not wanted:
            return ""
        read = sa.select(*(key for _, _, key in wanted)).select_from(source).limit(1)
        into = ", ".join(f"dualwrite_{name}" for _, name, _ in wanted)
        clear = ", ".join(f"dualwrite_{name} = NULL" for _, name, _ in wanted)
        statements = f"SET {clear}; {self._text(read)} INTO {into}; "
        columns = self._queue.source.columns
        unseen = [
            f"(dualwrite_{name} IS NULL AND {self._text(row.c[column])} IS NOT NULL)"
            for column, name, _ in wanted
            if columns[column].references and column not in self._queue.capture.lookups
        ]
        if unseen:
            again = f"{self._text(read)} INTO {into} {self._share} SKIP LOCKED"
            statements += f"IF {' OR '.join(unseen)} THEN {again}; END IF; "
        return statements

    def _insert(self, op: str, changed: Any, values: Mapping[str, Any]) -> str:
        """One entry by VALUES: a SELECT would lock the queue's counter, and what it reads."""
        preparer = self._session.compiler.identifier_preparer
        table = preparer.format_table(self._dialect.table(self._queue.table))
        names = [self._session.quote(name) for name in ("op", "changed", *values)]
        given = [self._text(value) for value in (sa.literal(op), changed, *values.values())]
        into = f"{table} ({', '.join(names)})"
        return f"INSERT INTO {into} VALUES ({', '.join(given)});"  # noqa: S608 - quoted

    def _text(self, expression: Any) -> str:
        return self._session.text(expression)
