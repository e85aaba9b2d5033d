"""Rows locked and read under keys, and the keys themselves for the statements of a transaction.

The lock comes first and the look after it: what an application commits in between is read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dualwrite.apps.canonical import distinct
from dualwrite.apps.matching import positions
from dualwrite.apps.query import Query
from dualwrite.apps.sql.core.capturing import Capturing
from dualwrite.apps.sql.core.dialect import Expression
from dualwrite.apps.sql.core.reading import Keys, Prepared, Reader, Selected
from dualwrite.apps.sql.core.select import Paths
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.transactions import Locked
from dualwrite.apps.unreadable import stacked
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column

KEYS = "dualwrite_keys"
_OVERTAKEN = Column("dualwrite_overtaken", pa.bool_(), "BOOLEAN")


class Locking:
    """The locks of one transaction; `fresh_name` gives each staged table a name of its own."""

    def __init__(
        self,
        session: DatabaseSession,
        reader: Reader,
        capturing: Capturing,
        fresh_name: Callable[[str], str],
    ) -> None:
        self._session, self._reader, self._capturing = session, reader, capturing
        self._fresh_name = fresh_name
        self._reads_locked = reader.known(
            "overtaken", lambda: capturing.overtaken(sa.table("t0")) is not None
        )
        self.keys: tuple[list[str], Keys] | None = None
        """Those that were staged last."""

    def lock(self, query: Query, keys: pa.Table, *, deleting: bool) -> Locked:
        """As `Writing.lock`; the faults are the driver's own."""
        named = self.named(query.key, self._reader.keys(query, keys))
        place = self._place(query)
        if not place:  # the whole database is ours
            rows = self._reader.fetch(self._session, query, named)
            return Locked(rows, rows.select(names_of(query.key)).slice(0, 0))
        held = self._held(query, named, deleting=deleting)
        if not self._reads_locked:
            bare, held = replace(query, columns=()), replace(held, described=())
            locked = self._reader.rows(
                self._session, bare, held, named.values, beside=place, short=not named.many
            )
            return _parted(query, locked, self._whole(query, named, place))
        beside = (_OVERTAKEN, *place) if held.follows else ()
        rows = self._reader.rows(
            self._session, query, held, named.values, beside=beside, short=not named.many
        )
        if held.follows:
            rows = self._read_again(query, rows, place)
        return Locked(rows, self._locked(query, named, rows))

    def named(self, paths: Sequence[ColumnPath], wanted: Keys) -> Keys:
        """The keys for statements; staged once where the same ones are asked for again."""
        names = names_of(paths)
        if self.keys is not None:
            last, named = self.keys
            if last == names and named.table.equals(wanted.table):
                return named
            named.done(self._session)
        wanted.ready(self._session, self._fresh_name(KEYS))
        self.keys = (names, wanted)
        return wanted

    def _held(self, query: Query, keys: Keys, *, deleting: bool) -> Prepared:
        """The statement that locks; where it can, it gives the rows as well."""

        def shaped(paths: Paths, statement: Selected) -> Selected:
            places = _labelled(self._capturing.place(paths.schema, paths.root))
            overtaken = self._capturing.overtaken(paths.root)
            if overtaken is None:
                statement = statement.with_only_columns(*places)
            elif paths.follows:
                marked = overtaken.label(_OVERTAKEN.name)
                statement = statement.with_only_columns(
                    marked, *places, *statement.selected_columns
                )
            return self._capturing.held(statement, paths.root, deleting=deleting)

        return self._reader.prepared(f"lock {deleting}", query, keys, self._session, shaped)

    def _read_again(self, query: Query, found: pa.Table, place: Sequence[Column]) -> pa.Table:
        """Locked rows, those read anew that were changed while they were being locked.

        They were read with the lookups of their old values.
        """
        overtaken, rows = found.column(0), found.select(range(1, found.num_columns))
        first = len(place)
        whole = rows.select(range(first, rows.num_columns))
        if not pc.any(overtaken).as_py():
            return whole
        names = names_of(query.key)
        changed = rows.filter(overtaken)
        again = self._reader.keys(query, distinct(changed.select(names)))
        again.ready(self._session, self._fresh_name(KEYS))
        anew = _parted(query, changed.select(range(first)), self._whole(query, again, place))
        again.done(self._session)
        return stacked([whole.filter(pc.invert(overtaken)), anew.rows])

    def _whole(self, query: Query, named: Keys, place: Sequence[Column]) -> pa.Table:
        """The rows of a query under some keys, with what tells them apart first."""
        prepared = self._placed(query, named)
        return self._reader.rows(
            self._session, query, prepared, named.values, beside=place, short=not named.many
        )

    def _placed(self, query: Query, keys: Keys) -> Prepared:
        """The statement that reads rows together with what tells them apart."""

        def shaped(paths: Paths, statement: Selected) -> Selected:
            places = self._capturing.place(paths.schema, paths.root)
            return statement.with_only_columns(*_labelled(places), *statement.selected_columns)

        return self._reader.prepared("placed", query, keys, self._session, shaped)

    def _place(self, query: Query) -> Sequence[Column]:
        def make() -> Sequence[Column]:
            schema = self._reader.schema_of(query.table)
            table = self._reader.dialect.table(schema).alias("t0")
            return tuple(column for column, _ in self._capturing.place(schema, table))

        return self._reader.known(("place", query.table), make)

    def _locked(self, query: Query, named: Keys, rows: pa.Table) -> pa.Table:
        """The keys that are there and were not locked."""
        names = names_of(query.key)
        locked = rows.select(names)
        asked = named.table.rename_columns(names)
        missed = asked.filter(pc.is_null(positions(locked, asked, names)))
        if not missed.num_rows:
            return locked.slice(0, 0)
        narrow = replace(query, columns=query.key)
        looked = self._reader.keys(narrow, missed)
        looked.ready(self._session, self._fresh_name(KEYS))
        there = self._reader.fetch(self._session, narrow, looked)
        looked.done(self._session)
        return distinct(there.filter(pc.is_null(positions(locked, there, names))))


def names_of(paths: Sequence[ColumnPath]) -> list[str]:
    """Paths as the columns of a result are named."""
    return [str(path) for path in paths]


def _labelled(places: Sequence[tuple[Column, Expression]]) -> list[sa.Label[Any]]:
    return [expression.label(column.name) for column, expression in places]


def _parted(query: Query, locked: pa.Table, whole: pa.Table) -> Locked:
    """The rows that were locked, and the keys of those that were not."""
    places = locked.column_names
    ours: Any = pc.is_valid(positions(locked, whole.select(places), places))
    rows = whole.select(list(range(len(places), whole.num_columns)))
    locked = rows.filter(pc.invert(ours)).select(names_of(query.key))
    return Locked(rows.filter(ours), distinct(locked))
