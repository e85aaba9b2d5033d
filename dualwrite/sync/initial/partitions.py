"""The initial sync of one map: partitions, each carried and journalled on its own.

Every partition can be carried by any worker that can open the project: what it needs is in
the journal (run, range) and in the map.  A partition that was interrupted is carried again; as
equal rows are left alone, nothing is written twice.

The first pass brings across what only dataverse holds; the second reads finops and reconciles
what both hold.  Lookups that wait for other maps, or for the map itself, come in phase 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture
from dualwrite.apps.query import KeyRange, Query
from dualwrite.journal.held import HeldRowStore
from dualwrite.journal.records import BatchRecord, Partition, PartitionPlan, Run
from dualwrite.link import DEFAULT_PARTITION_ROWS, Side
from dualwrite.sync.batch.batch import Batch, BatchContext, Carrying, RowsFrom, Takes
from dualwrite.sync.batch.decide import master_policy
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.results import Totals
from dualwrite.sync.batch.way_back import carry_both_ways
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import Leg, MapPlan
from dualwrite.sync.routes.reading import only_needed, reading, together_of
from dualwrite.sync.routes.route import Route, compile_route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import ColumnMap
from dualwrite.tablemap.notation import ColumnPath

KIND = "initial sync"


@dataclass(frozen=True)
class Options:
    """How an initial sync is done."""

    partition_rows: int = DEFAULT_PARTITION_ROWS
    dry_run: bool = False
    gate: Gate = rules_only
    dry_held: HeldRowStore | None = None
    """Where the rows go that a dry run would hold; None: its totals have them."""


class InitialSync:
    """One map's initial sync, new or continued.  Safe to use from several threads."""

    def __init__(
        self,
        session: Session,
        plan: MapPlan,
        options: Options,
        *,
        finder: Finder | None = None,
        run: Run | None = None,
    ) -> None:
        self.session, self.plan, self.options = session, plan, options
        self.finder = finder or Finder(session.apps)
        self.run = run
        self._pipelines: dict[Leg, Pipeline] = {}

    @property
    def name(self) -> str:
        return self.plan.table_map.name

    # Planning

    def partitions(self, phase: int) -> list[Partition]:
        """The partitions of a phase that are still to be carried, leg after leg.

        They are planned at the first call.
        """
        legs = {leg.direction: leg for leg in self.plan.legs if leg.phase == phase}
        if self.run is None:
            return [Partition(each) for leg in legs.values() for each in self._cut(leg)]
        runs, run_id = self.session.journal.runs, self.run.id
        planned = {p.plan.direction for p in runs.partitions(run_id) if p.plan.phase == phase}
        new = [each for name in legs if name not in planned for each in self._cut(legs[name])]
        if new:
            runs.plan_partitions(run_id, new)
        pending = [p for p in runs.partitions(run_id) if p.plan.phase == phase and not p.done_at]
        order = list(legs)
        return sorted(pending, key=lambda p: (order.index(p.plan.direction), p.plan.number))

    def _cut(self, leg: Leg) -> list[PartitionPlan]:
        """Partition a leg's table; no partition where there is nothing to bring across."""
        query = reading(self.session, self.plan.table_map, leg.source)
        app = self.session.apps[leg.source]
        if leg.insert_only and not app.count(query):
            return []
        together = together_of(self.session, self.plan.table_map, leg.source, query)
        ranges = app.partitions(query, size=self.options.partition_rows, together=together)
        return [
            PartitionPlan(leg.direction, leg.phase, number, r.columns, r.low, r.high)
            for number, r in enumerate(ranges)
        ]

    @cached_property
    def fresh(self) -> Mapping[Side, bool]:
        """Which side held no row of the map's table when the run began.

        It is recorded in the run, so that a continued run does not count its own rows.
        """
        if self.run is None:
            return {side: is_empty(self.session, self.plan, side) for side in Side}
        recorded: Mapping[str, Any] = self.run.options.get("fresh", {})
        return {side: bool(recorded.get(side.value)) for side in Side}

    def _inserts_blindly(self, leg: Leg, route: Route) -> bool:
        """Whether rows may be inserted without reading what is there.

        Only into an empty side, never in a continued run, and only where a unique index
        refuses a second insert (docs/decisions/0003-a-partition-may-be-carried-twice.md).
        """
        continued = self.run is not None and bool(self.run.options.get("continued"))
        if continued or leg.phase > 1 or not self.fresh[leg.source.other]:
            return False
        schema = self.session.schema(route.target, route.target_table)
        key = set(route.written_key)
        return any(set(names) == key for names in (schema.primary_key, *schema.unique))

    # Carrying

    def carry(self, partition: PartitionPlan) -> Totals:
        """Carry one partition and journal it; the counts, and in a dry run the held rows."""
        leg = next(
            leg
            for leg in self.plan.legs
            if (leg.phase, leg.direction) == (partition.phase, partition.direction)
        )
        pipeline = self._pipeline(leg)
        query = self._query(leg)
        within = KeyRange(partition.columns, partition.low, partition.high)
        rows = self.session.apps[leg.source].read(query, within=within)
        if leg.phase > 1:
            rows = _with_deferred(rows, pipeline.route) if self.fresh[leg.source.other] else rows
        totals = carry_both_ways(pipeline, Batch(pipeline.route, rows, RowsFrom.TABLE))
        if self.run is not None:
            shares = totals.records(self.session.journal, self.name)
            self.session.journal.runs.finish_partition(
                self.run.id, partition.direction, partition.phase, partition.number, shares
            )
            totals.held.clear()
        elif self.options.dry_held is not None:
            found = {
                direction: BatchRecord(rejected=held.rejected, parked=held.parked)
                for direction, held in totals.held.items()
            }
            self.options.dry_held.record(self.name, found)
            totals.held.clear()
        # what is kept of a partition must not grow with the table
        totals.keys.clear()
        return totals

    @cached_property
    def _captures(self) -> Mapping[Side, Capture]:
        return {} if self.run is None else installed(self.session, self.plan.table_map)

    def _pipeline(self, leg: Leg) -> Pipeline:
        if leg not in self._pipelines:
            route = self._route(leg.source, leg)
            flows_back = self.plan.table_map.flows_from(leg.source.other)
            back = self._route(leg.source.other, leg) if flows_back else None
            epoch = 0 if self.run is None else int(self.run.options.get("epoch", 0))
            gate, dry_run = self.options.gate, self.options.dry_run
            run = None if self.run is None else self.run.id
            context = BatchContext(
                self.session, self.finder, self._captures, epoch, gate, dry_run, run=run
            )
            late = leg.phase > 1
            takes = Takes.NEW if leg.insert_only else Takes.PRESENT if late else Takes.ALL
            carrying = Carrying(
                master_policy(self.plan.table_map, self.plan.master, late=late),
                takes,
                fresh=self._inserts_blindly(leg, route),
                late=late,
            )
            self._pipelines[leg] = Pipeline(context, route, back, carrying)
        return self._pipelines[leg]

    def _route(self, source: Side, leg: Leg) -> Route:
        """The route without the deferred columns in phase 1, with only those in phase 2.

        A new row takes at once all that its own table can hold: a lookup that is deferred only
        on the side that it comes from may be a value that the row must have.
        """
        sides = (source.other,) if leg.insert_only else tuple(Side)

        def deferred(path: ColumnPath) -> bool:
            return any(
                str(column.end(source.other)) == str(path) and self._is_deferred(column, sides)
                for column in self.plan.table_map.columns
            )

        def keep(path: ColumnPath) -> bool:
            return deferred(path) == (leg.phase > 1)

        return compile_route(self.session, self.plan.table_map, source, keep=keep)

    def _is_deferred(self, column: ColumnMap, sides: Sequence[Side]) -> bool:
        """Whether a column map has a deferred lookup on one of these sides."""
        return any(
            (end := column.end(side)) is not None
            and end.is_lookup
            and end.column in self.plan.deferred.get(side, ())
            for side in sides
        )

    def _query(self, leg: Leg) -> Query:
        query = reading(self.session, self.plan.table_map, leg.source)
        if leg.phase == 1:
            return query
        pipeline = self._pipeline(leg)
        sources = {c.source for c in pipeline.route.flow.columns if c.source is not None}
        modified = self.plan.table_map.end(leg.source).modified
        return only_needed(query, sources | ({modified} if modified else set()))


def is_empty(session: Session, plan: MapPlan, side: Side) -> bool:
    """Whether a side holds no row at all in the map's table, filtered or not."""
    end = plan.table_map.end(side)
    query = Query(table=end.table, columns=end.key, key=end.key, lookups=end.lookups)
    return session.apps[side].count(query) == 0


def _with_deferred(rows: pa.Table, route: Route) -> pa.Table:
    """Only the rows that have something to carry in phase 2."""
    names = [str(c.source) for c in route.flow.columns if str(c.target) not in route.flow.key]
    masks = [pc.is_valid(rows[name]) for name in names if name in rows.column_names]
    return rows.filter(reduce(pc.or_, masks)) if masks else rows
