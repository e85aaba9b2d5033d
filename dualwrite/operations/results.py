"""The two kinds of results, and what all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dualwrite.errors import DualWriteError

Notify = Callable[[str], None]
"""Called with one line for a person, while an operation is under way."""
Progress = Callable[[str, int, int | None], None]
"""Called while long work goes on: what is worked on, units done, units in all if known."""


def ignore_note(text: str) -> None:
    """A `Notify` that drops the line."""
    del text


def ignore_progress(name: str, done: int, total: int | None) -> None:
    """A `Progress` that drops the report."""
    del name, done, total


class Result(ABC):
    """What an operation returns."""

    __slots__ = ()

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """The result as JSON has it: texts, numbers, lists and dictionaries."""


class QueryResult(Result):
    """What a query found.  A query changes neither the apps nor the journal."""

    __slots__ = ()


class CommandResult(Result):
    """What a command did."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Exported(QueryResult):
    """Rows that were written to a file for a person."""

    file: Path
    rows: int

    def as_dict(self) -> dict[str, Any]:
        """`file`, `rows`."""
        return {"file": str(self.file), "rows": self.rows}


def error_dict(error: DualWriteError) -> dict[str, str]:
    """An error as JSON has it: its class and its whole message."""
    return {"kind": type(error).__name__, "message": str(error)}


def timestamp(at: datetime | None) -> str | None:
    """A time as JSON has it: ISO 8601, UTC, milliseconds."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
