"""An app in memory: Arrow tables under a lock, held to the same contract as the real ones.

It refuses what a database would: nulls where none may be, text that is too long, repeated
keys, references to rows that are not there, deletes of rows that others point at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps import constraints
from dualwrite.apps.base import KeyRange, Query, Written
from dualwrite.apps.canonical import as_text, canonical, distinct
from dualwrite.apps.cutting import order_of, ranges
from dualwrite.apps.following import Follower
from dualwrite.apps.guards import checked, missing_table, with_identities
from dualwrite.apps.matching import differ, positions
from dualwrite.errors import NoKeyError, PrivilegeError
from dualwrite.link import Side
from dualwrite.tablemap.schema import TableSchema

ALL_RIGHTS = frozenset({"select", "insert", "update", "delete"})


class MemoryApp:
    """One business system as a dict of tables."""

    def __init__(self, side: Side, *schemas: TableSchema) -> None:
        self.side = side
        self.before: Callable[[str, str], None] | None = None
        """Called with (operation, table) before each; what it raises, the app raises."""
        self._schemas: dict[str, TableSchema] = {}
        self._rows: dict[str, pa.Table] = {}
        self._defaults: dict[str, Mapping[str, Any]] = {}
        self._rights: dict[str, frozenset[str]] = {}
        self._guard = threading.RLock()
        for schema in schemas:
            self.create(schema)

    @property
    def name(self) -> str:
        return self.side.value

    def create(
        self,
        schema: TableSchema,
        *,
        defaults: Mapping[str, Any] | None = None,
        rights: frozenset[str] = ALL_RIGHTS,
    ) -> None:
        """Add an empty table.  `defaults` are for columns that a new row does not give."""
        fields = [pa.field(column.name, column.type) for column in schema.columns.values()]
        with self._guard:
            self._schemas[schema.name] = schema
            self._rows[schema.name] = pa.schema(fields).empty_table()
            self._defaults[schema.name] = defaults or {}
            self._rights[schema.name] = rights

    def tables(self) -> Sequence[str]:
        with self._guard:
            return sorted(self._schemas)

    def schema(self, table: str) -> TableSchema:
        with self._guard:
            if table not in self._schemas:
                raise missing_table(self.name, table, self.tables())
            return self._schemas[table]

    def privileges(self, table: str) -> frozenset[str]:
        self.schema(table)
        return self._rights[table]

    def count(self, query: Query) -> int:
        with self._doing("select", query.table):
            return int(self._follower(query).chosen().num_rows)

    def partitions(
        self, query: Query, *, size: int, together: Sequence[str] = ()
    ) -> Sequence[KeyRange]:
        schema = self.schema(query.table)
        columns = order_of(schema, together)
        if not columns:
            raise NoKeyError(app=self.name, table=query.table)
        with self._doing("select", query.table):
            keys = self._rows[query.table].select(list(columns)).drop_null()
        ordered = keys.sort_by([(name, "ascending") for name in columns])
        step = max(size, 1)
        firsts = ordered.take(pa.array(range(step, ordered.num_rows, step), pa.int64()))
        texts = [as_text(values).to_pylist() for values in firsts.columns]
        return ranges(columns, list(dict.fromkeys(zip(*texts, strict=True))))

    def read(self, query: Query, *, within: KeyRange | None = None) -> pa.Table:
        with self._doing("select", query.table):
            return self._follower(query).read(within)

    def fetch(self, query: Query, keys: pa.Table) -> pa.Table:
        with self._doing("select", query.table):
            found = self._follower(query).read(None)
        names = [str(path) for path in query.key]
        wanted = distinct(keys.select(names).drop_null())
        typed = pa.table([canonical(wanted[name], found[name].type) for name in names], names=names)
        return found.filter(pc.is_valid(positions(typed, found.select(names), names)))

    def write(
        self,
        table: str,
        rows: pa.Table,
        *,
        key: Sequence[str],
        fresh: bool = False,  # noqa: ARG002 - one way serves here
    ) -> Written:
        schema = self.schema(table)
        rows = checked(self.name, schema, rows, key)
        with self._doing("insert", table):
            changed, done = self._updated(schema, rows, key)
            there = positions(self._rows[table].select(list(key)), rows.select(list(key)), key)
            new = rows.filter(pc.is_null(there))
            whole = pa.concat_tables([changed, self._completed(schema, new)])
            self._keep(schema, whole)
        return done + Written(inserted=new.num_rows, unchanged=_rest(rows, done, new.num_rows))

    def update(self, table: str, rows: pa.Table, *, key: Sequence[str]) -> Written:
        schema = self.schema(table)
        rows = checked(self.name, schema, rows, key)
        with self._doing("update", table):
            changed, done = self._updated(schema, rows, key)
            self._keep(schema, changed)
        return done + Written(unchanged=_rest(rows, done, 0))

    def delete(self, table: str, keys: pa.Table) -> int:
        schema = self.schema(table)
        names = keys.column_names
        keys = checked(self.name, schema, distinct(keys), names)
        with self._doing("delete", table):
            rows = self._rows[table]
            stays = pc.is_null(positions(keys, rows.select(names), names))
            self._keep(schema, rows.filter(stays))
            return int(rows.num_rows - self._rows[table].num_rows)

    def close(self) -> None:
        """Nothing is held."""

    def _follower(self, query: Query) -> Follower:
        return Follower(self.name, self._schemas, self._rows, query)

    @contextmanager
    def _doing(self, right: str, table: str) -> Iterator[None]:
        self.schema(table)
        with self._guard:
            if self.before is not None:
                self.before(right, table)
            if right not in self._rights[table]:
                raise PrivilegeError(app=self.name, table=table, privilege=right)
            yield

    def _updated(
        self, schema: TableSchema, rows: pa.Table, key: Sequence[str]
    ) -> tuple[pa.Table, Written]:
        held = self._rows[schema.name]
        source = positions(rows.select(list(key)), held.select(list(key)), key)
        met = pc.is_valid(source)
        changed: Any = pa.chunked_array([pa.repeat(pa.scalar(value=False), held.num_rows)])
        for name in rows.column_names:
            if name in key:
                continue
            given = rows[name].take(source)
            changed = pc.or_(changed, pc.and_(met, differ(held[name], given)))
            place = held.column_names.index(name)
            held = held.set_column(place, held.field(place), pc.if_else(met, given, held[name]))
        return held, Written(updated=pc.sum(changed).as_py() or 0)

    def _completed(self, schema: TableSchema, rows: pa.Table) -> pa.Table:
        rows, _ = with_identities(schema, rows)
        held, defaults = self._rows[schema.name], self._defaults[schema.name]
        arrays = []
        for column in schema.columns.values():
            if column.name in rows.column_names:
                arrays.append(rows[column.name])
            elif column.has_default and column.name in schema.primary_key:
                last = pc.max(held[column.name]).as_py() or 0
                arrays.append(pa.array(range(last + 1, last + 1 + rows.num_rows), column.type))
            else:
                value = pa.scalar(defaults.get(column.name), column.type)
                arrays.append(pa.repeat(value, rows.num_rows))
        return pa.table(arrays, schema=held.schema)

    def _keep(self, schema: TableSchema, rows: pa.Table) -> None:
        after = {**self._rows, schema.name: rows}
        constraints.check(self.name, schema, after, self._schemas)
        self._rows[schema.name] = rows.combine_chunks()


def _rest(rows: pa.Table, done: Written, inserted: int) -> int:
    return max(int(rows.num_rows) - inserted - done.updated, 0)
