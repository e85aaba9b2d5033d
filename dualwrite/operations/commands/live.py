"""Live sync: each change is carried as it commits, until it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dualwrite.operations.counts import CountedMaps, MapCounts
from dualwrite.operations.queries.health import unseen
from dualwrite.operations.results import CommandResult
from dualwrite.operations.session import Session
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.live import run_live
from dualwrite.sync.cycle.outages import JOURNAL, Notify, Outage

__all__ = ["JOURNAL", "LiveReport", "LiveResult", "Notify", "Outage", "live"]

LiveReport = Callable[[Sequence[MapCounts]], None]
"""Called about once a second with what was done since the last call, by map."""


Caution = Callable[[Sequence[str]], None]
"""Called with lines for a person, one for each way in which a change is not seen."""
LOOK_SECONDS = 10.0
"""How often the journal is asked which changes are not seen."""
REPEAT_SECONDS = 3600.0
"""How often what is still so is told again."""


@dataclass(frozen=True, slots=True)
class LiveResult(CountedMaps, CommandResult):
    """All that was done from the start to the end, by map."""


def live(  # noqa: PLR0913 - all that a face may want to hear
    open_project: Callable[[], Session],
    names: Sequence[str] | None = None,
    *,
    seconds: float | None = None,
    stopped: threading.Event | None = None,
    started: Callable[[Session], None] = lambda _: None,
    report: LiveReport = lambda _: None,
    notify: Notify = lambda _: None,
    caution: Caution = lambda _: None,
) -> LiveResult:
    """Stay, and carry each change as it commits.

    An app that is away, or the journal, is waited for: at the start and whenever it happens.

    Args:
        open_project: Opens the project; called again after a pause where the journal is away.
        names: Maps that run; None for all.
        seconds: How long to stay once ready; None for ever.  Where an app is away at the start,
            the time of waiting counts.
        stopped: Set it to end at the border of the cycle under way.
        started: Called once, when the project is open and the names are known to be maps.
        report: Called with what was done, about once a second.
        notify: Called once when an app or the journal goes away, and once when it is back.
        caution: Called with how rows can change so that no change crosses: what is new, and
            once an hour again what is still so.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
    """
    totals: dict[str, MapCounts] = {}
    cautions = _Cautions(names, caution)

    def opened() -> Session:
        session = open_project()
        for name in names or ():
            session.catalogue.get(name)
        started(session)
        cautions.session = session
        return session

    def add(results: Mapping[str, MapResult]) -> None:
        done = [MapCounts.of(result) for result in results.values()]
        for each in done:
            totals[each.map] = totals.get(each.map, MapCounts(each.map)).then(each)
        for name in totals.keys() - results.keys():
            # what a map has waited for is over
            totals[name] = totals[name].then(MapCounts(name))
        report(done)
        cautions.look()

    run_live(opened, names, seconds=seconds, report=add, notify=notify, stopped=stopped)
    return LiveResult(tuple(each for each in totals.values() if each.counts or each.note))


@dataclass
class _Cautions:
    """Tells which changes are not seen, when it is first known and once an hour."""

    names: Sequence[str] | None
    tell: Caution
    session: Session | None = None
    looked: float = float("-inf")
    said_at: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """Ask the journal, where that was a while ago, and tell what is due.

        Raises:
            TransientError, PermanentError: From the journal.
        """
        now = time.monotonic()
        if self.session is None or now - self.looked < LOOK_SECONDS:
            return
        self.looked = now
        lines = unseen(self.session, self.names)
        self.said_at = {line: at for line, at in self.said_at.items() if line in lines}
        due = [
            line for line in lines if now - self.said_at.get(line, float("-inf")) >= REPEAT_SECONDS
        ]
        self.said_at |= dict.fromkeys(due, now)
        if due:
            self.tell(due)
