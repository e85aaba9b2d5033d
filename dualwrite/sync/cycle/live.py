"""Live: stay, and carry each change as it commits.

Each app has a watcher, a thread that wakes the loop when a queue may have grown; the loop
carries what is there, so that under load many changes travel together and at rest one
travels alone.  Once a second results go to the journal, and the loop looks whether a map was
paused, resumed or started meanwhile.  A worker that is killed loses nothing: the
queues are in the apps.

An app or a journal that does not answer is waited for, at the start and at any time after it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from dualwrite.apps.transactions import Watch
from dualwrite.errors import PermanentError, TransientError
from dualwrite.link import Side
from dualwrite.logs import APP_RECONNECTED, APP_TRIED, LIVE_STARTED, LIVE_STOPPED
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.outages import (
    CARRIED,
    BackOff,
    Notify,
    Outage,
    Outages,
    outages_of,
    waiting_maps,
)
from dualwrite.sync.cycle.runner import CycleRunner, cycle_runner
from dualwrite.sync.session import Session

FLUSH_SECONDS = 1.0
"""How often results go to the journal and to the report."""
LOOK_SECONDS = 5.0
"""How often the queues are looked at where no watcher has woken the loop."""
ASK_SECONDS = 10.0
"""How often a map is asked for again that another worker has, or that cannot be carried."""

JOIN_SECONDS = 2.0
"""How long a watcher is waited for at the end; one whose app is silent is left behind."""

OpenSession = Callable[[], Session]
"""Opens the project; it is called again where the journal does not answer."""
Report = Callable[[Mapping[str, MapResult]], None]
"""Called about once a second with what was done, by map; maps that did nothing are left out."""


def run_live(
    open_session: OpenSession,
    names: Sequence[str] | None = None,
    *,
    seconds: float | None = None,
    report: Report = lambda _: None,
    notify: Notify = lambda _: None,
    gate: Gate = rules_only,
    stopped: threading.Event | None = None,
) -> None:
    """Carry changes as they come, until it is stopped, or for so many seconds once it is ready.

    An app or a journal that is away is waited for, longer and longer each time; where that is so
    at the start, the time of waiting counts.

    Raises:
        UnknownMapError: There is no such map.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
    """
    _Live(
        open_session, names, seconds, report, Outages(notify), gate, stopped or threading.Event()
    ).run()


@dataclass
class _Live:
    """One live sync: it begins anew when its maps change, and when an app was away."""

    open_session: OpenSession
    names: Sequence[str] | None
    seconds: float | None
    report: Report
    outages: Outages
    gate: Gate
    stopped: threading.Event
    back_off: BackOff = field(default_factory=BackOff)
    session: Session | None = None
    end: float | None = None
    began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Until it is over."""
        try:
            while not self.over():
                try:
                    self._run_maps()
                except TransientError as error:
                    self._wait(error)
        finally:
            LIVE_STOPPED.log(seconds=round(time.monotonic() - self.began, 3))

    def over(self) -> bool:
        """Whether somebody has stopped it, or its time is up."""
        return self.stopped.is_set() or (self.end is not None and time.monotonic() >= self.end)

    def _run_maps(self) -> None:
        """Carry changes until other maps are to be carried, or it is over."""
        if self.session is None:
            self.session = self.open_session()
        session = self.session
        for app in session.apps.values():
            app.refresh()  # while its maps were not ours, a table may have been altered
        with cycle_runner(session, self.names, gate=self.gate) as (runner, others):
            if self.seconds is not None and self.end is None:
                self.end = time.monotonic() + self.seconds
            LIVE_STARTED.log(maps=sorted(runner.names), count=len(runner.names))
            _Loop(self, session, runner, others).run()

    def _wait(self, error: TransientError) -> None:
        """Report who is away, and wait before the next attempt."""
        if self.seconds is not None and self.end is None:
            self.end = self.began + self.seconds
        results = [] if self.session is None else waiting_maps(self.session, self.names, error)
        outage = Outage.of(error, [each.map for each in results])
        self.outages.begin(outage)
        self.report({each.map: each for each in results})
        pause = self.back_off.take()
        if self.end is not None:
            pause = max(0.0, min(pause, self.end - time.monotonic()))
        APP_TRIED.log(app=outage.app, seconds=pause)
        self.stopped.wait(pause)


class _Loop:
    """Runs until the set of maps changes, or it is over."""

    def __init__(
        self, live: _Live, session: Session, runner: CycleRunner, others: Sequence[MapResult]
    ) -> None:
        self._live, self._session, self._runner = live, session, runner
        self._others, self._began = others, time.monotonic()
        self._left = self._wanted() & {each.map for each in others}
        self._wake = threading.Event()
        self._woken: set[Side] = set(Side)
        self._guard = threading.Lock()

    def run(self) -> None:
        with self._watching():
            flushed = looked = time.monotonic()
            while not self._live.over():
                now = time.monotonic()
                if now - looked >= LOOK_SECONDS:
                    self._wake_for(*Side)
                    looked = now
                sides = self._take()
                if sides and self._runner.run_once(sides=sides):
                    # what came while we wrote, and what we left for lack of a lock
                    self._wake_for(*sides)
                faulty = self._faulty()
                if faulty or time.monotonic() - flushed >= FLUSH_SECONDS:
                    flushed = time.monotonic()
                    self._flush(flushed)
                    if self._changed():
                        return
                if faulty:
                    self._rest()
                else:
                    self._live.back_off.reset()
            self._flush(time.monotonic())

    def _wake_for(self, *sides: Side) -> None:
        with self._guard:
            self._woken.update(sides)
        self._wake.set()

    def _take(self) -> set[Side]:
        self._wake.wait(FLUSH_SECONDS / 2)
        with self._guard:
            woken, self._woken = self._woken, set()
            self._wake.clear()
        return woken

    def _faulty(self) -> bool:
        return any(isinstance(worker.fault, TransientError) for worker in self._runner.workers)

    def _rest(self) -> None:
        """Wait longer each time for an app that is away, or busy."""
        pause = self._live.back_off.take()
        if self._live.end is not None:
            pause = max(0.0, min(pause, self._live.end - time.monotonic()))
        self._live.stopped.wait(pause)
        self._wake_for(*Side)

    def _flush(self, started: float) -> None:
        results = {
            result.map: result for result in [*self._runner.flush_results(started), *self._others]
        }
        self._runner.look_at_captures(every=FLUSH_SECONDS)
        self._live.outages.update(outages_of(results.values()), self._answers)
        self._live.report(
            {name: each for name, each in results.items() if each.counts or each.note}
        )

    def _answers(self, app: str) -> bool:
        """Whether an app that was away is back; asked of it only while some map waits."""
        side = next((side for side in Side if side.value == app), None)
        if side is None or not self._faulty():
            return True
        try:
            self._session.apps[side].pending(self._runner.queues[side])
        except TransientError:
            return False
        except PermanentError:
            pass  # an answer, if not the one that was hoped for
        return True

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
        names = self._live.names
        return wanted if names is None else wanted & set(names)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """A thread for each app that wakes the loop when its queues may have grown."""
        done = threading.Event()
        with ExitStack() as stack:
            for side in Side:
                watcher = threading.Thread(
                    target=self._watch, args=(side, done), name=f"watch {side.value}", daemon=True
                )
                watcher.start()
                stack.callback(watcher.join, JOIN_SECONDS)
            stack.callback(done.set)
            yield

    def _watch(self, side: Side, done: threading.Event) -> None:
        queues = self._runner.queues[side]
        watch: Watch | None = None
        lost = False
        while not done.is_set():
            try:
                if watch is None:
                    watch = self._session.apps[side].watch(queues)
                    if lost:
                        APP_RECONNECTED.log(app=side.value)
                    self._wake_for(side)
                if watch.wait(0.5):
                    self._wake_for(side)
            except (TransientError, PermanentError):  # such as a file that is not there
                watch, lost = None, True
                done.wait(1.0)
        if watch is not None:
            watch.close()
