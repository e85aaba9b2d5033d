"""Reading through one session: a query, a range of it, or the rows under some keys.

The app reads with it in a session of its own, a snapshot and a writing in theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

import pyarrow as pa
import sqlalchemy as sa

from dualwrite.apps.canonical import as_text, canonical, distinct
from dualwrite.apps.query import KeyRange, Query
from dualwrite.apps.sql.core import ranges
from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.apps.sql.core.select import Found, Paths, columns_of, rows_of
from dualwrite.apps.sql.core.session import DatabaseSession, Values, few
from dualwrite.apps.unreadable import canonical_cells, with_unreadable
from dualwrite.tablemap.schema import Column, TableSchema

T = TypeVar("T")
Selected: TypeAlias = "sa.Select[tuple[Any, ...]]"
SHAPES = 2000
"""So many statements are remembered."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query worked out: what its columns are, and its text."""

    described: Sequence[Column]
    text: str
    follows: bool = False
    """Whether lookups are joined."""


class Keys:
    """Keys on their way into statements: staged, or named there when few and that is quicker."""

    def __init__(self, dialect: Dialect, keys: pa.Table, columns: Sequence[Column]) -> None:
        """`keys` has one column for each of `columns`, in that order."""
        self._dialect = dialect
        wanted = distinct(keys.drop_null())
        names = [f"k{position}" for position in range(len(columns))]
        self.table = pa.table(
            [
                canonical(values, column.type)
                for values, column in zip(wanted.columns, columns, strict=True)
            ],
            names=names,
        )
        self.columns = dict(zip(names, columns, strict=True))
        self._name: str | None = None

    @property
    def name(self) -> str | None:
        """The table that they are staged in, if they are."""
        return self._name

    @property
    def many(self) -> bool:
        """Whether they are too many to be named."""
        return not few(self.table)

    def ready(self, session: DatabaseSession, name: str) -> None:
        """Stage them under that name, if they are to be staged."""
        if self.many or session.inlines:
            session.stage(name, self.table, self.columns)
            self._name = name

    def done(self, session: DatabaseSession) -> None:
        """Take them out of the session again."""
        if self._name is not None:
            session.unstage(self._name)
            self._name = None

    def among(
        self, source: sa.FromClause, found: Sequence[Found], session: DatabaseSession
    ) -> tuple[sa.FromClause, sa.ColumnElement[bool]]:
        """What to select from, and the condition, so that `found` is one of the keys."""
        if self._name is None:
            return source, self._named(found, session)
        staged = self._dialect.staging(self._name, self.columns)
        on = [
            self._dialect.same(column, expression, staged.c[name])
            for name, (column, expression) in zip(self.columns, found, strict=True)
        ]
        return source.join(staged, sa.and_(*on)), sa.true()

    @property
    def values(self) -> Values:
        """What is bound to statements that they are named in: row by row."""
        if self._name is not None:
            return ()
        parts = (
            [self._dialect.value(column, text) for text in as_text(values).to_pylist()]
            for column, values in zip(self.columns.values(), self.table.columns, strict=True)
        )
        return [value for row in zip(*parts, strict=True) for value in row]

    @property
    def shape(self) -> tuple[str | None, int]:
        """What statements depend on: the table that they are staged in, or their number."""
        return self._name, 0 if self._name is not None else self.table.num_rows

    def _named(self, found: Sequence[Found], session: DatabaseSession) -> sa.ColumnElement[bool]:
        count, width = self.table.num_rows, len(found)
        marks: list[Any] = [
            sa.literal_column(session.mark(number)) for number in range(1, count * width + 1)
        ]
        if width == 1:
            return found[0][1].in_(marks)
        rows = (
            sa.and_(
                *(
                    expression == mark
                    for (_, expression), mark in zip(
                        found, marks[start : start + width], strict=True
                    )
                )
            )
            for start in range(0, count * width, width)
        )
        return sa.or_(sa.false(), *rows)


class Reader:
    """Queries become statements, and what these give becomes rows."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        app: str,
        schema_of: Callable[[str], TableSchema],
        tables: Callable[[], Sequence[str]],
    ) -> None:
        self.dialect, self.app, self.schema_of, self.tables = dialect, app, schema_of, tables
        self._known: dict[Hashable, Any] = {}

    def speaking(self, dialect: Dialect) -> Reader:
        """The same tables, their statements spelled by another dialect."""
        return Reader(dialect, app=self.app, schema_of=self.schema_of, tables=self.tables)

    def known(self, mark: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, worked out once: building a statement takes longer than running it."""
        found = self._known.get(mark)
        if found is None:
            if len(self._known) >= SHAPES:
                self._known.clear()
            found = self._known[mark] = make()
        return cast("T", found)

    def clear(self) -> None:
        """Forget what was worked out: tables may have been altered."""
        self._known.clear()

    def paths(self, query: Query, root: Any = None) -> Paths:
        """The columns of a query, over its table or over what stands in for it."""
        return Paths(
            self.dialect,
            query,
            app=self.app,
            schema_of=self.schema_of,
            tables=self.tables,
            root=root,
        )

    def count(self, session: DatabaseSession, query: Query) -> int:
        paths = self.paths(query)
        conditions = rows_of(paths, query)
        return session.number(
            sa.select(sa.func.count()).select_from(paths.source).where(*conditions)
        )

    def read(
        self, session: DatabaseSession, query: Query, within: KeyRange | None = None
    ) -> pa.Table:
        paths = self.paths(query)
        described, expressions = columns_of(paths, self.dialect, query.columns, query.ends)
        conditions = rows_of(paths, query)
        if within is not None:
            conditions += ranges.inside(self.dialect, paths.schema, paths.root, within)
        statement = sa.select(*expressions).select_from(paths.source).where(*conditions)
        return self.rows(session, query, Prepared(described, session.text(statement)))

    def keys(self, query: Query, keys: pa.Table) -> Keys:
        """Keys of a query, in the types of the columns that they are found in."""
        columns = self.known(("ends", *_mark(query)), lambda: self._ends(query))
        return Keys(self.dialect, keys.select([str(path) for path in query.key]), columns)

    def fetch(self, session: DatabaseSession, query: Query, keys: Keys) -> pa.Table:
        """The rows of a query under keys that are ready."""
        prepared = self.prepared("fetch", query, keys, session, lambda _, statement: statement)
        return self.rows(session, query, prepared, keys.values, short=not keys.many)

    def prepared(
        self,
        mark: str,
        query: Query,
        keys: Keys,
        session: DatabaseSession,
        shaped: Callable[[Paths, Selected], Selected],
    ) -> Prepared:
        """The rows of a query under some keys, `shaped`; remembered by `mark`."""

        def make() -> Prepared:
            paths = self.paths(query)
            described, statement = self.under(paths, query, keys, session)
            return Prepared(described, session.text(shaped(paths, statement)), paths.follows)

        return self.known((mark, keys.shape, *_mark(query)), make)

    def under(
        self, paths: Paths, query: Query, keys: Keys, session: DatabaseSession
    ) -> tuple[list[Column], Selected]:
        """The rows of a query under some keys: what its columns are, and the statement."""
        described, expressions = columns_of(paths, self.dialect, query.columns, query.ends)
        found = [paths.find(path) for path in query.key]
        # in this form no index is chosen for them: the keys are what finds rows
        conditions = [condition.is_(sa.true()) for condition in rows_of(paths, query)]
        source, among = keys.among(paths.source, found, session)
        statement = sa.select(*expressions).select_from(source).where(*conditions, among)
        return described, statement

    def _ends(self, query: Query) -> list[Column]:
        paths = self.paths(query)
        return [paths.find(path)[0] for path in query.key]

    def rows(
        self,
        session: DatabaseSession,
        query: Query,
        prepared: Prepared,
        values: Values = (),
        *,
        beside: Sequence[Column] = (),
        short: bool = False,
    ) -> pa.Table:
        """Run a query's statement; its columns in canonical types, named by path.

        `beside` are columns that the statement gives before those of the query.

        A value without a place in its type is null, and noted in `UNREADABLE`.
        """
        names = [column.name for column in beside] + [str(path) for path in query.columns]
        wanted = (*beside, *prepared.described)
        found = session.arrays(prepared.text, values, short=short)
        arrays, texts = [], {}
        for name, column, given in zip(names, wanted, found, strict=False):
            array, unreadable = canonical_cells(given, column.type)
            arrays.append(array)
            if unreadable:
                texts[name] = unreadable
        rows = pa.table(arrays, names=names)
        noted = found[len(names)] if len(found) > len(names) else None
        if texts or (noted is not None and noted.null_count < len(noted)):
            return with_unreadable(rows, texts, None if noted is None else noted.to_pylist())
        return rows


def _mark(query: Query) -> tuple[Hashable, ...]:
    """What two queries have in common that are the same statement."""
    return (
        query.table,
        query.columns,
        query.key,
        query.filter and query.filter.text,
        query.company,
        query.companies,
        tuple(sorted(query.lookups.items())),
    )
