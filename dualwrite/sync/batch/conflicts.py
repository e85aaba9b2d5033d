"""The conflicts of a batch as the journal keeps them: both versions, who won, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.journal.records import (
    Conflict,
    ConflictKind,
    ConflictOutcome,
    ConflictStatus,
    Key,
    key_text,
)
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch
from dualwrite.sync.batch.decide import Decision, Policy
from dualwrite.sync.batch.keys import keys_of, plain_rows
from dualwrite.sync.batch.outcomes import Mask, flat
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.routes.route import Route


def conflicts_of(batch: Batch, where: Mask, policy: Policy, job: str) -> list[Conflict]:
    """The rows of `where` (n,), as conflicts; these are objects.

    Args:
        batch: The rows, decided.
        where: Which of them are in conflict.
        policy: What decided them.
        job: Names the job whose rows come from a table, where no entries tell a conflict from
            the next one about the same row.
    """
    route, decision, here = batch.route, batch.decision, _numbers(where)
    mine, others = plain_rows(batch.rows.take(here)), plain_rows(batch.target.rows.take(here))
    found = batch.target.found.take(here).to_pylist()
    keys = _finops_keys(batch, here, batch.target_keys)
    asks, write = decision.ask.take(here).to_pylist(), decision.write.take(here).to_pylist()
    won = _won(route, decision, here)
    if batch.entries is None:
        # each side states all that it holds
        every: list[tuple[str, ...] | None] = [None] * len(here)
        changed = [every, every]
        names = [f"{route.source.direction}:{job}:{_digest(key)}" for key in keys]
    else:
        both = batch.entries.take(here), batch.target.changes.take(here)
        changed = [each.names() for each in both]
        last = zip(*(_last_id(each, len(here)) for each in both), strict=True)
        names = [f"{route.source.direction}:{ours}:{theirs}" for ours, theirs in last]
    conflicts = []
    for n in range(len(here)):
        outcome = ConflictOutcome.WAITS if asks[n] else _outcome(route, won[n], found[n], write[n])
        conflicts.append(
            Conflict(
                key=keys[n],
                token=names[n],
                kind=ConflictKind.UPDATE if found[n] else ConflictKind.DELETE,
                policy=(policy.row if found[n] else policy.whole).value,
                outcome=outcome,
                rows={route.source: mine[n], route.target: others[n] if found[n] else None},
                changed={route.source: changed[0][n], route.target: changed[1][n]},
                columns=won[n],
                status=ConflictStatus.OPEN if asks[n] else ConflictStatus.CLOSED,
            )
        )
    return conflicts


def delete_conflicts_of(batch: Batch, where: Mask, policy: Policy) -> list[Conflict]:
    """The deletes of `where` (n,) whose row the other side has changed, as conflicts."""
    route, decision, here = batch.route, batch.decision, _numbers(where)
    assert batch.entries is not None
    keys = _finops_keys(batch, here, batch.target.rows)
    changed = batch.target.changes.take(here).names()
    asks, wins = decision.ask.take(here).to_pylist(), decision.write.take(here).to_pylist()
    last = _last_id(batch.entries.take(here), len(here))
    conflicts = []
    for n, row in enumerate(plain_rows(batch.target.rows.take(here))):
        winner = route.source if wins[n] else route.target
        conflicts.append(
            Conflict(
                key=keys[n],
                token=f"{route.source.direction}:delete:{last[n]}",
                kind=ConflictKind.DELETE,
                policy=policy.whole.value,
                outcome=ConflictOutcome.WAITS if asks[n] else ConflictOutcome(winner.value),
                rows={route.source: None, route.target: row},
                changed={route.source: None, route.target: changed[n]},
                status=ConflictStatus.OPEN if asks[n] else ConflictStatus.CLOSED,
            )
        )
    return conflicts


def _finops_keys(batch: Batch, here: pa.Array, there: pa.Table) -> list[Key]:
    """The keys as finops spells them: a conflict is named by those."""
    names = [str(path) for path in batch.route.table_map.end(Side.FINOPS).key]
    own = batch.rows if batch.route.source is Side.FINOPS else there
    return keys_of(own.select(names).take(here))


def _won(route: Route, decision: Decision, here: pa.Array) -> list[dict[str, str]]:
    """For each conflict, which side won which column."""
    won: list[dict[str, str]] = [{} for _ in range(len(here))]
    for side, masks in ((route.source, decision.taken), (route.target, decision.back)):
        for name, mask in masks.items():
            for n in pc.indices_nonzero(flat(mask).take(here)).to_pylist():
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


def _digest(key: Key) -> str:
    """A key of any length as a short text."""
    return blake2b(key_text(key).encode(), digest_size=16).hexdigest()


def _numbers(where: Mask) -> pa.Array:
    return pc.indices_nonzero(where).cast(pa.int64())
