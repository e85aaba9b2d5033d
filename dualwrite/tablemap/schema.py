"""The tables of an app, in types that all apps share, and paths followed through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from dualwrite.errors import PermanentError
from dualwrite.tablemap.notation import ColumnPath


@dataclass(frozen=True, slots=True)
class Reference:
    """What a lookup column points at: the table, and the column it holds a copy of."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where an app takes the next number of a column from, if not from the rows themselves."""

    sequence: str
    """Quoted, with its schema, as statements name it."""
    movable: bool
    """Whether our user may move it past the values that we write."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its app describes it."""

    name: str
    type: pa.DataType
    """Canonical Arrow type; `native` is the app's own word for it."""
    native: str
    nullable: bool = True
    has_default: bool = False
    """The app fills it in when a new row does not give it."""
    length: int | None = None
    """Longest text in characters; None without a limit."""
    fraction: int | None = None
    """Digits of a second that a time keeps; None where it keeps microseconds."""
    octets: int | None = None
    """Longest text or binary in bytes; None without a limit."""
    padded: bool = False
    """Shorter binaries are filled up to `octets`; blanks at the end of a text are not kept."""
    range: tuple[str, str] | None = None
    """Least and greatest value in canonical text; None where it holds all of `type`."""
    members: tuple[str, ...] = ()
    """The only texts that it holds, where they are listed."""
    pattern: str | None = None
    """An RE2 expression of the texts that it keeps as they are; None for all."""
    caseless: bool = False
    """Texts that differ in letter case alone are equal: as keys they name one row."""
    parsed: bool = False
    """The app reads each text as a value of its own (an address, an interval), and may refuse it
    or spell it anew."""
    single: bool = False
    """A binary float of 4 bytes."""
    read_only: bool = False
    exact: bool = True
    """False where the app may bend digits (binary floats, SQLite NUMERIC)."""
    references: Reference | None = None
    """The row it points at, by a declared foreign key."""
    numbering: Numbering | None = None
    """Of a new row that gives no value; None where the app goes on after the highest by itself."""

    @property
    def is_uuid(self) -> bool:
        """Whether it holds uuids: by its type, or as text just long enough."""
        return pa.types.is_string(self.type) and (
            self.native.lower() in ("uuid", "uniqueidentifier") or self.length == 36
        )


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table as its app describes it; `columns` in the app's order."""

    name: str
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    """Column sets under a unique index, the primary key not among them."""
    read_only: str | None = None
    """Why the table cannot be written ('a view'), or None."""
    triggers: tuple[str, ...] = ()
    """What the app itself has put before the writes of rows: triggers, rules, row security.

    They may give a row other values than those written, or leave it out without an error."""

    def made_by_us(self, name: str) -> bool:
        """Whether a new row without a value of that column gets a new uuid from us."""
        column = self.columns[name]
        return name in self.primary_key and column.is_uuid and not column.has_default


def type_column(schema: TableSchema, lookup: str) -> str | None:
    """The column that names the table of a polymorphic lookup, where there is one."""
    names = (f"{lookup}type", f"{lookup}_type")
    return next((name for name in names if name in schema.columns), None)


class UnknownPathError(PermanentError):
    """A path leads nowhere: `table` has no `column`, or `column` points at no table.

    It is the fault of the map that names the path, or of a table that was altered, and of no
    other map.
    """

    def __init__(self, *, path: ColumnPath, table: str, column: str, points_nowhere: bool) -> None:
        self.path, self.table, self.column = path, table, column
        self.points_nowhere = points_nowhere
        self.reason = (
            f"{table}.{column} is no lookup column"
            if points_nowhere
            else f"{table} has no column {column}"
        )
        super().__init__(
            f"column {path} of a map leads nowhere: {self.reason}. Nothing was written.\n"
            "  Bring the column back under that name, or correct the map (dualwrite maps check); "
            "until then its changes stay queued."
        )


def tables_on_path(
    path: ColumnPath,
    table: str,
    schema_of: Callable[[str], TableSchema],
    lookups: Mapping[str, Reference],
) -> tuple[str, ...]:
    """The tables that a sound path leads into, `table` itself left out.

    Raises:
        MissingTableError: As `schema_of` raises it.
    """
    if path.targets:
        return tuple(schema_of(target.lower()).name for target, _ in path.targets)
    if len(path.steps) == 1:
        return ()
    reference = lookups.get(path.column) or schema_of(table).columns[path.column].references
    assert reference is not None, "the path is sound"
    return (reference.table, *tables_on_path(path.rest, reference.table, schema_of, {}))


def end_of_path(
    path: ColumnPath,
    table: str,
    schema_of: Callable[[str], TableSchema],
    lookups: Mapping[str, Reference],
) -> Column:
    """Follow `path` from `table` and describe the column at its end.

    For a polymorphic path that is the first target's column.  `lookups` are the
    references that no foreign key declares, for `table` itself.

    Raises:
        UnknownPathError: A step names no column, or one that points nowhere.
        MissingTableError: As `schema_of` raises it.
    """
    schema = schema_of(table)
    column = schema.columns.get(path.column)
    if column is None:
        raise UnknownPathError(path=path, table=table, column=path.column, points_nowhere=False)
    if path.targets:
        first_table, first_column = path.targets[0]
        return end_of_path(ColumnPath((first_column,)), first_table.lower(), schema_of, {})
    if len(path.steps) == 1:
        return column
    reference = lookups.get(path.column) or column.references
    if reference is None:
        raise UnknownPathError(path=path, table=table, column=path.column, points_nowhere=True)
    return end_of_path(path.rest, reference.table, schema_of, {})
