"""A batch in conflict, as the journal keeps it: both versions, who won, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.journal.records import Conflict, ConflictKind, ConflictOutcome, ConflictStatus
from dualwrite.link import Side
from dualwrite.sync.batch.decide import Decision, Policies
from dualwrite.sync.batch.held import keys_of, plain_rows
from dualwrite.sync.batch.target import TargetState
from dualwrite.sync.batch.winning import moment
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.routes.route import Route
from dualwrite.translate.flow import fit

Mask = Any
_INSTANT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Batch:
    """n changed rows, their translation, their entries and their counterparts, aligned."""

    rows: pa.Table
    out: pa.Table
    changes: Changes
    standing: TargetState

    def filter(self, mask: Mask) -> Batch:
        """Fewer rows."""
        if pc.all(mask).as_py():
            return self
        return Batch(
            self.rows.filter(mask),
            self.out.filter(mask),
            self.changes.filter(mask),
            self.standing.filter(mask),
        )

    def keys_there(self, route: Route) -> pa.Table:
        """The keys as the other side spells them."""
        return fit(self.out.select(list(route.flow.key)), route.key_flow)


def newer(route: Route, rows: pa.Table, changes: Changes, standing: TargetState, tie: Side) -> Mask:
    """Whether this side's change is the newer one; at a tie, whether it is the `tie` side.

    By the rows' own modified times where the map names both, else, and for a deleted row, by
    when each app queued the change.
    """
    ours, others = (route.table_map.end(side).modified for side in (route.source, route.target))
    mine, theirs = changes.at, standing.dirt.at
    named = ours is not None and others is not None and str(ours) in rows.column_names
    if named and str(others) in standing.theirs.column_names:
        mine = pc.coalesce(moment(rows[str(ours)], _INSTANT), mine)
        theirs = pc.coalesce(moment(standing.theirs[str(others)], _INSTANT), theirs)
    later = pc.if_else(pc.equal(mine, theirs), None, pc.greater(mine, theirs))
    return _flat(pc.fill_null(later, fill_value=tie is route.source))


def conflicts_of(
    route: Route, batch: Batch, decision: Decision, where: Mask, policies: Policies
) -> list[Conflict]:
    """The rows of `where`, as conflicts.  They are few: these are objects."""
    here = pc.indices_nonzero(where).cast(pa.int64())
    changes, dirt = batch.changes.take(here), batch.standing.dirt.take(here)
    mine = plain_rows(batch.rows.take(here))
    found = batch.standing.found.take(here).to_pylist()
    theirs = plain_rows(batch.standing.theirs.take(here))
    keys = keys_of(
        batch.rows.select(list(route.flow.source_key)).take(here)
        if route.source is Side.FINOPS
        else batch.keys_there(route).take(here)
    )
    asks, write = decision.asks.take(here).to_pylist(), decision.write.take(here).to_pylist()
    won = _won(route, decision, here)
    last = [_last_id(each, len(here)) for each in (changes, dirt)]
    said = [each.names() for each in (changes, dirt)]
    conflicts = []
    for n in range(len(here)):
        outcome = ConflictOutcome.WAITS if asks[n] else _outcome(route, won[n], found[n], write[n])
        conflicts.append(
            Conflict(
                key=keys[n],
                token=f"{route.source.direction}:{last[0][n]}:{last[1][n]}",
                kind=ConflictKind.UPDATE if found[n] else ConflictKind.DELETE,
                policy=(policies.row if found[n] else policies.whole).value,
                outcome=outcome,
                rows={route.source: mine[n], route.target: theirs[n] if found[n] else None},
                changed={route.source: said[0][n], route.target: said[1][n]},
                columns=won[n],
                status=ConflictStatus.OPEN if asks[n] else ConflictStatus.CLOSED,
            )
        )
    return conflicts


def _won(route: Route, decision: Decision, here: pa.Array) -> list[dict[str, str]]:
    """For each conflict, which side won which column."""
    won: list[dict[str, str]] = [{} for _ in range(len(here))]
    for side, masks in ((route.source, decision.taken), (route.target, decision.kept)):
        for name, mask in masks.items():
            for n in pc.indices_nonzero(_flat(mask).take(here)).to_pylist():
                won[n][name] = side.value
    return won


def _outcome(route: Route, won: Mapping[str, str], found: bool, write: bool) -> ConflictOutcome:
    if not found:
        return ConflictOutcome((route.source if write else route.target).value)
    winners = set(won.values())
    return ConflictOutcome(winners.pop()) if len(winners) == 1 else ConflictOutcome.MERGED


def _last_id(changes: Changes, n: int) -> list[int]:
    last = [0] * n
    for number, of in zip(changes.ids.to_pylist(), changes.of.to_pylist(), strict=True):
        last[of] = max(last[of], number)
    return last


def _flat(mask: Any) -> pa.Array:
    return mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask
