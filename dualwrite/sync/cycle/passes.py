"""The pipelines of one direction of a map: all columns, the changed ones, late lookups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.sync.batch.batch import BatchContext, Carrying, Takes
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.routes.reading import only_needed
from dualwrite.sync.routes.route import compile_route, judged_with
from dualwrite.tablemap.notation import ColumnPath

KEPT = 64
"""So many sets of changed columns keep a pipeline of their own."""


class Passes:
    """Compiled once for a worker.

    `full` carries all columns.  Where lookups point at rows that may come later in the same cycle,
    `known` carries the rows that the target holds, `new` the others without those lookups, and
    `late` those lookups at the end; else all are `full`.
    """

    def __init__(self, context: BatchContext, plan: MapPlan, source: Side) -> None:
        self._context, self._map, self._source = context, plan.table_map, source
        self._by_columns: dict[frozenset[str], Pipeline] = {}
        waits = plan.deferred.get(source.other, frozenset())
        ends = [column.end(source.other) for column in self._map.columns]
        # a lookup that waits on the source's side alone is read there and written as a value,
        # which the target may require of a new row
        late = {end for end in ends if end is not None and end.is_lookup and end.column in waits}
        self.full = self._pipeline(lambda _: True)
        self.known = self.new = self.late = self._late_whole = self.full
        columns = self.full.route.flow.columns
        self.late_columns = sorted(p.column for c in columns if c.target in late for p in c.reads)
        """The source's own columns behind the lookups that come last."""
        if late:
            self.known = self._pipeline(lambda _: True, Takes.KNOWN)
            self.new = self._pipeline(lambda path: path not in late, last=False)
            changed = self._targets_of(frozenset(self.late_columns))
            self.late = self._pipeline(lambda path: path in changed, Takes.CLEAN, late=True)
            self._late_whole = self._pipeline(lambda _: True, late=True)

    def of_columns(self, own: frozenset[str]) -> Pipeline:
        """The pipeline for rows of which only these own columns changed, on the source alone."""
        if own not in self._by_columns:
            if len(self._by_columns) > KEPT:
                self._by_columns.clear()
            changed = self._targets_of(own)
            self._by_columns[own] = self._pipeline(lambda path: path in changed, Takes.CLEAN)
        return self._by_columns[own]

    def wider(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline for rows that were too much for this one."""
        if pipeline is self.late:
            return self._late_whole  # a late column of a row that is held whole waits with it
        return self.new if pipeline is self.known else self.known

    def _targets_of(self, own: frozenset[str]) -> set[ColumnPath]:
        """The target paths that own columns are translated into, or judged together with."""
        route = self.full.route
        changed = {c.target for c in route.flow.columns if any(p.column in own for p in c.needs)}
        return changed | judged_with(route, changed)

    def _pipeline(
        self,
        keep: Callable[[ColumnPath], bool],
        takes: Takes = Takes.ALL,
        *,
        last: bool = True,
        late: bool = False,
    ) -> Pipeline:
        session, across = self._context.session, self._source.other
        route = compile_route(session, self._map, self._source, keep=keep)
        flows_back = self._map.flows_from(across)
        back = compile_route(session, self._map, across) if flows_back else None
        policy = replace(self._context.conflict_policy(route), late=late)
        carrying = Carrying(policy, takes, last=last, late=late)
        return Pipeline(self._context, route, back, carrying)


def query_of(pipeline: Pipeline, query: Query) -> Query:
    """What a pipeline needs of its source: of changed columns those alone."""
    if pipeline.carrying.takes is Takes.CLEAN:
        return only_needed(query, pipeline.route.flow.reads)
    return query
