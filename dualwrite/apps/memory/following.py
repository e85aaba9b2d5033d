"""A query over Arrow tables: lookups followed, rows chosen, columns named by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import canonical
from dualwrite.apps.guards import column_of, missing_table, points_nowhere
from dualwrite.apps.query import KeyRange, Query
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference, TableSchema, type_column


class Follower:
    """One query over one state of the tables."""

    def __init__(
        self,
        app: str,
        schemas: Mapping[str, TableSchema],
        rows: Mapping[str, pa.Table],
        query: Query,
    ) -> None:
        self._app, self._schemas, self._rows, self._query = app, schemas, rows, query

    def read(self, within: KeyRange | None) -> pa.Table:
        """The rows of the query, or of a range of it."""
        rows = self._rows[self._query.table]
        chosen = self.chosen(within)["row"]
        names = [str(path) for path in self._query.columns]
        return pa.table(
            [
                self._values(path, self._query.table, self._query.lookups).take(chosen)
                for path in self._query.columns
            ]
            if rows.num_columns
            else [],
            names=names,
        )

    def chosen(self, within: KeyRange | None = None) -> pa.Table:
        """Positions of the rows that the query gives, as a table of one column, `row`."""
        query = self._query
        rows = self._rows[query.table]
        every = pa.table({"row": pa.array(range(rows.num_rows), pa.int64())})
        mask: Any = pa.repeat(pa.scalar(value=True), rows.num_rows)
        if within is not None:
            mask = pc.and_(mask, _inside(rows, within))
        if query.companies is not None and query.company is not None:
            held = self._values(query.company, query.table, query.lookups)
            companies = pa.array(query.companies, held.type)
            mask = pc.and_(mask, pc.is_in(held, value_set=companies))
        if query.filter is not None:
            from dualwrite.tablemap.filters.arrow import to_arrow_mask

            looked_at = pa.table(
                [self._values(path, query.table, query.lookups) for path in query.filter.columns],
                names=[str(path) for path in query.filter.columns],
            )
            mask = pc.and_(mask, to_arrow_mask(query.filter, looked_at))
        return every.filter(mask)

    def _values(self, path: ColumnPath, table: str, lookups: Mapping[str, Reference]) -> Any:
        schema = self._schema(table)
        column = column_of(self._app, schema, path.column)
        held = self._rows[table][column.name].combine_chunks()
        if path.targets:
            return self._polymorphic(path, schema, held)
        if len(path.steps) == 1:
            return held
        reference = lookups.get(path.column) or column.references
        if reference is None:
            raise points_nowhere(path, schema, path.column)
        return self._through(held, reference, path.rest)

    def _through(self, held: Any, reference: Reference, rest: ColumnPath) -> Any:
        there = self._schema(reference.table)
        name = column_of(self._app, there, reference.column).name
        known = self._rows[reference.table][name].combine_chunks()
        place = pc.index_in(held, value_set=known, skip_nulls=True)
        return self._values(rest, reference.table, {}).take(place)

    def _polymorphic(self, path: ColumnPath, schema: TableSchema, held: Any) -> Any:
        real = {name.lower(): name for name in self._schemas}
        kind = type_column(schema, path.column)
        found = []
        for wanted, identifying in path.targets:
            if wanted.lower() not in real:
                raise missing_table(self._app, wanted, sorted(self._schemas))
            target = self._schemas[real[wanted.lower()]]
            if len(target.primary_key) != 1:
                raise points_nowhere(path, schema, path.column)
            reference = Reference(target.name, target.primary_key[0])
            values = self._through(held, reference, ColumnPath((identifying,)))
            if kind is not None:
                kinds = pc.utf8_lower(self._rows[schema.name][kind].combine_chunks())
                values = pc.if_else(pc.equal(kinds, wanted.lower()), values, None)
            found.append(values)
        return pc.coalesce(*found)

    def _schema(self, table: str) -> TableSchema:
        if table not in self._schemas:
            raise missing_table(self._app, table, sorted(self._schemas))
        return self._schemas[table]


def _inside(rows: pa.Table, within: KeyRange) -> Any:
    columns = [rows[name].combine_chunks() for name in within.columns]
    mask: Any = pa.repeat(pa.scalar(value=True), rows.num_rows)
    if within.low is not None:
        mask = pc.invert(_below(columns, within.low))
    if within.high is not None:
        mask = pc.and_(mask, _below(columns, within.high))
    for column in columns if within.low or within.high else ():
        null = pc.is_null(column)
        mask = pc.or_(mask, null) if within.low is None else pc.and_not(mask, null)
    return mask


def _below(columns: list[Any], bound: tuple[str, ...]) -> Any:
    """Whether a row comes before the bound, the first column deciding first."""
    below: Any = pa.repeat(pa.scalar(value=False), len(columns[0]))
    for column, text in reversed(list(zip(columns, bound, strict=True))):
        value = canonical(pa.array([text]), column.type)[0]
        less = pc.fill_null(pc.less(column, value), fill_value=False)
        same = pc.fill_null(pc.equal(column, value), fill_value=False)
        below = pc.or_(less, pc.and_(same, below))
    return below
