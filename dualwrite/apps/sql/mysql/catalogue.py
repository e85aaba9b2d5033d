"""What MariaDB and MySQL say of themselves, as far as capture has to know."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.apps.sql.core.session import DatabaseSession


class MysqlCatalogue:
    """One database, asked through one session."""

    def __init__(self, dialect: Dialect, session: DatabaseSession) -> None:
        self._dialect, self._session = dialect, session

    @property
    def database(self) -> str:
        """The name of the database."""
        return self._dialect.schema or str(self._dialect.url.database)

    def named(self, name: str) -> str:
        """A table or trigger of this database, for a statement."""
        place = self._dialect.schema
        quoted = self._session.quote(name)
        return quoted if place is None else f"{self._session.quote(place)}.{quoted}"

    def version(self) -> tuple[str, tuple[int, ...]]:
        """`MariaDB` or `MySQL`, and the first two numbers."""
        text = str(self._session.arrays(sa.select(sa.func.version()))[0][0].as_py())
        server = "MariaDB" if "MariaDB" in text else "MySQL"
        return server, tuple(int(part) for part in re.findall(r"\d+", text)[:2])

    @property
    def is_mariadb(self) -> bool:
        return self.version()[0] == "MariaDB"

    def clock(self) -> int:
        """Microseconds since 1970, by the server's clock."""
        now: Any = sa.literal_column("CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)")
        return self._session.number(sa.select(now.label("now")))

    def engine(self, table: str) -> str:
        """The storage engine of a table."""
        tables = _described("TABLES", "TABLE_SCHEMA", "TABLE_NAME", "ENGINE")
        return str(self._rows(tables, ["ENGINE"], TABLE_NAME=table)[0][0])

    def existing(self, tables: Collection[str]) -> set[str]:
        """Which of these tables are there."""
        if not tables:
            return set()
        described = _described("TABLES", "TABLE_SCHEMA", "TABLE_NAME")
        found = self._rows(described, ["TABLE_NAME"], TABLE_NAME=sorted(tables))
        return {name for (name,) in found} & set(tables)

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a table, by type."""
        wanted = ["COLUMN_NAME", "COLUMN_TYPE", "COLLATION_NAME"]
        described = _described("COLUMNS", "TABLE_SCHEMA", "TABLE_NAME", *wanted)
        return {
            name: f"{kind} collate {collation}".lower() if collation else kind.lower()
            for name, kind, collation in self._rows(described, wanted, TABLE_NAME=table)
        }

    def triggers(self, names: Sequence[str]) -> dict[str, str]:
        """The statements that made those of the triggers which are there."""
        described = _described("TRIGGERS", "TRIGGER_SCHEMA", "TRIGGER_NAME")
        held = {}
        for (name,) in self._rows(described, ["TRIGGER_NAME"], TRIGGER_NAME=list(names)):
            # what information_schema shows of a body has lost its backslashes
            show = f"SHOW CREATE TRIGGER {self.named(name)}".replace(":", r"\:")
            held[name] = str(self._session.arrays(sa.text(show))[2][0].as_py())
        return held

    def stands(self, trigger: str, table: str) -> bool:
        """Whether a trigger is one of that table."""
        described = _described("TRIGGERS", "TRIGGER_SCHEMA", "TRIGGER_NAME", "EVENT_OBJECT_TABLE")
        found = self._rows(described, ["EVENT_OBJECT_TABLE"], TRIGGER_NAME=trigger)
        return bool(found) and str(found[0][0]).lower() == table.lower()

    def references(self, table: str) -> list[tuple[str, ...]]:
        """Name, table pointed at, delete rule and update rule of its foreign keys."""
        wanted = ["CONSTRAINT_NAME", "REFERENCED_TABLE_NAME", "DELETE_RULE", "UPDATE_RULE"]
        described = _described(
            "REFERENTIAL_CONSTRAINTS", "CONSTRAINT_SCHEMA", "TABLE_NAME", *wanted
        )
        return self._rows(described, wanted, TABLE_NAME=table)

    def referring(self, table: str) -> dict[str, set[str]]:
        """The columns of each of its foreign keys, by name."""
        wanted = ["CONSTRAINT_NAME", "COLUMN_NAME"]
        described = _described("KEY_COLUMN_USAGE", "CONSTRAINT_SCHEMA", "TABLE_NAME", *wanted)
        found: dict[str, set[str]] = {}
        for name, column in self._rows(described, wanted, TABLE_NAME=table):
            found.setdefault(name, set()).add(column)
        return found

    def _rows(self, described: Any, wanted: Sequence[str], **of: Any) -> list[tuple[Any, ...]]:
        place = next(column for column in described.c if column.name.endswith("_SCHEMA"))
        conditions = [
            described.c[name].in_(value)
            if isinstance(value, list)
            else named_so(described.c[name], value)
            for name, value in of.items()
        ]
        arrays = self._session.arrays(
            sa.select(*(described.c[name] for name in wanted)).where(
                named_so(place, self._dialect.schema or sa.func.database()), *conditions
            )
        )
        return list(zip(*(array.to_pylist() for array in arrays), strict=True))


def named_so(column: Any, name: Any) -> Any:
    """Whether a name in information_schema is that one.

    It compares names without their case, which the server itself does only where
    `lower_case_table_names` says so.
    """
    same = sa.func.binary(column) == name
    return sa.and_(column == name, sa.or_(sa.literal_column("@@lower_case_table_names <> 0"), same))


def _described(name: str, *columns: str) -> Any:
    return sa.table(
        name,
        *(sa.column(quoted_name(each, quote=True), sa.String()) for each in columns),
        schema="information_schema",
    )
