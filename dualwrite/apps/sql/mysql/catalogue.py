"""What MariaDB and MySQL say of themselves, as far as capture has to know."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.apps.sql.core.session import DatabaseSession
from dualwrite.tablemap.names import TableName

_QUOTED = "`(?:[^`]|``)+`"
_RULE = "RESTRICT|CASCADE|SET NULL|NO ACTION|SET DEFAULT"
_FOREIGN_KEY = re.compile(
    rf"CONSTRAINT (?P<name>{_QUOTED}) FOREIGN KEY \((?P<columns>{_QUOTED}(?:, ?{_QUOTED})*)\) "
    rf"REFERENCES (?:(?P<place>{_QUOTED})\.)?(?P<parent>{_QUOTED}) "
    rf"\({_QUOTED}(?:, ?{_QUOTED})*\)"
    rf"(?: ON DELETE (?P<deleted>{_RULE}))?(?: ON UPDATE (?P<updated>{_RULE}))?"
)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key of a table: its columns, the table it points at, and what happens with it."""

    name: str
    columns: frozenset[str]
    parent: str
    deleted: str
    """What becomes of a row whose parent is deleted, in the words of SQL."""
    updated: str


class MysqlCatalogue:
    """One database, asked through one session."""

    def __init__(self, dialect: Dialect, session: DatabaseSession) -> None:
        self._dialect, self._session = dialect, session

    @property
    def database(self) -> str:
        """The name of the database."""
        return self._dialect.schema or str(self._dialect.url.database)

    def named(self, table: str) -> str:
        """A table, for a statement."""
        return self._dialect.named(table)

    def beside(self, table: str, trigger: str) -> str:
        """A trigger of a table, for a statement: it stands in the table's own database."""
        place, _ = self._dialect.place(table)
        quoted = self._session.quote(trigger)
        return quoted if place is None else f"{self._session.quote(place)}.{quoted}"

    def is_own(self, table: str) -> bool:
        """Whether a table stands in the database that our own tables stand in."""
        return TableName.parse(table).schema is None

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
        return str(self._rows(tables, ["ENGINE"], table)[0][0])

    def existing(self, tables: Collection[str]) -> set[str]:
        """Which of these tables are there."""
        if not tables:
            return set()
        described = _described("TABLES", "TABLE_SCHEMA", "TABLE_NAME")
        found = self._rows(described, ["TABLE_NAME"], None, TABLE_NAME=sorted(tables))
        return {name for (name,) in found} & set(tables)

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a table, by type."""
        wanted = ["COLUMN_NAME", "COLUMN_TYPE", "COLLATION_NAME"]
        described = _described("COLUMNS", "TABLE_SCHEMA", "TABLE_NAME", *wanted)
        return {
            name: f"{kind} collate {collation}".lower() if collation else kind.lower()
            for name, kind, collation in self._rows(described, wanted, table)
        }

    def triggers(self, table: str, names: Sequence[str]) -> dict[str, str]:
        """The statements that made those of the triggers of a table which are there."""
        described = _described("TRIGGERS", "TRIGGER_SCHEMA", "TRIGGER_NAME")
        held = {}
        for (name,) in self._rows(
            described, ["TRIGGER_NAME"], table, of=None, TRIGGER_NAME=list(names)
        ):
            # what information_schema shows of a body has lost its backslashes
            show = f"SHOW CREATE TRIGGER {self.beside(table, name)}".replace(":", r"\:")
            held[name] = str(self._session.arrays(sa.text(show))[2][0].as_py())
        return held

    def stands(self, trigger: str, table: str) -> bool:
        """Whether a trigger is one of that table."""
        described = _described("TRIGGERS", "TRIGGER_SCHEMA", "TRIGGER_NAME", "EVENT_OBJECT_TABLE")
        found = self._rows(described, ["EVENT_OBJECT_TABLE"], table, of=None, TRIGGER_NAME=trigger)
        return bool(found) and str(found[0][0]).lower() == self._dialect.place(table)[1].lower()

    def references(self, table: str) -> list[ForeignKey]:
        """The foreign keys of a table that is there.

        As it shows how it was made: information_schema shows them to who has rights on the whole
        database alone.
        """
        shown = str(self._session.arrays(f"SHOW CREATE TABLE {self.named(table)}")[1][0].as_py())
        beside, own = TableName.parse(table).schema, (self.database, self.database.lower())
        keys = []
        for found in _FOREIGN_KEY.finditer(shown):
            place = beside if found["place"] is None else _bare(found["place"])
            parent = TableName(_bare(found["parent"]), None if place in own else place)
            keys.append(
                ForeignKey(
                    _bare(found["name"]),
                    frozenset(map(_bare, re.findall(_QUOTED, found["columns"]))),
                    str(parent),
                    found["deleted"] or "RESTRICT",
                    found["updated"] or "RESTRICT",
                )
            )
        return keys

    def _rows(
        self,
        described: Any,
        wanted: Sequence[str],
        table: str | None,
        *,
        of: str | None = "TABLE_NAME",
        **more: Any,
    ) -> list[tuple[Any, ...]]:
        """Rows of information_schema: those of a table, whose name stands in the column `of`.

        Without `of`, of its database; without a table, of our own.
        """
        database = next(column for column in described.c if column.name.endswith("_SCHEMA"))
        place, name = (self._dialect.schema, "") if table is None else self._dialect.place(table)
        if table is not None and of is not None:
            more[of] = name
        conditions = [
            described.c[column].in_(value)
            if isinstance(value, list)
            else named_so(described.c[column], value)
            for column, value in more.items()
        ]
        arrays = self._session.arrays(
            sa.select(*(described.c[each] for each in wanted)).where(
                named_so(database, place or sa.func.database()), *conditions
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


def _bare(quoted: str) -> str:
    return quoted[1:-1].replace("``", "`")


def _described(name: str, *columns: str) -> Any:
    return sa.table(
        name,
        *(sa.column(quoted_name(each, quote=True), sa.String()) for each in columns),
        schema="information_schema",
    )
