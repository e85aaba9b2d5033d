"""An initial sync in steps: which maps have work, begin, carry each partition, finish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dualwrite.journal.records import PartitionPlan
from dualwrite.operations.counts import Counts, MapCounts
from dualwrite.operations.gates import Gate, rules_only
from dualwrite.operations.session import Session
from dualwrite.sync import retry
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.initial.partitions import InitialSync, Options
from dualwrite.sync.initial.run import RunOptions, begin, finish, is_due, take_up
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import MapPlan, RunPlan
from dualwrite.sync.session.leases import kept_lease

__all__ = [
    "BegunPhase",
    "Due",
    "MapPlan",
    "PartitionPlan",
    "PhaseWorker",
    "RunPlan",
    "begin_phase",
    "due_maps",
    "kept_lease",
    "release_parked",
]


@dataclass(frozen=True, slots=True)
class Due:
    """The maps of a plan that have work, and a result without counts for every map."""

    plans: tuple[MapPlan, ...]
    results: tuple[MapCounts, ...]
    """In the order of the plan; a map without work says why in its `note`."""


@dataclass(frozen=True, slots=True)
class BegunPhase:
    """A phase of a map's initial sync, and the partitions that are still to be carried."""

    run_id: int
    partitions: Sequence[PartitionPlan]


def due_maps(session: Session, plan: RunPlan) -> Due:
    """Which maps of a plan are to be copied; one that runs already is compared again.

    Raises:
        TransientError, PermanentError: From the journal.
    """
    options = RunOptions(initial_sync=True)
    results = {each.table_map.name: MapResult(each.table_map.name) for each in plan.maps}
    plans = tuple(each for each in plan.maps if is_due(session, each, options, results))
    return Due(plans, tuple(map(MapCounts.of, results.values())))


def begin_phase(
    session: Session,
    plan: MapPlan,
    phase: int,
    *,
    epoch: int,
    partition_rows: int | None = None,
) -> BegunPhase:
    """Begin a map's initial sync, or continue the one that was cut off.

    Args:
        session: The project.
        plan: The map's part of the plan.
        phase: 1, or 2 for lookups that had to wait for other maps.
        epoch: Of the map's lease, which the caller holds; the apps take no write of an older one.
        partition_rows: Rows of a partition, about; None as `dualwrite.toml` says.

    Raises:
        TooManyRejectedError: More rows would be rejected than the map allows.
        TransientError, PermanentError: From the apps.
    """
    options = RunOptions(partition_rows=partition_rows or session.link.partition_rows)
    sync = begin(session, plan, options, Finder(session.apps), epoch=epoch)
    assert sync.run is not None
    return BegunPhase(sync.run.id, [each.plan for each in sync.partitions(phase)])


class PhaseWorker:
    """Carries partitions of an initial sync that is under way.  Safe to use from many threads."""

    def __init__(self, session: Session, plan: MapPlan, gate: Gate = rules_only) -> None:
        """Take part in the initial sync of a map.

        Raises:
            NoOpenRunError: None is under way.
        """
        self.gate = gate
        self._sync: InitialSync = take_up(session, plan, Options(gate=gate))

    def carry(self, partition: PartitionPlan) -> Mapping[str, Counts]:
        """Carry one partition and record it in the journal; its counts, by direction.

        Raises:
            TransientError, PermanentError: From the apps; the partition is not done.
        """
        return dict(self._sync.carry(partition).counts)

    def finish(self) -> None:
        """Nothing is left to carry: the map runs from now on."""
        finish(self._sync)


def release_parked(session: Session, map_name: str) -> None:
    """Try a map's parked rows again: the rows that they wait for may have arrived.

    Raises:
        LeaseHeldError: Another worker has the map.
        TransientError, PermanentError: From the apps; the rows stay parked.
    """
    retry.release_parked(session, map_name)
