"""One direction of one map in a cycle: pages of changed keys, from the queue to the other side.

A page is read in the source's snapshot, carried, and acknowledged.  What is left in the queue
is what an application holds locked over there; everything else is across, or its record is in
the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import Entries, Op, changed_of, changed_text
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Snapshot
from dualwrite.journal.records import BatchRecord, Counts, HeldRow, key_text
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch, BatchContext, RowsFrom
from dualwrite.sync.batch.deletes import DeletePipeline
from dualwrite.sync.batch.held import REFUSED
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.batch.outcomes import Outcome
from dualwrite.sync.batch.pipeline import Pipeline
from dualwrite.sync.batch.results import BatchResult, log_rows
from dualwrite.sync.batch.twins import twins_noted
from dualwrite.sync.capture.captures import steering_columns
from dualwrite.sync.capture.changes import Changes, changes_of, renewed
from dualwrite.sync.cycle.admission import asked_about, nameless, refuse_drift, with_held
from dualwrite.sync.cycle.pages import Page, Pages
from dualwrite.sync.cycle.passes import Passes, query_of
from dualwrite.sync.cycle.pointers import Pointing
from dualwrite.sync.cycle.read_ahead import Ahead
from dualwrite.sync.cycle.renames import Renames
from dualwrite.sync.cycle.tally import Tally
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.routes.reading import reading
from dualwrite.tablemap.periods import dated_of
from dualwrite.translate.keys import key_text as key_texts
from dualwrite.translate.keys import row_of


class DirectionWorker:
    """Carries what one side of a map has queued.  Made for a worker, used by many cycles."""

    def __init__(self, context: BatchContext, plan: MapPlan, source: Side) -> None:
        self.context, self.plan, self.source = context, plan, source
        self.pointing = Pointing(context.session, source)
        self.tally = Tally()
        self._map, self._app = plan.table_map, context.session.apps[source]
        self._journal = context.session.journal
        self.capture: Capture = context.captures[source]
        """Whose queue it carries."""
        self.query = reading(context.session, self._map, source)
        self.passes = Passes(context, plan, source)
        self.full = self.passes.full
        steering = steering_columns(self._map, source)
        self._pages = Pages(self.capture, steering, lambda part: self._query(self._narrow(part)))
        end = self._map.end(source)
        self.bare = Query(end.table, end.key, end.key, lookups=end.lookups)
        """Finds keys whose row is there, in the map or not."""
        self.deletion = DeletePipeline(self.full)
        self._renames = Renames(context, self.full.route, self.query, self.deletion)
        self._gone: list[Changes] = []
        self._late: list[Changes] = []
        self._any_deletes = False
        self._refused: set[str] = set()
        """The keys of rows that the other app has refused in this cycle."""
        self._deleted = False
        """Whether rows of the other side went in this cycle."""
        self.applied = 0
        """The stamp of what was committed last in the other side's inbox; 0 if nothing was yet."""
        self.given = 0
        """The highest id that was acknowledged; 0 if none was yet."""
        self.remembered = 0
        """The highest of those that the source itself knows of."""
        self.looks_at = 0.0
        """When the target is to be asked again whether it was restored, by the monotonic clock."""

    @property
    def direction(self) -> str:
        """`finops->dataverse` or the other."""
        return self.source.direction

    @property
    def origin(self) -> Origin:
        """Who writes on the source's side."""
        return self.context.origin(self.full.route, self.source)

    def take_tally(self) -> Tally:
        """What was done since this was called last."""
        tally, self.tally = self.tally, Tally()
        return tally

    def count_deletes(self, snapshot: Snapshot) -> int:
        """How many queued keys are to vanish from the other side: what the guard needs.

        Those of the whole queue, not only of what one cycle carries: gone from the source or, with
        `when_left: delete`, out of the map.
        """
        leaving = self._map.when_left == "delete"
        query, count = self.query if leaving else self.bare, 0
        for entries in self.queue(snapshot):
            changes = changes_of(entries)
            if entries.was is not None:  # a key that became another is no row that vanishes
                was = key_texts(entries.was, entries.was.column_names).drop_null()
                changes = changes.filter(pc.invert(pc.is_in(changes.texts, value_set=was)))
            asked = changes if leaving else changes.filter(changes.deleted)
            if len(asked):
                count += len(asked) - snapshot.fetch(query, asked.keys).num_rows
        return count

    def carry_upserts(self, snapshot: Snapshot) -> None:
        """Carry what is there; what is gone is kept for `carry_deletes`."""
        self.begin()
        begun = self.context.begun[self.source]
        with Ahead(snapshot) as ahead:
            for page in self._pages.ahead(ahead):
                self._carry_page(ahead, self._without(page, begun) if len(begun) else page)
        for came in self.context.came.pop(self.source, []):
            if self._any_deletes:  # a conflict has taken these from the queue
                self.pointing.queue(snapshot, self.capture.table, came)

    def _without(self, page: Page, begun: pa.Array) -> Page:
        """A page without the entries of which only late lookups are left to carry."""
        mask = pc.is_in(page.entries.id, value_set=begun)
        if not pc.any(mask).as_py():
            return page
        late, rest = page.entries.filter(mask), page.entries.filter(pc.invert(mask))
        self._late.append(self.admitted(late, changes_of(late)))
        changes = self._pages.steered(changes_of(rest))
        return Page(rest, changes, changes.filter(changes.changed.is_valid()), None)

    def _carry_page(self, snapshot: Snapshot, page: Page) -> None:
        changes, part, rows = self.admitted(page.entries, page.changes), page.part, page.rows
        if page.entries.was is not None:
            changes = self._rename(snapshot, page.entries, changes)
        if changes is not page.changes:
            changes = self._pages.steered(changes)
            part, rows = changes.filter(changes.changed.is_valid()), None
        if len(part):
            self.carry(snapshot, part, self._narrow(part), rows)
        # a key that is gone may have become another, though a new row has taken its place
        self._any_deletes = page.entries.has_op(Op.DELETE) or self._any_deletes
        whole = changes.changed.is_null()
        if pc.any(whole).as_py():
            if self._any_deletes:
                came = changes.filter(renewed(changes))
                self.pointing.queue(snapshot, self.capture.table, came)
            self.carry(snapshot, changes.filter(whole), self.passes.known)

    def _rename(self, snapshot: Snapshot, entries: Entries, changes: Changes) -> Changes:
        """Give rows of the other side the keys that changed here; what is left to carry."""
        texts = key_texts(entries.keys, entries.keys.column_names)
        waiting = texts.filter(pc.invert(pc.is_in(texts, value_set=changes.texts)))
        renamed = self._renames.carry(snapshot, entries, waiting)
        names = pa.array(renamed.done, pa.string())
        done = pc.and_(changes.deleted, pc.is_in(changes.texts, value_set=names))
        count = pc.sum(done).as_py() or 0
        self.count(Outcome.WRITTEN, Counts(read=count, written=count))
        if cleared := self.held.among(changes.filter(done).keys):
            record = {self.direction: BatchRecord(cleared=cleared)}
            self._journal.held.record(self._map.name, record)
        changes = self._take_out(changes, done)
        locked = pc.is_in(changes.texts, value_set=pa.array(renamed.locked, pa.string()))
        return changes.filter(pc.invert(locked))

    def carry_late_lookups(self, snapshot: Snapshot) -> None:
        """Carry the lookups that had to wait for other rows of the same cycle."""
        for changes in self._late:
            changed = changed_of(changed_text(self.passes.late_columns), len(changes))
            self.carry(snapshot, replace(changes, changed=changed), self.passes.late)
        self._late.clear()

    def carry_deletes(self) -> None:
        """Delete across what is gone from the source."""
        closed = self.context.closed.pop(self.source, [])
        self.context.came.pop(self.source, None)
        if self._gone:
            backlog = self._journal.maps.backlog(self._map.name)
            self._read_held_across(any_held=backlog[1] > 0)
        for gone in self._gone:
            changes = gone.without(pa.concat_arrays(closed)) if closed else gone
            changes = self._still_out(changes)
            if len(changes):
                self.delete(changes)
        self._gone.clear()

    def delete(self, changes: Changes) -> None:
        """Delete across n keys that are gone from the source."""
        refused = set(self._refused)
        for result in self.deletion.carry(changes):
            self.acknowledge_batch(result)
        self._refused = refused  # a delete that is refused has no row in its way

    def refused_before_deletes(self) -> list[HeldRow]:
        """The held rows of this cycle that the other app refused before rows of theirs went.

        What they were refused for may have gone with those: a unique value, for one.
        """
        refused, self._refused = self._refused, set()
        if not refused or not self._deleted:
            return []
        held = HeldChanges(self._journal, self._map.name, self.direction)
        return [row for row in held.rows_of(refused) if row.cause == REFUSED]

    def _still_out(self, changes: Changes) -> Changes:
        """Without the rows that a change of the other side has brought into the map again.

        They stay in the queue, and cross whole in the next cycle.
        """
        if self._map.when_left != "delete" or not len(changes):
            return changes
        there = self._app.fetch(self.query, changes.keys)
        came = row_of(changes.texts, key_texts(there, changes.keys.column_names)).is_valid()
        return changes.filter(pc.invert(came))

    # What waits in the journal

    def begin(self) -> None:
        """Read what waits in the journal; drop what a cycle that broke off left here."""
        asked, held = self._journal.maps.backlog(self._map.name)
        self._asked = asked > 0
        self.read_held(any_held=held > 0)
        self._read_held_across(any_held=held > 0)
        self._gone.clear()
        self._late.clear()
        self._any_deletes = self._deleted = False
        self._refused.clear()

    def read_held(self, *, any_held: bool = True) -> None:
        """Read which keys the journal holds back in this direction."""
        name, direction = self._map.name, self.direction
        self.held = HeldChanges(self._journal, name, direction, any_held=any_held)

    def _read_held_across(self, *, any_held: bool) -> None:
        """Read what is held of the other side's changes: overwriting it is a conflict."""
        across = self.source.other
        self.context.held.pop(across, None)
        name, direction = self._map.name, across.direction
        held = HeldChanges(self._journal, name, direction, any_held=any_held)
        if held:
            self.context.held[across] = held

    def admitted(self, entries: Entries, changes: Changes) -> Changes:
        """The changes of a page that may be carried, with what is held of their rows.

        A key with a null part is rejected, a row about which a person is asked waits with its
        conflict.  The same object where nothing is to be done.

        Raises:
            DriftError: The table has changed its columns.
        """
        name, source = self._map.name, self.source
        refuse_drift(entries, side=source, table=self.capture.table, map_name=name)
        null, rejections = nameless(changes, source)
        if pc.any(null).as_py():
            self._journal.held.record(name, {self.direction: BatchRecord(rejected=rejections)})
            lost = len(rejections)
            self.count(Outcome.REJECTED, Counts(read=lost, rejected=lost))
            changes = self._take_out(changes, null)
        if self._asked:
            session, back = self.context.session, self.full.back
            waits = asked_about(session, self._map, source, back, changes.keys)
            count = pc.sum(waits).as_py() or 0
            self.count(Outcome.WAITS_FOR_PERSON, Counts(read=count))
            changes = self._take_out(changes, waits)
        return with_held(changes, self.held) if self.held else changes

    def _take_out(self, changes: Changes, mask: Any) -> Changes:
        """Acknowledge the changes of `mask`, which are counted; the others."""
        self.acknowledge(changes.ids_of(mask))
        return changes.filter(pc.invert(mask))

    # Carrying

    def _narrow(self, changes: Changes) -> Pipeline:
        """The pipeline for the columns that changed in one of these rows."""
        return self.passes.of_columns(changes.touched)

    def _query(self, pipeline: Pipeline) -> Query:
        return query_of(pipeline, self.query)

    def pages(self, snapshot: Snapshot) -> Iterator[Entries]:
        """What of the queue a cycle carries, a page at a time."""
        return self._pages.entries(snapshot)

    def queue(self, snapshot: Snapshot) -> Iterator[Entries]:
        """The whole queue, a page at a time."""
        return self._pages.entries(snapshot, whole=True)

    def carry(
        self,
        snapshot: Snapshot,
        changes: Changes,
        pipeline: Pipeline,
        rows: pa.Table | None = None,
    ) -> None:
        """Carry changes of n keys; those that are absent are acknowledged or kept for later.

        `rows` are theirs, where they were read already.
        """
        if rows is None:
            rows = snapshot.fetch(self._query(pipeline), changes.keys)
        keys = key_texts(rows, changes.keys.column_names)
        dated = dated_of(self._map)
        if dated is None or dated.is_projection:
            rows = twins_noted(rows, keys)
        at = row_of(changes.texts, keys)
        here = at.is_valid()
        there = changes.filter(here)
        if len(there):
            rows = rows.take(at.drop_null())
            for result in pipeline.carry(Batch(pipeline.route, rows, RowsFrom.QUEUE, there)):
                self.acknowledge_batch(result)
                again = result.entries.filter(result.needs_wider_route)
                if len(again):
                    self.carry(snapshot, again, self.passes.wider(pipeline))
        absent = changes.filter(pc.invert(here))
        if len(absent):
            self.carry_absent(snapshot, absent)

    def carry_absent(self, snapshot: Snapshot, absent: Changes) -> None:
        """Deal with keys without a row in the map: gone for good, or out of the filter."""
        if self._map.when_left == "delete":
            self._gone.append(absent)
            return
        alive = key_texts(snapshot.fetch(self.bare, absent.keys), absent.keys.column_names)
        out = row_of(absent.texts, alive).is_valid()
        left, gone = absent.filter(out), absent.filter(pc.invert(out))
        if len(left):
            self.acknowledge(left.ids)
            self.count(Outcome.NOT_WANTED, Counts(read=len(left), unchanged=len(left)))
        if len(gone):
            self._gone.append(gone)

    def count(self, outcome: Outcome, counts: Counts) -> None:
        """Count rows that end before the pipeline; they have a log line as those of a batch."""
        self.tally.counts += counts
        if counts.read:
            log_rows(self._map.name, self.direction, outcome, counts)

    def acknowledge_batch(self, result: BatchResult) -> None:
        """Count a batch; discard held rows that are across; acknowledge its entries.

        Not those of rows that stay (locked, or the route was too narrow), and with the last pass
        that carries a part of an entry.
        """
        through = result.acknowledged
        if not result.last:
            self._late.append(through)
        self.tally.add(result.counts, through.at)
        self._deleted = self._deleted or result.counts.deleted > 0
        self._refused |= {key_text(r.key) for r in result.held.rejected if r.rule == REFUSED}
        # a later page may have more of a row about which a person is asked now
        self._asked = self._asked or result.counts.conflicts > 0
        cleared = self.held.among(through.keys) - {key_text(key) for key in result.held.keys}
        if cleared:
            record = {self.direction: BatchRecord(cleared=cleared)}
            self._journal.held.record(self._map.name, record)
        if result.last:
            self.applied = self.context.stamps.get(self.source, 0)
            self.acknowledge(through.ids)

    def acknowledge(self, ids: pa.Array) -> None:
        """Drop entries of the queue."""
        if not len(ids):
            return
        self._app.acknowledge(self.capture.queue, ids)
        self.given = max(self.given, pc.max(ids).as_py())
        if len(begun := self.context.begun[self.source]):
            left = pc.invert(pc.is_in(begun, value_set=ids))
            self.context.begun[self.source] = begun.filter(left)
