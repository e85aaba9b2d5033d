"""Maps brought from `not running` to `running`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dualwrite.operations.counts import CountedMaps, MapCounts
from dualwrite.operations.queries.plan import plan_run
from dualwrite.operations.results import (
    CommandResult,
    Notify,
    Progress,
    ignore_note,
    ignore_progress,
)
from dualwrite.operations.session import Session
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.tablemap.model import Master


@dataclass(frozen=True, slots=True)
class RunResult(CountedMaps, CommandResult):
    """What became of each map."""


def run(
    session: Session,
    names: Sequence[str],
    *,
    with_related: bool = False,
    master: Master | None = None,
    initial_sync: bool | None = None,
    progress: Progress = ignore_progress,
    notify: Notify = ignore_note,
) -> RunResult:
    """Bring both sides into agreement through these maps; then they run.

    Args:
        session: The project.
        names: The maps.
        with_related: Include every map that these need.
        master: Who wins where both sides hold a key, in place of each map's own.
        initial_sync: True: copy maps that run already, too; False: copy none; None: copy
            those that do not run yet.
        progress: Called after each partition: the map, partitions done, partitions in all.
        notify: Called with each remark on the order of the maps.

    Raises:
        UnknownMapError: There is no such map.
        MapError: A map has findings that forbid to run it; all findings of all maps.
        LeaseHeldError: Another worker has a map.
        TransientError, PermanentError: From the apps.  Maps that were done run, and the same
            call continues from there.
    """
    plan = plan_run(session, names, with_related=with_related, master=master).plan
    for line in plan.why:
        notify(line)
    options = RunOptions(
        initial_sync=initial_sync,
        workers=session.link.workers,
        partition_rows=session.link.partition_rows,
    )
    return RunResult(tuple(map(MapCounts.of, run_maps(session, plan, options, progress))))
