"""The step of a cycle: sync all queued changes once.

A cycle is one step and not one for each map, as all maps share a snapshot of each app and parents
are written before their children.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dualwrite.errors import PermanentError
from dualwrite.link import AppNames
from dualwrite.operations.commands.sync import sync
from dualwrite.operations.counts import MapCounts
from dualwrite.operations.steps.cycle import queued_changes
from dualwrite.operations.wording import plural
from tasks.sessions import session_of
from tasks.step import step

if TYPE_CHECKING:
    from expectations.report import QualityReport

BULK = 5_000
"""Number of queued changes from which Great Expectations checks a cycle.  It takes seconds to load
and 0.2 s a batch, too much for a few rows; for fewer the same rules run without it."""


class MapsStuckError(PermanentError):
    """Some maps need a person before they can sync again."""

    def __init__(self, stuck: Sequence[MapCounts], names: AppNames | None = None) -> None:
        self.maps = [result.map for result in stuck]
        count = plural(len(stuck), "map needs", "maps need")
        reasons = (names or AppNames()).in_text("\n".join(result.note for result in stuck))
        super().__init__(
            f"{count} a person; the others were synced, and changes stay queued.\n{reasons}"
        )


@dataclass(frozen=True)
class Cycle:
    """The result of a cycle for each map, and the report of the suites if they ran."""

    results: Sequence[MapCounts]
    report: QualityReport | None = None


@step(name="sync changes", task_run_name="sync changes of {what}", tags=["writes"])
def sync_changes(
    project: Path, maps: Sequence[str] | None, allow_deletes: bool, what: str
) -> Cycle:
    """Run one cycle over some maps, or all running ones; `what` names them in the Prefect UI.

    The `note` of a result says why a map waits: its app is unreachable, or another worker has it.
    """
    del what
    session = session_of(project)
    if queued_changes(session, maps) < BULK:
        return Cycle(sync(session, maps, allow_deletes=allow_deletes).maps)
    from expectations.gate import GreatExpectationsGate

    gate = GreatExpectationsGate()
    done = sync(session, maps, allow_deletes=allow_deletes, gate=gate)
    return Cycle(done.maps, gate.take())


def fail_if_stuck(results: Sequence[MapCounts], names: AppNames) -> None:
    """Fail a run if one of its maps needs a person.

    Raises:
        MapsStuckError: A map needs a person.
    """
    stuck = [result for result in results if result.stuck]
    if stuck:
        raise MapsStuckError(stuck, names)
