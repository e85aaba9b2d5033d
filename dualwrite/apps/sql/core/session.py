"""Connections: one session a call, reused by the next, thrown away when it is in doubt."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Executable

from dualwrite.tablemap.schema import Column

Values = Sequence[Any]
"""What is bound to a statement: texts, numbers, and arrays where the database has them."""
FEW = 200
"""So many rows may go along with a statement; more of them are staged."""
SMALL = 100_000
"""And so many bytes."""


def few(rows: pa.Table) -> bool:
    """Whether rows may go along with a statement."""
    return bool(rows.num_rows <= FEW and rows.nbytes <= SMALL)


class DatabaseSession(ABC):
    """One connection of one dialect.  Statements come from SQLAlchemy, values inside."""

    compiler: sa.Dialect
    """Offline, and with a parameter style that doubles no percent sign."""
    inlines = False
    """Whether a few staged rows go along with the statements that name them."""
    preparable = False
    """Whether the transaction that stands can be prepared, with what was done in it so far."""

    def recheck(self) -> None:  # noqa: B027 - most have nothing to look at
        """Raise the driver's fault where an idle session would not reach the database any more.

        Only for what no statement of it would meet.
        """

    def text(self, statement: Executable | sa.ClauseElement | str) -> str:
        """A statement as text, its values in it as SQLAlchemy's literals."""
        if isinstance(statement, str):
            return statement
        clause: Any = statement
        compiled = clause.compile(dialect=self.compiler, compile_kwargs={"literal_binds": True})
        return str(compiled)

    def quote(self, name: str) -> str:
        """A name, quoted whatever it is."""
        return self.compiler.identifier_preparer.quote_identifier(name)

    @abstractmethod
    def mark(self, number: int) -> str:
        """The place of a bound value in a statement, numbered from 1 in the order of the text."""

    @abstractmethod
    def run(self, statement: Executable | str, values: Values = ()) -> int:
        """Run a statement that gives no rows; how many rows it touched.

        `values` are bound to its marks.
        """

    def owe(self, statement: str, values: Values = ()) -> None:
        """Run a statement whose answer nobody waits for: with the next one at the latest."""
        self.run(statement, values)

    @abstractmethod
    def arrays(
        self, statement: Executable | str, values: Values = (), *, short: bool = False
    ) -> Sequence[pa.ChunkedArray | pa.Array]:
        """Run a query; its columns, typed or as canonical text.  `values` as in `run`.

        A `short` answer is one of few rows: the way that starts soonest is taken.
        """

    @abstractmethod
    def stage(self, name: str, rows: pa.Table, columns: Mapping[str, Column]) -> None:
        """Put rows into a new temporary table, gone with the transaction or by `unstage`."""

    @abstractmethod
    def unstage(self, name: str) -> None:
        """Drop a temporary table of ours."""

    @abstractmethod
    def begin(self, *, writing: bool, wait: float | None = None, branch: str | None = None) -> None:
        """Begin a transaction; where that takes a lock, wait for it `wait` seconds.

        As a `branch` it can be prepared, where the database can.
        """

    @abstractmethod
    def commit(self) -> None:
        """Commit, also what was prepared."""

    @abstractmethod
    def rollback(self) -> None:
        """Roll back; what was prepared stays as it is."""

    def prepare(self) -> None:
        """Prepare the branch that stands, where it is `preparable`."""
        raise NotImplementedError

    def resolve_prepared(self, branch: str, *, commit: bool) -> bool:  # noqa: ARG002 - for those that can
        """Commit a prepared branch or roll it back; whether none of that name is left."""
        return True

    @abstractmethod
    def close(self) -> None: ...

    @contextmanager
    def transaction(self, *, writing: bool) -> Iterator[None]:
        """All or nothing of what is done inside."""
        self.begin(writing=writing)
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def number(self, statement: Executable | str) -> int:
        """The one number that a query gives."""
        return int(self.arrays(statement, short=True)[0][0].as_py())


class Given:
    """Few staged rows, each set a common table expression before the statements that name it."""

    def __init__(self, quote: Callable[[str], str]) -> None:
        self._quote = quote
        self._given: dict[str, tuple[str, Callable[[int], str], Values]] = {}

    def take(
        self, name: str, columns: Sequence[str], rows: Callable[[int], str], values: Values
    ) -> None:
        """From now on `name` stands for rows that are made of bound values.

        `rows` gives the query for them; its marks are numbered from what it is called with.
        """
        quoted = self._quote(name)
        names = ", ".join(map(self._quote, columns))
        self._given[quoted] = (f"{quoted} ({names})", rows, values)

    def clear(self) -> None:
        """Forget all."""
        self._given.clear()

    def drop(self, name: str) -> bool:
        """Forget rows; whether there were any."""
        return self._given.pop(self._quote(name), None) is not None

    def before(self, statement: str, values: Values) -> tuple[str, Values]:
        """The statement with what it names, and all values that are bound to it."""
        every, heads = list(values), []
        for name, (head, rows, given) in self._given.items():
            if name in statement:
                heads.append(f"{head} AS ({rows(len(every) + 1)})")
                every += given
        if not heads:
            return statement, values
        text = f"WITH {', '.join(heads)}"
        if statement.startswith("WITH "):
            return f"{text}, {statement[5:]}", every
        return f"{text} {statement}", every


class Pool:
    """Idle sessions, the last used first."""

    def __init__(self, connect: Callable[[], DatabaseSession]) -> None:
        self._connect = connect
        self._idle: list[DatabaseSession] = []
        self._guard = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[DatabaseSession]:
        """Lend a session.  After any fault it is closed, not lent again."""
        with self._guard:
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = self._connect()
        try:
            session.recheck()
            yield session
        except BaseException:
            session.close()
            raise
        with self._guard:
            self._idle.append(session)

    def clear(self) -> None:
        """Close what is idle: a server that went away took all of them along."""
        with self._guard:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()
