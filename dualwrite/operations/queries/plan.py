"""What a run would do: its plan, and a dry run that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dualwrite.operations.counts import CountedMaps, MapCounts
from dualwrite.operations.dry_runs import rows_to_keep
from dualwrite.operations.results import (
    Notify,
    Progress,
    QueryResult,
    ignore_note,
    ignore_progress,
)
from dualwrite.operations.session import Session
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.routes.plan import RunPlan
from dualwrite.tablemap.model import Master


@dataclass(frozen=True, slots=True)
class Plan(QueryResult):
    """The maps of a run, in the order in which they are loaded."""

    plan: RunPlan

    def as_dict(self) -> dict[str, Any]:
        """`maps`: name, master and phases of each; `why`: a line for each cycle of maps."""
        maps = [
            {
                "map": each.table_map.name,
                "master": each.master.value,
                "phases": list(each.phases),
            }
            for each in self.plan.maps
        ]
        return {"maps": maps, "why": list(self.plan.why)}


@dataclass(frozen=True, slots=True)
class DryRun(CountedMaps, QueryResult):
    """What a run would do with each map; nothing was written."""

    kept: bool = False
    """Whether the rows that would be held can be asked for: `queries.errors`, with `dry_run`."""


def plan_run(
    session: Session,
    names: Sequence[str],
    *,
    with_related: bool = False,
    master: Master | None = None,
) -> Plan:
    """Check the maps against both apps, and put them in order.

    Args:
        session: The project.
        names: The maps to run.
        with_related: Include every map that these need.
        master: Who wins in the initial sync, in place of each map's own.

    Raises:
        UnknownMapError: There is no such map.
        MapError: A map has findings that forbid to run it; all findings of all maps.
        TransientError, PermanentError: From the apps.
    """
    return Plan(make_plan(session, names, with_related=with_related, master=master))


def dry_run(
    session: Session,
    names: Sequence[str],
    *,
    with_related: bool = False,
    master: Master | None = None,
    initial_sync: bool | None = None,
    progress: Progress = ignore_progress,
    notify: Notify = ignore_note,
) -> DryRun:
    """Do everything that a run does but write, and count; the arguments are as of `run`.

    The rows that would be held are kept in the project's folder until the next dry run of their
    map, where that folder can be written.

    Raises:
        UnknownMapError, MapError, TransientError, PermanentError: As of `plan_run`.
    """
    plan = plan_run(session, names, with_related=with_related, master=master).plan
    for line in plan.why:
        notify(line)
    with rows_to_keep(session.link) as held:
        options = RunOptions(
            initial_sync=initial_sync,
            dry_run=True,
            dry_held=held,
            workers=session.link.workers,
            partition_rows=session.link.partition_rows,
        )
        results = run_maps(session, plan, options, progress)
    return DryRun(tuple(map(MapCounts.of, results)), kept=held is not None)
