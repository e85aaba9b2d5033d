"""Trying held rows again, through the pipeline that all rows take.

A row is read anew by its key; what it was when it was refused does not matter, only which of its
columns wait.  A row that is gone, or has left the filter, is no longer held, and the next cycle
deletes it across if that was refused; one that the other side has changed meanwhile is left to a
cycle, which knows of conflicts, also where that change is held itself.  Held rows may wait for
each other, so they are tried until a pass frees none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pyarrow as pa

from dualwrite.apps.entries import Op
from dualwrite.journal.records import BatchRecord, Counts, HeldRow, key_text
from dualwrite.link import Side
from dualwrite.logs import RETRY_HELD, Counted
from dualwrite.sync.batch.batch import Batch, BatchContext, Carrying, RowsFrom, Takes
from dualwrite.sync.batch.decide import master_policy
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.held import REFUSED
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.batch.keys import keys_of, typed_keys
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.record import queue_at_source
from dualwrite.sync.batch.results import Totals
from dualwrite.sync.batch.way_back import carry_both_ways
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.capture.changes import none_of
from dualwrite.sync.capture.fencing import fence_one
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.routes.route import compile_route
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import lent_lease
from dualwrite.tablemap.model import Master, TableMap
from dualwrite.translate.keys import key_text as key_texts
from dualwrite.translate.keys import row_of

BATCH_ROWS = 10_000
"""Held rows tried in one batch."""


@dataclass(frozen=True)
class Retried:
    """What became of the rows that were tried."""

    map: str
    direction: str
    counts: Counts
    gone: int

    def then(self, later: Retried) -> Retried:
        """This pass and one more, in which the rows that were parked were tried again."""
        both = self.counts + later.counts
        counts = replace(both, read=self.counts.read, parked=later.counts.parked)
        return replace(self, counts=counts, gone=self.gone + later.gone)


def retry(
    session: Session, rows: Sequence[HeldRow], *, epoch: int | None = None, gate: Gate = rules_only
) -> list[Retried]:
    """Try held rows again, all of a map and direction together, until a pass frees none.

    A worker that holds the lease of their map gives its `epoch`; else the lease is taken here.

    Raises:
        LeaseHeldError: Another worker has the map.
        TransientError, PermanentError: From the apps; the rows stay held.
    """
    results: dict[tuple[str, str], Retried] = {}
    waiting = list(rows)
    while waiting:
        # made anew for each pass, as it remembers what was not there before
        finder = Finder(session.apps, keys_only=True)
        freed = 0
        for route in dict.fromkeys((row.map, row.direction) for row in waiting):
            mine = [row for row in waiting if (row.map, row.direction) == route]
            with ExitStack() as stack:
                current = epoch
                if current is None:
                    lease = lent_lease(session, route[0], "errors retry")
                    current = stack.enter_context(lease).epoch
                tried = _try_direction(session, route, mine, finder, gate, current)
            results[route] = results[route].then(tried) if route in results else tried
            freed += tried.counts.written
        waiting = session.journal.held.parked(ids={row.id for row in waiting}) if freed else []
    return list(results.values())


def release_parked(session: Session, map_name: str) -> None:
    """At the end of a run: what was parked may have found its parent meanwhile."""
    retry(session, session.journal.held.parked(map_name))


def _try_direction(
    session: Session,
    route: tuple[str, str],
    held: Sequence[HeldRow],
    finder: Finder,
    gate: Gate,
    epoch: int,
) -> Retried:
    name, direction = route
    source = next(side for side in Side if side.direction == direction)
    table_map = session.map(name)
    flows_back = table_map.flows_from(source.other)
    fence_one(session, name, epoch)
    held_there = HeldChanges(session.journal, name, source.other.direction)
    context = BatchContext(
        session,
        finder,
        installed(session, table_map),
        epoch,
        gate,
        held={source.other: held_there},
    )
    policy = master_policy(table_map, _winner(session, table_map, source))
    pipeline = Pipeline(
        context,
        compile_route(session, table_map, source),
        compile_route(session, table_map, source.other) if flows_back else None,
        Carrying(policy, Takes.UNMOVED),
    )
    total, gone = Counts(), 0
    for start in range(0, len(held), BATCH_ROWS):
        batch = held[start : start + BATCH_ROWS]
        totals, lost = _try_batch(session, pipeline, batch)
        total += totals.counts.get(direction, Counts())
        gone += lost
    RETRY_HELD.log(map=name, direction=direction, rows=len(held), counts=Counted(total.as_dict()))
    return Retried(name, direction, total, gone)


def _try_batch(session: Session, pipeline: Pipeline, held: Sequence[HeldRow]) -> tuple[Totals, int]:
    table_map, source = pipeline.route.table_map, pipeline.route.source
    name, direction = table_map.name, source.direction
    query = reading(session, table_map, source)
    keys = typed_keys(session, table_map, source, [row.key for row in held])
    rows = session.apps[source].fetch(query, keys)
    there = key_texts(rows, [str(path) for path in query.key])
    asked = key_texts(keys, keys.column_names)
    missing = row_of(asked, there).is_null().to_pylist()
    lost = [h for h, gone in zip(held, missing, strict=True) if gone and None not in h.key.values()]
    changed = {key_text(row.key): row.changed for row in held}
    found = rows.select(keys.column_names)
    waited = none_of(found, [changed[key_text(key)] for key in keys_of(found)])
    # it may be the delete that was refused, and a cycle knows how to delete
    deletes = [gone and h.cause == REFUSED for h, gone in zip(held, missing, strict=True)]
    refused_deletes = keys.filter(pa.array(deletes, pa.bool_())).drop_null()
    if refused_deletes.num_rows and source in pipeline.context.captures:
        queue_at_source(pipeline.context, pipeline.route, refused_deletes, op=Op.DELETE)
    batch = Batch(pipeline.route, rows, RowsFrom.HELD, waited)
    totals = carry_both_ways(pipeline, batch)
    if asked.null_count:
        # a row without its whole key cannot be read: it stays held as it is
        total = totals.counts.get(direction, Counts())
        totals.counts[direction] = total + Counts(rejected=asked.null_count)
    shares = totals.records(session.journal, name)
    mine = shares.get(direction, BatchRecord())
    cleared = {*mine.cleared, *(key_text(row.key) for row in lost)}
    shares[direction] = BatchRecord(mine.counts, mine.rejected, mine.parked, cleared)
    session.journal.held.record(name, shares)
    return totals, len(lost)


def _winner(session: Session, table_map: TableMap, source: Side) -> Master:
    """The held side, whose values are newer: they were to be written when they were refused.

    But where only blanks were to be filled, neither side's values win.
    """
    runs = session.journal.runs.newest(table_map.name)
    masters = [run.options["master"] for run in runs if "master" in run.options]
    if Master(masters[0] if masters else table_map.master.value) is Master.FILL_BLANKS:
        return Master.FILL_BLANKS
    return Master.FINOPS if source is Side.FINOPS else Master.DATAVERSE
