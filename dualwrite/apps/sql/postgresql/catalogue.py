"""What PostgreSQL's own catalogue says of our things and of an application's tables."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa

from dualwrite.apps.sql.core.dialect import Dialect
from dualwrite.apps.sql.core.session import DatabaseSession

_CASCADES = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


class PostgresqlCatalogue:
    """One database and the schema that our tables stand in, asked by one session."""

    def __init__(self, dialect: Dialect, session: DatabaseSession) -> None:
        self._dialect, self._session = dialect, session
        self._place = dialect.schema

    @property
    def place(self) -> str:
        """The schema."""
        if self._place is None:
            self._place = str(self._rows("SELECT current_schema()::text")[0][0])
        return self._place

    def named(self, name: str) -> str:
        """A table or function with its schema, quoted."""
        return f"{self._session.quote(self.place)}.{self._session.quote(name)}"

    def spelled(self, table: str) -> str:
        """An application's table as our session finds it: in its own schema, or one searched."""
        return self._dialect.named(table)

    def existing(self, tables: Collection[str]) -> set[str]:
        """Which of these tables are there."""
        found = self._rows(
            "SELECT c.relname::text FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p') AND c.relname = ANY ({tables}::text[]) "
            "AND n.nspname = coalesce({place}, current_schema())",
            tables=tables,
            place=self._place,
        )
        return {name for (name,) in found}

    def kind(self, table: str) -> str:
        """`r` for an ordinary table, `p` for one in partitions; empty where there is none."""
        found = self._rows(
            "SELECT relkind::text FROM pg_catalog.pg_class WHERE oid = to_regclass({table})",
            table=self.spelled(table),
        )
        return str(found[0][0]) if found else ""

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a table by type; empty where there is none."""
        found = self._rows(
            "SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod) "
            "FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass({table}) "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            table=self.named(table),
        )
        return dict(found)

    def owned(self, table: str) -> bool:
        """Whether our user is the owner of a table, or a member of it."""
        found = self._rows(
            "SELECT pg_catalog.pg_has_role(relowner, 'USAGE')::text FROM pg_catalog.pg_class "
            "WHERE oid = to_regclass({table})",
            table=self.spelled(table),
        )
        return found == [("true",)]

    def triggers(self, table: str) -> dict[str, str]:
        """The triggers of a table: `O` fires for most, `A` always, `D` never, `R` for replicas.

        `table` is spelled as `family` does.
        """
        found = self._rows(
            "SELECT tgname::text, tgenabled::text FROM pg_catalog.pg_trigger "
            "WHERE tgrelid = to_regclass({table})",
            table=table,
        )
        return dict(found)

    def other_place(self, table: str, trigger: str) -> str | None:
        """The schema of the function of a trigger, where it is none of ours."""
        found = self._rows(
            "SELECT n.nspname::text FROM pg_catalog.pg_trigger t "
            "JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid "
            "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
            "WHERE t.tgrelid = to_regclass({table}) AND t.tgname = {trigger} "
            "AND n.nspname <> {place}",
            table=self.spelled(table),
            trigger=trigger,
            place=self.place,
        )
        return str(found[0][0]) if found else None

    def source(self, function: str) -> str | None:
        """The body of a function of ours."""
        found = self._rows(
            "SELECT p.prosrc FROM pg_catalog.pg_proc p "
            "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname = {place} AND p.proname = {function}",
            place=self.place,
            function=function,
        )
        return str(found[0][0]) if found else None

    def clock(self) -> int:
        """The server's time in microseconds."""
        return self._session.number("SELECT (extract(epoch FROM clock_timestamp()) * 1e6)::bigint")

    def cascades(self, table: str) -> list[tuple[str, str, str, str]]:
        """Foreign keys that change rows when their parent goes: name, column, parent, rule."""
        found = self._rows(
            "SELECT c.conname::text, a.attname::text, p.relname::text, c.confdeltype::text "
            "FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class p ON p.oid = c.confrelid "
            "JOIN pg_catalog.pg_attribute a "
            "ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) "
            "WHERE c.conrelid = to_regclass({table}) AND c.contype = 'f' "
            "AND c.confdeltype IN ('c', 'n', 'd') ORDER BY 1, 2",
            table=self.spelled(table),
        )
        return [(name, column, parent, _CASCADES[rule]) for name, column, parent, rule in found]

    def family(self, table: str) -> list[tuple[str, str, bool]]:
        """A table, its partitions and what inherits from it: each by its whole name.

        With its kind as `kind` gives it (`f` for a foreign table), and whether it is a partition.
        """
        return self._rows(
            "WITH RECURSIVE family (id) AS (SELECT to_regclass({table})::oid UNION "
            "SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN family ON i.inhparent = id) "
            "SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text, c.relispartition "
            "FROM family JOIN pg_catalog.pg_class c ON c.oid = id "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "ORDER BY c.oid <> to_regclass({table}), 1",
            table=self.spelled(table),
        )

    def schema_of(self, table: str) -> str:
        """The schema of an application's table, which need not be the first that is searched."""
        found = self._rows(
            "SELECT n.nspname::text FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.oid = to_regclass({table})",
            table=self.spelled(table),
        )
        return str(found[0][0]) if found else self.place

    def subscribed(self, table: str) -> bool:
        """Whether logical replication writes into the table."""
        found = self._rows(
            "SELECT srsubstate::text FROM pg_catalog.pg_subscription_rel "
            "WHERE srrelid = to_regclass({table})",
            table=self.spelled(table),
        )
        return bool(found)

    def _rows(self, query: str, **values: str | Collection[str] | None) -> list[Any]:
        """What a query gives; `{name}` stands for a value, which is bound."""
        marks = {name: self._session.mark(n) for n, name in enumerate(values, start=1)}
        bound = [_array(value) for value in values.values()]
        columns = self._session.arrays(query.format(**marks), bound, short=True)
        return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _array(value: str | Collection[str] | None) -> pa.Array:
    if value is None or isinstance(value, str):
        return pa.array([value], pa.string())
    return pa.array([list(value)], pa.list_(pa.string()))
