"""The rehearsal of an initial sync: all of it but the writing, to see how much would fail."""

from __future__ import annotations

from collections import Counter

from dualwrite.sync.batch.gate import Gate
from dualwrite.sync.initial.partitions import InitialSync, Options
from dualwrite.sync.routes.limits import Limit, TooManyRejectedError, causes_of
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.session import Session


def rehearse(session: Session, plan: MapPlan, *, partition_rows: int, gate: Gate) -> None:
    """Do all of a map's initial sync but the writing, where it says how much may be rejected.

    Memory depends on the partition size and on how many rows of one are rejected.

    Raises:
        TooManyRejectedError: More than that would be; it stands in the journal too.
        TransientError, PermanentError: From the apps.
    """
    limit = Limit.of(plan.table_map)
    if limit is None:
        return
    # what a rehearsal pretends to have written is nobody else's to find
    options = Options(partition_rows, dry_run=True, gate=gate)
    sync = InitialSync(session, plan, options, finder=Finder(session.apps))
    causes: Counter[str] = Counter()
    rows = 0
    for partition in sync.partitions(1):
        each = sync.carry(partition.plan)
        rows += sum(counts.read for counts in each.counts.values())
        for held in each.held.values():
            causes += causes_of(held.rejected)
    journal = session.journal
    if limit.allows(causes.total(), rows):
        journal.maps.set_waits(limit.map_name, None)
        return
    error = TooManyRejectedError(
        limit=limit,
        rejected=causes.total(),
        rows=rows,
        causes=causes,
        what="rows",
        safe="Nothing was written.",
    )
    journal.maps.set_waits(limit.map_name, str(error))
    raise error
