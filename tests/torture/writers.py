"""Users of one side who change customers as fast as they can, some of them carelessly.

Each writer has accounts of its own, which nobody else touches, and shares others with all.
What it committed to its own is remembered: that is what both sides must hold in the end.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
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
    shared: set[str] = field(default_factory=set)
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
        self._to_update = sa.text(f"UPDATE {table} SET {name} = :name WHERE {key} = :key")
        self._to_delete = sa.text(f"DELETE FROM {table} WHERE {key} = :key")
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
            for _ in range(self._chance.randint(1, 3)):
                pending += [self._change(connection, f"{self.name} {count}")]
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
            key = f"S{self._chance.randrange(SHARED):02}"
            connection.execute(self._to_update, {"key": key, "name": name})
            return lambda: self.done.shared.add(name)
        key = self._chance.choice(self._own_accounts)
        changed = connection.execute(self._to_update, {"key": key, "name": name}).rowcount
        if not changed:
            row = {"company": self.company, "key": key, "name": name}
            connection.execute(self._to_insert, row)
        elif self._chance.random() < 0.2:
            connection.execute(self._to_delete, {"key": key})
            return lambda: self.done.own.update({key: None})
        return lambda: self.done.own.update({key: name})
