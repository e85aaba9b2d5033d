"""Live: stay, and carry each change as it commits.

Each app has a watcher, a thread that wakes the loop when a queue may have grown; the loop
carries what is there, so that under load many changes travel together and at rest one
travels alone.  Once a second the journal is told, and asked whether a map was
paused, resumed or started meanwhile.  A worker that is killed loses nothing: the
queues are in the apps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from dualwrite.apps.transactions import Watch
from dualwrite.errors import TransientError
from dualwrite.link import Side
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.runner import CARRIED, CycleRunner, cycle_runner
from dualwrite.sync.session import Session

TELL_SECONDS = 1.0
"""How often the journal is told and asked."""
LOOK_SECONDS = 5.0
"""So often the queues are looked at even if nobody said a word."""
ASK_SECONDS = 10.0
"""How often a map is asked for again that another worker has, or that cannot be carried."""
BACK_OFF = (0.5, 30.0)
"""The shortest and the longest wait for an app that is away, in seconds; doubled each time."""

Report = Callable[[Mapping[str, MapResult]], None]
"""Told about once a second what was done, by map; maps that did nothing are left out."""


def run_live(
    session: Session,
    names: Sequence[str] | None = None,
    *,
    seconds: float | None = None,
    report: Report = lambda _: None,
    gate: Gate = rules_only,
    stopped: threading.Event | None = None,
) -> None:
    """Carry changes as they come, until it is stopped, or for so many seconds once it is ready.

    Raises:
        UnknownMapError: There is no such map.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
    """
    end: float | None = None
    stopped = stopped or threading.Event()

    def over() -> bool:
        return stopped.is_set() or (end is not None and time.monotonic() >= end)

    while not over():
        for app in session.apps.values():
            app.refresh()  # while its maps were not ours, a table may have been altered
        with cycle_runner(session, names, gate=gate) as (runner, others):
            if seconds is not None and end is None:
                end = time.monotonic() + seconds
            _Loop(session, runner, others, names, report).run(over)


class _Loop:
    """Runs until the set of maps changes, or it is over."""

    def __init__(
        self,
        session: Session,
        runner: CycleRunner,
        others: Sequence[MapResult],
        names: Sequence[str] | None,
        report: Report,
    ) -> None:
        self._session, self._runner, self._names, self._report = session, runner, names, report
        self._others, self._began = others, time.monotonic()
        self._left = self._wanted() & {each.map for each in others}
        self._wake = threading.Event()
        self._woken: set[Side] = set(Side)
        self._guard = threading.Lock()
        self._pause = BACK_OFF[0]

    def run(self, over: Callable[[], bool]) -> None:
        with self._watching():
            flush_results = looked = time.monotonic()
            while not over():
                now = time.monotonic()
                if now - looked >= LOOK_SECONDS:
                    self._say(*Side)
                    looked = now
                sides = self._take()
                if sides and self._runner.run_once(sides=sides):
                    # what came while we wrote, and what we left for lack of a lock
                    self._say(*sides)
                self._rest(self._faulty(), over)
                if time.monotonic() - flush_results >= TELL_SECONDS:
                    flush_results = time.monotonic()
                    self._tell(flush_results)
                    if self._changed():
                        return
            self._tell(time.monotonic())

    def _say(self, *sides: Side) -> None:
        with self._guard:
            self._woken.update(sides)
        self._wake.set()

    def _take(self) -> set[Side]:
        self._wake.wait(TELL_SECONDS / 2)
        with self._guard:
            woken, self._woken = self._woken, set()
            self._wake.clear()
        return woken

    def _faulty(self) -> bool:
        return any(isinstance(worker.fault, TransientError) for worker in self._runner.workers)

    def _rest(self, faulty: bool, over: Callable[[], bool]) -> None:
        """Wait longer each time for an app that is away."""
        if not faulty:
            self._pause = BACK_OFF[0]
            return
        until = time.monotonic() + self._pause
        while time.monotonic() < until and not over():
            time.sleep(0.1)
        self._pause = min(self._pause * 2, BACK_OFF[1])
        self._say(*Side)

    def _tell(self, started: float) -> None:
        results = {
            result.map: result for result in [*self._runner.flush_results(started), *self._others]
        }
        self._report({name: each for name, each in results.items() if each.counts or each.note})

    def _changed(self) -> bool:
        """Whether other maps are to be carried than those in our hands."""
        wanted, mine = self._wanted(), self._runner.names
        if mine and wanted - self._left == mine:
            # what we could not have is asked for again, but not at the cost of what we have
            return wanted != mine and time.monotonic() - self._began >= ASK_SECONDS
        return wanted != mine

    def _wanted(self) -> set[str]:
        records = self._session.journal.maps.all()
        wanted = {each.name for each in records if each.status in CARRIED}
        return wanted if self._names is None else wanted & set(self._names)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """A thread for each app that tells when its queues may have grown."""
        done = threading.Event()
        with ExitStack() as stack:
            for side in Side:
                watcher = threading.Thread(
                    target=self._watch, args=(side, done), name=f"watch {side.value}", daemon=True
                )
                watcher.start()
                stack.callback(watcher.join)
            stack.callback(done.set)
            yield

    def _watch(self, side: Side, done: threading.Event) -> None:
        queues = self._runner.queues[side]
        watch: Watch | None = None
        while not done.is_set():
            try:
                if watch is None:
                    watch = self._session.apps[side].watch(queues)
                    self._say(side)
                if watch.wait(0.5):
                    self._say(side)
            except TransientError:
                watch = None
                done.wait(1.0)
        if watch is not None:
            watch.close()
