"""A queue as a table: what its columns are, its entries read, added and dropped.

The parts of the key stand in `k1`, `k2` and so on, and the image, where one is kept, in
`v1`, `v2` and so on: no name of an application's column can collide with ours.  Entries are
dropped by runs of ids that follow each other, never by a bound: an id between two that were
read may belong to a transaction that has yet to commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.canonical import IN_UTC, canonical
from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Entries, Op, id_ranges
from dualwrite.apps.guards import column_of
from dualwrite.apps.query import Query
from dualwrite.apps.sql.core.reading import Keys, Prepared, Reader
from dualwrite.apps.sql.core.select import Found, columns_of, rows_of
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.transactions import Images
from dualwrite.tablemap.schema import Column, TableSchema, type_column

INBOX = TableSchema(
    "dualwrite_inbox",
    {
        "queue": Column("queue", pa.string(), "TEXT", nullable=False),
        "low": Column("low", pa.int64(), "BIGINT", nullable=False),
        "high": Column("high", pa.int64(), "BIGINT", nullable=False),
    },
)
"""Which entries of the other app's queues are in here."""
ID = Column("id", pa.int64(), "BIGINT", nullable=False, has_default=True)
HEAD = ("id", "op", "changed", "at")
"""The columns of an entry before its key."""
RUNS = 500
"""So many runs of ids are named in one statement."""


@dataclass(frozen=True, slots=True)
class QueueTable:
    """A capture in the terms of its database."""

    capture: Capture
    source: TableSchema
    """The table that is captured."""
    table: TableSchema
    """The queue."""
    ends: tuple[Column, ...]
    """The columns at the ends of the key's paths."""
    key: tuple[Column, ...]
    """The columns of the queue that hold the key."""
    images: tuple[Column, ...]
    """Those that hold the captured columns, in their order; none where no image is kept."""

    @property
    def name(self) -> str:
        return self.capture.queue

    @property
    def read(self) -> tuple[Column, ...]:
        """The columns that `Entries` are made of, in its order."""
        return (*(self.table.columns[name] for name in HEAD), *self.key)

    @property
    def steering(self) -> tuple[str, ...]:
        """The table's own columns that decide what key a row has."""
        names: list[str] = []
        for path in self.capture.key:
            names.append(path.column)
            kind = type_column(self.source, path.column) if path.targets else None
            names += [kind] if kind else []
        return tuple(dict.fromkeys(names))

    @property
    def made_of(self) -> tuple[str, ...]:
        """The table's own columns that an entry is made of."""
        images = self.capture.columns if self.capture.images else ()
        return tuple(dict.fromkeys((*self.steering, *images)))

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns by which a row is the same before and after an update; maybe none."""
        return identity_of(self.source)


def identity_of(schema: TableSchema) -> tuple[str, ...]:
    """The columns that tell the rows of a table apart; maybe none."""
    if schema.primary_key:
        return schema.primary_key
    for names in schema.unique:
        if not any(schema.columns[name].nullable for name in names):
            return names
    return ()


def resolve(capture: Capture, reader: Reader) -> QueueTable:
    """A capture as the tables are now.

    Raises:
        MissingTableError, MissingColumnError: It names what is not there.
        UnknownPathError: Its key leads nowhere.
    """
    dialect = reader.dialect
    paths = reader.paths(Query(capture.table, capture.key, lookups=capture.lookups))
    ends = tuple(paths.find(path)[0] for path in capture.key)
    own = [column_of(reader.app, paths.schema, name) for name in capture.columns]
    key = tuple(dialect.queued(f"k{place}", column) for place, column in enumerate(ends, start=1))
    images = tuple(
        dialect.queued(f"v{place}", column)
        for place, column in enumerate(own if capture.images else (), start=1)
    )
    text = Column("", pa.string(), "TEXT")
    entry = (
        ID,
        dialect.queued("op", text),
        dialect.queued("changed", text),
        Column("at", IN_UTC, dialect.moment),
    )
    columns = {column.name: column for column in (*entry, *key, *images)}
    table = TableSchema(capture.queue, columns, primary_key=("id",))
    return QueueTable(capture, paths.schema, table, ends, key, images)


def entries(
    session: DatabaseSession,
    reader: Reader,
    queue: QueueTable,
    *,
    after: int = 0,
    limit: int | None = None,
    keys: Keys | None = None,
) -> Entries:
    """Entries of a queue by id, those of some keys or all of them."""

    def make() -> str:
        dialect = reader.dialect
        table = dialect.table(queue.table)
        expressions = [
            dialect.readable(column, table.c[column.name]).label(f"c{position}")
            for position, column in enumerate(queue.read)
        ]
        source: sa.FromClause = table
        condition: sa.ColumnElement[bool] = table.c["id"] > 0  # bounds are added below
        if keys is not None:
            found: list[Found] = [(column, table.c[column.name]) for column in queue.key]
            source, condition = keys.among(table, found)
        return session.text(sa.select(*expressions).select_from(source).where(condition))

    if keys is not None and keys.name is None:
        text = make()
    else:
        mark = ("entries", queue.name, queue.capture.key, keys and keys.name)
        text = reader.known(mark, make)
    named = f"{session.quote(queue.name)}.{session.quote('id')}"
    if keys is None:
        text += f" AND {named} > {after:d}"
    text += f" ORDER BY {named}" + ("" if limit is None else f" LIMIT {limit:d}")
    arrays = session.arrays(text, short=limit is None and keys is not None and not keys.many)
    columns = [
        canonical(values, column.type) for values, column in zip(arrays, queue.read, strict=True)
    ]
    return Entries.of(columns, [str(path) for path in queue.capture.key])


def images(
    session: DatabaseSession, reader: Reader, queue: QueueTable, query: Query, ids: pa.Array
) -> Images:
    """The images of entries as a query would read them; a delete has none."""
    dialect = reader.dialect
    table = dialect.table(queue.table)
    parts = []
    for condition in among(table.c["id"], ids):
        root = (
            sa.select(
                table.c["id"].label("dualwrite_id"),
                *(
                    table.c[held.name].label(quoted_name(name, quote=True))
                    for name, held in zip(queue.capture.columns, queue.images, strict=True)
                ),
            )
            .where(condition, table.c["op"] != Op.DELETE.value)
            .subquery("t0")
        )
        paths = reader.paths(query, root)
        described, expressions = columns_of(paths, dialect, query.columns)
        statement = (
            sa.select(root.c["dualwrite_id"], *expressions)
            .select_from(paths.source)
            .where(*rows_of(paths, query))
        )
        prepared = Prepared(described, session.text(statement))
        parts.append(reader.rows(session, query, prepared, beside=(ID,)))
    found = pa.concat_tables(parts)
    rows = found.select(range(1, found.num_columns))
    return Images(found.column(0).combine_chunks(), rows)


def among(column: sa.ColumnElement[Any], ids: pa.Array) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions that together name exactly these ids."""
    found = id_ranges(ids)
    for start in range(0, max(len(found), 1), RUNS):
        yield within(column, found[start : start + RUNS])


def within(
    column: sa.ColumnElement[Any], ranges: Sequence[tuple[int, int]]
) -> sa.ColumnElement[bool]:
    """The condition that an id lies in one of the ranges, both ends within."""
    return sa.or_(
        sa.false(),
        *(
            column == low if low == high else sa.and_(column >= low, column <= high)
            for low, high in ranges
        ),
    )


def remove(
    session: DatabaseSession, reader: Reader, queue: str, ranges: Sequence[tuple[int, int]]
) -> int:
    """Remove entries by ranges of ids; how many there were."""
    table, column = reader.dialect.named(queue), session.quote("id")
    gone = 0
    for start in range(0, len(ranges), RUNS):
        said = " OR ".join(
            f"{column} BETWEEN {low:d} AND {high:d}" for low, high in ranges[start : start + RUNS]
        )
        gone += session.run(f"DELETE FROM {table} WHERE {said}")  # noqa: S608 - quoted
    return gone


def record_applied(
    session: DatabaseSession, reader: Reader, queue: str, ranges: Sequence[tuple[int, int]]
) -> None:
    """Record in the inbox which entries of a queue of the other app are applied here."""
    table = reader.dialect.named(INBOX.name)
    name = reader.known(("literal", queue), lambda: session.literal(queue))
    column, low, high = map(session.quote, INBOX.columns)
    session.owe(f"DELETE FROM {table} WHERE {column} = {name}")  # noqa: S608 - quoted
    for start in range(0, len(ranges), RUNS):
        rows = ", ".join(
            f"({name}, {first:d}, {last:d})" for first, last in ranges[start : start + RUNS]
        )
        session.owe(
            f"INSERT INTO {table} ({column}, {low}, {high}) VALUES {rows}"  # noqa: S608 - quoted
        )
