"""A queue as a table: what its columns are, its entries read, added and dropped.

The parts of the key stand in `k1`, `k2` and so on, those that the row had before its key
changed in `w1`, `w2` and so on, and the image, where one is kept, in
`v1`, `v2` and so on: no name of an application's column can collide with ours.  Entries are
dropped by runs of ids that follow each other, never by a bound: an id between two that were
read may belong to a transaction that has yet to commit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.canonical import IN_UTC, canonical
from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Entries, Inbox, Op, id_ranges
from dualwrite.apps.guards import column_of
from dualwrite.apps.query import Query
from dualwrite.apps.sql.core.reading import Keys, Prepared, Reader
from dualwrite.apps.sql.core.select import Found, columns_of, rows_of
from dualwrite.apps.sql.core.session import DatabaseSession, Values
from dualwrite.apps.transactions import Images
from dualwrite.apps.unreadable import stacked
from dualwrite.tablemap.schema import Column, TableSchema, type_column

INBOX = TableSchema(
    "dualwrite_inbox",
    {
        "queue": Column("queue", pa.string(), "TEXT", nullable=False),
        "ranges": Column("ranges", pa.string(), "TEXT", nullable=False),
    },
    primary_key=("queue",),
)
"""An `Inbox` for each queue of the other app, in JSON."""
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
    was: tuple[Column, ...]
    """The columns of the queue that hold the key that a row had before."""
    images: tuple[Column, ...]
    """Those that hold the captured columns, in their order; none where no image is kept."""

    @property
    def name(self) -> str:
        return self.capture.queue

    @property
    def read(self) -> tuple[Column, ...]:
        """The columns that `Entries` are made of, in its order."""
        return (*(self.table.columns[name] for name in HEAD), *self.key, *self.was)

    @property
    def declared(self) -> dict[str, str]:
        """The columns of the queue beside its head, by native type."""
        return {column.name: column.native for column in (*self.key, *self.was, *self.images)}

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
    was = tuple(dialect.queued(f"w{place}", column) for place, column in enumerate(ends, start=1))
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
    columns = {column.name: column for column in (*entry, *key, *was, *images)}
    table = TableSchema(capture.queue, columns, primary_key=("id",))
    return QueueTable(capture, paths.schema, table, ends, key, was, images)


def entries(
    session: DatabaseSession,
    reader: Reader,
    queue: QueueTable,
    *,
    after: int = 0,
    limit: int | None = None,
    keys: Keys | None = None,
    short: bool = False,
) -> Entries:
    """Entries of a queue by id, those of some keys or all of them; `short` where few are there."""

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
            source, condition = keys.among(table, found, session)
        return session.text(sa.select(*expressions).select_from(source).where(condition))

    mark = ("entries", queue.name, queue.capture.key, keys and keys.shape)
    text = reader.known(mark, make)
    named = f"{session.quote(queue.name)}.{session.quote('id')}"
    if keys is None:
        text += f" AND {named} > {after:d}"
    text += f" ORDER BY {named}" + ("" if limit is None else f" LIMIT {limit:d}")
    values = () if keys is None else keys.values
    short = short or (limit is None and keys is not None and not keys.many)
    arrays = session.arrays(text, values, short=short)
    columns = [
        canonical(values, column.type) for values, column in zip(arrays, queue.read, strict=True)
    ]
    return Entries.of(columns, [str(path) for path in queue.capture.key])


def counted(session: DatabaseSession, reader: Reader, names: Sequence[str]) -> dict[str, int]:
    """The number of entries of each queue, in one statement; all of them must be there."""

    def make() -> str:
        counts = (
            sa.select(sa.func.count())
            .select_from(reader.dialect.table(TableSchema(name, {})))
            .scalar_subquery()
            .label(f"n{number}")
            for number, name in enumerate(names)
        )
        return session.text(sa.select(*counts))

    found = session.arrays(reader.known(("counted", *names), make), short=True)
    return {
        name: int(canonical(each, pa.int64())[0].as_py())
        for name, each in zip(names, found, strict=True)
    }


def images(
    session: DatabaseSession, reader: Reader, queue: QueueTable, query: Query, ids: pa.Array
) -> Images:
    """The images of entries as a query would read them; a delete has none."""
    dialect = reader.dialect
    table = dialect.table(queue.table)
    parts = []
    for condition, values in among(session, table.c["id"], ids):
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
        described, expressions = columns_of(paths, dialect, query.columns, query.ends)
        statement = (
            sa.select(root.c["dualwrite_id"], *expressions)
            .select_from(paths.source)
            .where(*rows_of(paths, query))
        )
        prepared = Prepared(described, session.text(statement))
        parts.append(reader.rows(session, query, prepared, values, beside=(ID,)))
    found = stacked(parts)
    rows = found.select(range(1, found.num_columns))
    return Images(found.column(0).combine_chunks(), rows)


def among(
    session: DatabaseSession, column: sa.ColumnElement[Any], ids: pa.Array
) -> Iterator[tuple[sa.ColumnElement[bool], Values]]:
    """Conditions that together name exactly these ids, each with what is bound to it."""
    found = id_ranges(ids)
    for start in range(0, max(len(found), 1), RUNS):
        values = [bound for each in found[start : start + RUNS] for bound in each]
        marks: list[Any] = [
            sa.literal_column(session.mark(number)) for number in range(1, len(values) + 1)
        ]
        ranges = zip(marks[::2], marks[1::2], strict=True)
        yield sa.or_(sa.false(), *(column.between(low, high) for low, high in ranges)), values


def remove(
    session: DatabaseSession, reader: Reader, queue: str, ranges: Sequence[tuple[int, int]]
) -> int:
    """Remove entries by ranges of ids; how many there were."""
    table, column = reader.dialect.named(queue), session.quote("id")
    gone = 0
    for start in range(0, len(ranges), RUNS):
        some = ranges[start : start + RUNS]
        one = " OR ".join(
            # whole numbers of our own, not bound: PostgreSQL takes them in one trip
            f"{column} BETWEEN {low:d} AND {high:d}"
            for low, high in some
        )
        gone += session.run(f"DELETE FROM {table} WHERE {one}")  # noqa: S608 - quoted
    return gone


def applied(session: DatabaseSession, reader: Reader, queue: str) -> Inbox:
    """What `record_applied` recorded last."""
    table = reader.dialect.table(INBOX)
    mark: Any = sa.literal_column(session.mark(1))
    query = sa.select(table.c["ranges"]).where(table.c["queue"] == mark)
    columns = session.arrays(session.text(query), [queue], short=True)
    found = canonical(columns[0], pa.string()).to_pylist()
    if not found:
        return Inbox()
    held = json.loads(found[0])
    return Inbox(tuple((low, high) for low, high in held["ranges"]), held["stamp"])


def record_applied(session: DatabaseSession, reader: Reader, queue: str, recorded: Inbox) -> None:
    """Record in the inbox which entries of a queue of the other app are applied here."""
    columns = ", ".join(map(session.quote, INBOX.columns))
    session.owe(
        f"INSERT INTO {reader.dialect.named(INBOX.name)} ({columns}) "  # noqa: S608 - quoted
        f"VALUES ({session.mark(1)}, {session.mark(2)}) {reader.dialect.replacing(INBOX)}",
        [queue, json.dumps(asdict(recorded))],
    )
