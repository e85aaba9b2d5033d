"""Live sync: each change is carried as it commits, until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dualwrite.operations.counts import CountedMaps, MapCounts
from dualwrite.operations.results import CommandResult
from dualwrite.operations.session import Session
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.live import run_live
from dualwrite.sync.cycle.outages import JOURNAL, Notify, Outage

__all__ = ["JOURNAL", "LiveReport", "LiveResult", "Notify", "Outage", "live"]

LiveReport = Callable[[Sequence[MapCounts]], None]
"""Called about once a second with what was done since the last call, by map."""


@dataclass(frozen=True, slots=True)
class LiveResult(CountedMaps, CommandResult):
    """All that was done from the start to the end, by map."""


def live(
    open_project: Callable[[], Session],
    names: Sequence[str] | None = None,
    *,
    seconds: float | None = None,
    stopped: threading.Event | None = None,
    started: Callable[[Session], None] = lambda _: None,
    report: LiveReport = lambda _: None,
    notify: Notify = lambda _: None,
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

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
    """
    totals: dict[str, MapCounts] = {}

    def opened() -> Session:
        session = open_project()
        for name in names or ():
            session.catalogue.get(name)
        started(session)
        return session

    def add(results: Mapping[str, MapResult]) -> None:
        done = [MapCounts.of(result) for result in results.values()]
        for each in done:
            totals[each.map] = totals.get(each.map, MapCounts(each.map)).then(each)
        for name in totals.keys() - results.keys():
            # what a map has waited for is over
            totals[name] = totals[name].then(MapCounts(name))
        report(done)

    run_live(opened, names, seconds=seconds, report=add, notify=notify, stopped=stopped)
    return LiveResult(tuple(each for each in totals.values() if each.counts or each.note))
