"""Live sync: each change is carried as it commits, until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dualwrite.operations.counts import CountedMaps, MapCounts
from dualwrite.operations.results import CommandResult
from dualwrite.operations.session import Session
from dualwrite.sync.batch.results import MapResult
from dualwrite.sync.cycle.live import BACK_OFF, run_live

__all__ = ["BACK_OFF", "LiveReport", "LiveResult", "live"]

LiveReport = Callable[[Sequence[MapCounts]], None]
"""Called about once a second with what was done since the last call, by map."""


@dataclass(frozen=True, slots=True)
class LiveResult(CountedMaps, CommandResult):
    """All that was done from the start to the end, by map."""


def live(
    session: Session,
    names: Sequence[str] | None = None,
    *,
    seconds: float | None = None,
    stopped: threading.Event | None = None,
    started: Callable[[], None] = lambda: None,
    report: LiveReport = lambda _: None,
) -> LiveResult:
    """Stay, and carry each change as it commits.

    Args:
        session: The project.
        names: Maps that run; None for all.
        seconds: How long to stay once ready; None for ever.
        stopped: Set it to end at the border of the cycle under way.
        started: Called once, when the names are known to be maps.
        report: Called with what was done, about once a second.

    Raises:
        UnknownMapError, MapError: There is no such map, or it cannot be read.
        LeaseLostError, OvertakenError: Another worker took over; what is committed stays.
    """
    totals: dict[str, MapCounts] = {}

    def add(results: Mapping[str, MapResult]) -> None:
        done = [MapCounts.of(result) for result in results.values()]
        for each in done:
            totals[each.map] = totals.get(each.map, MapCounts(each.map)).then(each)
        report(done)

    for name in names or ():
        session.map(name)
    started()
    run_live(session, names, seconds=seconds, report=add, stopped=stopped)
    return LiveResult(tuple(totals.values()))
