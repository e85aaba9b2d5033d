"""Users of one side who change customers as fast as they can, some with rollbacks and long waits.

Each writer has accounts of its own, which nobody else touches, and shares others with all.
What it committed to its own is remembered: that is what both sides must hold in the end.  Of
the shared ones each write is remembered with what it took the place of: under the row's lock,
so the user has seen that.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dualwrite.link import Side

OWN, SHARED = 6, 8
_TABLES = {
    Side.FINOPS: ("Cust", "ACCOUNT", "NAME"),
    Side.DATAVERSE: ("customer", "accountnumber", "name"),
}


@dataclass
class Done:
    """What one writer committed: its own accounts' last names, and how much in all."""

    own: dict[str, str | None] = field(default_factory=dict)
    shared: list[tuple[str, str | None]] = field(default_factory=list)
    """Every name that it gave a shared account, and the one it took the place of."""
    commits: int = 0
    rollbacks: int = 0


class Writer(threading.Thread):
    """One user on one side."""

    def __init__(self, side: Side, number: int, engine: sa.Engine, over: threading.Event) -> None:
        super().__init__(daemon=True, name=f"{side.value} {number}")
        self.side, self.number, self.done = side, number, Done()
        self._engine, self._over = engine, over
        self._chance = random.Random(f"{side.value}{number}")
        table, key, name = (engine.dialect.identifier_preparer.quote(n) for n in _TABLES[side])
        company = "DATAAREAID" if side is Side.FINOPS else "company"
        company = engine.dialect.identifier_preparer.quote(company)
        # by the whole key, as by a part of it MariaDB locks the table from end to end
        where = f"WHERE {company} = :company AND {key} = :key"
        self._to_see = sa.text(f"SELECT {name} FROM {table} {where} FOR UPDATE")
        self._to_update = sa.text(f"UPDATE {table} SET {name} = :name {where}")
        self._to_delete = sa.text(f"DELETE FROM {table} {where}")
        self._own_accounts = [f"{side.value[0].upper()}{number}{n:02}" for n in range(OWN)]
        columns, values = f"{company}, {key}, {name}", ":company, :key, :name"
        if side is Side.FINOPS:
            quote = engine.dialect.identifier_preparer.quote
            columns += f", {quote('INVOICEACCOUNT')}, {quote('PARTYTYPE')}"
            values += ", '', 'Organization'"
        else:
            columns, values = f"{columns}, kind", f"{values}, 3"
        self._to_insert = sa.text(f"INSERT INTO {table} ({columns}) VALUES ({values})")
        self.company: Any = "USMF"

    def run(self) -> None:
        count = 0
        while not self._over.is_set():
            count += 1
            with contextlib.suppress(sa.exc.DBAPIError):  # a lock, a deadlock: try another
                self._once(count)

    def _once(self, count: int) -> None:
        """One transaction: a few changes, sometimes slow, sometimes taken back."""
        pending: list[Callable[[], None]] = []
        with self._engine.connect() as connection:
            for part in range(self._chance.randint(1, 3)):
                pending += [self._change(connection, f"{self.name} {count}.{part}")]
            if self._chance.random() < 0.05:
                time.sleep(0.3)
            if self._chance.random() < 0.1:
                connection.rollback()
                self.done.rollbacks += 1
                return
            connection.commit()
        self.done.commits += 1
        for remember in pending:
            remember()

    def _change(self, connection: sa.Connection, name: str) -> Callable[[], None]:
        if self._chance.random() < 0.3:
            given = self._given(f"S{self._chance.randrange(SHARED):02}", name)
            before = connection.execute(self._to_see, given).scalar()
            connection.execute(self._to_update, given)
            return lambda: self.done.shared.append((name, before))
        given = self._given(key := self._chance.choice(self._own_accounts), name)
        if not connection.execute(self._to_update, given).rowcount:
            connection.execute(self._to_insert, given)
        elif self._chance.random() < 0.2:
            connection.execute(self._to_delete, given)
            return lambda: self.done.own.update({key: None})
        return lambda: self.done.own.update({key: name})

    def _given(self, key: str, name: str) -> Mapping[str, Any]:
        return {"company": self.company, "key": key, "name": name}
