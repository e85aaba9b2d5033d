"""One cycle: everything that is queued on either side is carried across, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dualwrite.errors import TransientError
from dualwrite.operations.counts import CountedMaps, MapCounts
from dualwrite.operations.gates import Gate, rules_only
from dualwrite.operations.results import CommandResult, Progress, ignore_progress
from dualwrite.operations.session import Session
from dualwrite.sync.cycle.outages import waiting_maps
from dualwrite.sync.cycle.runner import run_cycle


@dataclass(frozen=True, slots=True)
class CycleResult(CountedMaps, CommandResult):
    """What a cycle did with each map."""


def sync(
    session: Session,
    names: Sequence[str] | None = None,
    *,
    allow_deletes: bool = False,
    progress: Progress = ignore_progress,
    gate: Gate = rules_only,
) -> CycleResult:
    """Carry every queued change of these maps, or of all that run, both ways.

    A map whose app is away, or that another worker has, says so in its `note`; the others
    are carried.

    Args:
        session: The project.
        names: Maps that run; None for all.
        allow_deletes: Delete more rows of a side than the guard lets through.
        progress: Called after each map: its name, maps done, maps in all.
        gate: What judges each batch before it is written.

    Raises:
        UnknownMapError: There is no such map.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
    """
    results = run_cycle(session, names, progress=progress, allow_deletes=allow_deletes, gate=gate)
    return CycleResult(tuple(map(MapCounts.of, results)))


def not_begun(session: Session, names: Sequence[str] | None, error: TransientError) -> CycleResult:
    """The result of a cycle that an app let not begin: every map waits for it.

    Raises:
        TransientError: The error itself, where no map is known to wait: the journal is away.
    """
    results = waiting_maps(session, names, error)
    if not results:
        raise error
    return CycleResult(tuple(map(MapCounts.of, results)))
