"""MariaDB and MySQL, through PyMySQL.

Every value is read as text and cast in Arrow, which is exact and spares Python objects.
Keys are equal as their column's collation says (`AB` may be `ab`); values differ by
their bytes, so a change of case is a change.  A timestamp in UTC is `TIMESTAMP`, the
session's zone is UTC; `DATETIME` has no zone.  Rows come in by `LOAD DATA LOCAL` where
the server allows it, else by multi-row inserts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pymysql
import pymysql.converters
import sqlalchemy as sa
from pymysql.constants import FIELD_TYPE
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.pool import NullPool

from dualwrite.apps.base import Written
from dualwrite.apps.canonical import IN_UTC, NAIVE, as_text
from dualwrite.apps.sql.capturing import Capturing
from dualwrite.apps.sql.dialect import Dialect, Expression, Staged, decimal_type
from dualwrite.apps.sql.session import Session
from dualwrite.tablemap.schema import Column, TableSchema

_MODE = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO"
_ENCODERS: Any = pymysql.converters.encoders
"""No decoders beside them: what comes is text and stays text."""
_CLUMP = 1000
"""Rows of one multi-row insert."""


class MysqlSession(Session):
    """A PyMySQL connection in autocommit, its transactions said by us."""

    compiler = MySQLDialect(paramstyle="named")

    def __init__(self, url: sa.URL, *, patience: float) -> None:
        options: dict[str, Any] = {}
        if "unix_socket" in url.query:
            options["unix_socket"] = url.query["unix_socket"]
        wait = max(1, round(patience))
        self._connection = pymysql.connect(
            host=url.host or "localhost",
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            database=url.database,
            charset="utf8mb4",
            autocommit=True,
            local_infile=True,
            connect_timeout=10,
            conv=_ENCODERS,
            init_command=(
                f"SET SESSION sql_mode = '{_MODE}', time_zone = '+00:00', "
                f"innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}"
            ),
            **options,
        )
        self._loads = self.text_of("SELECT @@local_infile") == "1"

    def text_of(self, query: str) -> str:
        """The one value that a query gives, as text."""
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        assert row is not None
        return str(row[0])

    def run(self, statement: sa.Executable | str) -> int:
        with self._connection.cursor() as cursor:
            return int(cursor.execute(self.text(statement)))

    def arrays(self, statement: sa.Executable) -> Sequence[pa.Array[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(self.text(statement))
            columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(cursor.description)
            kinds = [description[1] for description in cursor.description]
        return [_array(values, kind) for values, kind in zip(columns, kinds, strict=True)]

    def stage(
        self,
        name: str,
        rows: pa.Table,
        columns: Mapping[str, Column],
        *,
        key: Sequence[str],  # noqa: ARG002 - the table's own index is used
    ) -> None:
        declared = ", ".join(f"{self.quote(c)} {columns[c].native} NULL" for c in rows.column_names)
        try:
            self.run(f"CREATE TEMPORARY TABLE {self.quote(name)} ({declared})")
        except pymysql.OperationalError as fault:
            if fault.args[0] != 1044:
                raise
            # said of the database as a whole, as if we could not enter it
            raise pymysql.OperationalError(1142, "CREATE TEMPORARY TABLES denied") from fault
        self.append(name, rows)

    def append(self, table: str, rows: pa.Table) -> None:
        """Insert rows as they are."""
        if self._loads and rows.num_rows > _CLUMP:
            self._load(table, rows)
            return
        names = ", ".join(self.quote(name) for name in rows.column_names)
        marks = ", ".join(["%s"] * rows.num_columns)
        values = list(zip(*(_stored(column).to_pylist() for column in rows.columns), strict=True))
        with self._connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self.quote(table).replace('%', '%%')} "  # noqa: S608 - quoted
                f"({names.replace('%', '%%')}) VALUES ({marks})",
                values,
            )

    def unstage(self, name: str) -> None:
        self.run(f"DROP TEMPORARY TABLE {self.quote(name)}")

    def begin(self, *, writing: bool, wait: float | None = None) -> None:  # noqa: ARG002
        self.run("BEGIN")

    def commit(self) -> None:
        self.run("COMMIT")

    def rollback(self) -> None:
        try:
            self.run("ROLLBACK")
        except pymysql.Error:
            return  # the connection is gone, and the transaction with it

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    def _load(self, table: str, rows: pa.Table) -> None:
        """LOAD DATA LOCAL: four times as fast, but it bends what it cannot take and only warns."""
        places, bent, quoted = [], [], []
        for position, name in enumerate(rows.column_names):
            column = rows[name]
            if pa.types.is_binary(column.type):
                places.append(f"@v{position}")
                bent.append(f"{self.quote(name)} = UNHEX(@v{position})")
                column = pa.chunked_array([_hex(column)])
            else:
                places.append(self.quote(name))
            text: Any = _stored(column).cast(pa.string())
            inner = pc.replace_substring(text, '"', '""')
            quoted.append(pc.fill_null(pc.binary_join_element_wise('"', inner, '"', ""), "NULL"))
        lines: Any = pc.binary_join_element_wise(*quoted, ",")
        with tempfile.TemporaryDirectory(prefix="dualwrite") as folder:
            file = Path(folder, "rows")
            with file.open("w", encoding="utf-8", newline="") as out:
                for chunk in lines.chunks:
                    out.write("\n".join(chunk.to_pylist()) + "\n" if len(chunk) else "")
            setting = f" SET {', '.join(bent)}" if bent else ""
            self.run(
                f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {self.quote(table)} "
                "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' "
                f"ESCAPED BY '' LINES TERMINATED BY '\\n' ({', '.join(places)}){setting}"
            )
        if self.text_of("SELECT @@warning_count") != "0":
            with self._connection.cursor() as cursor:
                cursor.execute("SHOW WARNINGS LIMIT 1")
                _, number, message = cursor.fetchone() or ("", "0", "")
            raise pymysql.DataError(int(number), message)


class Mysql(Dialect):
    """What MariaDB and MySQL say in their own way."""

    compiler = MysqlSession.compiler
    moment = "timestamp(6)"

    def capturing(self) -> Capturing:
        from dualwrite.apps.sql.capture_mysql import MysqlCapture

        return MysqlCapture(self)

    def connect(self) -> Session:
        return MysqlSession(self.url, patience=self.patience)

    def engine(self) -> sa.Engine:
        return sa.create_engine(
            self.url.set(drivername="mysql+pymysql"),
            poolclass=NullPool,
            connect_args={"connect_timeout": 10},
        )

    def columns(
        self,
        connection: sa.Connection,
        inspector: sa.Inspector,  # noqa: ARG002 - it loses the collations
        table: str,
    ) -> list[Column]:
        found: Any = connection.execute(
            sa.select(*(sa.column(name) for name in _DESCRIBED))
            .select_from(sa.table("COLUMNS", schema="information_schema"))
            .where(
                sa.column("TABLE_NAME") == table,
                sa.column("TABLE_SCHEMA") == (self.schema or sa.func.database()),
            )
            .order_by(sa.column("ORDINAL_POSITION"))
        )
        return [_described(row) for row in found]

    def literal(self, column: Column, text: str) -> Expression:
        if pa.types.is_timestamp(column.type):
            text = text.removesuffix("+00:00")
        return super().literal(column, text)

    def readable(self, column: Column, expression: Expression) -> Expression:
        if column.native.startswith("bit"):
            return sa.cast(expression, mysql.INTEGER(unsigned=True))
        if column.native.startswith("float"):
            return sa.cast(expression, sa.Double)
        return expression

    def differs(
        self, column: Column, left: Expression, staged: Expression
    ) -> sa.ColumnElement[bool]:
        if " COLLATE " in column.native:
            return sa.cast(left, sa.LargeBinary).is_distinct_from(sa.cast(staged, sa.LargeBinary))
        return super().differs(column, left, staged)

    def ordered(
        self, columns: Sequence[tuple[Column, Expression]], bound: Sequence[str], *, below: bool
    ) -> sa.ColumnElement[bool]:
        """Said column by column: row values make MySQL scan the whole table."""
        last = len(columns) - 1
        ways = []
        for position, (column, expression) in enumerate(columns):
            value = self.literal(column, bound[position])
            equal = [
                before == self.literal(each, text)
                for (each, before), text in zip(columns[:position], bound, strict=False)
            ]
            if below:
                step = expression < value
            else:
                step = expression >= value if position == last else expression > value
            ways.append(sa.and_(*equal, step))
        return sa.or_(*ways)

    def ingest(self, session: Session, schema: TableSchema, rows: pa.Table) -> bool:
        assert isinstance(session, MysqlSession)
        session.append(schema.name, rows)
        return True

    def conflicted(self, fault: Exception) -> bool:
        return bool(fault.args) and fault.args[0] == 1062

    def merge(
        self,
        session: Session,
        staged: Staged,
        *,
        inserting: bool,
        meeting: bool,  # noqa: ARG002 - there is no ON CONFLICT for one key
    ) -> Written:
        updated = session.run(staged.update()) if staged.changing else 0
        inserted = session.run(staged.insert()) if inserting else 0
        return Written(inserted=inserted, updated=updated)

    def delete(self, session: Session, staged: Staged) -> int:
        return session.run(sa.delete(staged.target).where(staged.matched()))

    def privileges(self, session: Session, table: str) -> frozenset[str]:
        user = sa.func.replace(sa.func.current_user(), "@", "'@'")
        grantee = sa.func.concat("'", user, "'")
        database = self.schema or sa.func.database()
        held = []
        for level, place in (
            ("USER_PRIVILEGES", []),
            ("SCHEMA_PRIVILEGES", [sa.column("TABLE_SCHEMA") == database]),
            (
                "TABLE_PRIVILEGES",
                [sa.column("TABLE_SCHEMA") == database, sa.column("TABLE_NAME") == table],
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
    "NUMERIC_PRECISION",
    "NUMERIC_SCALE",
)


def _described(row: Any) -> Column:
    collation = f" COLLATE {row.COLLATION_NAME}" if row.COLLATION_NAME else ""
    extra = row.EXTRA.lower()
    generated = "generated" in extra and "default_generated" not in extra
    default = row.COLUMN_DEFAULT
    kind = _canonical(row)
    length = 36 if row.DATA_TYPE == "uuid" else row.CHARACTER_MAXIMUM_LENGTH
    return Column(
        name=row.COLUMN_NAME,
        type=kind,
        native=f"{row.COLUMN_TYPE}{collation}",
        nullable=row.IS_NULLABLE == "YES",
        # MariaDB spells "no default" of a nullable column NULL
        has_default=(default is not None and default != "NULL")
        or "auto_increment" in extra
        or generated,
        length=length if pa.types.is_string(kind) else None,
        read_only=generated,
        exact=not pa.types.is_floating(kind),
    )


def _canonical(row: Any) -> pa.DataType:  # noqa: PLR0911 - one a kind
    word = row.DATA_TYPE
    if row.COLUMN_TYPE in ("tinyint(1)", "bit(1)"):
        return pa.bool_()
    if word.endswith("int") or word == "year":
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


def _array(values: Sequence[Any], kind: int) -> pa.Array[Any]:
    found: pa.Array[Any] = pa.array(values)
    if kind == FIELD_TYPE.TIMESTAMP and pa.types.is_string(found.type):
        try:
            return found.cast(NAIVE)
        except pa.ArrowInvalid:
            return found  # a zero date: its row is named by whoever wants it typed
    return found


def _stored(values: pa.ChunkedArray[Any]) -> Any:
    kind = values.type
    if pa.types.is_timestamp(kind):
        return as_text(values.cast(NAIVE))
    text = as_text(values)
    return text.cast(pa.int8()) if pa.types.is_boolean(kind) else text


def _hex(values: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    return pa.array([None if value is None else value.hex() for value in values.to_pylist()])
