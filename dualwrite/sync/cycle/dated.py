"""One direction of dated rows: an entity's changes travel together, deletes come first.

A period may only take the place of another when that one has gone or has been closed, so the
deletes of a page come before its other changes, and these in one batch in the order in which
they were made.  Where the target has no dates, the rows are those that are valid now: one that
has run out is taken away like a row that is gone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.transactions import Snapshot
from dualwrite.link import Side
from dualwrite.sync.batch.batch import BatchContext, Carrying
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.results import BatchResult
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.cycle.direction import DirectionWorker
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.routes.reading import reading
from dualwrite.tablemap.periods import dated_of
from dualwrite.translate.keys import key_text as key_texts
from dualwrite.translate.keys import row_of


class DatedWorker(DirectionWorker):
    """Carries what one side of a map with `effective` has queued."""

    def __init__(self, context: BatchContext, plan: MapPlan, source: Side) -> None:
        super().__init__(context, plan, source)
        dated = dated_of(plan.table_map)
        assert dated is not None
        self._dated = dated
        ends = dated.on(source)
        assert ends is not None, "a side without dates writes no dated rows"
        self._dates = {ends.start.column, ends.end.column}
        self._shown = dated.is_projection
        self.moved: list[pa.Table] = []
        """Keys of rows that crossed, or went, and may have blocked another row of their entity."""
        # what comes back because we requeued it is taken as it is
        self._as_it_stands = self.full
        if dated.mode is not None:
            effective = {**(plan.table_map.effective or {}), "mode": "correction"}
            table_map = replace(plan.table_map, effective=effective)
            route = replace(self.full.route, table_map=table_map)
            self._as_it_stands = Pipeline(
                context, route, self.full.back, Carrying(context.conflict_policy(route))
            )

    def begin(self) -> None:
        """As ever; and what is valid now is asked anew."""
        super().begin()
        if self._shown:
            self.query = reading(self.context.session, self.plan.table_map, self.source)

    def count_deletes(self, snapshot: Snapshot) -> int:
        """How many queued keys are gone, or have run out."""
        if not self._shown:
            return super().count_deletes(snapshot)
        query, count = reading(self.context.session, self.plan.table_map, self.source), 0
        for entries in self.queue(snapshot):
            changes = changes_of(entries)
            count += len(changes) - snapshot.fetch(query, changes.keys).num_rows
        return count

    def carry_upserts(self, snapshot: Snapshot) -> None:
        """Carry what is there; what is gone has left before."""
        self.begin()
        for entries in self.pages(snapshot):
            changes = self._pages.steered(self.admitted(entries, changes_of(entries)))
            if not self._shown:
                changes = self._without_gone(snapshot, changes)
            ours = self._requeued(changes)
            if pc.any(ours).as_py():
                self.carry(snapshot, changes.filter(ours), self._as_it_stands)
                changes = changes.filter(pc.invert(ours))
            whole = changes.changed.is_null()
            if not self._shown:
                whole = pc.or_(whole, self._moves(changes))
            part = changes.filter(pc.invert(whole))
            if len(part):
                self.carry(snapshot, part, self._narrow(part))
            if pc.any(whole).as_py():
                self.carry(snapshot, changes.filter(whole), self.passes.known)

    def _moves(self, changes: Changes) -> Any:
        """Rows that cannot go by some of their columns alone."""
        if self._dated.mode is not None:
            return pa.repeat(pa.scalar(value=True), len(changes))
        return changes.touches(self._dates)

    def _requeued(self, changes: Changes) -> Any:
        if self._as_it_stands is self.full:
            return pa.repeat(pa.scalar(value=False), len(changes))
        return changes.ours

    def _without_gone(self, snapshot: Snapshot, changes: Changes) -> Changes:
        """Delete across what is gone from the source; the other changes."""
        asked = changes.filter(changes.deleted)
        if not len(asked):
            return changes
        names = asked.keys.column_names
        there = key_texts(snapshot.fetch(self.bare, asked.keys), names)
        gone = asked.filter(row_of(asked.texts, there).is_null())
        if not len(gone):
            return changes
        self.delete(gone)
        return changes.filter(row_of(changes.texts, gone.texts).is_null())

    def acknowledge_batch(self, result: BatchResult) -> None:
        """As for other rows; and keep the keys of what moved."""
        super().acknowledge_batch(result)
        if not self._shown:
            self.moved.append(result.acknowledged.keys)

    def carry_absent(self, snapshot: Snapshot, absent: Changes) -> None:
        """Of what shows only while it is valid, a row that has run out goes as a deleted one."""
        if not self._shown:
            super().carry_absent(snapshot, absent)
            return
        table_map = self.plan.table_map
        always = replace(table_map, effective=None)
        query = reading(self.context.session, always, self.source)
        names = absent.keys.column_names
        kept = key_texts(snapshot.fetch(query, absent.keys), names)
        over = row_of(absent.texts, kept).is_valid()
        if pc.any(over).as_py():
            self._gone.append(absent.filter(over))
        if not pc.all(over).as_py():
            super().carry_absent(snapshot, absent.filter(pc.invert(over)))
