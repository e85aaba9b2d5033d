"""Whether both sides of a map are equal, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dualwrite.link import Side
from dualwrite.operations.results import Progress, QueryResult, ignore_progress
from dualwrite.operations.session import Session
from dualwrite.sync.reconcile import reconcile as engine
from dualwrite.sync.reconcile.reconcile import Comparison


@dataclass(frozen=True, slots=True)
class Reconciled(QueryResult):
    """How many rows of both sides are the same, and the first that are not."""

    map: str
    same: int
    differ: int
    only: Mapping[Side, int]
    """Rows without a counterpart, by the side that has them."""
    pending: int
    """Rows whose change is queued and not carried yet."""
    held: int
    """How many of those that differ or stand alone the journal holds back."""
    unexplained: int
    """Rows that are not the same, and not held back."""
    rows: Sequence[Mapping[str, Any]]
    """The first hundred that are not the same."""

    @classmethod
    def of(cls, found: Comparison) -> Reconciled:
        """The result of a comparison."""
        return cls(
            map=found.map,
            same=found.same,
            differ=found.differ,
            only=dict(found.only),
            pending=found.pending,
            held=found.held,
            unexplained=found.unexplained,
            rows=list(found.rows),
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """All counts, by their names in JSON."""
        return {
            "same": self.same,
            "differ": self.differ,
            **{f"only_{side.value}": count for side, count in self.only.items()},
            "pending": self.pending,
            "held": self.held,
        }

    def as_dict(self) -> dict[str, Any]:
        """`map`, the counts, and `rows` (design section 10)."""
        return {"map": self.map, **self.counts, "rows": list(self.rows)}


def reconcile(session: Session, name: str, *, progress: Progress = ignore_progress) -> Reconciled:
    """Compare both sides through a map.

    `progress` is called with the map and the rows compared so far.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        TransientError, PermanentError: From the apps.
    """
    compared = 0

    def more(rows: int) -> None:
        nonlocal compared
        compared += rows
        progress(name, compared, None)

    return Reconciled.of(engine.reconcile(session, session.map(name), progress=more))
