"""The steps of an initial sync, as the Prefect UI shows them.

Arguments are plain data: the project folder, the plan of a map, a partition.  So a step can run
in a thread, in another process, or on another machine that has the project folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dualwrite.operations.counts import Counts, MapCounts
from dualwrite.operations.gates import rules_only
from dualwrite.operations.queries import plan as planning
from dualwrite.operations.steps import initial as steps
from dualwrite.operations.steps.initial import BegunPhase, MapPlan, PartitionPlan, RunPlan
from dualwrite.tablemap.model import Master
from expectations.gate import GreatExpectationsGate
from expectations.report import QualityReport
from tasks.sessions import session_of, worker_of
from tasks.step import step


@dataclass(frozen=True)
class PartitionResult:
    """The counts of a partition by direction, and the report of the suites."""

    counts: Mapping[str, Counts]
    report: QualityReport = field(default_factory=QualityReport)


@step(name="plan run", task_run_name="plan {maps}", tags=["plan"])
def plan_run(
    project: Path, maps: Sequence[str], with_related: bool, master: Master | None
) -> RunPlan:
    """Check the maps against both apps and sort them by their dependencies."""
    session = session_of(project)
    return planning.plan_run(session, maps, with_related=with_related, master=master).plan


@step(name="dry run", task_run_name="dry run {maps}", tags=["plan"])
def count_dry_run(
    project: Path, maps: Sequence[str], with_related: bool, master: Master | None
) -> list[MapCounts]:
    """Count the rows of an initial sync without writing them."""
    session = session_of(project)
    done = planning.dry_run(session, maps, with_related=with_related, master=master)
    return list(done.maps)


@step(name="start map", task_run_name="start {plan.table_map.name}", tags=["plan"])
def start_map(
    project: Path, plan: MapPlan, phase: int, epoch: int, partition_rows: int | None
) -> BegunPhase:
    """Start or resume the initial sync of a map, and split it into partitions.

    `epoch` is that of the lease that the flow holds; the apps refuse writes with an older one.
    """
    session = session_of(project)
    return steps.begin_phase(session, plan, phase, epoch=epoch, partition_rows=partition_rows)


@step(
    name="sync partition",
    task_run_name="sync {plan.table_map.name} {partition.direction} {partition.number}",
    tags=["writes"],
)
def sync_partition(
    project: Path,
    plan: MapPlan,
    run_id: int,
    epoch: int,
    partition: PartitionPlan,
    quality: bool,
) -> PartitionResult:
    """Sync one partition and record it in the journal.

    With `quality`, Great Expectations checks the rows; the report includes those of partitions
    that another thread of this process has just finished.
    """
    gate = GreatExpectationsGate() if quality else rules_only
    worker = worker_of(project, plan, run_id, epoch, partition.phase, gate)
    counts = worker.carry(partition)
    used = worker.gate
    report = used.take() if isinstance(used, GreatExpectationsGate) else QualityReport()
    return PartitionResult(counts, report)


@step(name="finish map", task_run_name="finish {plan.table_map.name}", tags=["plan"])
def finish_map(project: Path, plan: MapPlan, run_id: int, epoch: int) -> None:
    """Finish the initial sync of a map: it is running now."""
    worker_of(project, plan, run_id, epoch, plan.phases[-1], rules_only).finish()


@step(name="release parked", task_run_name="release parked {plan.table_map.name}", tags=["writes"])
def release_parked(project: Path, plan: MapPlan) -> None:
    """Retry parked rows, as the rows they wait for may have arrived."""
    steps.release_parked(session_of(project), plan.table_map.name)
