"""What a job did with one map, and how it reports on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dualwrite.journal.records import Counts
from dualwrite.link import Side
from dualwrite.sync.batch.carry import Outcome

Progress = Callable[[str, int, int], None]
"""Told after each partition: the map, partitions done, partitions in all."""


def silent(name: str, done: int, total: int) -> None:
    """Tell nobody."""
    del name, done, total


@dataclass
class MapResult:
    """What a run did with one map."""

    map: str
    seconds: float = 0.0
    counts: dict[str, Counts] = field(default_factory=dict)
    note: str = ""
    """Why nothing was carried."""
    stuck: bool = False
    """Whether a person must act first; else it goes on by itself."""
    held: list[tuple[str, object]] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome in."""
        for direction, counts in outcome.counts.items():
            self.counts[direction] = self.counts.get(direction, Counts()) + counts

    def as_dict(self) -> dict[str, object]:
        """The JSON of `run` and `sync` (design section 10)."""
        ways = {side.direction: self.counts.get(side.direction, Counts()) for side in Side}
        shown = ("read", "written", "unchanged", "deleted", "rejected", "parked")
        return {
            "map": self.map,
            "seconds": round(self.seconds, 3),
            **{d: {k: v for k, v in c.as_dict().items() if k in shown} for d, c in ways.items()},
            "conflicts": sum(counts.conflicts for counts in ways.values()),
            **({"note": self.note} if self.note else {}),
        }
