"""The steps of an initial sync, as the Prefect UI shows them.

Arguments are plain data: the project folder, a map's plan, a partition.  So a step runs
in a thread, in another process or on another machine that has the project folder.
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
class Carried:
    """What became of a partition, by direction, and the answers of the suites."""

    counts: Mapping[str, Counts]
    report: QualityReport = field(default_factory=QualityReport)


@step(name="plan run", task_run_name="plan {maps}", tags=["plan"])
def plan_run(
    project: Path, maps: Sequence[str], with_related: bool, master: Master | None
) -> RunPlan:
    """Check the maps against both apps and put them in order."""
    session = session_of(project)
    return planning.plan_run(session, maps, with_related=with_related, master=master).plan


@step(name="rehearse", task_run_name="rehearse {maps}", tags=["plan"])
def rehearse(
    project: Path, maps: Sequence[str], with_related: bool, master: Master | None
) -> list[MapCounts]:
    """Do all but the writing, map after map, and count."""
    session = session_of(project)
    done = planning.dry_run(session, maps, with_related=with_related, master=master)
    return list(done.maps)


@step(name="begin map", task_run_name="begin {plan.table_map.name}", tags=["plan"])
def begin_map(
    project: Path, plan: MapPlan, phase: int, epoch: int, partition_rows: int | None
) -> BegunPhase:
    """Begin a map's initial sync, or take up the one that was cut off; cut it in partitions.

    `epoch` is that of the lease that the flow holds: the apps take no write of an older one.
    """
    session = session_of(project)
    return steps.begin_phase(session, plan, phase, epoch=epoch, partition_rows=partition_rows)


@step(
    name="carry partition",
    task_run_name="carry {plan.table_map.name} {partition.direction} {partition.number}",
    tags=["writes"],
)
def carry_partition(
    project: Path,
    plan: MapPlan,
    run_id: int,
    epoch: int,
    partition: PartitionPlan,
    quality: bool,
) -> Carried:
    """Carry one partition across and journal it.

    With `quality` Great Expectations stands at the gate; its answers come back, together
    with those of partitions that another thread of this process has just finished.
    """
    gate = GreatExpectationsGate() if quality else rules_only
    worker = worker_of(project, plan, run_id, epoch, partition.phase, gate)
    counts = worker.carry(partition)
    used = worker.gate
    report = used.take() if isinstance(used, GreatExpectationsGate) else QualityReport()
    return Carried(counts, report)


@step(name="finish map", task_run_name="finish {plan.table_map.name}", tags=["plan"])
def finish_map(project: Path, plan: MapPlan, run_id: int, epoch: int) -> None:
    """Nothing is left to carry: the map runs."""
    worker_of(project, plan, run_id, epoch, plan.phases[-1], rules_only).finish()


@step(name="release parked", task_run_name="release parked {plan.table_map.name}", tags=["writes"])
def release_parked(project: Path, plan: MapPlan) -> None:
    """Try parked rows again: what they wait for may be there by now."""
    steps.release_parked(session_of(project), plan.table_map.name)
