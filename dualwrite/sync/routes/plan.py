"""Plans: what a run will do, as data.  A dry run prints what a real run carries out.

Nothing here touches a database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dualwrite.errors import PermanentError
from dualwrite.link import Side
from dualwrite.logs import GUARD_MASS_DELETE
from dualwrite.tablemap.model import Master, TableMap

MASS_DELETE_SHARE = 0.20
MASS_DELETE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Leg:
    """One pass over one side's table.

    `insert_only` brings across only what the other side does not have; the pass after it
    reconciles the rows that both sides hold, those just brought across among them, so that
    columns that flow one way are right on both.  `phase` 2 comes when every map of the
    run is through phase 1, and carries only the deferred lookups.
    """

    source: Side
    phase: int
    insert_only: bool = False

    @property
    def direction(self) -> str:
        """`finops->dataverse` or the other."""
        return self.source.direction


@dataclass(frozen=True, slots=True)
class MapPlan:
    """How one map is loaded; `deferred` are each side's lookup columns that wait for phase 2."""

    table_map: TableMap
    master: Master
    deferred: Mapping[Side, frozenset[str]] = field(default_factory=dict)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Every pass, in order."""
        sides = [side for side in Side if self.table_map.flows_from(side)]
        first = [Leg(side, 1, insert_only=True) for side in sides[1:]] + [Leg(sides[0], 1)]
        late = [Leg(side, 2) for side in sides if self.deferred.get(side.other)]
        return (*first, *late)

    @property
    def phases(self) -> tuple[int, ...]:
        """1, and 2 where something is deferred."""
        return tuple(sorted({leg.phase for leg in self.legs}))


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The maps of a run in the order in which they are loaded."""

    maps: tuple[MapPlan, ...]
    why: Sequence[str] = ()
    """One line for each cycle that was broken, for people."""


class MassDeleteError(PermanentError):
    """A run would delete a large part of one side."""

    def __init__(self, *, map_name: str, side: Side, deletes: int, rows: int, command: str) -> None:
        self.map_name, self.side, self.deletes, self.rows = map_name, side, deletes, rows
        super().__init__(
            f"{map_name}: this would delete {deletes:,} of {rows:,} rows in {side.value}. "
            "Nothing was written.\n"
            f"  If {side.other.value} is really right, run: {command}\n"
            f"  If not, check the credentials, the companies and the filter of {side.other.value}."
        )


def guard_deletes(*, map_name: str, side: Side, deletes: int, rows: int, command: str) -> None:
    """Refuse to empty a side.

    Raises:
        MassDeleteError: More than 50 rows, and more than a fifth of the map's `rows`.
    """
    if deletes > MASS_DELETE_ROWS and deletes > rows * MASS_DELETE_SHARE:
        GUARD_MASS_DELETE.log(map=map_name, side=side.value, deletes=deletes, rows=rows)
        raise MassDeleteError(
            map_name=map_name, side=side, deletes=deletes, rows=rows, command=command
        )
