"""What a job did with one map, by direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dualwrite.errors import AppUnreachableError
from dualwrite.journal.records import Counts
from dualwrite.link import Side

if TYPE_CHECKING:
    from dualwrite.sync.batch.results import MapResult

__all__ = ["CountedMaps", "Counts", "MapCounts", "total"]

_IN_JSON = ("read", "written", "unchanged", "deleted", "rejected", "parked")


@dataclass(frozen=True, slots=True)
class MapCounts:
    """What was done with one map; `note` says why nothing was."""

    map: str
    seconds: float = 0.0
    counts: Mapping[str, Counts] = field(default_factory=dict)
    """By direction, `finops->dataverse`; a direction in which nothing was read is left out."""
    note: str = ""
    stuck: bool = False
    """Whether a person must act first; otherwise it goes on by itself."""
    away: str = ""
    """The app that does not answer, where that is why: `finops` or `dataverse`."""

    @classmethod
    def of(cls, result: MapResult) -> MapCounts:
        """The counts of what a job of the engine returns."""
        counts = dict(result.counts)
        away = result.fault.app if isinstance(result.fault, AppUnreachableError) else ""
        return cls(result.map, result.seconds, counts, result.note, result.stuck, away)

    def toward(self, side: Side) -> Counts:
        """The rows on their way to `side`."""
        return self.counts.get(side.other.direction, Counts())

    def then(self, later: MapCounts) -> MapCounts:
        """This and what was done afterwards; the later note counts."""
        counts = dict(self.counts)
        for direction, more in later.counts.items():
            counts[direction] = counts.get(direction, Counts()) + more
        seconds = self.seconds + later.seconds
        return MapCounts(self.map, seconds, counts, later.note, later.stuck, later.away)

    def as_dict(self) -> dict[str, Any]:
        """`map`, `seconds`, both directions, `conflicts`, and `note` where there is one."""
        ways = {side.direction: self.counts.get(side.direction, Counts()) for side in Side}
        return {
            "map": self.map,
            "seconds": round(self.seconds, 3),
            **{d: {k: v for k, v in c.as_dict().items() if k in _IN_JSON} for d, c in ways.items()},
            "conflicts": sum(counts.conflicts for counts in ways.values()),
            **({"note": self.note} if self.note else {}),
        }


def total(maps: Iterable[MapCounts]) -> Counts:
    """All counts of all maps and directions together."""
    return sum((each for one in maps for each in one.counts.values()), Counts())


@dataclass(frozen=True, slots=True)
class CountedMaps:
    """What a job did with each of its maps; the results of jobs share it."""

    maps: tuple[MapCounts, ...]

    @property
    def stuck(self) -> bool:
        """Whether a person must act before at least one map goes on."""
        return any(each.stuck for each in self.maps)

    @property
    def waiting(self) -> int:
        """How many maps carried nothing; their `note` says why."""
        return sum(bool(each.note) for each in self.maps)

    def as_dict(self) -> dict[str, Any]:
        """`maps`: the counts of each (design section 10)."""
        return {"maps": [each.as_dict() for each in self.maps]}
