"""How a run ends: the name and the message of its last state, which the UI shows in its list.

A map that waits, for an app that is away or for another worker, is no failure: the run is
completed, by the name `Waiting`, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from prefect.states import Completed

from dualwrite.operations.counts import MapCounts, total
from dualwrite.operations.wording import plural

R = TypeVar("R")

COLUMNS = ("read", "written", "deleted", "rejected", "parked", "conflicts")
"""What is printed of a run at a terminal."""


def in_short(results: Sequence[MapCounts]) -> str:
    """What was done, in a sentence or two."""
    sums = total(results)
    maps = sum(any(c.written or c.deleted for c in r.counts.values()) for r in results)
    parts = [plural(sums.written + sums.deleted, "row") + " carried"]
    parts += [
        f"{count:,} {what}"
        for count, what in (
            (sums.rejected + sums.parked, "held back"),
            (sums.conflicts, "in conflict"),
        )
        if count
    ]
    if maps:
        parts[0] += f" in {plural(maps, 'map')}"
    busy = any(result.counts for result in results)
    waits = _waits(results)
    nothing = "Nothing was carried" if waits else "Nothing was pending"
    return " ".join([f"{', '.join(parts) if busy else nothing}.", *waits])


def ended(value: R, message: str, *, waiting: bool = False) -> R:
    """End a flow with a message; whoever called it gets the value."""
    # Prefect unpacks a state that a flow returns, which its types do not express
    state: Any = Completed(message=message, data=value, name="Waiting" if waiting else None)
    return cast("R", state)


def _waits(results: Sequence[MapCounts]) -> list[str]:
    waiting = [result for result in results if result.note]
    if not waiting:
        return []
    reason = waiting[0].note.splitlines()[0]
    return [f"{plural(len(waiting), 'map waits', 'maps wait')}: {reason}"]
