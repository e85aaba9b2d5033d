"""Carrying rows across: the one path that initial sync, retry and every cycle take.

    translate ─> counterpart ─> merge ─> look up ─> check ─┬─> fit ─> write
                                                           ├─> reject
                                                           └─> park

The caller brings rows as read on the source side, few or many.  What comes back is
an `Outcome`: counts, and the rows held back with their reasons, one for each
direction, for the journal.  Nothing is journalled here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial, reduce

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.base import Written
from dualwrite.apps.capture import Capture, Origin, Writing
from dualwrite.errors import AppBusyError
from dualwrite.journal.records import Counts
from dualwrite.link import Side
from dualwrite.rules import Verdict
from dualwrite.sync.batch.back import returning_rows
from dualwrite.sync.batch.dated import Histories, WriteTarget, dating_of
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.held import Held, Refused, hold, waiting_columns
from dualwrite.sync.batch.merge import Mask, Merged, merge, replace_columns
from dualwrite.sync.batch.target import (
    TargetState,
    nothing_stands,
    stand_under_lock,
    stand_unlocked,
)
from dualwrite.sync.batch.winning import about_what_waited, mine_wins, yielding
from dualwrite.sync.batch.writing import Write, physical_rows, write_rows
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.route import Route, reading
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import Master
from dualwrite.translate.amounts import settled
from dualwrite.translate.flow import comparable, translate


@dataclass(frozen=True)
class WriteMode:
    """How rows are carried.

    `fresh` promises that the target holds none of the keys.  `insert_only` leaves
    rows alone that the target holds, `update_only` those that it does not.  `late`
    says that only columns are carried which were left out when the rows were written.
    """

    master: Master
    fresh: bool = False
    insert_only: bool = False
    update_only: bool = False
    late: bool = False
    dry_run: bool = False
    gate: Gate = rules_only


@dataclass
class Outcome:
    """What became of the rows, by direction (`finops->dataverse`)."""

    counts: dict[str, Counts] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    seen: dict[str, tuple[pa.Table, ...]] = field(default_factory=dict)
    """Keys, by source path, of all rows that were dealt with."""

    def add(self, direction: str, counts: Counts, held: Held, seen: pa.Table) -> None:
        """Add to a direction's share."""
        self.counts[direction] = self.counts.get(direction, Counts()) + counts
        self.held[direction] = self.held.get(direction, Held()) + held
        self.seen[direction] = (*self.seen.get(direction, ()), seen)


class Carrier:
    """Carries rows along one way; made once for a run, shared by its threads.

    `captures` are the queues that are installed, `epoch` is that of the map's lease.
    """

    def __init__(
        self,
        session: Session,
        route: Route,
        back: Route | None,
        finder: Finder,
        *,
        captures: Mapping[Side, Capture] | None = None,
        epoch: int = 0,
    ) -> None:
        self.session, self.route, self.back, self.finder = session, route, back, finder
        self._captures, self._epoch = captures or {}, epoch
        self._counterpart = reading(session, route.table_map, route.target, filtered=False)
        self._own = reading(session, route.table_map, route.source, filtered=False)
        routes = {each.source: each for each in (route, back) if each is not None}
        self._datings = {source: dating_of(session, each) for source, each in routes.items()}

    def carry(self, rows: pa.Table, manner: WriteMode, waited: Changes | None = None) -> Outcome:
        """Carry rows of the way's source across.

        What an application changes meanwhile is left to the next cycle: its values stay,
        and a row that it holds locked is put into the source's queue.

        Shapes: `rows` is (n, c), named by source path, as `reading` reads them.  `waited`, of the
        same n keys, says what of each row waited in the journal, and that alone is settled; a row
        that the other side has changed since is left alone, for a cycle decides conflicts.

        Raises:
            TransientError, PermanentError: From the apps; nothing of this batch was
                written, or what was is whole and comes out `unchanged` next time.
        """
        outcome = Outcome()
        out = translate(rows, self.route.flow)
        verdict = manner.gate(self.route, out, self.route.source_rules)
        with self._writing(self.route.target, manner) as writing:
            standing = self._standing(writing, out, manner)
            stay = _staying(standing, manner, waited)
            if stay is not None:
                rows, out, verdict = rows.filter(stay), out.filter(stay), verdict.filter(stay)
                standing = standing.filter(stay)
                waited = None if waited is None else waited.filter(stay)
            busy = standing.busy
            if pc.any(busy).as_py():
                free = pc.invert(busy)
                self._later(rows.filter(busy), None if waited is None else waited.filter(busy))
                waited = None if waited is None else waited.filter(free)
                rows, out, verdict = rows.filter(free), out.filter(free), verdict.filter(free)
                standing = standing.filter(free)
            theirs, found = standing.theirs, standing.found
            if verdict.failures and not manner.fresh:
                # what cannot be told in the other side's terms settles nothing either
                theirs, found = (
                    _without(theirs, pc.invert(verdict.passed)),
                    pc.and_(found, verdict.passed),
                )
            merged = self._merge(rows, out, theirs, found, manner)
            if waited is not None:
                merged = about_what_waited(self.route, merged, theirs, waited)
            merged = yielding(self.route, merged, standing)
            wanted = pc.or_(merged.write, pc.invert(verdict.passed))
            histories = self._histories(writing, self.route, out, manner, wanted)
            if histories is not None and pc.any(histories.busy).as_py():
                self._later(rows.filter(histories.busy))
                merged = replace(merged, write=pc.and_not(merged.write, histories.busy))
            door = WriteTarget(writing, histories)
            self._forward(door, rows, out, merged, verdict, manner, outcome)
        self._return(rows, theirs, merged, manner, outcome)
        self._look_again(rows, merged.found, manner, outcome)
        return outcome

    def _look_again(self, rows: pa.Table, found: Mask, manner: WriteMode, outcome: Outcome) -> None:
        """Of rows that were new over there: what the target alone decides is what it gave them."""
        back = self.back
        if back is None or manner.dry_run or manner.insert_only or manner.update_only:
            return
        alone = [str(c.target) for c in back.flow.columns if c.reads]
        alone = [name for name in alone if name not in back.two_way and name in rows.column_names]
        if not alone:
            return
        said = reduce(pc.or_, (pc.is_valid(rows[name]) for name in alone))
        made = rows.filter(pc.and_not(said, found))
        if made.num_rows:
            again = self.carry(made, replace(manner, fresh=False, update_only=True))
            direction = back.source.direction
            if direction in again.counts:
                held, seen = again.held[direction], again.seen[direction]
                outcome.add(direction, again.counts[direction], held, pa.concat_tables(seen))

    @contextmanager
    def _writing(self, side: Side, manner: WriteMode) -> Iterator[Writing | None]:
        """A transaction in an app; none in a dry run."""
        if manner.dry_run:
            yield None
            return
        capture = self._captures.get(side)
        queue = None if capture is None else capture.queue
        origin = Origin(self.route.table_map.name, queue, self._epoch)
        with self.session.apps[side].writing(origin) as writing:
            yield writing

    def _standing(self, writing: Writing | None, out: pa.Table, manner: WriteMode) -> TargetState:
        """What the target holds under the rows' keys, aligned with them."""
        if manner.fresh:
            return nothing_stands(self.route, out)
        if writing is None:
            return stand_unlocked(self.session, self.route, self._counterpart, out)
        capture = self._captures.get(self.route.target)
        return stand_under_lock(writing, self.route, self._counterpart, out, capture)

    def _histories(
        self,
        writing: Writing | None,
        route: Route,
        out: pa.Table,
        manner: WriteMode,
        wanted: Mask | None = None,
    ) -> Histories | None:
        """What the target of a way holds of dated entities; None where it is not dated."""
        dating = self._datings[route.source]
        if dating is None:
            return None
        return dating.nothing(out) if manner.fresh else dating.look(writing, out, wanted)

    def _later(self, rows: pa.Table, waited: Changes | None = None) -> None:
        """Leave rows to the next cycle."""
        if self.route.source not in self._captures:
            raise AppBusyError(
                app=self.route.target.value,
                table=self.route.target_table,
                reason="rows to be written are locked by an application",
            )
        self._enqueue(rows, "u", None if waited is None else waited.changed)

    def delete_later(self, keys: pa.Table) -> None:
        """Leave to the next cycle what is gone from the source, if there are cycles."""
        if keys.num_rows and self.route.source in self._captures:
            self._enqueue(keys, "d", None)

    def _enqueue(self, rows: pa.Table, op: str, changed: pa.Array | None) -> None:
        source, names = self.route.source, list(self.route.flow.source_key)
        capture, n = self._captures[source], rows.num_rows
        said = [
            pa.repeat(pa.scalar(op), n),
            pa.nulls(n, pa.string()) if changed is None else changed,
        ]
        entries = pa.table([*said, *rows.select(names).columns], names=["op", "changed", *names])
        origin = Origin(self.route.table_map.name, capture.queue, self._epoch)
        with self.session.apps[source].writing(origin) as writing:
            writing.queue(capture, entries)

    def _merge(
        self,
        rows: pa.Table,
        out: pa.Table,
        theirs: pa.Table,
        found: Mask,
        manner: WriteMode,
    ) -> Merged:
        mine = out.select(list(self.route.flow.names))
        if manner.fresh:
            held = pa.table({f.name: pa.nulls(out.num_rows, f.type) for f in mine.schema})
        else:
            held = comparable(theirs, self.route.flow)
            mine = settled(out, held, self.route.flow).select(mine.column_names)
        return merge(
            mine,
            held,
            found=found,
            two_way=self.route.two_way,
            mine_wins=mine_wins(self.route, rows, None if manner.fresh else theirs, manner.master),
            fill=manner.master is Master.FILL_BLANKS,
            late=manner.late,
        )

    def _forward(
        self,
        door: WriteTarget,
        rows: pa.Table,
        out: pa.Table,
        merged: Merged,
        verdict: Verdict,
        manner: WriteMode,
        outcome: Outcome,
    ) -> None:
        """Write the rows that must be; `verdict` is what the gate said of their translation."""
        route, wanted = self.route, pc.or_(merged.write, pc.invert(verdict.passed))
        verdict = verdict.filter(wanted)
        ready = replace_columns(out.filter(wanted), merged.forward.filter(wanted))
        ready = self.finder.fill_in(ready, route)
        verdict = verdict.join(manner.gate(route, ready, route.target_rules))
        verdict, written, refused = self._write(door, route, ready, verdict, manner)
        changed = None
        if verdict.failures or refused:
            changed = waiting_columns(route, merged.crossing, merged.found).filter(wanted)
        held = hold(route, rows.filter(wanted), ready, verdict, refused, changed)
        # what is late was read and counted when the rows were written
        counts = Counts(
            read=0 if manner.late else rows.num_rows,
            written=written.inserted + written.updated,
            unchanged=0 if manner.late else rows.num_rows - ready.num_rows + written.unchanged,
            rejected=len(held.rejected),
            parked=len(held.parked),
            conflicts=pc.sum(merged.conflicts).as_py() or 0,
        )
        outcome.add(route.source.direction, counts, held, _seen(rows, route, manner))
        if manner.dry_run:
            self.finder.pretend(route.target, route.target_table, ready.filter(verdict.passed))

    def _write(
        self, door: WriteTarget, route: Route, ready: pa.Table, verdict: Verdict, manner: WriteMode
    ) -> tuple[Verdict, Written, dict[int, str | Refused]]:
        """Write the rows that passed; those that are not written by their number in `ready`."""
        no: dict[int, str | Refused] = {}
        dating, writing, histories = self._datings[route.source], door.writing, door.histories
        if dating is not None and histories is not None:
            if dating.writes_by_mode:
                capture = self._captures.get(route.target)
                done, no = dating.write(
                    writing, ready, verdict.passed, histories, capture, by_start=True
                )
                return verdict, done, no
            verdict, unsound = dating.judged(manner.gate, ready, verdict, histories)
            no.update(unsound)
        passed = pc.indices_nonzero(verdict.passed)
        n = len(passed)
        if writing is None or not n:
            kept = Written(updated=n) if manner.update_only else Written(inserted=n)
            return verdict, kept, no
        write: Write = writing.update if manner.update_only else writing.insert
        if manner.fresh:
            write = partial(writing.insert, fresh=True)
        physical = physical_rows(route, ready.take(passed))
        written, refused = write_rows(write, route.target_table, physical, key=route.written_key)
        no |= {passed[number].as_py(): reason for number, reason in refused.items()}
        return verdict, written, no

    def _return(
        self, rows: pa.Table, theirs: pa.Table, merged: Merged, manner: WriteMode, outcome: Outcome
    ) -> None:
        """Write on the source side what the other side won, or alone decides."""
        if self.back is None or manner.fresh or manner.insert_only:
            return
        back = self.back
        returning = returning_rows(back, rows, theirs, merged)
        if not returning.ready.num_rows:
            outcome.add(back.source.direction, Counts(), Held(), _seen(theirs, back, manner))
            return
        returning = replace(returning, ready=self.finder.fill_in(returning.ready, back))
        update = WriteMode(manner.master, update_only=True, dry_run=manner.dry_run)
        with self._writing(back.target, manner) as writing:
            if writing is not None:
                # a row that its own side has changed meanwhile is the next cycle's
                capture = self._captures.get(back.target)
                own = stand_under_lock(writing, back, self._own, returning.ready, capture)
                returning = returning.filter(pc.invert(pc.or_(own.busy, own.dirty)))
            histories = self._histories(writing, back, returning.ready, update)
            if histories is not None:
                returning = returning.filter(pc.invert(histories.busy))
            ready = returning.ready
            verdict = manner.gate(back, ready, (*back.source_rules, *back.target_rules))
            door = WriteTarget(writing, histories)
            verdict, written, refused = self._write(door, back, ready, verdict, update)
        changed = None
        if verdict.failures or refused:
            found = pa.repeat(pa.scalar(value=True), ready.num_rows)
            changed = waiting_columns(back, returning.crossing, found)
        held = hold(back, returning.rows, ready, verdict, refused, changed)
        counts = Counts(
            written=written.updated,
            rejected=len(held.rejected),
            parked=len(held.parked),
        )
        outcome.add(back.source.direction, counts, held, _seen(theirs, back, manner))


def _seen(rows: pa.Table, route: Route, manner: WriteMode) -> pa.Table:
    """The keys of the rows that were dealt with in full.

    None where only late columns were carried: what held the row back before still stands.
    """
    keys = rows.select(list(route.flow.source_key)).drop_null()
    return keys.slice(0, 0) if manner.late else keys


def _without(rows: pa.Table, mask: Mask) -> pa.Table:
    """The rows, null throughout where the mask says so."""
    numbers = pa.array(range(rows.num_rows), pa.int64())
    return rows.take(pc.if_else(mask, pa.scalar(None, pa.int64()), numbers))


def _staying(standing: TargetState, manner: WriteMode, waited: Changes | None) -> Mask | None:
    """The rows to be dealt with; None for all of them."""
    if manner.fresh:
        return None
    if waited is not None:
        return pc.invert(standing.dirty)
    if manner.insert_only:
        return pc.invert(standing.found)
    return standing.found if manner.update_only else None
