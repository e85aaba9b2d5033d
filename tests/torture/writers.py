"""Users of one side who change customers as fast as they can, some with rollbacks and long waits.

They give their accounts new keys, too.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    history: list[tuple[str, str | None]] = field(default_factory=list)
    """Every state of its own accounts, in order."""
    shared: list[tuple[str, str | None]] = field(default_factory=list)
    """Every name that it gave a shared account, and the one it took the place of."""
    commits: int = 0
    rollbacks: int = 0

    def state(self, account: str, name: str | None) -> None:
        """An account of its own has this name now; None once it is gone."""
        self.own[account] = name
        self.history.append((account, name))


class Writer(threading.Thread):
    """One user on one side."""

    def __init__(self, side: Side, number: int, engine: sa.Engine, over: threading.Event) -> None:
        super().__init__(daemon=True, name=f"{side.value} {number}")
        self.side, self.number, self.done = side, number, Done()
        self._engine, self._over = engine, over
        self.turn = threading.Lock()
        """Held while it writes."""
        self.goes_on = threading.Event()
        """Cleared to let it wait before it takes its turn again."""
        self.goes_on.set()
        self._chance = random.Random(f"{side.value}{number}")
        table, key, name = (engine.dialect.identifier_preparer.quote(n) for n in _TABLES[side])
        company = "DATAAREAID" if side is Side.FINOPS else "company"
        company = engine.dialect.identifier_preparer.quote(company)
        # by the whole key, as by a part of it MariaDB locks the table from end to end
        where = f"WHERE {company} = :company AND {key} = :key"
        self._to_see = sa.text(f"SELECT {name} FROM {table} {where} FOR UPDATE")
        self._to_update = sa.text(f"UPDATE {table} SET {name} = :name {where}")
        self._to_rename = sa.text(f"UPDATE {table} SET {key} = :fresh, {name} = :name {where}")
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
            self.goes_on.wait()
            # a lock, a deadlock, an account that is there: try another
            with self.turn, contextlib.suppress(sa.exc.DBAPIError):
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
        key, fresh = self._chance.sample(self._own_accounts, 2)
        given = self._given(key, name)
        if self._chance.random() < 0.15:
            renamed = connection.execute(self._to_rename, {**given, "fresh": fresh}).rowcount
            states = [(key, None), (fresh, name)] * bool(renamed)

            def remember() -> None:
                for account, state in states:
                    self.done.state(account, state)

            return remember
        if not connection.execute(self._to_update, given).rowcount:
            connection.execute(self._to_insert, given)
        elif self._chance.random() < 0.2:
            connection.execute(self._to_delete, given)
            return lambda: self.done.state(key, None)
        return lambda: self.done.state(key, name)

    def _given(self, key: str, name: str) -> Mapping[str, Any]:
        return {"company": self.company, "key": key, "name": name}


@contextmanager
def paused(users: Sequence[Writer]) -> Iterator[None]:
    """All users wait, and none is in a transaction."""
    for user in users:
        user.goes_on.clear()
    with contextlib.ExitStack() as stack:
        for user in users:
            stack.enter_context(user.turn)
        yield
    for user in users:
        user.goes_on.set()


class Forgotten:
    """What an app that is put back to an earlier state may have forgotten, and rightly.

    Of what the users of its side wrote since the backup only that stays which the other side has;
    what the other side's users deleted since may come back with it.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self.shared: set[str] = set()
        """Values of shared accounts."""
        self._begun: dict[Writer, tuple[int, int, dict[str, str | None]]] = {}
        self._ended: dict[Writer, int] = {}

    def begin(self, users: Sequence[Writer]) -> None:
        """The backup is made now."""
        for user in users:
            done = user.done
            self._begun[user] = (len(done.history), len(done.shared), dict(done.own))

    def end(self, users: Sequence[Writer]) -> None:
        """The backup is put in the place of the app now."""
        for user in users:
            self._ended[user] = len(user.done.history)
            if user.side is self.side:
                self.shared |= {name for name, _ in user.done.shared[self._begun[user][1] :]}

    def allowed(self, user: Writer, account: str) -> set[str | None]:
        """The states that an account may have beside the last that its user gave it."""
        if user not in self._ended:
            return set()
        first, _, before = self._begun[user]
        history = user.done.history
        if any(name == account for name, _ in history[self._ended[user] :]):
            return set()
        since = {before.get(account)} | {s for name, s in history[first:] if name == account}
        gone = user.done.own.get(account) is None
        return since if gone or user.side is self.side else set()
