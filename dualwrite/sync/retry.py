"""Trying held rows again: just them, along the one path all rows take.

A row is read anew by its key; what it was when it was refused does not matter.  A
row that is gone, or has left the filter, is let go.  Held rows may wait for each
other, so they are tried until a pass frees none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from dualwrite.journal.records import Counts, HeldRow, Share, key_text
from dualwrite.link import Side
from dualwrite.sync.carry import Carrier, Gate, Manner, Outcome, rules_only
from dualwrite.sync.lookups import Finder
from dualwrite.sync.plan import MapPlan
from dualwrite.sync.session import Session
from dualwrite.sync.settling import shares_of
from dualwrite.sync.way import compile_way, reading
from dualwrite.tablemap.model import Master, TableMap
from dualwrite.tablemap.schema import end_of_path
from dualwrite.translate.keys import key_text as key_texts
from dualwrite.translate.keys import row_of

AT_ONCE = 10_000
"""Held rows tried in one batch."""


@dataclass(frozen=True)
class Retried:
    """What became of the rows that were tried."""

    map: str
    direction: str
    counts: Counts
    gone: int


def retry(session: Session, rows: Sequence[HeldRow], *, gate: Gate = rules_only) -> list[Retried]:
    """Try held rows again, all of a map and direction together.

    Raises:
        TransientError, PermanentError: From the apps; the rows stay held.
    """
    results = []
    finder = Finder(session.apps)
    for name, direction in dict.fromkeys((row.map, row.direction) for row in rows):
        mine = [row for row in rows if (row.map, row.direction) == (name, direction)]
        table_map = session.map(name)
        source = next(side for side in Side if side.direction == direction)
        total, gone = Counts(), 0
        for start in range(0, len(mine), AT_ONCE):
            batch = mine[start : start + AT_ONCE]
            outcome, lost = _try_batch(session, table_map, source, batch, finder, gate)
            total += outcome.counts.get(direction, Counts())
            gone += lost
        results.append(Retried(name, direction, total, gone))
    return results


def release_parked(
    session: Session, plan: MapPlan, finder: Finder, add: Callable[[Outcome], None]
) -> None:
    """At the end of a run: what was parked may have found its parent meanwhile."""
    name = plan.table_map.name
    del add
    while parked := session.journal.parked(name):
        for side in Side:
            finder.forget(side, plan.table_map.end(side).table)
        freed = sum(result.counts.written + result.gone for result in retry(session, parked))
        if not freed:
            return


def _try_batch(
    session: Session,
    table_map: TableMap,
    source: Side,
    held: Sequence[HeldRow],
    finder: Finder,
    gate: Gate,
) -> tuple[Outcome, int]:
    name, direction = table_map.name, source.direction
    query = reading(session, table_map, source)
    keys = _keys(session, table_map, source, held)
    rows = session.apps[source].fetch(query, keys)
    there = key_texts(rows, [str(path) for path in query.key])
    missing = row_of(key_texts(keys, keys.column_names), there)
    lost = [h for h, at in zip(held, missing.to_pylist(), strict=True) if at is None]
    carrier = Carrier(
        session,
        compile_way(session, table_map, source),
        compile_way(session, table_map, source.other)
        if table_map.flows_from(source.other)
        else None,
        finder,
    )
    # The row on the held side is the newer word: it was to be written when it was refused.
    master = Master.FINOPS if source is Side.FINOPS else Master.DATAVERSE
    outcome = carrier.carry(rows, Manner(master, gate=gate))
    shares = dict(shares_of(session.journal, name, outcome))
    mine = shares.get(direction, Share())
    cleared = {*mine.cleared, *(key_text(row.key) for row in lost)}
    shares[direction] = Share(mine.counts, mine.rejected, mine.parked, cleared)
    session.journal.record(name, shares)
    return outcome, len(lost)


def _keys(session: Session, table_map: TableMap, source: Side, held: Sequence[HeldRow]) -> pa.Table:
    end = table_map.end(source)
    columns = {}
    for path in end.key:
        column = end_of_path(
            path, end.table, lambda table: session.schema(source, table), end.lookups
        )
        texts = pa.array([row.key.get(str(path)) for row in held], pa.string())
        columns[str(path)] = texts.cast(column.type)
    return pa.table(columns)
