"""What a database refuses by itself, for the app in memory."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import distinct
from dualwrite.errors import RowsRefusedError
from dualwrite.tablemap.schema import Column, TableSchema


def check(
    app: str,
    schema: TableSchema,
    tables: Mapping[str, pa.Table],
    schemas: Mapping[str, TableSchema],
) -> None:
    """Say whether `schema`'s table may look as it does in `tables`.

    Raises:
        RowsRefusedError: A constraint does not hold.
    """
    rows = tables[schema.name]
    for column in schema.columns.values():
        if reason := _bad_values(column, rows, tables, in_key=column.name in schema.primary_key):
            raise RowsRefusedError(app=app, table=schema.name, reason=reason)
    for names in (schema.primary_key, *schema.unique):
        keys = rows.select(list(names)).drop_null() if names else rows.slice(0, 0)
        if distinct(keys).num_rows < keys.num_rows:
            reason = f"({', '.join(names)}) must be unique"
            raise RowsRefusedError(app=app, table=schema.name, reason=reason)
    for other in schemas.values():
        for column in other.columns.values():
            pointed = column.references
            if pointed is None or pointed.table != schema.name or other.name == schema.name:
                continue
            if _dangling(tables[other.name][column.name], rows[pointed.column]):
                reason = f"{other.name}.{column.name} still points at a row"
                raise RowsRefusedError(app=app, table=schema.name, reason=reason)


def _bad_values(
    column: Column, rows: pa.Table, tables: Mapping[str, pa.Table], *, in_key: bool
) -> str | None:
    values = rows[column.name]
    if values.null_count and (in_key or not column.nullable):
        return f"column {column.name} must not be null"
    if column.length is not None and pa.types.is_string(column.type):
        longest = pc.max(pc.utf8_length(values)).as_py()
        if longest is not None and longest > column.length:
            return f"column {column.name} takes {column.length} characters at most"
    if column.references is not None:
        known = tables[column.references.table][column.references.column]
        if _dangling(values, known):
            return f"column {column.name} points at no row of {column.references.table}"
    return None


def _dangling(values: pa.ChunkedArray, known: pa.ChunkedArray) -> bool:
    given = values.drop_null().combine_chunks()
    found = pc.is_in(given, value_set=known.combine_chunks())
    return pc.all(found, min_count=0).as_py() is False
