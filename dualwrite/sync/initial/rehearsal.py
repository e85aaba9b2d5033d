"""The rehearsal of an initial sync: all of it but the writing, to count what would fail."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from dualwrite.sync.initial.partitions import InitialSync, Options
from dualwrite.sync.routes.limits import Limit, TooManyRejectedError, causes_of
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.session import Session


def rehearse(session: Session, plan: MapPlan, options: Options) -> None:
    """Do all of a map's initial sync but the writing, if the map has a `max_rejected`.

    Memory depends on the partition size and on how many rows of one are rejected.

    Raises:
        TooManyRejectedError: More rows would be rejected; the journal records it too.
    """
    limit = Limit.of(plan.table_map)
    if limit is None:
        return
    # only this rehearsal may find the rows that it pretends to have written
    finder = Finder(session.apps)
    sync = InitialSync(session, plan, replace(options, dry_run=True), finder=finder)
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
    limit.log_refusal(causes.total(), rows)
    error = TooManyRejectedError(limit, causes, rows, what="rows", safe="Nothing was written.")
    journal.maps.set_waits(limit.map_name, str(error))
    raise error
