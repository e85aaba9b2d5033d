"""One map in the hands of a worker: its directions, and what holds it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dualwrite.apps.transactions import Snapshot
from dualwrite.errors import DualWriteError
from dualwrite.journal.records import Mark
from dualwrite.link import Side
from dualwrite.sync.batch.batch import BatchContext
from dualwrite.sync.batch.gate import Gate
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.capture.departed import guard_departed
from dualwrite.sync.cycle.dated import DatedWorker
from dualwrite.sync.cycle.direction import DirectionWorker
from dualwrite.sync.cycle.replay import ReplayWorker
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import MASS_DELETE_ROWS, MapPlan, guard_deletes
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.session import Session


@dataclass
class MapWorker:
    """One map in a worker's hands."""

    plan: MapPlan
    directions: Mapping[Side, DirectionWorker]
    fault: DualWriteError | None = None
    reported: object = None
    """What was journalled last, where nothing was carried."""
    again_at: float = 0.0

    @classmethod
    def of(
        cls, session: Session, plan: MapPlan, finder: Finder, epoch: int, gate: Gate
    ) -> MapWorker:
        """With a direction for each side that has a capture.

        Raises:
            PermanentError: The map or the tables of an app are at fault.
        """
        table_map = plan.table_map
        captures = installed(session, table_map)
        context = BatchContext(session, finder, captures, epoch, gate)
        made: type[DirectionWorker] = DatedWorker if table_map.effective else DirectionWorker
        if table_map.replay == "every":
            made = ReplayWorker
        return cls(plan, {side: made(context, plan, side) for side in Side if side in captures})

    @property
    def name(self) -> str:
        """The map's name."""
        return self.plan.table_map.name

    def keep_departed(self, session: Session, marks: Mapping[Side, Mark]) -> None:
        """Let no company leave with changes pending; note those that are carried from now on.

        Raises:
            CompanyLeftError: One has left so.
            TransientError, PermanentError: From the apps.
        """
        table_map = self.plan.table_map
        guard_departed(session, table_map, marks)
        session.journal.maps.set_companies(self.name, session.companies(table_map) or ())

    def guard_deletes(self, session: Session, side: Side, snapshot: Snapshot) -> None:
        """Refuse to carry so many deletes of a side that the other is emptied.

        Raises:
            MassDeleteError: That is what is queued.
            TransientError, PermanentError: From the apps.
        """
        deletes = self.directions[side].count_deletes(snapshot)
        if deletes <= MASS_DELETE_ROWS:
            return
        query = reading(session, self.plan.table_map, side.other)
        guard_deletes(
            map_name=self.name,
            side=side.other,
            deletes=deletes,
            rows=session.apps[side.other].count(query),
            command=f"dualwrite sync {self.name} --allow-deletes",
        )
