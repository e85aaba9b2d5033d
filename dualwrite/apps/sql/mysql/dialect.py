"""MariaDB and MySQL.

Keys are equal as their column's collation says (`AB` may be `ab`); values differ by
their bytes, so a change of case is a change.  A timestamp in UTC is `TIMESTAMP`, the
session's zone is UTC; `DATETIME` has no zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.pool import NullPool

from dualwrite.apps.canonical import IN_UTC, NAIVE, UUID_TEXT
from dualwrite.apps.declaring import Declared, narrowed
from dualwrite.apps.sql.core.declaring import declared_line, losses
from dualwrite.apps.sql.core.dialect import Dialect, Expression, Staged, decimal_type
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.apps.sql.mysql.catalogue import named_so
from dualwrite.apps.sql.mysql.session import MysqlSession
from dualwrite.apps.transactions import Written
from dualwrite.connections import mysql as connections
from dualwrite.tablemap.names import TableName
from dualwrite.tablemap.schema import Column, TableSchema

_ROOM = 255
"""Letters that a queue has room for where the table's own column takes fewer."""


class MysqlDialect(Dialect):
    """What MariaDB and MySQL say in their own way."""

    compiler = MysqlSession.compiler
    moment = "timestamp(6)"
    steps_back = False  # a deadlock ends the whole transaction

    def replacing(self, schema: TableSchema) -> str:
        quote = self.compiler.identifier_preparer.quote_identifier
        others = [quote(name) for name in schema.columns if name not in schema.primary_key]
        values = ", ".join(f"{name} = VALUES({name})" for name in others)
        return f"ON DUPLICATE KEY UPDATE {values}"

    def queued(self, name: str, column: Column) -> Column:
        """Short texts get some room: a column that is widened must not outgrow its queue."""
        short = re.match(r"(var)?char|enum|set|tinytext", column.native)
        if not short or not pa.types.is_string(column.type) or (column.length or 0) > _ROOM:
            return super().queued(name, column)
        _, collate, collation = column.native.partition(" COLLATE ")
        return Column(name, column.type, f"varchar({_ROOM}){collate}{collation}")

    def connect(self) -> DatabaseSession:
        return MysqlSession(self.url, patience=self.patience)

    def engine(self) -> sa.Engine:
        return connections.engine(self.url, poolclass=NullPool)

    def columns(
        self,
        connection: sa.Connection,
        inspector: sa.Inspector,  # noqa: ARG002 - it loses the collations
        table: str,
    ) -> list[Column]:
        place, name = self.place(table)
        found: Any = connection.execute(
            sa.select(*(sa.column(each) for each in _DESCRIBED))
            .select_from(sa.table("COLUMNS", schema="information_schema"))
            .where(
                named_so(sa.column("TABLE_NAME"), name),
                named_so(sa.column("TABLE_SCHEMA"), place or sa.func.database()),
            )
            .order_by(sa.column("ORDINAL_POSITION"))
        )
        late = connection.dialect.server_version_info or ()
        mariadb = getattr(connection.dialect, "is_mariadb", False)
        moments = (_FIRST, _LAST_64 if mariadb and late >= (11, 5) else _LAST)
        json = self._json(connection, table) if mariadb else set()
        columns = [_described(row, moments) for row in found]
        return [replace(each, parsed=True) if each.name in json else each for each in columns]

    def _json(self, connection: sa.Connection, table: str) -> set[str]:
        """The columns whose texts MariaDB checks to be JSON, its type JSON."""
        names = ("CONSTRAINT_NAME", "CONSTRAINT_SCHEMA", "TABLE_NAME", "CHECK_CLAUSE")
        name, database, of, clause = (sa.column(each, sa.String()) for each in names)
        checks = sa.table("CHECK_CONSTRAINTS", schema="information_schema")
        place, own = self.place(table)
        wanted = sa.and_(
            named_so(of, own),
            named_so(database, place or sa.func.database()),
            sa.func.lower(clause).like("json_valid(%"),
        )
        return set(connection.scalars(sa.select(name).select_from(checks).where(wanted)))

    def own_name(self, connection: sa.Connection, name: TableName) -> TableName:  # noqa: ARG002
        own = name.schema in (None, self.schema or self.url.database)
        return TableName(name.table, None if own else name.schema)

    def everywhere(self) -> MysqlDialect:
        """The same database for statements that are run from another one: each name is whole."""
        return MysqlDialect(
            self.url, schema=self.schema or self.url.database, patience=self.patience
        )

    def triggers(self, connection: sa.Connection, table: str) -> Sequence[str]:
        name: Any = sa.column("TRIGGER_NAME")
        place, own = self.place(table)
        query = (
            sa.select(sa.func.concat("trigger ", name))
            .select_from(sa.table("TRIGGERS", schema="information_schema"))
            .where(
                named_so(sa.column("TRIGGER_SCHEMA"), place or sa.func.database()),
                named_so(sa.column("EVENT_OBJECT_TABLE"), own),
                sa.column("ACTION_TIMING") == "BEFORE",
                name.not_like("dualwrite%"),
            )
            .order_by(name)
        )
        return list(connection.scalars(query))

    def value(self, column: Column, text: str) -> Any:
        if pa.types.is_timestamp(column.type):
            text = text.removesuffix("+00:00")
        return super().value(column, text)

    def readable(self, column: Column, expression: Expression) -> Expression:
        if column.native.startswith("bit"):
            return sa.cast(expression, mysql.INTEGER(unsigned=True))
        if column.native.startswith("time("):  # in one spelling, whatever digits it has
            return sa.func.regexp_replace(sa.cast(expression, sa.CHAR), "[.]?0+$", "")
        if column.native.startswith("float"):
            return expression + sa.literal_column("0e0")  # as text it has six digits alone
        return expression

    def differs(
        self, column: Column, left: Expression, staged: Expression
    ) -> sa.ColumnElement[bool]:
        if " COLLATE " in column.native:
            return sa.cast(left, sa.LargeBinary).is_distinct_from(sa.cast(staged, sa.LargeBinary))
        return super().differs(column, left, staged)

    def redeclare(
        self, session: DatabaseSession, schema: TableSchema, columns: Declared, *, wait: float
    ) -> Mapping[str, int]:
        table = self.named(schema.name)
        session.run(f"SET SESSION lock_wait_timeout = {max(1, round(wait))}")
        # where nothing is narrowed the statement is enough: it changes all or nothing
        narrower = bool(narrowed(schema, columns))
        if narrower:
            session.run(f"LOCK TABLES {table} WRITE")
        try:
            shown = str(session.arrays(f"SHOW CREATE TABLE {table}")[1][0].as_py())
            lost = losses(session, self.table(schema), schema, columns, "truncate")
            if not lost:
                fresh = ", ".join(
                    f"MODIFY COLUMN {declared_line(shown, session.quote(name), kind)}"
                    for name, kind in columns.items()
                )
                session.run(f"ALTER TABLE {table} {fresh}")
        finally:
            if narrower:
                session.run("UNLOCK TABLES")
        session.run(f"SET SESSION lock_wait_timeout = {max(1, round(self.patience))}")
        return lost

    def ingest(self, session: DatabaseSession, schema: TableSchema, rows: pa.Table) -> bool:
        assert isinstance(session, MysqlSession)
        session.append(self.named(schema.name), rows, schema.columns)
        return True

    def conflicted(self, fault: Exception) -> bool:
        return bool(fault.args) and fault.args[0] == 1062

    def merge(
        self,
        session: DatabaseSession,
        staged: Staged,
        *,
        inserting: bool,
        meeting: bool,  # noqa: ARG002 - there is no ON CONFLICT for one key
    ) -> Written:
        updated = session.run(staged.update()) if staged.changing else 0
        inserted = session.run(staged.insert()) if inserting else 0
        return Written(inserted=inserted, updated=updated)

    def delete(self, session: DatabaseSession, staged: Staged) -> int:
        return session.run(sa.delete(staged.target).where(staged.matched()))

    def cautions(self, session: DatabaseSession) -> list[tuple[str, str]]:
        name = "innodb_flush_log_at_trx_commit"
        kept = session.arrays(f"SELECT @@GLOBAL.{name} AS kept", short=True)[0][0].as_py()
        if str(kept) == "1":
            return []
        lost = "a power cut loses about the last second of commits"
        more = "a change whose entry is acknowledged by then is lost on this side"
        return [(f"{name} = {kept}: {lost}, and {more}", "set it to 1")]

    def privileges(self, session: DatabaseSession, table: str) -> frozenset[str]:
        user = sa.func.replace(sa.func.current_user(), "@", "'@'")
        grantee = sa.func.concat("'", user, "'")
        own, name = self.place(table)
        database = own or sa.func.database()
        held = []
        for level, place in (
            ("USER_PRIVILEGES", []),
            ("SCHEMA_PRIVILEGES", [named_so(sa.column("TABLE_SCHEMA"), database)]),
            (
                "TABLE_PRIVILEGES",
                [
                    named_so(sa.column("TABLE_SCHEMA"), database),
                    named_so(sa.column("TABLE_NAME"), name),
                ],
            ),
        ):
            held.append(
                sa.select(sa.func.lower(sa.column("PRIVILEGE_TYPE")).label("held"))
                .select_from(sa.table(level, schema="information_schema"))
                .where(sa.column("GRANTEE") == grantee, *place)
            )
        found = session.arrays(sa.union(*held))[0].to_pylist()
        return frozenset(found) & {"select", "insert", "update", "delete"}


_DESCRIBED = (
    "COLUMN_NAME",
    "DATA_TYPE",
    "COLUMN_TYPE",
    "COLLATION_NAME",
    "IS_NULLABLE",
    "COLUMN_DEFAULT",
    "EXTRA",
    "CHARACTER_MAXIMUM_LENGTH",
    "CHARACTER_OCTET_LENGTH",
    "NUMERIC_PRECISION",
    "NUMERIC_SCALE",
    "DATETIME_PRECISION",
)


def _described(row: Any, moments: tuple[str, str]) -> Column:
    collation = f" COLLATE {row.COLLATION_NAME}" if row.COLLATION_NAME else ""
    extra = row.EXTRA.lower()
    generated = "generated" in extra and "default_generated" not in extra
    default = row.COLUMN_DEFAULT
    kind = _canonical(row)
    text = pa.types.is_string(kind)
    word = row.DATA_TYPE
    return Column(
        name=row.COLUMN_NAME,
        type=kind,
        native=f"{row.COLUMN_TYPE}{collation}",
        nullable=row.IS_NULLABLE == "YES",
        # MariaDB spells "no default" of a nullable column NULL
        has_default=(default is not None and default != "NULL")
        or "auto_increment" in extra
        or generated,
        fraction=_fraction(row.DATETIME_PRECISION),
        length=_length(row) if text else None,
        octets=row.CHARACTER_OCTET_LENGTH if word.endswith(("text", "blob", "binary")) else None,
        caseless=word == "uuid" or (text and str(row.COLLATION_NAME).endswith("_ci")),
        single=word == "float",
        parsed=word.startswith("inet") or word == "json",
        padded=word in ("char", "binary"),
        range=moments if word == "timestamp" else _range(row, kind),
        members=_members(row.COLUMN_TYPE) if word == "enum" else (),
        pattern=_pattern(row) if text else None,
        read_only=generated,
        exact=not pa.types.is_floating(kind),
    )


def _fraction(digits: int | None) -> int | None:
    return None if digits is None or digits >= 6 else int(digits)


def _length(row: Any) -> int | None:
    """In characters; the limit of a TEXT is one of bytes."""
    if row.DATA_TYPE == "uuid":
        return 36
    counted = row.DATA_TYPE in ("char", "varchar")
    return int(row.CHARACTER_MAXIMUM_LENGTH) if counted else None


def _range(row: Any, kind: pa.DataType) -> tuple[str, str] | None:
    """What a whole number can be, where its Arrow type can be more."""
    word, most = row.DATA_TYPE, 2**63 - 1
    if not pa.types.is_int64(kind):
        return None
    if word == "year":
        return "1901", "2155"
    if word == "bit":
        return "0", str(min(2 ** int(row.NUMERIC_PRECISION) - 1, most))
    bits = _BITS[word]
    if "unsigned" in row.COLUMN_TYPE:
        return "0", str(min(2**bits - 1, most))
    return None if bits == 64 else (str(-(2 ** (bits - 1))), str(2 ** (bits - 1) - 1))


def _members(native: str) -> tuple[str, ...]:
    """The texts of an ENUM or SET; a quote in one of them is doubled."""
    found = re.findall(r"'((?:[^']|'')*)'", native.partition("(")[2])
    return tuple(member.replace("''", "'") for member in found)


def _pattern(row: Any) -> str | None:
    if row.DATA_TYPE == "set":  # in the order of its members, each once
        parts = (f"(?:{re.escape(member)}(?:,|$))?" for member in _members(row.COLUMN_TYPE))
        return f"^{''.join(parts)}$"
    return _PATTERNS.get(row.DATA_TYPE)


_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_FIRST = "1970-01-01 00:00:01+00:00"
_LAST, _LAST_64 = "2038-01-19 03:14:07.999999+00:00", "2106-02-07 06:28:15.999999+00:00"
"""The moments of a TIMESTAMP; the later end is that of MariaDB 11.5 and after."""
_PATTERNS = {"uuid": UUID_TEXT, "time": r"^-?\d{2,3}:[0-5]\d:[0-5]\d(?:\.\d{0,5}[1-9])?$"}


def _canonical(row: Any) -> pa.DataType:  # noqa: PLR0911 - one a kind
    word = row.DATA_TYPE
    if row.COLUMN_TYPE in ("tinyint(1)", "bit(1)"):
        return pa.bool_()
    if word.endswith("int") or word in ("year", "bit"):
        return pa.int64()
    if word == "decimal":
        return decimal_type(int(row.NUMERIC_PRECISION), int(row.NUMERIC_SCALE))
    if word in ("float", "double"):
        return pa.float64()
    if word == "date":
        return pa.date32()
    if word in ("datetime", "timestamp"):
        return NAIVE if word == "datetime" else IN_UTC
    if "blob" in word or "binary" in word:
        return pa.binary()
    return pa.string()
