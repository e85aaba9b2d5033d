"""A connection to MariaDB or MySQL, through PyMySQL.

Every value is read as text and cast in Arrow, which is exact and spares Python objects.
Rows come in by `LOAD DATA LOCAL` where the server allows it, else by multi-row inserts.
A transaction that writes reads what is committed; one that lost a deadlock is over, and
nothing more is run in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pymysql
import pymysql.converters
import sqlalchemy as sa
from pymysql.constants import FIELD_TYPE
from sqlalchemy.dialects.mysql.base import MySQLDialect

from dualwrite.apps.canonical import NAIVE, as_text
from dualwrite.apps.sql.core.session import DatabaseSession, Values
from dualwrite.connections import mysql
from dualwrite.tablemap.schema import Column

_MODE = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO"
_ENCODERS: Any = pymysql.converters.encoders
"""No decoders beside them: what comes is text and stays text."""
_MARK = "\0"
"""The place of a bound value: a letter that no name can hold."""
_ROW = "dualwrite_row"
"""The key of a temporary table: the number of its row."""
_CLUMP = 1000
"""Rows of one multi-row insert."""
_SPARE = 4096
"""Bytes of a packet for the statement around the values of a row."""
_TOO_LARGE = 1153
_NO_SUCH_BRANCH = 1397
_LOSING = (1020, 1205, 1213)
"""Faults after which a transaction cannot go on: the server may have ended it already."""


class MysqlSession(DatabaseSession):
    """A PyMySQL connection in autocommit, its transactions controlled by us."""

    compiler = MySQLDialect(paramstyle="named")

    def __init__(self, url: sa.URL, *, patience: float) -> None:
        wait = max(1, round(patience))
        loads = bool(mysql.arguments(url).get("local_infile", True))
        self._connection = mysql.connect(url, autocommit=True, local_infile=loads, conv=_ENCODERS)
        self._staged: list[str] = []
        self._begun = False
        self._branch: str | None = None
        self._prepared = False
        self._lost: pymysql.Error | None = None
        self.run(
            f"SET SESSION sql_mode = '{_MODE}', time_zone = '+00:00', "
            f"innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}"
            # a worker that is frozen in its transaction loses it, and its row locks
            " /*M!100300 , idle_transaction_timeout = 75 */"
        )
        local, packet, log = self._asked(
            "SELECT @@local_infile, @@max_allowed_packet, @@binlog_format"
        )
        self._loads, self._packet = loads and local == "1", int(packet)
        if log == "STATEMENT":
            # what READ COMMITTED changes can be logged by row only
            with suppress(pymysql.Error):  # without the right to: the first write says so
                self.run("SET SESSION binlog_format = 'MIXED'")

    def text_of(self, query: str) -> str:
        """The one value that a query gives, as text."""
        return self._asked(query)[0]

    def _asked(self, query: str) -> list[str]:
        """The one row that a query gives, as texts."""
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        assert row is not None
        return [str(value) for value in row]

    def mark(self, number: int) -> str:  # noqa: ARG002 - they are taken in order
        return _MARK

    def run(self, statement: sa.Executable | str, values: Values = ()) -> int:
        with self._cursor() as cursor:
            return int(_execute(cursor, self.text(statement), values))

    def arrays(
        self,
        statement: sa.Executable | str,
        values: Values = (),
        *,
        short: bool = False,  # noqa: ARG002 - there is one way
    ) -> Sequence[pa.Array[Any]]:
        with self._cursor() as cursor:
            _execute(cursor, self.text(statement), values)
            columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(cursor.description)
            kinds = [description[1] for description in cursor.description]
        return [_array(values, kind) for values, kind in zip(columns, kinds, strict=True)]

    def stage(
        self,
        name: str,
        rows: pa.Table,
        columns: Mapping[str, Column],
    ) -> None:
        declared = ", ".join(f"{self.quote(c)} {columns[c].native} NULL" for c in rows.column_names)
        key = f"{_ROW} BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"  # some servers demand one
        try:
            self.run(f"CREATE TEMPORARY TABLE {self.quote(name)} ({declared}, {key})")
        except pymysql.OperationalError as fault:
            if fault.args[0] != 1044:
                raise
            # the server reports it of the whole database, as if we could not enter it
            raise pymysql.OperationalError(1142, "CREATE TEMPORARY TABLES denied") from fault
        self._staged.append(name)
        self.append(name, rows, columns)

    def append(self, table: str, rows: pa.Table, columns: Mapping[str, Column]) -> None:
        """Insert rows as they are; the table is named as a statement names it."""
        self._check_packets(rows)
        if self._loads and rows.num_rows > _CLUMP:
            self._load(table, rows, columns)
            return
        names = ", ".join(self.quote(name) for name in rows.column_names)
        marks = ", ".join(["%s"] * rows.num_columns)
        values = list(zip(*(_stored(column).to_pylist() for column in rows.columns), strict=True))
        with self._cursor() as cursor:
            cursor.max_stmt_length = min(cursor.max_stmt_length, self._packet - _SPARE)
            cursor.executemany(
                f"INSERT INTO {table.replace('%', '%%')} "  # noqa: S608 - quoted
                f"({names.replace('%', '%%')}) VALUES ({marks})",
                values,
            )

    def _check_packets(self, rows: pa.Table) -> None:
        """Refuse rows larger than the server takes: it would break off the connection.

        Raises:
            pymysql.DataError: One is.
        """
        if rows.nbytes * 2 < self._packet - _SPARE:  # as text, every letter escaped
            return
        total: Any = reduce(pc.add, map(_bytes, rows.columns))
        large = pc.greater(pc.multiply(total, 2), self._packet - _SPARE)
        for number in pc.indices_nonzero(large).to_pylist():
            values = (_stored(column)[number].as_py() for column in rows.columns)
            size = sum(len(str(self._connection.escape(value)).encode()) + 2 for value in values)
            if size > self._packet - _SPARE:
                held = total[number].as_py()
                raise pymysql.DataError(
                    _TOO_LARGE,
                    f"a row of {held} bytes is larger than the server takes "
                    f"(max_allowed_packet is {self._packet})",
                )

    def unstage(self, name: str) -> None:
        self.run(f"DROP TEMPORARY TABLE {self.quote(name)}")
        self._staged.remove(name)

    def begin(
        self,
        *,
        writing: bool,
        wait: float | None = None,  # noqa: ARG002
        branch: str | None = None,
    ) -> None:
        if writing:
            # the gaps between rows stay free for applications
            self.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        if branch is None:
            self.run("BEGIN")
        else:
            self._branching("START", branch)
        self._begun, self._branch, self._prepared = True, branch, False

    @property
    def preparable(self) -> bool:  # type: ignore[override]
        return self._branch is not None

    def prepare(self) -> None:
        assert self._branch is not None
        self._unstage_all()
        self._branching("END", self._branch)
        self._branching("PREPARE", self._branch)
        self._prepared = True

    def resolve_prepared(self, branch: str, *, commit: bool) -> bool:
        try:
            self._branching("COMMIT" if commit else "ROLLBACK", branch)
        except pymysql.Error as fault:
            if fault.args[0] != _NO_SUCH_BRANCH:
                raise
        # to another connection's branch the server says the same as to none
        listed = self.arrays("XA RECOVER", short=True)
        return branch not in listed[3].to_pylist()

    def commit(self) -> None:
        self._unstage_all()
        if self._branch is None:
            self.run("COMMIT")
        elif self._prepared:
            self.resolve_prepared(self._branch, commit=True)
        else:
            self._branching("END", self._branch)
            self.run(f"XA COMMIT {_MARK} ONE PHASE", [self._branch])
        self._begun, self._branch = False, None

    def rollback(self) -> None:
        self._begun, self._lost = False, None
        if self._prepared:
            return
        try:
            if self._branch is None:
                self.run("ROLLBACK")
                return
            with suppress(pymysql.Error):  # a lost deadlock ends it as well
                self._branching("END", self._branch)
            self._branching("ROLLBACK", self._branch)
        except pymysql.Error:
            return  # the connection is gone, and the transaction with it

    def _branching(self, step: str, branch: str) -> None:
        self.run(f"XA {step} {_MARK}", [branch])

    def _unstage_all(self) -> None:
        if self._staged:
            self.run(f"DROP TEMPORARY TABLE {', '.join(map(self.quote, self._staged))}")
            self._staged.clear()

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A cursor; none for a transaction that is lost, as each statement would be its own."""
        if self._lost is not None:
            raise self._lost
        with self._connection.cursor() as cursor:
            try:
                yield cursor
            except pymysql.Error as fault:
                if self._begun and fault.args and fault.args[0] in _LOSING:
                    self._lost = fault
                raise

    def _load(self, table: str, rows: pa.Table, columns: Mapping[str, Column]) -> None:
        """LOAD DATA LOCAL: four times as fast, but it bends what it cannot take and only warns."""
        places, bent, quoted = [], [], []
        for position, name in enumerate(rows.column_names):
            column = rows[name]
            if pa.types.is_binary(column.type):
                places.append(f"@v{position}")
                bent.append(f"{self.quote(name)} = UNHEX(@v{position})")
                column = pa.chunked_array([_hex(column)])
            elif columns[name].native.startswith("bit"):  # a text would be taken for its bytes
                places.append(f"@v{position}")
                bent.append(f"{self.quote(name)} = CAST(@v{position} AS SIGNED)")
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
                f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {table} "
                "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' "
                f"ESCAPED BY '' LINES TERMINATED BY '\\n' ({', '.join(places)}){setting}"
            )
        if self.text_of("SELECT @@warning_count") != "0":
            with self._connection.cursor() as cursor:
                cursor.execute("SHOW WARNINGS LIMIT 1")
                _, number, message = cursor.fetchone() or ("", "0", "")
            raise pymysql.DataError(int(number), message)


def _execute(cursor: Any, statement: str, values: Values) -> int:
    if not values:
        return int(cursor.execute(statement))
    # the driver's own mark is a percent sign, which a quoted name may hold too
    return int(cursor.execute(statement.replace("%", "%%").replace(_MARK, "%s"), list(values)))


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
    if pa.types.is_integer(kind):  # BIT would take a text for its bytes
        return values
    text = as_text(values)
    return text.cast(pa.int8()) if pa.types.is_boolean(kind) else text


def _bytes(values: pa.ChunkedArray[Any]) -> Any:
    """How long values are as text."""
    text = values if pa.types.is_binary(values.type) else _stored(values).cast(pa.string())
    return pc.fill_null(pc.binary_length(text).cast(pa.int64()), 4)


def _hex(values: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    return pa.array([None if value is None else value.hex() for value in values.to_pylist()])
