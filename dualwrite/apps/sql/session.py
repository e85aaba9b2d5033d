"""Connections: one session a call, reused by the next, thrown away when it is in doubt."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Executable

from dualwrite.tablemap.schema import Column


class Session(ABC):
    """One connection of one dialect.  Statements come from SQLAlchemy, values inside."""

    compiler: sa.Dialect
    """Offline, and with a parameter style that doubles no percent sign."""

    def text(self, statement: Executable | str) -> str:
        """A statement as text, its values in it as SQLAlchemy's literals."""
        if isinstance(statement, str):
            return statement
        return str(
            statement.compile(  # type: ignore[attr-defined]
                dialect=self.compiler, compile_kwargs={"literal_binds": True}
            )
        )

    def quote(self, name: str) -> str:
        """A name, quoted whatever it is."""
        return self.compiler.identifier_preparer.quote_identifier(name)

    @abstractmethod
    def run(self, statement: Executable | str) -> int:
        """Run a statement that gives no rows; how many rows it touched."""

    @abstractmethod
    def arrays(self, statement: Executable) -> Sequence[pa.ChunkedArray | pa.Array]:
        """Run a query; its columns, typed or as canonical text."""

    @abstractmethod
    def stage(
        self, name: str, rows: pa.Table, columns: Mapping[str, Column], *, key: Sequence[str]
    ) -> None:
        """Put rows into a new temporary table, gone with the transaction or by `unstage`.

        It will be joined by `key`.
        """

    @abstractmethod
    def unstage(self, name: str) -> None:
        """Drop a temporary table of ours."""

    @abstractmethod
    def begin(self, *, writing: bool, wait: float | None = None) -> None:
        """Begin a transaction; where that takes a lock, wait for it `wait` seconds."""

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

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

    def number(self, statement: Executable) -> int:
        """The one number that a query gives."""
        return int(self.arrays(statement)[0][0].as_py())


class Pool:
    """Idle sessions, the last used first."""

    def __init__(self, connect: Callable[[], Session]) -> None:
        self._connect = connect
        self._idle: list[Session] = []
        self._guard = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend a session.  After any fault it is closed, not lent again."""
        with self._guard:
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = self._connect()
        try:
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
