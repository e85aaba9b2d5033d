"""What a run or a cycle did, map by map and way by way, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dualwrite.cli.output import say, wrapped
from dualwrite.journal.records import Counts
from dualwrite.link import Side

if TYPE_CHECKING:
    from dualwrite.sync.batch.results import MapResult

_FIRST = 20
_TOLD = {
    "read": "Read",
    "written": "Written",
    "deleted": "Deleted",
    "unchanged": "Equal",
    "rejected": "Rejected",
    "parked": "Parked",
    "conflicts": "Conflicts",
}


def print_counts(results: Sequence[MapResult], kinds: Sequence[str]) -> None:
    """Print results under heads; `kinds` are the counts to tell, as `Counts` names them."""
    width = (80 - _FIRST) // len(kinds)
    if any(result.counts for result in results):
        say(" " * _FIRST + "".join(f"{_TOLD[kind]:>{width}}" for kind in kinds))
    for result in results:
        say(result.map)
        for line in result.note.splitlines():
            say(wrapped(line.strip(), "  "))
        for side in Side:
            counts = result.counts.get(side.direction, Counts()).as_dict()
            told = [counts[kind] for kind in kinds]
            if any(told):
                where = f"  to {side.other.value}"
                say(f"{where:<{_FIRST}}" + "".join(f"{each:>{width},}" for each in told))


def total(results: Iterable[MapResult]) -> Counts:
    """All counts of all results together."""
    return sum((each for result in results for each in result.counts.values()), Counts())
