"""The step of a cycle: everything that is queued goes across, once.

A cycle is one step and not one for each map: all maps share a snapshot of each app, and
parents go before children in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualwrite.errors import PermanentError
from dualwrite.operations.commands.sync import sync
from dualwrite.operations.counts import MapCounts
from dualwrite.operations.steps.cycle import queued_changes
from dualwrite.operations.wording import plural
from tasks.sessions import session_of
from tasks.step import step

if TYPE_CHECKING:
    from expectations.report import QualityReport

BULK = 5_000
"""Queued changes from which on Great Expectations judges a cycle: it takes seconds to
load and 0.2 s a batch, too much for a few rows.  Below, the same rules judge by themselves."""


class MapsStuckError(PermanentError):
    """Some maps carry nothing before a person acts."""

    def __init__(self, stuck: Sequence[MapCounts]) -> None:
        self.maps = [result.map for result in stuck]
        count = plural(len(stuck), "map waits", "maps wait")
        reasons = "\n".join(result.note for result in stuck)
        super().__init__(
            f"{count} for a person; the others were carried, and changes go on to queue.\n{reasons}"
        )


@dataclass(frozen=True)
class Cycle:
    """What a cycle did with each map; `report` has the answers of the suites, where they ran."""

    results: Sequence[MapCounts]
    report: QualityReport | None = None


@step(name="carry changes", task_run_name="carry changes of {what}", tags=["writes"])
def carry_changes(
    project: Path, maps: Sequence[str] | None, allow_deletes: bool, what: str
) -> Cycle:
    """Run one cycle over some maps, or all that run; `what` says which, for people.

    A map whose app is away, or that another worker has, has the reason in its result's `note`.
    """
    del what
    session = session_of(project)
    if queued_changes(session, maps) < BULK:
        return Cycle(sync(session, maps, allow_deletes=allow_deletes).maps)
    from expectations.gate import GreatExpectationsGate

    gate = GreatExpectationsGate()
    done = sync(session, maps, allow_deletes=allow_deletes, gate=gate)
    return Cycle(done.maps, gate.take())


def refuse_if_stuck(results: Sequence[MapCounts]) -> None:
    """Fail a run that has done what it could.

    Raises:
        MapsStuckError: A map waits for a person.
    """
    stuck = [result for result in results if result.stuck]
    if stuck:
        raise MapsStuckError(stuck)
