"""EntryStatements made of rows, as a trigger makes them in any dialect.

The rows stand in a clause named `t0`: the table itself, a transition table, or one row of
`NEW.` and `OLD.` columns.  Lookups of the key are joined to it as a query joins them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.entries import changed_text
from dualwrite.apps.query import Query
from dualwrite.apps.sql.core.dialect import Expression
from dualwrite.apps.sql.core.queues import QueueTable
from dualwrite.apps.sql.core.reading import Reader

Condition = sa.ColumnElement[bool]
Silent = Callable[[str], Condition]
"""Whether a column of a row that we write is left out of the queue, by name."""


class EntryStatements:
    """The statements by which one queue is filled."""

    def __init__(self, reader: Reader, queue: QueueTable, *, at: Expression) -> None:
        """`at` is the moment of the change."""
        self._reader, self._dialect, self._queue, self._at = reader, reader.dialect, queue, at
        self._table = self._dialect.table(queue.table)

    def of(
        self,
        root: Any,
        op: str | Expression,
        *,
        changed: Expression | None = None,
        image: bool = True,
        was: Any = None,
        where: Sequence[Condition] = (),
        order: Sequence[Expression] = (),
    ) -> sa.Insert:
        """Queue the keys of the rows of `root`; no image is kept of a row that went.

        `was` are the rows before their key changed, of those whose entry is an insert.
        """
        names = ["op", "changed", "at"]
        value = sa.literal(op) if isinstance(op, str) else op
        values: list[Any] = [value, sa.null() if changed is None else changed, self._at]
        source, keys = self.keys(root)
        names += [column.name for column in self._queue.key]
        values += keys
        if was is not None:
            names += [column.name for column in self._queue.was]
            before = self.before(was, root, keys)
            values += (
                before if isinstance(op, str) else [sa.case((op == "i", each)) for each in before]
            )
        if self._queue.images and image:
            names += [column.name for column in self._queue.images]
            for name in self._queue.capture.columns:
                kept = self._dialect.kept(self._queue.source.columns[name], root.c[name])
                values.append(kept if isinstance(op, str) else sa.case((op != "d", kept)))
        statement = sa.select(*values).select_from(source).where(*where).order_by(*order)
        return self.insert(names, statement)

    def keys(self, root: Any) -> tuple[sa.FromClause, list[Expression]]:
        """The integration key of the rows of `root`, and what to select it from."""
        capture = self._queue.capture
        query = Query(capture.table, capture.key, lookups=capture.lookups)
        paths = self._reader.paths(query, root)
        found = [(path, *paths.find(path)) for path in capture.key]
        keys = [
            expression if path.targets else self._dialect.kept(column, expression)
            for path, column, expression in found
        ]
        return paths.source, keys

    def before(self, was: Any, root: Any, keys: Sequence[Expression]) -> list[Expression]:
        """The integration key before it changed; null for a part behind another lookup now."""
        parts: list[Expression] = []
        for path, column, key in zip(self._queue.capture.key, self._queue.ends, keys, strict=True):
            name = path.column
            if path.is_lookup:
                stayed = was.c[name].is_not_distinct_from(root.c[name])
                parts.append(sa.case((stayed, key)))
            else:
                parts.append(self._dialect.kept(column, was.c[name]))
        return parts

    def insert(self, names: Sequence[str], values: Any) -> sa.Insert:
        """Add what a SELECT gives to the queue."""
        return sa.insert(self._table).from_select(list(names), values)

    def moved(self, old: Any, new: Any) -> Condition:
        """Whether a row came by another key."""
        return self.any_altered(self._queue.steering, old, new)

    @property
    def telling(self) -> tuple[str, ...]:
        """The captured columns that can make an update: a change of the others moves the row."""
        steering = self._queue.steering
        return tuple(name for name in self._queue.capture.columns if name not in steering)

    def touched(self, old: Any, new: Any, silent: Silent | None = None) -> Condition:
        """Whether a row that has not moved has another value in a captured column.

        Columns that are `silent` do not count.
        """
        if silent is None:
            return self.any_altered(self.telling, old, new)
        altered = (self._told(name, old, new, silent) for name in self.telling)
        return sa.or_(sa.false(), *altered)

    def any_altered(self, names: Sequence[str], old: Any, new: Any) -> Condition:
        """Whether one of the columns has another value."""
        return sa.or_(sa.false(), *(self._altered(name, old, new) for name in names))

    def changed(self, old: Any, new: Any, silent: Silent | None = None) -> Expression:
        """The names of the columns that `touched` finds, as `changed_text`."""
        parts: list[Any] = [
            sa.case((self._told(name, old, new, silent), changed_text([name])), else_="")
            for name in self.telling
        ]
        return reduce(operator.add, parts, sa.literal(""))

    def same(self, names: Sequence[str], old: Any, new: Any) -> Condition:
        """Whether two rows are one, by the columns that tell rows apart."""
        return sa.and_(*(old.c[name] == new.c[name] for name in names))

    def _told(self, name: str, old: Any, new: Any, silent: Silent | None) -> Condition:
        altered = self._altered(name, old, new)
        return altered if silent is None else sa.and_(altered, sa.not_(silent(name)))

    def _altered(self, name: str, old: Any, new: Any) -> Condition:
        return self._dialect.altered(self._queue.source.columns[name], old.c[name], new.c[name])


def row(queue: QueueTable, prefix: str, quote: Any, *, name: str = "t0") -> Any:
    """`NEW.` or `OLD.` of a row trigger as a clause of one row: what an entry is made of."""
    return sa.select(
        *(
            sa.literal_column(f"{prefix}.{quote(column)}").label(quoted_name(column, quote=True))
            for column in queue.made_of
        )
    ).subquery(name)


class Bare:
    """`NEW.` or `OLD.` of a row trigger, its columns named without a clause."""

    def __init__(self, prefix: str, quote: Any) -> None:
        self.c = _Columns(prefix, quote)


class _Columns:
    def __init__(self, prefix: str, quote: Any) -> None:
        self._prefix, self._quote = prefix, quote

    def __getitem__(self, name: str) -> Any:
        return sa.literal_column(f"{self._prefix}.{self._quote(name)}", sa.String())
