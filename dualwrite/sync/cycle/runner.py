"""A cycle: everything that is queued on either side is carried across, once.

    recover ─> guard ─> walk finops ─> walk dataverse ─> delete, children first ─> journal

A walk reads one side in one snapshot, all maps in the order of what they need, so a child
is never ahead of its parent.  The second walk's snapshot is taken after the first one's
writes: what they decided is in it.  An app that is away is no fault of a row: the maps wait
and say so, and the next cycle goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial
from math import ceil
from typing import TypeVar

from dualwrite.apps.capture import OvertakenError, QueueMissingError
from dualwrite.errors import DualWriteError, PermanentError, TransientError
from dualwrite.journal.leases import LeaseLostError
from dualwrite.journal.records import Counts, HeldRow, MapStatus
from dualwrite.link import Side
from dualwrite.sync.batch.data_faults import data_faults
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.results import MapResult, Progress, silent
from dualwrite.sync.capture.departed import CompanyLeftError
from dualwrite.sync.capture.fencing import fence
from dualwrite.sync.capture.noticing import LOOK_SECONDS, CaptureWatch
from dualwrite.sync.capture.recovery import recover
from dualwrite.sync.cycle.applied import (
    acknowledge_applied,
    notice_restore,
    remember_acknowledged,
)
from dualwrite.sync.cycle.dated import DatedWorker
from dualwrite.sync.cycle.neighbours import held_beside
from dualwrite.sync.cycle.outages import CARRIED
from dualwrite.sync.cycle.waiting import set_waits
from dualwrite.sync.cycle.workers import MapWorker
from dualwrite.sync.retry import Retried, retry
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.order import order_maps
from dualwrite.sync.routes.plan import MASS_DELETE_ROWS, MapPlan
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import kept_leases

Answer = TypeVar("Answer")

QUIET_SECONDS = 30.0
"""How often the journal hears of a map with which nothing happens."""


class CycleRunner:
    """Runs cycles over some maps, for as long as their leases are held."""

    def __init__(
        self,
        session: Session,
        plans: Sequence[MapPlan],
        epochs: Mapping[str, int],
        *,
        gate: Gate = rules_only,
        allow_deletes: bool = False,
    ) -> None:
        self.session, self._epochs = session, epochs
        self._allow_deletes = allow_deletes
        self.finder = Finder(session.apps, keys_only=True)
        self._watch = CaptureWatch(session)
        self.workers: list[MapWorker] = []
        self._faults: dict[str, DualWriteError] = {}
        for plan in plans:
            try:
                epoch = epochs[plan.table_map.name]
                made = MapWorker.of(session, plan, self.finder, epoch, gate)
            except PermanentError as fault:
                self._faults[plan.table_map.name] = fault
            else:
                self.workers.append(made)
        self._losses = self._losses_now()
        self._recover()

    def _losses_now(self) -> list[int]:
        return [app.losses for app in self.session.apps.values()]

    def _recover(self) -> None:
        """What a worker before us carried, and did not come to forget, is not carried again."""
        restored = fence(self.session, self._epochs)
        self._faults |= restored
        self.workers = [worker for worker in self.workers if worker.name not in restored]
        self._keep_departed()
        for worker in self.workers:
            acknowledge_applied(self.session, worker.name, worker.directions)

    def _keep_departed(self) -> None:
        """Maps wait of which a company has left with changes pending."""
        marks, sound = self.session.journal.maps.all_marks(), []
        for worker in self.workers:
            try:
                worker.keep_departed(self.session, marks.get(worker.name, {}))
            except CompanyLeftError as fault:
                self._faults[worker.name] = fault
            else:
                sound.append(worker)
        self.workers = sound

    @property
    def names(self) -> set[str]:
        """The maps in this worker's hands, those among them that cannot be carried too."""
        return {worker.name for worker in self.workers} | set(self._faults)

    @cached_property
    def queues(self) -> Mapping[Side, list[str]]:
        """All queues that are read, by app."""
        return {
            side: [
                worker.directions[side].capture.queue
                for worker in self.workers
                if side in worker.directions
            ]
            for side in Side
        }

    def run_and_flush(self, progress: Progress = silent) -> list[MapResult]:
        """One cycle; the result of each map, its `note` saying why it waits if it does.

        Raises:
            LeaseLostError, OvertakenError: Another worker has taken over.
        """
        started = time.monotonic()
        self.run_once(progress)
        return self.flush_results(started)

    def run_once(self, progress: Progress = silent, sides: Collection[Side] = tuple(Side)) -> bool:
        """Carry what is queued on these sides, journalling nothing of it yet; whether any was.

        Raises:
            As `run_and_flush`.
        """
        if any(worker.fault is not None for worker in self.workers):
            recover(self.session)  # it may be a dead writer's lock
        losses, self._losses = self._losses, self._losses_now()
        for worker in self.workers:
            fault, worker.fault = worker.fault, None
            # it may have come between the two commits, or what is back may be an earlier state
            if fault is not None or losses != self._losses:
                known = partial(acknowledge_applied, self.session, worker.name, worker.directions)
                self._try([worker], known)
        pending = {side: self._count(side) for side in Side if side in sides}
        if not any(count for counted in pending.values() for count in counted.values()):
            return False
        self._guard(pending)
        for side in Side:
            if side in pending:
                # what the first walk decided may have left entries for the second
                first = side is next(iter(pending))
                self._walk(side, pending[side] if first else self._count(side), progress)
        for side in Side:
            self._walk_pointers(side, progress)
        for worker in reversed(self.workers):
            for direction in worker.directions.values():
                if worker.fault is None:
                    self._try([worker], direction.carry_deletes)
        for worker in self.workers:
            if worker.fault is None:
                self._try([worker], partial(self._after_deletes, worker))
        self._release()
        return True

    def flush_results(self, started: float) -> list[MapResult]:
        """Journal what was done since the last time, and give it back, map by map."""
        left = {side: self._count(side) for side in Side}
        results = []
        for worker in self.workers:
            result = self._flush_one(worker, left)
            result.seconds = time.monotonic() - started
            results.append(result)
        for name, fault in self._faults.items():
            set_waits(self.session, name, fault)
            results.append(MapResult(name, note=str(fault), stuck=True))
        return results

    def look_at_captures(self, *, every: float | None = None) -> None:
        """Look whether the captures of our maps see every change.

        Called `every` so many seconds it looks at some of them, so that all have their turn.
        """
        captures = {
            worker.name: {side: each.capture for side, each in worker.directions.items()}
            for worker in self.workers
            if worker.fault is None
        }
        some = None if every is None else ceil(len(captures) * every / LOOK_SECONDS)
        self._watch.look(captures, at_once=some)

    # Parts of a cycle

    def _count(self, side: Side) -> Mapping[str, int]:
        """The entries of each queue of a side; a queue that is gone is its map's fault."""
        workers = [worker for worker in self.workers if side in worker.directions]
        queues = [worker.directions[side].capture.queue for worker in workers]
        counted = self._try(workers, lambda: self.session.apps[side].pending(queues))
        if counted is None:
            return {}
        for worker in workers:
            capture = worker.directions[side].capture
            if capture.queue not in counted:
                worker.fault = worker.fault or QueueMissingError(
                    app=side.value, table=capture.table, queue=capture.queue
                )
        return counted

    def _walk(self, side: Side, pending: Mapping[str, int], progress: Progress) -> None:
        busy = self._with_work(side, pending, more_than=0)
        if not busy:
            return

        def walk() -> None:
            with self.session.apps[side].snapshot() as snapshot:
                for number, worker in enumerate(busy, 1):
                    direction = worker.directions[side]
                    self._try(
                        [worker], partial(notice_restore, self.session, worker.name, direction)
                    )
                    if worker.fault is None:
                        self._try([worker], partial(direction.carry_upserts, snapshot))
                    target = worker.plan.table_map.end(side.other).table
                    self.finder.invalidate(side.other, target)
                    progress(worker.name, number, len(busy))
                for worker in busy:
                    if worker.fault is None:
                        self._try(
                            [worker], partial(worker.directions[side].carry_late_lookups, snapshot)
                        )

        self._try(busy, walk)

    def _walk_pointers(self, side: Side, progress: Progress) -> None:
        """Carry what points at rows under new keys, before the rows under their old keys go."""
        directions = [w.directions[side] for w in self.workers if side in w.directions]
        queued = [direction.pointing.take_queued() for direction in directions]
        if any(queued):
            pending = self._count(side)
            self._guard({side: pending})
            self._walk(side, pending, progress)

    def _with_work(
        self, side: Side, pending: Mapping[str, int], *, more_than: int
    ) -> list[MapWorker]:
        return [
            worker
            for worker in self.workers
            if worker.fault is None
            and side in worker.directions
            and pending.get(worker.directions[side].capture.queue, 0) > more_than
        ]

    def _guard(self, pending: Mapping[Side, Mapping[str, int]]) -> None:
        """Refuse to empty a side, before anything is written."""
        if self._allow_deletes:
            return
        for side in pending:
            many = self._with_work(side, pending[side], more_than=MASS_DELETE_ROWS)
            if not many:
                continue

            def look(side: Side = side, many: Sequence[MapWorker] = many) -> None:
                with self.session.apps[side].snapshot() as snapshot:
                    for worker in many:
                        guarded = partial(worker.guard_deletes, self.session, side, snapshot)
                        self._try([worker], guarded)

            self._try(many, look)

    def _after_deletes(self, worker: MapWorker) -> None:
        """Try once more what was refused, where a row that went may have been in its way."""
        directions = worker.directions.values()
        held = [row for each in directions for row in each.refused_before_deletes()]
        if not held:
            return
        tried = {each.direction: each.counts for each in self._retry(worker, held)}
        for direction in directions:
            if (counts := tried.get(direction.direction)) is not None:
                written, unchanged = counts.written, counts.unchanged
                freed = Counts(0, written, unchanged, rejected=-(written + unchanged))
                direction.tally.counts += freed

    def _release(self) -> None:
        """What was written, or went, may be what a held row waits for."""
        for worker in self.workers:
            if worker.fault is None:
                self._try([worker], partial(self._release_beside, worker))
        if not any(
            direction.tally.counts.written
            for t in self.workers
            for direction in t.directions.values()
        ):
            return
        waiting = self.session.journal.held.maps_with_parked()
        for worker in self.workers:
            if worker.name in waiting and worker.fault is None:
                parked = self.session.journal.held.parked(worker.name)
                self._try([worker], partial(self._free, worker, parked))

    def _release_beside(self, worker: MapWorker) -> None:
        """Dated rows that waited for a neighbour."""
        directions = [
            direction
            for direction in worker.directions.values()
            if isinstance(direction, DatedWorker)
        ]
        if held := held_beside(directions):
            self._free(worker, held)
        for direction in directions:
            direction.moved.clear()

    def _free(self, worker: MapWorker, held: Sequence[HeldRow]) -> None:
        """Try held rows again, and count what was written for them."""
        freed = {each.direction: each.counts.written for each in self._retry(worker, held)}
        for direction in worker.directions.values():
            direction.tally.counts += Counts(written=freed.get(direction.direction, 0))

    def _retry(self, worker: MapWorker, held: Sequence[HeldRow]) -> list[Retried]:
        return retry(self.session, held, epoch=self._epochs[worker.name])

    def _try(self, workers: Sequence[MapWorker], work: Callable[[], Answer]) -> Answer | None:
        """Do some work; its fault is these maps' fault, and the others go on."""
        only = len(workers) == 1
        try:
            with data_faults(workers[0].name) if only else nullcontext():
                return work()
        except (OvertakenError, LeaseLostError):
            raise
        except (TransientError, PermanentError) as fault:
            for worker in workers:
                worker.fault = worker.fault or fault
            return None

    def _flush_one(self, worker: MapWorker, left: Mapping[Side, Mapping[str, int]]) -> MapResult:
        journal, directions, result = (
            self.session.journal,
            worker.directions,
            MapResult(worker.name),
        )
        tallies = {direction.direction: direction.take_tally() for direction in directions.values()}
        lags = {direction: tally.lags for direction, tally in tallies.items() if tally.lags}
        result.counts = {d: t.counts for d, t in tallies.items() if any(t.counts.values())}
        pending = {
            side: left[side].get(direction.capture.queue, 0)
            for side, direction in directions.items()
        }
        result.note = "" if worker.fault is None else str(worker.fault)
        result.stuck, result.fault = isinstance(worker.fault, PermanentError), worker.fault
        reported = (result.note, pending)
        if not result.counts and worker.reported == reported and time.monotonic() < worker.again_at:
            return result
        worker.reported, worker.again_at = reported, time.monotonic() + QUIET_SECONDS
        journal.cycles.record(worker.name, result.counts, lags, pending=pending)
        if result.counts:
            stamps = {side.other: each.applied for side, each in directions.items()}
            given = self._try(
                [worker], partial(remember_acknowledged, self.session, worker.name, directions)
            )
            journal.maps.advance_queues(worker.name, stamps, given or {})
        set_waits(self.session, worker.name, worker.fault)
        if worker.fault is None and not any(pending.values()):
            # only from there: somebody may have paused or stopped the map at this moment
            reason = "caught up"
            journal.maps.change_status(
                worker.name, MapStatus.RUNNING, among=[MapStatus.RESUMING], reason=reason
            )
        return result


def run_cycle(
    session: Session,
    names: Sequence[str] | None = None,
    *,
    progress: Progress = silent,
    allow_deletes: bool = False,
    gate: Gate = rules_only,
) -> list[MapResult]:
    """One cycle over the maps that run, or over those of them that are named.

    A map that another worker has, or whose app is away, has the reason in its result's `note`; the
    others go on.

    Raises:
        UnknownMapError: There is no such map.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
    """
    with cycle_runner(session, names, gate=gate, allow_deletes=allow_deletes) as (runner, others):
        results = [*runner.run_and_flush(progress), *others]
        runner.look_at_captures()
        return results


@contextmanager
def cycle_runner(
    session: Session,
    names: Sequence[str] | None = None,
    *,
    gate: Gate = rules_only,
    allow_deletes: bool = False,
) -> Iterator[tuple[CycleRunner, list[MapResult]]]:
    """Cycles over maps whose leases are held until the end; and the results of the others."""
    status = {each.name: each.status for each in session.journal.maps.all()}
    wanted = list(status) if names is None else list(dict.fromkeys(names))
    others: list[MapResult] = []
    plans: list[MapPlan] = []
    for name in wanted:
        if status.get(name, MapStatus.NOT_RUNNING) in CARRIED:
            continue
        if names is not None:
            session.map(name)
            present = status.get(name, MapStatus.NOT_RUNNING).value
            others.append(MapResult(name, note=f"{present}: nothing was synced"))
    running = [name for name in wanted if status.get(name) in CARRIED]
    holder = f"sync (process {os.getpid()})"
    with kept_leases(session, running, holder) as (leases, taken):
        others += [MapResult(name, note=str(error)) for name, error in taken.items()]
        maps = []
        for name in leases:
            try:
                maps.append(session.map(name))
            except PermanentError as error:
                set_waits(session, name, error)
                others.append(MapResult(name, note=str(error), stuck=True))
        plans = list(order_maps(session, maps).maps)
        epochs = {name: lease.epoch for name, lease in leases.items()}
        runner = CycleRunner(session, plans, epochs, gate=gate, allow_deletes=allow_deletes)
        yield runner, others
