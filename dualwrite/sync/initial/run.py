"""Running maps: from `not running` to `running`, in dependency order.

`begin`, `carry_all` and `finish` are the steps of one map; `run_maps` calls them for the
command line, and the flows call the same steps as tasks.  A map that is interrupted stays
`initializing`, its run open in the journal, and the next `begin` goes on with the partitions
that are not done.

Many workers may carry partitions of one run (`take_up`): one of them holds the lease, begins the
run and ends it; what the others need is in the journal and in the plan.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from dualwrite.errors import PermanentError, TransientError
from dualwrite.journal.records import MapStatus, PartitionPlan, RunOutcome
from dualwrite.link import Side
from dualwrite.logs import RETRY_PARTITION, reason_of
from dualwrite.sync.batch.data_faults import data_faults
from dualwrite.sync.batch.results import MapResult, Progress, Totals, silent
from dualwrite.sync.capture.captures import start_capture
from dualwrite.sync.capture.departed import guard_departed
from dualwrite.sync.initial.partitions import KIND, InitialSync, Options, is_empty
from dualwrite.sync.initial.rehearsal import rehearse
from dualwrite.sync.retry import release_parked
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import MapPlan, RunPlan
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import kept_lease
from dualwrite.tablemap.model import TableMap

ATTEMPTS = 3


@dataclass(frozen=True)
class RunOptions(Options):
    """What the user asked of a run."""

    initial_sync: bool | None = None
    """True: also for maps that run already; False: skip it; None: where it is due."""
    workers: int = 2


class NoOpenRunError(PermanentError):
    """A partition of a run came to a worker after the run had ended."""

    def __init__(self, *, map_name: str) -> None:
        self.map_name = map_name
        super().__init__(
            f"{map_name}: there is no initial sync under way. Nothing was read or written.\n"
            "  It was finished or stopped meanwhile; see dualwrite activity."
        )


def begin(
    session: Session, plan: MapPlan, options: Options, finder: Finder, *, epoch: int = 0
) -> InitialSync:
    """Start the initial sync of a map, or continue the one that was interrupted.

    From here on changes are captured.  The caller holds the map's lease, of this `epoch`.

    Raises:
        TooManyRejectedError: More rows would be rejected than the map allows; nothing has begun.
        CompanyLeftError: Changes of a company wait that is no longer carried; nothing has begun.
    """
    journal, name = session.journal, plan.table_map.name
    run = journal.runs.unfinished(name, KIND)
    if run is None:
        rehearse(session, plan, options)
    _start_capture(session, plan.table_map, epoch)
    if run is None:
        fresh = {side.value: is_empty(session, plan, side) for side in Side}
        noted = {"fresh": fresh, "master": plan.master.value, "epoch": epoch}
        run = journal.runs.start(name, KIND, noted)
        journal.maps.set_status(name, MapStatus.INITIALIZING, reason="initial sync started")
    else:
        run = journal.runs.resume(run.id, {"continued": True, "epoch": epoch})
        journal.maps.set_status(name, MapStatus.INITIALIZING, reason="initial sync continued")
    return InitialSync(session, plan, options, finder=finder, run=run)


def take_up(session: Session, plan: MapPlan, options: Options) -> InitialSync:
    """The initial sync of a map that another worker has begun.

    Raises:
        NoOpenRunError: None has begun, or it has ended.
    """
    run = session.journal.runs.unfinished(plan.table_map.name, KIND)
    if run is None:
        raise NoOpenRunError(map_name=plan.table_map.name)
    return InitialSync(session, plan, options, run=run)


def _start_capture(session: Session, table_map: TableMap, epoch: int) -> None:
    guard_departed(session, table_map, session.journal.maps.marks(table_map.name))
    for side in Side:
        session.apps[side].fence({table_map.name: epoch})
    start_capture(session, table_map, epoch)


def finish(sync: InitialSync) -> None:
    """End the run, with nothing left to carry: the map runs."""
    assert sync.run is not None
    sync.session.journal.runs.finish(sync.run.id, RunOutcome.DONE)
    sync.session.journal.maps.set_status(sync.name, MapStatus.RUNNING, reason="initial sync done")


def carry_all(
    sync: InitialSync, phase: int, *, workers: int, progress: Progress = silent
) -> list[Totals]:
    """Carry every partition of a phase that is not done, several at a time.

    Raises:
        TransientError: Three attempts at a partition have failed.
        PermanentError: A person must act.  Either way the partitions done stay done.
    """
    todo = sync.partitions(phase)
    totals: list[Totals] = []
    progress(sync.name, 0, len(todo))
    # a leg begins when the one before it has ended: it reads what that has written
    for direction in dict.fromkeys(each.plan.direction for each in todo):
        ranges = [each.plan for each in todo if each.plan.direction == direction]
        with ThreadPoolExecutor(max_workers=workers) as pool:
            futures = [pool.submit(_carry_with_retries, sync, each) for each in ranges]
            try:
                for future in as_completed(futures):
                    totals.append(future.result())
                    progress(sync.name, len(totals), len(todo))
            except BaseException:
                # partitions under way end by themselves and are journalled; no other begins
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    for side in Side:
        sync.finder.invalidate(side, sync.plan.table_map.end(side).table)
    return totals


def _carry_with_retries(sync: InitialSync, partition: PartitionPlan) -> Totals:
    for attempt in range(1, ATTEMPTS):
        try:
            with data_faults(sync.name):
                return sync.carry(partition)
        except TransientError as error:
            pause = 0.5 * 4 ** (attempt - 1)
            RETRY_PARTITION.log(
                map=sync.name,
                direction=partition.direction,
                run=None if sync.run is None else sync.run.id,
                partition=partition.number,
                attempt=attempt,
                attempts=ATTEMPTS,
                error=type(error).__name__,
                reason=reason_of(error),
                seconds=pause,
            )
            time.sleep(pause)
    with data_faults(sync.name):
        return sync.carry(partition)


def run_maps(
    session: Session, plan: RunPlan, options: RunOptions, progress: Progress = silent
) -> list[MapResult]:
    """Bring every map of the plan to `running`.

    Raises:
        DualWriteError: The map at fault is named; the maps before it run, and the
            same command continues from there.
    """
    finder = Finder(session.apps)
    results = {each.table_map.name: MapResult(each.table_map.name) for each in plan.maps}
    due = [each for each in plan.maps if is_due(session, each, options, results)]
    if options.initial_sync is False:
        if not options.dry_run:
            for each in due:
                results[each.table_map.name].note = _skip(session, each.table_map)
        return list(results.values())
    for phase in (1, 2):
        for each in due:
            result = results[each.table_map.name]
            started = time.monotonic()
            _run_phase(session, each, phase, options, finder, result, progress)
            result.seconds += time.monotonic() - started
    if not options.dry_run:
        for each in due:
            release_parked(session, each.table_map.name)
    return list(results.values())


def _skip(session: Session, table_map: TableMap) -> str:
    """Let a map run as it is; a note where an initial sync that was interrupted is given up."""
    journal, name = session.journal, table_map.name
    with kept_lease(session, name, f"run (process {os.getpid()})") as lease:
        _start_capture(session, table_map, lease.epoch)
        run = journal.runs.unfinished(name, KIND)
        if run is not None:
            journal.runs.finish(run.id, RunOutcome.CANCELLED, "the initial sync was skipped")
        journal.maps.set_status(name, MapStatus.RUNNING, reason="initial sync skipped")
    if run is None:
        return ""
    return (
        "its interrupted initial sync is given up; what it did not reach stays as it is on either "
        f"side: dualwrite reconcile {name}"
    )


def _run_phase(
    session: Session,
    plan: MapPlan,
    phase: int,
    options: RunOptions,
    finder: Finder,
    result: MapResult,
    progress: Progress,
) -> None:
    if options.dry_run:
        sync = InitialSync(session, plan, options, finder=finder)
        if phase == 1:
            if options.dry_held is not None:
                options.dry_held.discard_map(plan.table_map.name)
            for each in carry_all(sync, phase, workers=1, progress=progress):
                result.add(each)
        return
    if phase not in plan.phases:
        return
    with kept_lease(session, plan.table_map.name, f"run (process {os.getpid()})") as lease:
        sync = begin(session, plan, options, finder, epoch=lease.epoch)
        for each in carry_all(sync, phase, workers=options.workers, progress=progress):
            result.add(each)
        if phase == plan.phases[-1]:
            finish(sync)


def is_due(
    session: Session, plan: MapPlan, options: RunOptions, results: Mapping[str, MapResult]
) -> bool:
    """Whether a run has work with a map; else its result says why not."""
    name = plan.table_map.name
    if options.dry_run:
        return True
    status = session.journal.maps.status(name)
    if status in (MapStatus.PAUSED, MapStatus.RESUMING):
        results[name].stuck = True
        results[name].note = (
            f"{status.value}, nothing copied; dualwrite resume {name} lets it go on, "
            f"dualwrite stop {name} ends it"
        )
        return False
    if options.initial_sync or status in (MapStatus.NOT_RUNNING, MapStatus.INITIALIZING):
        return True
    results[name].note = "already running, nothing copied; --initial-sync compares every row again"
    return False
