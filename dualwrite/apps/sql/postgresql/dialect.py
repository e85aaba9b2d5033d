"""PostgreSQL 15 to 18, all rows through ADBC.

Numerics and every type that has no plain Arrow form are read `::text`, which is exact
and twice as fast as ADBC's own numerics; on the way in the exotic ones are staged as
text and cast.  A merge is one statement, update and insert in one snapshot: a row that
another transaction commits meanwhile meets `ON CONFLICT` and is updated, not refused.
Where no unique index covers the key there is nothing to conflict with: our own writers
wait for each other there, an application's insert of the same key at the same instant
is its own second row.  No lock keeps an application from writing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.pool import NullPool

from dualwrite.apps.canonical import UUID_TEXT, canonical, uuid_bytes
from dualwrite.apps.declaring import Declared
from dualwrite.apps.sql.core.declaring import declared_type, losses
from dualwrite.apps.sql.core.dialect import Dialect, Expression, Staged, covered
from dualwrite.apps.sql.core.faults import sqlstate
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.postgresql.numbering import moved_past, numbered
from dualwrite.apps.sql.postgresql.session import COMPILER, PostgresqlSession, staged_as
from dualwrite.apps.transactions import Written
from dualwrite.connections import postgresql as connections
from dualwrite.tablemap.names import TableName
from dualwrite.tablemap.schema import Column, TableSchema

_TEXTUAL = ("TEXT", "VARCHAR", "CHAR")
_BINARY_FORMS = {
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "REAL": pa.float32(),
    "DOUBLE PRECISION": pa.float64(),
    "UUID": pa.binary(16),
    "MONEY": None,
}
_ROOM: tuple[tuple[Any, dict[str, Any]], ...] = (
    (sa.SmallInteger, {"range": (str(-(2**15)), str(2**15 - 1))}),
    (sa.BigInteger, {}),
    (sa.Integer, {"range": (str(-(2**31)), str(2**31 - 1))}),
    (postgresql.MONEY, {"range": ("-92233720368547758.08", "92233720368547758.07")}),
    (sa.CHAR, {"padded": True}),
    (sa.REAL, {"single": True}),
    (sa.Uuid, {"caseless": True, "pattern": UUID_TEXT}),
    (postgresql.CITEXT, {"caseless": True}),
)
"""What columns hold of their canonical types."""
_TIME = r"^(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{0,5}[1-9])?|24:00:00)$"
_SHORT = {"NAME": 63, '"char"': 1}
_SCHEMA_OF = (
    "SELECT n.nspname::text AS place FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid ="
)


class PostgresqlDialect(Dialect):
    """What PostgreSQL says in its own way."""

    compiler = COMPILER
    moment = "TIMESTAMP WITH TIME ZONE"

    def queued(self, name: str, column: Column) -> Column:
        """In a type that holds the column's values even after it was widened."""
        return Column(name, column.type, _widest(column))

    def kept(self, column: Column, expression: Expression) -> Expression:
        kind = _widest(column)
        if kind == column.native:
            return expression
        if column.native == "INET":
            return _as_text(column, expression)
        return _cast(_cast(expression, "NUMERIC") if column.native == "MONEY" else expression, kind)

    def altered(self, column: Column, old: Expression, new: Expression) -> sa.ColumnElement[bool]:
        if pa.types.is_string(column.type) and column.native != "UUID":
            old, new = (sa.collate(sa.cast(each, sa.Text), "C") for each in (old, new))
        return old.is_distinct_from(new)

    def connect(self) -> DatabaseSession:
        return PostgresqlSession(self.url, patience=self.patience)

    def engine(self) -> sa.Engine:
        return connections.engine(self.url, poolclass=NullPool)

    def columns(
        self, connection: sa.Connection, inspector: sa.Inspector, table: str
    ) -> list[Column]:
        schema, name = self.place(table)
        reflected = inspector.get_columns(name, schema=schema)
        short = self._short_texts(connection, table)
        for each in reflected:
            unknown = isinstance(each["type"], sa.types.NullType)  # to SQLAlchemy
            if unknown or each["name"] in short:
                each["type"] = _Native(self._native(connection, table, each["name"]))
        known = numbered(connection, self.named(table))
        return [
            replace(each, numbering=known.get(each.name))
            if pa.types.is_int64(each.type) and not each.read_only
            else each
            for each in map(self.described, reflected)
        ]

    def _short_texts(self, connection: sa.Connection, table: str) -> set[str]:
        """The columns of the types "char" and name, which SQLAlchemy takes for any text."""
        query = sa.text(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(:name) "
            "AND atttypid IN ('\"char\"'::regtype, 'name'::regtype)"
        )
        return set(connection.scalars(query, {"name": self.named(table)}))

    def _native(self, connection: sa.Connection, table: str, column: str) -> str:
        query = sa.text(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(:name) AND attname = :column"
        )
        found = str(connection.scalar(query, {"name": self.named(table), "column": column}))
        return found if '"' in found else found.upper()

    def own_name(self, connection: sa.Connection, name: TableName) -> TableName:
        quote = self.compiler.identifier_preparer.quote_identifier
        bare = {"bare": quote(name.table)}
        if self.schema is not None:
            place = name.schema or connection.scalar(
                sa.text(f"{_SCHEMA_OF} to_regclass(:bare)"), bare
            )
            return super().own_name(connection, TableName(name.table, place))
        if name.schema is None:
            return name
        query = sa.text("SELECT to_regclass(:bare) = to_regclass(:whole)")
        whole = f"{quote(name.schema)}.{bare['bare']}"
        searched = connection.scalar(query, {**bare, "whole": whole})
        return TableName(name.table) if searched else name

    def triggers(self, connection: sa.Connection, table: str) -> Sequence[str]:
        query = sa.text(
            "SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = to_regclass(:name) "
            # of rows (1), before (2) or instead of (64) the write
            "AND NOT tgisinternal AND tgtype & 1 = 1 AND tgtype & 66 <> 0 "
            "AND tgenabled IN ('O', 'A') AND tgname NOT LIKE 'dualwrite%' "
            "UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite "
            "WHERE ev_class = to_regclass(:name) AND ev_type <> '1' "
            "UNION ALL SELECT 'row security' FROM pg_class "
            "WHERE oid = to_regclass(:name) AND relrowsecurity ORDER BY 1"
        )
        return list(connection.scalars(query, {"name": self.named(table)}))

    def canonical_type(self, kind: Any) -> tuple[pa.DataType, int | None, bool]:
        if isinstance(kind, postgresql.DOMAIN):
            return self.canonical_type(kind.data_type)
        if isinstance(kind, postgresql.MONEY):
            return pa.decimal128(19, 2), None, True
        return super().canonical_type(kind)

    def room(self, kind: Any) -> dict[str, Any]:
        if isinstance(kind, postgresql.DOMAIN):
            return self.room(kind.data_type)
        if isinstance(kind, postgresql.ENUM):
            return {"members": tuple(kind.enums)}
        if isinstance(kind, sa.Time) and not kind.timezone:
            return {"pattern": _TIME}
        found = next((room for known, room in _ROOM if isinstance(kind, known)), None)
        if found is not None:
            return found
        native = str(kind.compile(dialect=self.compiler))
        if native in _SHORT:
            return {"octets": _SHORT[native]}
        text = pa.types.is_string(self.canonical_type(kind)[0])
        plain = native.startswith(_TEXTUAL) and not native.endswith("]")
        return {"parsed": True} if text and not plain else {}

    def readable(self, column: Column, expression: Expression) -> Expression:
        if column.native == "MONEY":
            return sa.cast(sa.cast(expression, sa.Numeric), sa.Text)
        if pa.types.is_decimal(column.type):
            return sa.cast(expression, sa.Text)
        if pa.types.is_string(column.type) and column.native != "TEXT":
            return _as_text(column, expression)
        if pa.types.is_temporal(column.type):
            return sa.case((_in_years(column, expression), expression), else_=sa.null())
        return expression

    def unreadable(
        self, column: Column, expression: Expression, *, is_end: bool = False
    ) -> Expression | None:
        if not pa.types.is_temporal(column.type):
            return None
        # infinity, years before Christ, years of five digits
        beyond = sa.not_(_in_years(column, expression))
        if is_end:
            never = sa.cast(sa.literal("infinity"), self.sql_type(column))
            beyond = sa.and_(beyond, expression != never)
        return sa.case((beyond, sa.cast(expression, sa.Text)), else_=sa.null())

    def objects(self, texts: Mapping[str, Expression]) -> Expression:
        pairs = [each for name, text in texts.items() for each in (sa.literal(name), text)]
        made = sa.func.json_strip_nulls(sa.func.json_build_object(*pairs))
        some = sa.or_(*(text.is_not(None) for text in texts.values()))
        return sa.case((some, sa.cast(made, sa.Text)), else_=sa.null())

    def comparable(self, column: Column, expression: Expression) -> Expression:
        if column.native == "MONEY":
            return sa.cast(expression, sa.Numeric)
        return _as_text(column, expression) if _exotic(column) else expression

    def joined(
        self, left: tuple[Column, Expression], right: tuple[Column, Expression]
    ) -> sa.ColumnElement[bool]:
        if _exotic(left[0]) == _exotic(right[0]) and left[0].type == right[0].type:
            return super().joined(left, right)
        return _as_text(*left) == _as_text(*right)

    def assigned(self, column: Column, staged: Expression) -> Expression:
        # a cast to varchar(n) would cut; an assignment refuses
        return _cast(staged, column.native) if _exotic(column) else staged

    def differs(
        self, column: Column, left: Expression, staged: Expression
    ) -> sa.ColumnElement[bool]:
        if column.native == "JSON" or not _comparable(column):
            return sa.cast(left, sa.Text).is_distinct_from(staged)
        if pa.types.is_string(column.type) and not _exotic(column):
            return sa.collate(left, "C").is_distinct_from(staged)
        if column.native == "REAL" or column.fraction is not None:
            return left.is_distinct_from(_cast(staged, column.native))  # as it is stored
        return super().differs(column, left, staged)

    def redeclare(
        self, session: DatabaseSession, schema: TableSchema, columns: Declared, *, wait: float
    ) -> Mapping[str, int]:
        table, quote = self.named(schema.name), session.quote
        fresh = ", ".join(
            f"ALTER {quote(c)} TYPE {declared_type(kind)}" for c, kind in columns.items()
        )
        with session.transaction(writing=True):
            session.run(f"SET LOCAL lock_timeout = '{round(wait * 1000)}ms'")
            session.run(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            lost = losses(session, self.table(schema), schema, columns, "trunc")
            if not lost:
                session.run(f"ALTER TABLE {table} {fresh}")
        return lost

    def ingest(self, session: DatabaseSession, schema: TableSchema, rows: pa.Table) -> bool:
        assert isinstance(session, PostgresqlSession)
        arrays = []
        for name in rows.column_names:
            array = _binary_form(schema.columns[name], rows[name])
            if array is None:
                return False
            arrays.append(array)
        plain = pa.table(arrays, names=rows.column_names)
        place, name = self.place(schema.name)
        if place is None:
            query = f"{_SCHEMA_OF} to_regclass($1)"
            place = session.arrays(query, [self.named(schema.name)])[0][0].as_py()
        session.append(name, plain, schema=place)
        return True

    def conflicted(self, fault: Exception) -> bool:
        # 0A000: COPY is not for tables with row security, an INSERT is
        return sqlstate(fault) in ("23505", "0A000")

    def number_on(self, session: DatabaseSession, column: Column, highest: int) -> None:
        if column.numbering is not None and column.numbering.movable:
            session.owe(moved_past(column.numbering.sequence, highest))

    def merge(
        self, session: DatabaseSession, staged: Staged, *, inserting: bool, meeting: bool
    ) -> Written:
        if not inserting:
            if not staged.changing:
                return Written()
            return Written(updated=session.run(staged.statement(session, "update", staged.update)))
        if not covered(staged.schema, staged.key):
            turn = sa.func.hashtextextended(f"dualwrite {staged.schema.name}", 0)
            locked = sa.select(sa.cast(sa.func.pg_advisory_xact_lock(turn), sa.Text))
            session.arrays(locked, short=True)
        text = staged.statement(session, f"merge {meeting}", lambda: self._merged(staged, meeting))
        inserted, updated = session.arrays(text, short=True)
        return Written(inserted=inserted[0].as_py(), updated=updated[0].as_py())

    def _merged(self, staged: Staged, meeting: bool) -> Any:
        """Update and insert in one statement; how many rows each touched."""
        one: Any = sa.literal_column("1").label("one")
        done: list[Any] = [sa.literal_column("0"), sa.literal_column("0")]
        if staged.changing:
            updated = staged.update().returning(one).cte("dualwrite_updated")
            done[1] = sa.select(sa.func.count()).select_from(updated).scalar_subquery()
        inserted = self._insert(staged, meeting=meeting).cte("dualwrite_inserted")
        fresh = sa.func.count().filter(inserted.c.fresh)
        met = sa.func.count().filter(sa.not_(inserted.c.fresh))
        done[0] = sa.select(fresh).select_from(inserted).scalar_subquery()
        done[1] = done[1] + sa.select(met).select_from(inserted).scalar_subquery()
        return sa.select(done[0].label("i"), done[1].label("u"))

    def _insert(self, staged: Staged, *, meeting: bool) -> Any:
        insert = staged.insert()
        fresh = sa.literal_column("(xmax = 0)", sa.Boolean).label("fresh")
        absent = insert.select
        careful = postgresql.insert(staged.target).from_select(list(staged.columns), absent)
        if not meeting or not covered(staged.schema, staged.key):
            return careful.returning(fresh)
        keys = [staged.target.c[name] for name in staged.key]
        if not staged.changing:
            return careful.on_conflict_do_nothing(index_elements=keys).returning(fresh)
        meanwhile = {name: careful.excluded[name] for name in staged.changing}
        differs = [
            sa.cast(staged.target.c[name], sa.Text).is_distinct_from(
                sa.cast(careful.excluded[name], sa.Text)
            )
            for name in staged.changing
        ]
        return careful.on_conflict_do_update(
            index_elements=keys, set_=meanwhile, where=sa.or_(*differs)
        ).returning(fresh)

    def delete(self, session: DatabaseSession, staged: Staged) -> int:
        gone = sa.delete(staged.target).where(staged.matched())
        return session.run(staged.statement(session, "delete", lambda: gone))

    def cautions(self, session: DatabaseSession) -> list[tuple[str, str]]:
        kept = session.arrays("SELECT current_setting('fsync') AS kept", short=True)[0][0].as_py()
        if kept == "on":
            return []
        return [(f"fsync = {kept}: a power cut can leave the database damaged", "set it to on")]

    def privileges(self, session: DatabaseSession, table: str) -> frozenset[str]:
        name = self.named(table)
        rights = ("select", "insert", "update", "delete")
        held = session.arrays(
            sa.select(*(sa.func.has_table_privilege(name, right).label(right) for right in rights))
        )
        return frozenset(right for right, yes in zip(rights, held, strict=True) if yes[0].as_py())


def _in_years(column: Column, expression: Expression) -> sa.ColumnElement[bool]:
    """Whether a date or time is of the years 1 to 9999, which are all that Python knows."""
    first, after = ("DATE '0001-01-01'", "DATE '10000-01-01'")
    if not pa.types.is_date(column.type):
        zone = "" if column.type.tz is None else "+00"
        kind = "TIMESTAMP" if column.type.tz is None else "TIMESTAMPTZ"
        first, after = (f"{kind} '{day} 00:00:00{zone}'" for day in ("0001-01-01", "10000-01-01"))
    inside = expression >= sa.literal_column(first), expression < sa.literal_column(after)
    return sa.and_(*inside)


def _as_text(column: Column, expression: Expression) -> sa.ColumnElement[str]:
    """A value as the database shows it: the cast of an INET adds the mask of a single address."""
    if column.native == "INET":
        return sa.func.abbrev(expression)
    return sa.cast(expression, sa.Text)


def _exotic(column: Column) -> bool:
    """Whether the column takes text only by a cast."""
    if column.native == "MONEY":
        return True
    return pa.types.is_string(column.type) and not _textual(column)


def _textual(column: Column) -> bool:
    """Whether the column is one of the texts proper; an array of them is none."""
    return column.native.startswith(_TEXTUAL) and not column.native.endswith("]")


def _comparable(column: Column) -> bool:
    return column.native not in ("JSON", "XML", "POINT", "BOX", "POLYGON")


def _cast(expression: Expression, native: str) -> Expression:
    return sa.cast(expression, _Native(native))


class _Native(sa.types.UserDefinedType[Any]):
    """A type by its own name, as the database wrote it."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


def _widest(column: Column) -> str:
    """The type by which a queue holds values of the column."""
    kind = column.type
    if pa.types.is_string(kind):
        return column.native if column.native in ("UUID", "CITEXT") else "TEXT"
    if pa.types.is_timestamp(kind):
        return f"TIMESTAMP {'WITHOUT' if kind.tz is None else 'WITH'} TIME ZONE"
    return staged_as(column).upper()


def _binary_form(column: Column, values: pa.ChunkedArray) -> Any:
    """The column as COPY takes it without a cast, or None where it takes none."""
    if pa.types.is_string(column.type):
        if column.native == "UUID":
            return uuid_bytes(values)
        return values if _textual(column) else None
    wanted = _BINARY_FORMS.get(column.native, values.type)
    try:
        return None if wanted is None else canonical(values, wanted)
    except pa.ArrowInvalid:
        return None  # too large for the column: staged, where the app says so
