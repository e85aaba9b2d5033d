"""Conflicts decided by a person, and decisions taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dualwrite.errors import DualWriteError
from dualwrite.journal.records import StoredConflict
from dualwrite.link import Side
from dualwrite.operations.conflictrows import conflict_dict
from dualwrite.operations.results import CommandResult, error_dict
from dualwrite.operations.session import Session
from dualwrite.sync.resolve.resolve import resolve_conflict, undo_conflict


@dataclass(frozen=True, slots=True)
class ConflictDecision:
    """One conflict after the command; `error` says why nothing was decided."""

    id: int
    row: StoredConflict | None
    """None where there is no such conflict."""
    error: DualWriteError | None = None

    def as_dict(self) -> dict[str, Any]:
        """The conflict, and `error` where there is one."""
        shown = {"id": self.id} if self.row is None else conflict_dict(self.row)
        return shown if self.error is None else {**shown, "error": error_dict(self.error)}


@dataclass(frozen=True, slots=True)
class Decisions(CommandResult):
    """What became of each conflict, in the order asked for."""

    decisions: tuple[ConflictDecision, ...]

    @property
    def failed(self) -> bool:
        """Whether at least one was not decided."""
        return any(each.error is not None for each in self.decisions)

    @property
    def maps(self) -> tuple[str, ...]:
        """The maps whose next cycle carries a decision."""
        done = (each.row for each in self.decisions if each.error is None)
        return tuple(dict.fromkeys(row.map for row in done if row is not None))

    def as_dict(self) -> dict[str, Any]:
        """`conflicts`: each as it is now."""
        return {"conflicts": [each.as_dict() for each in self.decisions]}


def resolve(session: Session, ids: Iterable[int], take: Side) -> Decisions:
    """Decide conflicts that wait: the version of the side `take` goes to both.

    A conflict that cannot be decided stops no other; its `ConflictDecision` says why.

    Raises:
        TransientError, PermanentError: The journal cannot be read.
    """
    return _each(session, ids, lambda one: resolve_conflict(session, one, take))


def undo(session: Session, ids: Iterable[int]) -> Decisions:
    """Take decisions back: the version that lost is restored.

    Raises:
        TransientError, PermanentError: The journal cannot be read.
    """
    return _each(session, ids, lambda one: undo_conflict(session, one))


def _each(session: Session, ids: Iterable[int], act: Callable[[int], None]) -> Decisions:
    errors: dict[int, DualWriteError] = {}
    wanted = list(dict.fromkeys(ids))
    for each in wanted:
        try:
            act(each)
        except DualWriteError as error:
            errors[each] = error
    rows = {row.id: row for row in session.journal.conflicts.find(ids=wanted, open_only=False)}
    return Decisions(
        tuple(ConflictDecision(each, rows.get(each), errors.get(each)) for each in wanted)
    )
