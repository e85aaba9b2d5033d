"""One initial sync, many workers: the flow holds the lease, others carry partitions.

What a worker needs is in the journal and in the plan, which is plain data and travels.
A worker that only carries partitions neither begins nor ends a run.
"""

from __future__ import annotations

from dualwrite.errors import PermanentError
from dualwrite.sync.initial.partitions import KIND, InitialSync, Options
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.session import Session


class NoOpenRunError(PermanentError):
    """A partition of a run came to a worker after the run had ended."""

    def __init__(self, *, map_name: str) -> None:
        self.map_name = map_name
        super().__init__(
            f"{map_name}: there is no initial sync under way. Nothing was read or written.\n"
            "  It was finished or stopped meanwhile; see dualwrite activity."
        )


def take_up(session: Session, plan: MapPlan, options: Options) -> InitialSync:
    """The initial sync of a map that another worker has begun.

    Raises:
        NoOpenRunError: Nobody has, or it has ended.
    """
    run = session.journal.runs.unfinished(plan.table_map.name, KIND)
    if run is None:
        raise NoOpenRunError(map_name=plan.table_map.name)
    return InitialSync(session, plan, options, run=run)
