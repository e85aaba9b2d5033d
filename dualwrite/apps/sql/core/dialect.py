"""What differs from one database to the next, and what most of them share.

A dialect turns a column into an expression: as it is read, compared, matched and
assigned.  Everything else is written once, in the modules beside this one.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.canonical import IN_UTC, NAIVE, WIDEST
from dualwrite.apps.declaring import Declared
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.transactions import Written
from dualwrite.tablemap.names import TableName
from dualwrite.tablemap.schema import Column, TableSchema

Expression = sa.ColumnElement[Any]
NUMBER = Column("dualwrite_number", pa.int64(), "BIGINT")
"""The number of a staged row among those given."""
_MARKED = 8
"""Letters that a text needs to hold a mark before the number of a row."""


class Dialect(ABC):
    """One database, and how to speak with it."""

    compiler: sa.Dialect
    schema: str | None
    moment: str
    """The type of a time in UTC, to the microsecond or as near as may be."""
    has_schemas = True
    """Whether one connection reaches tables of several schemas."""
    steps_back = True
    """Whether a statement that had to wait too long takes back no more than itself."""

    def __init__(self, url: sa.URL, *, schema: str | None, patience: float) -> None:
        self.url, self.schema, self.patience = url, schema, patience

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold."""
        return (str(self.url.password),) if self.url.password else ()

    @abstractmethod
    def connect(self) -> DatabaseSession:
        """A new session."""

    @abstractmethod
    def engine(self) -> sa.Engine:
        """For reflection only."""

    def columns(
        self,
        connection: sa.Connection,  # noqa: ARG002 - for dialects that ask for more
        inspector: sa.Inspector,
        table: str,
    ) -> list[Column]:
        """The columns of a table or view."""
        schema, name = self.place(table)
        return [self.described(each) for each in inspector.get_columns(name, schema=schema)]

    @abstractmethod
    def triggers(self, connection: sa.Connection, table: str) -> Sequence[str]:
        """What the app has put before writes of the table's rows, as `TableSchema.triggers`."""

    def cautions(self, session: DatabaseSession) -> list[tuple[str, str]]:  # noqa: ARG002 - as above
        """Settings of the server by which what was committed can be lost, each with its cure."""
        return []

    @abstractmethod
    def privileges(self, session: DatabaseSession, table: str) -> frozenset[str]:
        """Which of the four rights our user holds."""

    @abstractmethod
    def merge(
        self, session: DatabaseSession, staged: Staged, *, inserting: bool, meeting: bool
    ) -> Written:
        """Carry staged rows into the table.

        With `meeting` a row that another inserts meanwhile is updated, else it is refused.
        """

    def number_on(  # noqa: B027 - most databases need none
        self, session: DatabaseSession, column: Column, highest: int
    ) -> None:
        """See to it that the app's next number of a column comes after `highest`.

        Only where the column has a `numbering`: it is moved on, never back, and without an error.
        """

    @abstractmethod
    def delete(self, session: DatabaseSession, staged: Staged) -> int:
        """Delete the rows that the staged keys name."""

    def replacing(self, schema: TableSchema) -> str:
        """The end of an `INSERT` of one row that takes the place of the row with its key."""
        quote = self.compiler.identifier_preparer.quote_identifier
        key = ", ".join(map(quote, schema.primary_key))
        others = [quote(name) for name in schema.columns if name not in schema.primary_key]
        values = ", ".join(f"{name} = excluded.{name}" for name in others)
        return f"ON CONFLICT ({key}) DO UPDATE SET {values}"

    def queued(self, name: str, column: Column) -> Column:
        """The column of a queue, of that name, that holds values of `column`."""
        return Column(name, column.type, column.native)

    def kept(self, column: Column, expression: Expression) -> Expression:  # noqa: ARG002
        """A captured value as the queue's column takes it."""
        return expression

    def altered(self, column: Column, old: Expression, new: Expression) -> sa.ColumnElement[bool]:
        """As `differs`, between two values of the column itself."""
        return self.differs(column, old, new)

    def ingest(self, session: DatabaseSession, schema: TableSchema, rows: pa.Table) -> bool:  # noqa: ARG002
        """Insert rows straight into the table; False where this dialect has no way for them."""
        return False

    def conflicted(self, fault: Exception) -> bool:  # noqa: ARG002 - for dialects that ingest
        """Whether a straight insert met a row that is there."""
        return False

    @abstractmethod
    def redeclare(
        self, session: DatabaseSession, schema: TableSchema, columns: Declared, *, wait: float
    ) -> Mapping[str, int]:
        """Declare decimal columns anew, waiting so many seconds for the table.

        Where values would lose digits nothing is changed, and they are counted by column.
        """

    def table(self, schema: TableSchema) -> sa.TableClause:
        """The table for statements."""
        place, name = self.place(schema.name)
        return sa.table(
            quoted_name(name, quote=True),
            *(self._column(column) for column in schema.columns.values()),
            schema=None if place is None else quoted_name(place, quote=True),
        )

    def place(self, table: str) -> tuple[str | None, str]:
        """The schema of a table and its name there; no schema where none has to be said."""
        found = TableName.parse(table)
        return found.schema or self.schema, found.table

    def named(self, table: str) -> str:
        """The name of a table, quoted, with its schema where that has to be said."""
        quote = self.compiler.identifier_preparer.quote_identifier
        schema, name = self.place(table)
        return quote(name) if schema is None else f"{quote(schema)}.{quote(name)}"

    def own_name(self, connection: sa.Connection, name: TableName) -> TableName:  # noqa: ARG002
        """The one name of a table that is there, without a schema where none has to be said.

        A name without a schema is one that the database itself gave, as `place` reads it.
        """
        return TableName(name.table, None if name.schema == self.schema else name.schema)

    def staging(self, name: str, columns: Mapping[str, Column]) -> sa.TableClause:
        """A temporary table for statements."""
        return sa.table(
            quoted_name(name, quote=True),
            *(sa.column(quoted_name(c, quote=True), self.sql_type(columns[c])) for c in columns),
        )

    def _column(self, column: Column) -> sa.ColumnClause[Any]:
        return sa.column(quoted_name(column.name, quote=True), self.sql_type(column))

    def sql_type(self, column: Column) -> sa.types.TypeEngine[Any]:  # noqa: PLR0911 - one a kind
        """The SQLAlchemy type by which a value of the column becomes a literal."""
        kind = column.type
        if pa.types.is_int64(kind):
            return sa.BigInteger()
        if pa.types.is_float64(kind):
            return sa.Double()
        if pa.types.is_boolean(kind):
            return sa.Boolean()
        if pa.types.is_date32(kind):
            return sa.Date()
        if pa.types.is_timestamp(kind):
            return sa.DateTime(timezone=kind.tz is not None)
        if pa.types.is_decimal(kind):
            return sa.Numeric(kind.precision, kind.scale)
        if pa.types.is_binary(kind):
            return sa.LargeBinary()
        return sa.String()

    def value(self, column: Column, text: str) -> Any:
        """A value in its canonical text, as it is bound to be compared with the column."""
        kind = column.type
        if pa.types.is_int64(kind):
            return int(text)
        if pa.types.is_decimal(kind):
            return Decimal(text)
        return text in ("1", "true") if pa.types.is_boolean(kind) else text

    def literal(self, column: Column, text: str) -> Expression:
        """The same as an expression of the column's type."""
        value = self.value(column, text)
        known = not isinstance(value, str)
        return sa.literal(value, self.sql_type(column) if known else sa.String())

    def readable(self, column: Column, expression: Expression) -> Expression:  # noqa: ARG002
        """The expression as it stands in a SELECT list."""
        return expression

    def unreadable(
        self,
        column: Column,  # noqa: ARG002
        expression: Expression,  # noqa: ARG002
        *,
        is_end: bool = False,  # noqa: ARG002
    ) -> Expression | None:
        """The text of a value that `readable` gives as null; null for all others.

        Where the column is the end of a period, infinity is no end, as null is.
        """
        return None

    def objects(self, texts: Mapping[str, Expression]) -> Expression:
        """A JSON object of the texts that are not null; null where all are."""
        raise NotImplementedError

    def comparable(self, column: Column, expression: Expression) -> Expression:  # noqa: ARG002
        """The expression as a filter compares it."""
        return expression

    def joined(
        self, left: tuple[Column, Expression], right: tuple[Column, Expression]
    ) -> sa.ColumnElement[bool]:
        """A lookup column equal to the column that it points at."""
        return left[1] == right[1]

    def assigned(self, column: Column, staged: Expression) -> Expression:  # noqa: ARG002
        """A staged value as the column takes it."""
        return staged

    def same(self, column: Column, left: Expression, staged: Expression) -> sa.ColumnElement[bool]:
        """Whether two keys are equal, by the database's own equality."""
        return left == self.assigned(column, staged)

    def differs(
        self, column: Column, left: Expression, staged: Expression
    ) -> sa.ColumnElement[bool]:
        """Whether a value is another one, to the last letter; null is a value here."""
        return left.is_distinct_from(self.assigned(column, staged))

    def described(self, reflected: Mapping[str, Any]) -> Column:
        """A column as SQLAlchemy's inspector gives it, in our terms."""
        kind, length, exact = self.canonical_type(reflected["type"])
        computed = reflected.get("computed") is not None
        identity = reflected.get("identity") or {}
        return Column(
            name=str(reflected["name"]),
            type=kind,
            native=reflected["type"].compile(dialect=self.compiler),
            nullable=bool(reflected.get("nullable", True)),
            has_default=reflected.get("default") is not None
            or bool(identity)
            or reflected.get("autoincrement") is True
            or computed,
            length=length,
            fraction=_fraction(reflected["type"]),
            **self.room(reflected["type"]),
            read_only=computed or bool(identity.get("always")),
            exact=exact,
        )

    def room(self, kind: Any) -> dict[str, Any]:  # noqa: ARG002
        """What a column of the type holds of its canonical type, as fields of `Column`."""
        return {}

    def canonical_type(self, kind: Any) -> tuple[pa.DataType, int | None, bool]:  # noqa: PLR0911
        """Arrow type, longest text, and whether digits are safe."""
        match kind:
            case sa.Uuid():
                return pa.string(), 36, True
            case sa.Enum():
                return pa.string(), None, True
            case sa.Boolean():
                return pa.bool_(), None, True
            case sa.Integer():
                return pa.int64(), None, True
            case sa.Float():
                return pa.float64(), None, False
            case sa.Numeric():
                return decimal_type(kind.precision, kind.scale), None, True
            case sa.DateTime():
                return (IN_UTC if kind.timezone else NAIVE), None, True
            case sa.Date():
                return pa.date32(), None, True
            case sa.LargeBinary() | sa.BINARY() | sa.VARBINARY():
                return pa.binary(), None, True
            case sa.String():
                return pa.string(), kind.length, True
            case _:
                return pa.string(), None, True


class Staged:
    """Rows in a temporary table on their way into a table, and how they meet it."""

    def __init__(
        self,
        dialect: Dialect,
        schema: TableSchema,
        *,
        name: str,
        columns: Sequence[str],
        key: Sequence[str],
        identities: Sequence[str] = (),
        numbered: bool = False,
    ) -> None:
        """`numbered` rows have their number beside their columns, under `NUMBER`."""
        self.dialect, self.schema, self.numbered = dialect, schema, numbered
        self.key, self.columns = tuple(key), tuple(columns)
        self.target = dialect.table(schema)
        held = {c: schema.columns[c] for c in columns}
        self.source = dialect.staging(name, held | ({NUMBER.name: NUMBER} if numbered else {}))
        kept = {*key, *identities}
        self.changing = tuple(name for name in columns if name not in kept)
        self._texts: dict[str, str] = {}

    def statement(self, session: DatabaseSession, mark: str, make: Callable[[], Any]) -> str:
        """A statement over these rows as text, worked out once."""
        if mark not in self._texts:
            self._texts[mark] = session.text(make())
        return self._texts[mark]

    def matched(self) -> sa.ColumnElement[bool]:
        """A row of the table is the staged row's."""
        return sa.and_(*self._each(self.key, self.dialect.same))

    def changed(self) -> sa.ColumnElement[bool]:
        """It differs from the staged row in some column."""
        return sa.or_(*self._each(self.changing, self.dialect.differs))

    def values(self, names: Sequence[str]) -> list[Expression]:
        """Staged columns as the table takes them."""
        columns = self.schema.columns
        return [self.dialect.assigned(columns[name], self.source.c[name]) for name in names]

    def _each(self, names: Sequence[str], compare: Any) -> list[sa.ColumnElement[bool]]:
        return [
            compare(self.schema.columns[name], self.target.c[name], self.source.c[name])
            for name in names
        ]

    @cached_property
    def movable(self) -> Mapping[str, Expression]:
        """By a changing column of each unique index: a value that no other row has there.

        Null, or one out of the number of a row; empty where an index has no such column.
        """
        found: dict[str, Expression] = {}
        for names in (self.schema.primary_key, *self.schema.unique):
            own = [name for name in names if name in self.changing]
            values = {name: self._free(self.schema.columns[name]) for name in own}
            free = {name: value for name, value in values.items() if value is not None}
            if own and not free:
                return {}
            found |= dict([next(iter(free.items()))]) if free else {}
        return found

    def _free(self, column: Column) -> Expression | None:
        number: Any = self.source.c[NUMBER.name]
        if column.nullable:
            return sa.null()
        if pa.types.is_int64(column.type) and not column.native.lower().startswith("bit"):
            least = -(2**15) if "small" in column.native.lower() else -(2**31)
            return sa.type_coerce(sa.literal_column(str(least)) + number, sa.BigInteger)
        plain = re.match(r"(var)?char|(long|medium)?text", column.native.lower())
        if plain and (column.length is None or column.length >= _MARKED):
            return sa.literal("~") + sa.cast(number, sa.String(20))
        return None

    def make_way(self) -> sa.Update:
        """Take the rows that get other values of unique columns out of each other's way."""
        columns, dialect = self.schema.columns, self.dialect
        moved = [
            dialect.differs(columns[name], self.target.c[name], self.source.c[name])
            for name in self.movable
        ]
        return sa.update(self.target).values(self.movable).where(self.matched(), sa.or_(*moved))

    def update(self) -> sa.Update:
        """Bring the rows that are there and differ to the staged values."""
        fresh = dict(zip(self.changing, self.values(self.changing), strict=True))
        return sa.update(self.target).values(fresh).where(self.matched(), self.changed())

    def insert(self) -> Any:
        """Add the rows that are not there."""
        absent = (
            sa.select(*self.values(self.columns))
            .select_from(self.source.outerjoin(self.target, self.matched()))
            .where(self.target.c[self.key[0]].is_(None))
        )
        return sa.insert(self.target).from_select(list(self.columns), absent)


def covered(schema: TableSchema, key: Sequence[str]) -> bool:
    """Whether a unique index sees to it that a key names one row."""
    sets = (schema.primary_key, *schema.unique)
    return tuple(sorted(key)) in {tuple(sorted(names)) for names in sets if names}


def _fraction(kind: Any) -> int | None:
    """The digits of a second that a time keeps, where these are less than six."""
    digits = getattr(kind, "precision", None) if isinstance(kind, sa.DateTime | sa.Time) else None
    return None if digits is None or digits >= 6 else int(digits)


def decimal_type(precision: int | None, scale: int | None) -> pa.DataType:
    """The decimal for a declared precision; wider ones than Arrow's read as the widest."""
    if precision is None or precision > 38:
        places = 10 if scale is None else min(scale, 38)
        return WIDEST if precision is None else pa.decimal128(38, places)
    return pa.decimal128(precision, scale or 0)


def arguments(native: str) -> tuple[int, ...]:
    """The numbers of a declared type: (28, 10) of `DECIMAL(28,10)`."""
    found = re.search(r"\(([\d\s,]+)\)", native)
    return tuple(int(part) for part in found[1].split(",")) if found else ()
