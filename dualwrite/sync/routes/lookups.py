"""Finding the rows that lookups point at, in bulk.

A small table is read whole, once, and kept until it is written to.  Of a large one only the keys
of the batch are read, so memory does not grow with it.  A dry run writes nothing, so it adds the
rows that it would have written.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.app import App
from dualwrite.apps.query import Query
from dualwrite.gate_column import Role, gate_name
from dualwrite.link import Side
from dualwrite.sync.routes.route import Route
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference
from dualwrite.translate.keys import key_text, row_of
from dualwrite.translate.lookups import Lookup, attach

WHOLE_TABLE_ROWS = 100_000
"""Tables up to this size are read whole: at most some 20 MB for a text key and a reference."""

SMALL_BATCH = 2_000
"""For so few rows only their own keys are read."""

_Kept = tuple[Side, str, tuple[ColumnPath, ...]]


class Finder:
    """Answers for both apps which row a natural key names.  Safe to share between threads.

    With `keys_only` a small batch never reads a table whole: for cycles, which come often.
    """

    def __init__(self, apps: Mapping[Side, App], *, keys_only: bool = False) -> None:
        self._apps, self._keys_only = apps, keys_only
        self._lock = threading.Lock()
        self._whole: dict[_Kept, pa.Table | None] = {}
        self._unwritten: defaultdict[tuple[Side, str], list[pa.Table]] = defaultdict(list)

    def fill_in(
        self,
        rows: pa.Table,
        route: Route,
        known: Mapping[str, pa.ChunkedArray] = MappingProxyType({}),
    ) -> pa.Table:
        """Add a `ref:` column for each lookup of the route (see `translate.lookups.attach`).

        `known` has the lookup columns that need not be looked up, one value a row.
        """
        for group in route.lookups:
            column = group[0].column
            if column in known and group[0].type_column is None:
                rows = rows.append_column(gate_name(Role.REFERENCE, column), known[column])
                # what is known is one row; Great Expectations asks for every column of a rule
                one = pa.repeat(pa.scalar(value=False), len(rows))
                rows = rows.append_column(gate_name(Role.AMBIGUOUS, column), one)
                continue
            indexes = [self._index(route, lookup, rows) for lookup in group]
            rows = attach(rows, group, indexes)
        return rows

    def invalidate(self, side: Side, table: str) -> None:
        """Drop what was kept of a table that was written to."""
        with self._lock:
            for kept in [k for k in self._whole if k[:2] == (side, table)]:
                del self._whole[kept]

    def add_unwritten(self, side: Side, table: str, rows: pa.Table) -> None:
        """In a dry run: from now on find these rows (named by path) too."""
        with self._lock:
            self._unwritten[side, table].append(rows)

    def _index(self, route: Route, lookup: Lookup, rows: pa.Table) -> pa.Table:
        key = tuple(path for _, path in lookup.key)
        query = Query(
            table=lookup.table,
            columns=lookup.paths,
            key=key,
            lookups=_declared(route, lookup.table),
        )
        app = self._apps[route.target]
        index = self._read_whole(app, query, rows.num_rows)
        if index is None:
            names = [name for name, _ in lookup.key]
            wanted = rows.select(names).rename_columns([str(path) for path in key])
            index = app.fetch(query, _distinct(wanted))
        return self._with_unwritten(route.target, lookup, index)

    def _read_whole(self, app: App, query: Query, batch: int) -> pa.Table | None:
        kept: _Kept = (app.side, query.table, query.columns)
        with self._lock:
            if kept not in self._whole:
                if self._keys_only and batch <= SMALL_BATCH:
                    return None
                small = app.count(query) <= WHOLE_TABLE_ROWS
                self._whole[kept] = app.read(query) if small else None
            return self._whole[kept]

    def _with_unwritten(self, side: Side, lookup: Lookup, index: pa.Table) -> pa.Table:
        unwritten: Sequence[pa.Table] = self._unwritten.get((side, lookup.table), ())
        reference = index.schema.field(lookup.returns)
        names = [name for name in index.column_names if name != lookup.returns]
        for rows in unwritten:
            if set(names) <= set(rows.column_names):
                columns = [rows[name].cast(index.schema.field(name).type) for name in names]
                some = pa.repeat(pa.scalar(0).cast(reference.type), rows.num_rows)
                would = pa.table([*columns, some], names=[*names, lookup.returns])
                # a row that only would be changed is there already, once
                known = pc.is_in(key_text(would, names), value_set=key_text(index, names))
                new = would.filter(pc.invert(known)).select(index.column_names)
                index = pa.concat_tables([index, new])
        return index


def _distinct(keys: pa.Table) -> pa.Table:
    text = key_text(keys, keys.column_names)
    return keys.take(row_of(pc.unique(text).drop_null(), text))


def _declared(route: Route, table: str) -> Mapping[str, Reference]:
    end = route.table_map.end(route.target)
    return end.lookups if end.table == table else {}
