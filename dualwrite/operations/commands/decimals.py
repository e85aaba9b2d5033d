"""Decimal columns of dataverse given more digits, and the last widening taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dualwrite.operations.queries.decimals import (
    DIGITS,
    Change,
    DecimalChanges,
    decimals_to_undo,
    decimals_to_widen,
)
from dualwrite.operations.results import (
    CommandResult,
    Notify,
    Progress,
    ignore_note,
    ignore_progress,
)
from dualwrite.operations.session import Session
from dualwrite.sync.decimals.widening import finish_begun, redeclare
from dualwrite.sync.retry import Retried

Approve = Callable[[DecimalChanges], bool]
"""Called with what would change, before anything does; False leaves all as it is."""


@dataclass(frozen=True, slots=True)
class DecimalsChanged(CommandResult):
    """Which columns have other digits now."""

    found: DecimalChanges
    approved: bool
    changed: tuple[Change, ...] = ()
    queued: int = 0
    """Rows that had been rounded, and cross with all their digits with the next cycle."""
    retried: tuple[Retried, ...] = ()
    """What became of the rows that were rejected for their digits."""

    @property
    def complete(self) -> bool:
        """Whether every column that was found is changed."""
        return self.approved and not any(each.refused for each in self.found.changes)

    def as_dict(self) -> dict[str, Any]:
        """`columns`, `changed`, `queued`, `retried`."""
        return {
            **self.found.as_dict(),
            "changed": [f"{each.table}.{each.column}" for each in self.changed],
            "queued": self.queued,
            "retried": [
                {"map": each.map, "direction": each.direction, **each.counts.as_dict()}
                for each in self.retried
            ],
        }


def widen_decimals(
    session: Session,
    maps: Sequence[str] | None = None,
    *,
    table: str | None = None,
    to: int = DIGITS,
    approve: Approve = lambda _: True,
    progress: Progress = ignore_progress,
    notify: Notify = ignore_note,
) -> DecimalsChanged:
    """Let decimal columns keep `to` digits after the point; the arguments are as of the query.

    What an earlier call left unfinished, because it was cut off, is finished first.

    Raises:
        UnknownMapError, MapError: A map is not there, or cannot be read.
        InitializingError: A map over one of the tables is being copied.
        LeaseHeldError: A worker has not released a map.
        DigitsLostError: A value arrived meanwhile that would lose digits.
        TransientError, PermanentError: From the apps.  Tables done before stay done.
    """
    _finish(session, notify)
    found = decimals_to_widen(session, maps, table=table, to=to, progress=progress)
    return _change(session, found, approve, undo=False, progress=progress)


def undo_decimals(
    session: Session,
    maps: Sequence[str] | None = None,
    *,
    table: str | None = None,
    approve: Approve = lambda _: True,
    progress: Progress = ignore_progress,
    notify: Notify = ignore_note,
) -> DecimalsChanged:
    """Take the last widening of each column back; as `widen_decimals`.

    A column that holds a value with more digits by now stays as it is.

    Raises:
        UnknownMapError, MapError, InitializingError, LeaseHeldError, DigitsLostError,
        TransientError, PermanentError: As of `widen_decimals`.
    """
    _finish(session, notify)
    found = decimals_to_undo(session, maps, table=table, progress=progress)
    return _change(session, found, approve, undo=True, progress=progress)


def _finish(session: Session, notify: Notify) -> None:
    for table in finish_begun(session):
        notify(f"An earlier change of {table} was cut off; it is finished now.")


def _change(
    session: Session,
    found: DecimalChanges,
    approve: Approve,
    *,
    undo: bool,
    progress: Progress,
) -> DecimalsChanged:
    approved = approve(found)
    if not (approved and found.possible):
        return DecimalsChanged(found, approved)
    done = redeclare(session, found.possible, undo=undo, progress=progress)
    return DecimalsChanged(found, approved, done.changes, done.queued, done.retried)
