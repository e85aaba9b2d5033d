"""What every app asks of rows before it writes them, so that all refuse the same."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import pyarrow as pa

from dualwrite.apps.canonical import canonical, distinct, random_uuids
from dualwrite.errors import (
    MissingColumnError,
    MissingTableError,
    ReadOnlyTableError,
    RowsRefusedError,
)
from dualwrite.tablemap.names import NotationError, TableName
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, TableSchema, UnknownPathError


def missing_table(
    app: str, table: str, tables: Sequence[str], *, first: Sequence[str] = ()
) -> MissingTableError:
    """The error for a table that is not there, with names that come near, `first` before them."""
    by_lower = {_bare(name).lower(): name for name in tables}
    near = [by_lower[name] for name in get_close_matches(_bare(table).lower(), by_lower)]
    return MissingTableError(app=app, table=table, near=[*first, *near])


def _bare(table: str) -> str:
    """A table's name without its schema."""
    try:
        return TableName.parse(table).table
    except NotationError:
        return table


def missing_column(app: str, schema: TableSchema, column: str) -> MissingColumnError:
    """The error for a column that is not there, with names that come near."""
    by_lower = {name.lower(): name for name in schema.columns}
    near = [by_lower[name] for name in get_close_matches(column.lower(), by_lower)]
    return MissingColumnError(app=app, table=schema.name, column=column, near=near)


def column_of(app: str, schema: TableSchema, name: str) -> Column:
    """The column of that name, or `MissingColumnError`."""
    column = schema.columns.get(name)
    if column is None:
        raise missing_column(app, schema, name)
    return column


def points_nowhere(path: ColumnPath, schema: TableSchema, column: str) -> UnknownPathError:
    """The error for a path through a column that is no lookup."""
    return UnknownPathError(path=path, table=schema.name, column=column, points_nowhere=True)


def checked(
    app: str, schema: TableSchema, rows: pa.Table, key: Sequence[str], *, new: bool = False
) -> pa.Table:
    """The rows in canonical types, once they may be written by `key`.

    Rows that are there may be known by a column that the app computes; `new` ones may not.

    Raises:
        ValueError: `key` is empty, not among the columns, null or repeated.
        ReadOnlyTableError, MissingColumnError: The table takes no such rows.
        RowsRefusedError: A value has no place in its column.
    """
    if schema.read_only is not None:
        raise ReadOnlyTableError(app=app, table=schema.name, reason=schema.read_only)
    if not key or len(set(rows.column_names)) != rows.num_columns:
        msg = f"{app}.{schema.name}: rows need a key, and each column once"
        raise ValueError(msg)
    result = _canonical(app, schema, rows, known=() if new else key)
    for name in key:
        if name not in result.column_names:
            msg = f"{app}.{schema.name}: key column {name} is not among the rows' columns"
            raise ValueError(msg)
        if result[name].null_count:
            msg = (
                f"{app}.{schema.name}: key column {name} is null in {result[name].null_count} rows"
            )
            raise ValueError(msg)
    keys = result.select(list(key))
    if distinct(keys).num_rows != rows.num_rows:
        msg = f"{app}.{schema.name}: key {', '.join(key)} is repeated in the rows"
        raise ValueError(msg)
    return result


def renaming(
    app: str, schema: TableSchema, old: pa.Table, new: pa.Table
) -> tuple[pa.Table, pa.Table]:
    """The keys of rows and their new values in canonical types.

    Raises:
        As `checked`, by the columns of `old`.
    """
    return checked(app, schema, old, old.column_names), _canonical(app, schema, new)


def _canonical(
    app: str, schema: TableSchema, rows: pa.Table, *, known: Sequence[str] = ()
) -> pa.Table:
    """The rows in the types of their columns, which must be ones that can be written.

    Those that are `known` only tell rows apart.
    """
    arrays = []
    for name in rows.column_names:
        column = column_of(app, schema, name)
        if column.read_only and name not in known:
            reason = f"column {name} is computed by the app"
            raise ReadOnlyTableError(app=app, table=schema.name, reason=reason)
        try:
            arrays.append(canonical(rows[name], column.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as fault:
            reason = f"a value of column {name} is no {column.type}"
            raise RowsRefusedError(app=app, table=schema.name, reason=reason) from fault
    return pa.table(arrays, names=rows.column_names)


def with_identities(schema: TableSchema, rows: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """Give new rows an identity where the app's primary key is one and nobody fills it.

    Returns the rows and the names of the columns that were added; those are for
    rows that are inserted, never for ones that are there.
    """
    added = []
    for name in schema.primary_key:
        if name in rows.column_names or not schema.made_by_us(name):
            continue
        rows = rows.append_column(name, random_uuids(rows.num_rows))
        added.append(name)
    return rows, tuple(added)
