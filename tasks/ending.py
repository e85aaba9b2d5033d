"""The final state of a run: its name and message, which the UI shows in the list of runs.

A map that waits for an unreachable app or for another worker is not a failure: the run ends as
completed, in a state named `Waiting`, and the next run continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from prefect.states import Completed

from dualwrite.link import AppNames
from dualwrite.operations.counts import MapCounts, total
from dualwrite.operations.wording import plural

R = TypeVar("R")

COLUMNS = ("read", "written", "deleted", "rejected", "parked", "conflicts")
"""The counts of a run that are printed on a terminal."""


def summary_of(results: Sequence[MapCounts], names: AppNames) -> str:
    """The results in a sentence or two, with the titles of the apps."""
    sums = total(results)
    maps = sum(any(c.written or c.deleted for c in r.counts.values()) for r in results)
    parts = [plural(sums.written + sums.deleted, "row") + " synced"]
    parts += [
        f"{count:,} {what}"
        for count, what in (
            (sums.rejected + sums.parked, "held"),
            (sums.conflicts, "in conflict"),
        )
        if count
    ]
    if maps:
        parts[0] += f" in {plural(maps, 'map')}"
    busy = any(result.counts for result in results)
    waits = _waits(results)
    nothing = "Nothing was synced" if waits else "Nothing was pending"
    return names.in_text(" ".join([f"{', '.join(parts) if busy else nothing}.", *waits]))


def ended(value: R, message: str, *, waiting: bool = False) -> R:
    """End a flow with a message and a value for its caller."""
    # Prefect returns the data of this state to the caller, which its types do not express
    state: Any = Completed(message=message, data=value, name="Waiting" if waiting else None)
    return cast("R", state)


def _waits(results: Sequence[MapCounts]) -> list[str]:
    waiting = [result for result in results if result.note]
    if not waiting:
        return []
    reason = waiting[0].note.splitlines()[0]
    return [f"{plural(len(waiting), 'map waits', 'maps wait')}: {reason}"]
