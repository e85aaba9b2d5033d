"""The way back: what the other side won, or alone knows, of rows that a table or a retry gave.

In a cycle that is an entry of the other side's queue.  Here it is a second batch in memory, of
the other route and the same job: updates only.  Rows that their own side has changed meanwhile are
left to the next cycle, with what they did not take.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact import alike
from dualwrite.gate_column import Role, gate_name
from dualwrite.journal.records import Counts
from dualwrite.rules.judging import weigh
from dualwrite.sync.batch.batch import Batch, BatchContext, RowsFrom, Takes
from dualwrite.sync.batch.decide import Decision
from dualwrite.sync.batch.held import Held, waiting_columns
from dualwrite.sync.batch.outcomes import STAYS, Mask, Outcome, constant, some
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.record import queue_at_source
from dualwrite.sync.batch.results import BatchResult, Totals, log_batch
from dualwrite.sync.batch.stated import own_columns
from dualwrite.sync.routes.route import Route
from dualwrite.translate.amounts import keep_equivalent
from dualwrite.translate.compare import differs
from dualwrite.translate.rows import comparable, translate

_BESIDE = (Role.UNCAST, Role.UNIT_PROBLEM, Role.RETURNED)
"""What the gate table holds beside a translated column, under its target path."""


def carry_both_ways(pipeline: Pipeline, batch: Batch) -> Totals:
    """Carry a batch across, then back what the other side won or alone knows.

    Raises:
        As `Pipeline.carry`.
    """
    totals = Totals({pipeline.route.source.direction: Counts()})
    for result in pipeline.carry(batch):
        _add_both_ways(totals, pipeline, result)
    return totals


def _add_both_ways(totals: Totals, pipeline: Pipeline, result: BatchResult) -> None:
    """Add a result, and those of its way back."""
    totals.add(result)
    carrying = pipeline.carrying
    if pipeline.back is None or carrying.takes is Takes.NEW or result.batch.decision is None:
        return
    if not carrying.fresh:
        _carry_back(totals, pipeline, result.batch)
    if carrying.takes is not Takes.PRESENT and not pipeline.context.dry_run:
        made = _made(pipeline, result.batch)
        if made.num_rows:
            # what the target alone decides is what it gave the rows that were new there
            present = replace(carrying, fresh=False, takes=Takes.PRESENT)
            again = Pipeline(pipeline.context, pipeline.route, pipeline.back, present)
            for each in again.carry(Batch(pipeline.route, made, RowsFrom.TABLE), logged=False):
                if each.batch.decision is not None:
                    _carry_back(totals, again, each.batch)


def _made(pipeline: Pipeline, batch: Batch) -> pa.Table:
    """The rows that were new over there, and hold values that the target alone decides."""
    back, rows = pipeline.back, batch.rows
    assert back is not None
    alone = [str(c.target) for c in back.flow.columns if c.reads]
    alone = [name for name in alone if name not in back.two_way and name in rows.column_names]
    if not alone:
        return rows.slice(0, 0)
    new = pc.and_not(batch.outcomes.among(Outcome.WRITTEN), batch.target.found)
    if _gives(pipeline):
        return rows.filter(new)
    stated = reduce(pc.or_, (pc.is_valid(rows[name]) for name in alone))
    return rows.filter(pc.and_(new, stated))


def _gives(pipeline: Pipeline) -> bool:
    """Whether the target gives a new row values of its own that flow back."""
    route, back = pipeline.route, pipeline.back
    assert back is not None
    schema = pipeline.context.session.schema(route.target, route.target_table)
    read = {path.column for c in back.flow.columns for path in c.reads}
    alone = read - {path.column for c in route.flow.columns for path in [c.target]}
    return bool(schema.triggers) or any(schema.columns[name].has_default for name in alone)


def _carry_back(totals: Totals, pipeline: Pipeline, batch: Batch) -> None:
    """Write on the source side what the target won, or alone knows; add what became of it."""
    started = time.perf_counter()
    back, context = pipeline.back, pipeline.context
    assert back is not None
    outcomes = batch.outcomes
    left = outcomes.among(*STAYS, Outcome.NOT_WANTED)
    dealt_with = pc.and_not(batch.verdict.passed, left)
    keys = batch.target.rows.select(list(back.flow.source_key)).filter(dealt_with).drop_null()
    if pipeline.carrying.late:
        keys = keys.slice(0, 0)
    returning = _returning(back, batch, pc.and_(dealt_with, batch.target.found))
    totals.add(BatchResult(returning, Counts(), Held(), keys))
    carrying = replace(pipeline.carrying, takes=Takes.UNTOUCHED, fresh=False)
    for part in Pipeline(context, back, None, carrying).carry_decided(returning):
        _leave(context, part)
        held = part.held
        counts = Counts(
            written=part.written.updated, rejected=len(held.rejected), parked=len(held.parked)
        )
        result = BatchResult(part, counts, held, keys.slice(0, 0))
        log_batch(context, result, started)
        totals.add(result)


def _leave(context: BatchContext, part: Batch) -> None:
    """Queue what the rows that an application holds, or has changed meanwhile, did not take.

    What the application has changed itself, its own entries carry.
    """
    left = part.outcomes.among(Outcome.NOT_WANTED, Outcome.LOCKED)
    if not some(left) or part.route.source not in context.captures or context.dry_run:
        return
    changes = part.target.changes
    own = own_columns(part.route)
    forward = {
        name: pc.and_not(mask, changes.touches([own[name]]))
        for name, mask in part.decision.forward.items()
    }
    waits = waiting_columns(part.route, forward, constant(True, len(part)))
    left = pc.and_(left, pc.not_equal(waits, ""))
    queue_at_source(context, part.route, part.rows.filter(left), waits.filter(left))


def _returning(back: Route, batch: Batch, came: Mask) -> Batch:
    """The rows of `came` (n,) that the source side must take back, translated and decided.

    A two-way column goes back only where the two sides really differ, in one side's terms: a
    value that merely is spelled otherwise ('No', 'no') stays as it is.
    """
    decision = batch.decision
    two_way = batch.route.two_way & set(batch.route.flow.names)
    if all(str(c.source) in two_way for c in back.flow.columns):
        goes: Mask = constant(False, len(batch))
        for mask in decision.back.values():
            goes = pc.or_(goes, mask)
        came = pc.and_(came, goes)
    if not some(came):
        empty = pa.table({str(name): pa.array([], pa.string()) for name in back.flow.source_key})
        return Batch(back, empty, RowsFrom.TABLE)
    mine, theirs = batch.rows.filter(came), batch.target.rows.filter(came)
    ready, own_values = translate(theirs, back.flow), comparable(mine, back.flow)
    ready = keep_equivalent(ready, own_values, back.flow)
    currencies = {
        gate_name(Role.SOURCE, c.money.currency)
        for c in back.flow.columns
        if c.money and c.money.currency
    }
    changed: Any = pa.chunked_array([constant(False, ready.num_rows)])
    forward: dict[str, Mask] = {}
    for column in back.flow.columns:
        name, source = str(column.target), str(column.source)
        came_back, own = alike(ready[name], own_values[name])
        if source in two_way:
            lost = decision.back.get(source)
            wins = constant(False, ready.num_rows) if lost is None else lost.filter(came)
            ready = _with(ready, name, pc.if_else(wins, came_back, own))
            # a value that lost is overwritten over there, and is no fault any longer
            beside = [gate_name(Role.SOURCE, column.source)]
            beside += [gate_name(role, column.target) for role in _BESIDE]
            for before in beside:
                if before in ready.column_names:
                    # the currency that stays is what an amount is judged by
                    judged = before in currencies and own.type == ready[before].type
                    kept = own if judged else None
                    ready = _with(ready, before, pc.if_else(wins, ready[before], kept))
        forward[name] = differs(ready[name], own)
        changed = pc.or_(changed, forward[name])
    ready, theirs = ready.filter(changed), theirs.filter(changed)
    n = ready.num_rows
    no = constant(False, n)
    names = list(back.flow.names)
    decided = Decision(
        ready.select(names),
        constant(True, n),
        {name: mask.filter(changed) for name, mask in forward.items()},
        {},
        {},
        no,
        no,
    )
    return Batch(
        back, theirs, RowsFrom.TABLE, translated=ready, decision=decided, verdict=weigh(n, [])
    )


def _with(rows: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), name, values)
