"""Live sync in a thread of its own, so that the flow can report progress meanwhile.

The engine syncs changes by itself, in batches when there are many; the flow regularly takes the
results since its last call.  A change never costs a task run or a flow run.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from dualwrite.operations.commands.live import JOURNAL, Outage, live
from dualwrite.operations.counts import MapCounts
from tasks.sessions import session_of

log = logging.getLogger("dualwrite.flows")

_running: set[Live] = set()


class Live:
    """Live sync of some maps, or of all running ones, for a limited time."""

    def __init__(self, project: Path, maps: Sequence[str] | None, seconds: float) -> None:
        self._project, self._maps = project, maps
        self._end = time.monotonic() + seconds
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._done: dict[str, MapCounts] = {}
        self._waits: dict[str, MapCounts] = {}
        self._journal_away: dict[str, MapCounts] = {}
        self._work: asyncio.Future[None] | None = None

    @property
    def waits(self) -> list[MapCounts]:
        """The maps that wait now, each with its reason."""
        with self._lock:
            return list({**self._waits, **self._journal_away}.values())

    def take(self) -> list[MapCounts]:
        """Return the results since the last call, by map, and reset them."""
        with self._lock:
            done, self._done = self._done, {}
        return list(done.values())

    async def wait(self, seconds: float) -> bool:
        """Wait for some seconds, or until live sync ends; return whether it is still running.

        Raises:
            LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
            PermanentError: There is no such map, or the project cannot be opened.
        """
        assert self._work is not None
        await asyncio.wait({self._work}, timeout=seconds)
        if self._work.done():
            self._work.result()
        return not self._work.done()

    def start(self) -> None:
        """Start in a thread, whose log records belong to the flow run."""
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        self._work = loop.run_in_executor(None, context.run, self._run)

    async def end(self) -> None:
        """Stop, and wait until the leases are released."""
        self.stop()
        assert self._work is not None
        await asyncio.wait({self._work})

    def stop(self) -> None:
        """Stop after the present cycle."""
        self._stopped.set()

    # In the thread

    def _run(self) -> None:
        live(
            lambda: session_of(self._project),
            self._maps,
            seconds=max(0.0, self._end - time.monotonic()),
            report=self._report,
            notify=self._notify,
            stopped=self._stopped,
        )

    def _notify(self, outage: Outage) -> None:
        """The journal is away, or back: no map's status is known.  The engine logs it."""
        if outage.app == JOURNAL and outage.ended is None:
            what = ", ".join(self._maps or ["every running map"])
            with self._lock:
                self._journal_away = {what: MapCounts(what, note=str(outage))}
        elif outage.app == JOURNAL:
            with self._lock:
                self._journal_away = {}

    def _report(self, results: Sequence[MapCounts]) -> None:
        waits = {
            result.map: replace(result, counts={}, seconds=0.0) for result in results if result.note
        }
        with self._lock:
            for name, each in waits.items():
                if each.away:
                    continue  # one line for all of them, in `_notify`
                if name not in self._waits or self._waits[name].note != each.note:
                    log.warning("%s waits: %s", name, each.note)
            self._waits = waits
            add_up(self._done, (result for result in results if result.counts))


@asynccontextmanager
async def live_sync_of(
    project: Path, maps: Sequence[str] | None, seconds: float
) -> AsyncIterator[Live]:
    """Live sync during this block; afterwards its leases are released in any case."""
    under_way = Live(project, maps, seconds)
    under_way.start()
    _running.add(under_way)
    try:
        yield under_way
    finally:
        await under_way.end()
        _running.discard(under_way)


def stop_all() -> None:
    """Stop every live sync of this process (Ctrl-C)."""
    for each in tuple(_running):
        each.stop()


def add_up(total: dict[str, MapCounts], results: Iterable[MapCounts]) -> None:
    """Add results to earlier ones, by map; the newest note counts."""
    for result in results:
        total[result.map] = total.get(result.map, MapCounts(result.map)).then(result)
