"""The initial sync of one map: partitions, each carried and journalled on its own.

Every partition can be carried by any worker that can open the project: what it
needs is in the journal (run, range) and in the map.  A partition is done when the
journal says so; one that was cut off is carried again, and as rows that are equal
already are left alone, nothing is written twice.

The first walk brings across what only dataverse holds; the second walks finops and
settles what both hold.  Lookups that had to wait for other maps, or for the map
itself, come in phase 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.base import KeyRange, Query
from dualwrite.apps.capture import Capture
from dualwrite.journal.records import Partition, PartitionPlan, Run
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch, BatchContext, RowsFrom, Takes
from dualwrite.sync.batch.decide import master_policy
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.pipeline import Carrying, Pipeline
from dualwrite.sync.batch.results import Totals
from dualwrite.sync.batch.way_back import carry_both_ways
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.plan import Leg, MapPlan
from dualwrite.sync.routes.reading import reading, together_of
from dualwrite.sync.routes.route import Route, compile_route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import ColumnMap
from dualwrite.tablemap.notation import ColumnPath

KIND = "initial sync"


@dataclass(frozen=True)
class Options:
    """How an initial sync is done."""

    partition_rows: int = 25_000
    dry_run: bool = False
    gate: Gate = rules_only


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
        """The map's name."""
        return self.plan.table_map.name

    # Planning

    def partitions(self, phase: int) -> list[Partition]:
        """The partitions of a phase that are still to be carried, leg after leg.

        They are planned at the first call.
        """
        legs = [leg for leg in self.plan.legs if leg.phase == phase]
        if self.run is None:
            return [Partition(each) for leg in legs for each in self._cut(leg)]
        planned = {(p.plan.phase, p.plan.direction) for p in self._stored()}
        new = [
            each
            for leg in legs
            if (leg.phase, leg.direction) not in planned
            for each in self._cut(leg)
        ]
        if new:
            self.session.journal.runs.plan_partitions(self.run.id, new)
        pending = [p for p in self._stored() if p.plan.phase == phase and p.done_at is None]
        turn = {leg.direction: number for number, leg in enumerate(legs)}
        return sorted(pending, key=lambda p: (turn[p.plan.direction], p.plan.number))

    def _stored(self) -> list[Partition]:
        assert self.run is not None
        return self.session.journal.runs.partitions(self.run.id)

    def _cut(self, leg: Leg) -> list[PartitionPlan]:
        """Cut a leg's table into ranges; none where there is nothing to bring across."""
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

        Taken down in the run, so a continued run does not mistake its own rows for
        somebody else's.
        """
        if self.run is None:
            return {side: is_empty(self.session, self.plan, side) for side in Side}
        noted: Mapping[str, Any] = self.run.options.get("fresh", {})
        return {side: bool(noted.get(side.value)) for side in Side}

    def _goes_straight_in(self, leg: Leg, route: Route) -> bool:
        """Whether rows may be inserted without a look at what is there.

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
        """Carry one partition and journal it; the counts, and in a dry run the held rows.

        Raises:
            TransientError: Try the partition again later.
            PermanentError: Stop; what is done stays done.
        """
        leg = self._leg(partition)
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
        # what is kept of a partition must not grow with the table
        totals.keys.clear()
        return totals

    @cached_property
    def _captures(self) -> Mapping[Side, Capture]:
        return {} if self.run is None else installed(self.session, self.plan.table_map)

    @property
    def _epoch(self) -> int:
        return 0 if self.run is None else int(self.run.options.get("epoch", 0))

    def _leg(self, partition: PartitionPlan) -> Leg:
        return next(
            leg
            for leg in self.plan.legs
            if (leg.phase, leg.direction) == (partition.phase, partition.direction)
        )

    def _pipeline(self, leg: Leg) -> Pipeline:
        if leg not in self._pipelines:
            route = self._route(leg.source, leg)
            flows_back = self.plan.table_map.flows_from(leg.source.other)
            back = self._route(leg.source.other, leg) if flows_back else None
            context = BatchContext(
                self.session,
                self.finder,
                self._captures,
                self._epoch,
                self.options.gate,
                self.options.dry_run,
            )
            late = leg.phase > 1
            takes = Takes.NEW if leg.insert_only else Takes.PRESENT if late else Takes.ALL
            carrying = Carrying(
                master_policy(self.plan.table_map, self.plan.master, late=late),
                takes,
                fresh=self._goes_straight_in(leg, route),
            )
            self._pipelines[leg] = Pipeline(context, route, back, carrying)
        return self._pipelines[leg]

    def _route(self, source: Side, leg: Leg) -> Route:
        """The way without what is deferred in phase 1, with only that in phase 2.

        A new row takes at once all that its own table can hold: a lookup that waits on
        the side it comes from is there, and may be a value that the row must have.
        """
        sides = (source.other,) if leg.insert_only else tuple(Side)

        def deferred(path: ColumnPath) -> bool:
            return any(
                str(column.end(source.other)) == str(path) and self._waits(column, sides)
                for column in self.plan.table_map.columns
            )

        return compile_route(
            self.session,
            self.plan.table_map,
            source,
            keep=lambda path: deferred(path) == (leg.phase > 1),
        )

    def _waits(self, column: ColumnMap, sides: Sequence[Side]) -> bool:
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
        wanted = sources | set(query.key) | ({modified} if modified else set())
        return replace(query, columns=tuple(c for c in query.columns if c in wanted))


def is_empty(session: Session, plan: MapPlan, side: Side) -> bool:
    """Whether a side holds no row at all in the map's table, filtered or not."""
    end = plan.table_map.end(side)
    query = Query(table=end.table, columns=end.key, key=end.key, lookups=end.lookups)
    return session.apps[side].count(query) == 0


def _with_deferred(rows: pa.Table, route: Route) -> pa.Table:
    """Only the rows that have something to carry in phase 2."""
    names = [str(c.source) for c in route.flow.columns if str(c.target) not in route.flow.key]
    masks = [pc.is_valid(rows[name]) for name in names if name in rows.column_names]
    if not masks:
        return rows
    some = masks[0]
    for mask in masks[1:]:
        some = pc.or_(some, mask)
    return rows.filter(some)
