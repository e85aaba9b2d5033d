"""One way of one map in a cycle: pages of dirty keys, from the queue to the other side.

A page is read in the source's snapshot, carried, and forgotten.  What is left in the
queue is what somebody holds locked over there; everything else is across, held in the
journal, or settled as a conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.base import Query
from dualwrite.apps.capture import Capture, Snapshot
from dualwrite.apps.entries import Entries, Op, changed_text
from dualwrite.errors import PermanentError
from dualwrite.journal.lag import added, tally
from dualwrite.journal.records import BatchRecord, Counts, Rejection, key_text
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch, BatchContext, RowsFrom, Takes
from dualwrite.sync.batch.deletes import DeletePipeline
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.batch.keys import keys_of
from dualwrite.sync.batch.pipeline import Carrying, Pipeline
from dualwrite.sync.batch.results import BatchResult
from dualwrite.sync.batch.shares import among
from dualwrite.sync.capture.captures import steering_columns
from dualwrite.sync.capture.changes import Changes, changes_of
from dualwrite.sync.cycle.asked import asked_about
from dualwrite.sync.cycle.pages import Page, Pages
from dualwrite.sync.cycle.pointers import Pointing, renewed
from dualwrite.sync.cycle.read_ahead import Ahead
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.routes.reading import only_needed, reading
from dualwrite.sync.routes.route import compile_route, judged_with
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.keys import key_text as key_texts
from dualwrite.translate.keys import row_of


class DriftError(PermanentError):
    """A table no longer has the shape that its capture was made for."""

    def __init__(self, *, app: str, table: str, map_name: str) -> None:
        self.app, self.table, self.map_name = app, table, map_name
        super().__init__(
            f"{app}.{table}: the table has changed its columns since {map_name} was started. "
            "Its changes stay in the queue; nothing was written.\n"
            "  Correct the map (dualwrite maps check), then: dualwrite check --repair"
        )


@dataclass
class Tally:
    """What a lane did in a cycle."""

    counts: Counts = field(default_factory=Counts)
    lags: dict[int, int] = field(default_factory=dict)

    def add(self, result: BatchResult, at: pa.Array) -> None:
        """Count a batch in; `at` is when the changes that are through were made."""
        self.counts += result.counts
        now = pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC"))
        late = pc.divide(pc.microseconds_between(at, now).cast(pa.float64()), 1e6)
        self.lags = added([self.lags, tally(late)])


class DirectionWorker:
    """Carries what one side of a map has queued.  Made for a worker, used by many cycles."""

    def __init__(self, context: BatchContext, plan: MapPlan, source: Side) -> None:
        self.context, self.plan, self.source = context, plan, source
        self.pointing = Pointing(context.session, source)
        self.tally = Tally()
        self._map, self._app = plan.table_map, context.session.apps[source]
        self.capture: Capture = context.captures[source]
        """Whose queue it carries."""
        self.query = reading(context.session, self._map, source)
        steering = steering_columns(self._map, source)
        self._pages = Pages(self.capture, steering, lambda part: self._query(self.narrowed(part)))
        end = self._map.end(source)
        self.bare = Query(end.table, end.key, end.key, lookups=end.lookups)
        self._narrow: dict[frozenset[str], Pipeline] = {}
        waits = self._deferred_targets()
        self._late_targets = waits
        self.full = self._pipeline(lambda _: True)
        # a new row may wait for one that waits for it: its lookups come when all are there
        self.there, self._new = self.full, self.full
        if waits:
            self.there = self._pipeline(lambda _: True, takes=Takes.KNOWN)
            self._new = self._pipeline(lambda path: path not in waits, last=False)
        self.deletion = DeletePipeline(self.full)
        self.gone: list[Changes] = []
        self._late: list[Changes] = []
        self._went = False

    @property
    def direction(self) -> str:
        """`finops->dataverse` or the other."""
        return self.source.direction

    def take_tally(self) -> Tally:
        """What was done since it was asked last."""
        tally, self.tally = self.tally, Tally()
        return tally

    def deletes(self, snapshot: Snapshot) -> int:
        """How many queued keys are gone from the source: what the guard asks before a cycle."""
        count = 0
        for entries in self.pages(snapshot):
            changes = changes_of(entries)
            gone = changes.filter(changes.deleted)
            if len(gone):
                there = snapshot.fetch(self.bare, gone.keys)
                count += len(gone) - there.num_rows
        return count

    def upserts(self, snapshot: Snapshot) -> None:
        """Carry what is there; what is gone is kept for `removals`."""
        self.begin()
        with Ahead(snapshot) as ahead:
            for page in self._pages.ahead(ahead):
                self._carry_page(ahead, page)

    def _carry_page(self, snapshot: Snapshot, page: Page) -> None:
        self.refuse_drift(page.entries)
        changes, part, rows = self.rejoined(self.admitted(page.changes)), page.part, page.rows
        if changes is not page.changes:
            changes = self._pages.steered(changes)
            part, rows = changes.filter(changes.changed.is_valid()), None
        if len(part):
            self.carry(snapshot, part, self.narrowed(part), rows)
        # a key that went may have become another, though a new row has taken its place
        self._went = page.entries.has_op(Op.DELETE) or self._went
        whole = changes.changed.is_null()
        if pc.any(whole).as_py():
            if self._went:
                self.pointing.queue(snapshot, self.capture.table, renewed(changes))
            self.carry(snapshot, changes.filter(whole), self.there)

    def finish(self, snapshot: Snapshot) -> None:
        """The lookups that had to wait for other rows of the same cycle."""
        for changes in self._late:
            own = sorted(
                path.column
                for c in self.full.route.flow.columns
                if c.target in self._late_targets
                for path in c.reads
            )
            pipeline = self._pipeline_of(frozenset(own))
            names = pa.repeat(pa.scalar("".join(f'"{name}",' for name in own)), len(changes))
            self.carry(snapshot, replace(changes, changed=names), pipeline, last=True)
        self._late.clear()

    def removals(self) -> None:
        """Delete across what is gone from the source."""
        closed = self.context.closed.pop(self.source, [])
        if self.gone:
            self._look_across(
                any_held=self.context.session.journal.maps.backlog(self._map.name)[1] > 0
            )
        for gone in self.gone:
            changes = gone.without(pa.concat_arrays(closed)) if closed else gone
            changes = self._still_out(changes)
            if len(changes):
                result = self.deletion.carry(changes)
                self.acknowledge_batch(changes, result, pc.invert(result.locked))
        self.gone.clear()

    def _still_out(self, changes: Changes) -> Changes:
        """Without the rows that the other side's word has brought into the map again.

        They stay in the queue, and cross whole in the next cycle.
        """
        if self._map.when_left != "delete" or not len(changes):
            return changes
        there = self._app.fetch(self.query, changes.keys)
        came = row_of(changes.texts, key_texts(there, changes.keys.column_names)).is_valid()
        return changes.filter(pc.invert(came))

    # Pages

    def begin(self) -> None:
        """See what waits in the journal; forget what a cycle that broke off left here."""
        self.waiting: Mapping[str, int] = {}
        journal, name = self.context.session.journal, self._map.name
        asked, held = journal.maps.backlog(name)
        self._asked = asked > 0
        if held:
            self.look_who_waits()
        self._look_across(any_held=held > 0)
        self.gone.clear()
        self._late.clear()
        self._went = False

    def _look_across(self, *, any_held: bool) -> None:
        """What waits of the other side's changes: to write over it is a conflict."""
        across = self.source.other
        self.context.held.pop(across, None)
        if any_held:
            held = HeldChanges(self.context.session.journal, self._map.name, across)
            self.context.held[across] = held

    def look_who_waits(self) -> None:
        """The keys that the journal holds back on this way."""
        self.waiting = self.context.session.journal.held.keys(self._map.name, self.direction)

    def refuse_drift(self, entries: Entries) -> None:
        """Stop at an entry whose trigger no longer fitted its table.

        Raises:
            DriftError: There is one.
        """
        if entries.has_op(Op.DRIFTED):
            raise DriftError(
                app=self.source.value, table=self.capture.table, map_name=self._map.name
            )

    def admitted(self, changes: Changes) -> Changes:
        """Those that may be carried: their key is whole, and no person is asked about them."""
        return self._unblocked(self._named(changes))

    def _query(self, pipeline: Pipeline) -> Query:
        if pipeline.carrying.takes is Takes.CLEAN:
            return only_needed(self.query, pipeline.route.flow.reads)
        return self.query

    def pages(self, snapshot: Snapshot) -> Iterator[Entries]:
        """The queue, a page at a time."""
        return self._pages.entries(snapshot)

    def carry(
        self,
        snapshot: Snapshot,
        changes: Changes,
        pipeline: Pipeline,
        rows: pa.Table | None = None,
        *,
        last: bool = False,
    ) -> None:
        """Carry changes of n keys; those that are absent are forgotten or kept for later.

        `rows` are theirs, where they were read already.
        """
        if rows is None:
            rows = snapshot.fetch(self._query(pipeline), changes.keys)
        at = row_of(changes.texts, key_texts(rows, changes.keys.column_names))
        here = at.is_valid()
        there = changes.filter(here)
        if len(there):
            result = pipeline.carry(
                Batch(pipeline.route, rows.take(at.drop_null()), RowsFrom.QUEUE, there)
            )
            kept = pc.or_(result.locked, result.needs_wider_route)
            done = pc.invert(kept)
            if pipeline is self._new and self._new is not self.full:
                self._late.append(there.filter(done))
                self.acknowledge_batch(there, result, done, acknowledge=False)
            else:
                self.acknowledge_batch(there, result, done)
            again = result.needs_wider_route
            if pc.any(again).as_py():
                self.carry(snapshot, there.filter(again), self._wider(pipeline, last=last))
        absent = changes.filter(pc.invert(here))
        if len(absent):
            self.carry_absent(snapshot, absent)

    def _wider(self, pipeline: Pipeline, *, last: bool) -> Pipeline:
        """The pipeline for what was unfit for this one."""
        if last:
            return self.full  # a late column of a row that is held whole waits with it
        return self._new if pipeline is self.there else self.there

    def carry_absent(self, snapshot: Snapshot, absent: Changes) -> None:
        """Keys without a row in the map: gone for good, or out of the filter."""
        if self._map.when_left == "delete":
            self.gone.append(absent)
            return
        names = absent.keys.column_names
        alive = key_texts(snapshot.fetch(self.bare, absent.keys), names)
        out = row_of(absent.texts, alive).is_valid()
        left, gone = absent.filter(out), absent.filter(pc.invert(out))
        if len(left):
            self.acknowledge(left.ids)
            self.tally.counts += Counts(read=len(left), unchanged=len(left))
        if len(gone):
            self.gone.append(gone)

    # What is not to be carried

    def _named(self, changes: Changes) -> Changes:
        """Without the keys that have a null part: nothing can be looked for by them."""
        nameless = changes.texts.is_null()
        if not pc.any(nameless).as_py():
            return changes
        lost = changes.filter(pc.and_not(nameless, changes.deleted))
        rejections = [
            Rejection(
                key,
                "key_present",
                "a part of the integration key is null, so the row has no name on either side",
                dict(key),
                cure=f"fill it in in {self.source.value}",
            )
            for key in keys_of(lost.keys)
        ]
        journal = self.context.session.journal
        journal.held.record(self._map.name, {self.direction: BatchRecord(rejected=rejections)})
        self.tally.counts += Counts(read=len(lost), rejected=len(lost))
        self.acknowledge(changes.ids_of(nameless))
        return changes.filter(pc.invert(nameless))

    def _unblocked(self, changes: Changes) -> Changes:
        """Without the keys whose conflict waits for a person: they are decided with it."""
        if not self._asked:
            return changes
        session, back = self.context.session, self.full.back
        waits = asked_about(session, self._map, self.source, back, changes.keys)
        if pc.any(waits).as_py():
            self.acknowledge(changes.ids_of(waits))
            self.tally.counts += Counts(read=pc.sum(waits).as_py())
        return changes.filter(pc.invert(waits))

    def rejoined(self, changes: Changes) -> Changes:
        """With the columns that waited in the journal with an earlier version of the row."""
        came = among(self.waiting, (changes.keys,)) if self.waiting else set()
        if not came:
            return changes
        journal, ids = self.context.session.journal, {self.waiting[text] for text in came}
        held = journal.held.rejected(self._map.name, ids=ids) + journal.held.parked(
            self._map.name, ids=ids
        )
        names = changes.keys.column_names
        keys = {n: pa.array([row.key[n] for row in held], pa.string()) for n in names}
        own = pa.table({n: changes.keys[n].cast(pa.string()) for n in names})
        at = row_of(key_texts(own, names), key_texts(pa.table(keys), names))
        said = [None if row.changed is None else changed_text(row.changed) for row in held]
        waited = pc.if_else(at.is_valid(), pa.array(said, pa.string()).take(at), "")
        changed = pc.binary_join_element_wise(changes.changed, waited, "")
        return replace(changes, changed=changed, ours=pc.and_not(changes.ours, at.is_valid()))

    # Ways

    def narrowed(self, changes: Changes) -> Pipeline:
        """The pipeline for the columns that changed in one of these rows."""
        return self._pipeline_of(changes.touched)

    def _pipeline_of(self, own: frozenset[str]) -> Pipeline:
        if own not in self._narrow:
            if len(self._narrow) > 64:
                self._narrow.clear()
            wanted = {
                c.target
                for c in self.full.route.flow.columns
                if any(path.column in own for path in c.needs)
            }
            wanted |= judged_with(self.full.route, wanted)
            self._narrow[own] = self._pipeline(lambda path: path in wanted, takes=Takes.CLEAN)
        return self._narrow[own]

    def _pipeline(
        self,
        keep: Callable[[ColumnPath], bool],
        *,
        takes: Takes = Takes.ALL,
        last: bool = True,
    ) -> Pipeline:
        session, table_map = self.context.session, self._map
        route = compile_route(session, table_map, self.source, keep=keep)
        across = self.source.other
        back = compile_route(session, table_map, across) if table_map.flows_from(across) else None
        carrying = Carrying(self.context.conflict_policy(route), takes, last=last)
        return Pipeline(self.context, route, back, carrying)

    def _deferred_targets(self) -> Collection[ColumnPath]:
        """Target paths of lookups at rows that may not be there yet.

        One that waits on the source's side alone is read there and written as a value, which the
        target may ask of a new row.
        """
        waits = self.plan.deferred.get(self.source.other, frozenset())
        ends = [column.end(self.source.other) for column in self._map.columns]
        return {end for end in ends if end is not None and end.is_lookup and end.column in waits}

    # Done

    def acknowledge_batch(
        self, changes: Changes, result: BatchResult, done: Any, *, acknowledge: bool = True
    ) -> None:
        """Journal what became of a batch, then drop its entries."""
        through = changes.filter(done)
        self.tally.add(result, through.at)
        # a later page may have more of a row about which a person is asked now
        self._asked = self._asked or result.counts.conflicts > 0
        if self.waiting:
            still = {key_text(key) for key in result.held.keys}
            came = among(self.waiting, (through.keys,)) - still
            if came:
                share = BatchRecord(cleared=came)
                self.context.session.journal.held.record(self._map.name, {self.direction: share})
        if acknowledge:
            self.acknowledge(through.ids)

    def acknowledge(self, ids: pa.Array) -> None:
        """Drop entries of the queue."""
        if len(ids):
            self._app.acknowledge(self.capture.queue, ids)
