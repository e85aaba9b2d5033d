"""One side of a map made equal to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dualwrite.link import Side
from dualwrite.operations.counts import Counts
from dualwrite.operations.queries.reconcile import Reconciled
from dualwrite.operations.results import CommandResult
from dualwrite.operations.session import Session
from dualwrite.sync.reconcile import repair as engine


@dataclass(frozen=True, slots=True)
class Repaired(CommandResult):
    """What differed, and what was done about it on the side that is not the master."""

    master: Side
    found: Reconciled
    counts: Counts

    def as_dict(self) -> dict[str, Any]:
        """As of `Reconciled`, and the counts in `repaired`."""
        return {**self.found.as_dict(), "repaired": self.counts.as_dict()}


def repair(session: Session, name: str, master: Side, *, allow_deletes: bool = False) -> Repaired:
    """Compare both sides of a map, then make the other side equal to `master`.

    Args:
        session: The project.
        name: The map.
        master: The side that is right.
        allow_deletes: Delete more rows than the guard lets through.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        OneWayError: The map does not flow out of `master`.
        MassDeleteError: More deletes than the guard lets through; nothing was written.
        LeaseHeldError: Another worker has the map.
        TransientError, PermanentError: From the apps.
    """
    done = engine.repair(session, session.map(name), master, allow_deletes=allow_deletes)
    return Repaired(master, Reconciled.of(done.comparison), done.counts)
