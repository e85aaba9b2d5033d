"""Changed rows on their way across: one batch, one transaction in the target.

    translate ─> lock and look ─> decide ─> look up ─> check ─┬─> write ─> inbox ─> commit
                                                              ├─> reject
                                                              └─> park

What is held back and what was in conflict is journalled before the commit: a crash
between the two leaves a line too many in the journal, which the next try replaces, and
never a row that was set aside or overwritten without a word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture, Origin, Writing, changed_text
from dualwrite.journal.records import BatchRecord, Counts
from dualwrite.link import Side
from dualwrite.rules import Verdict
from dualwrite.sync.batch.conflicts import Batch, conflicts_of, newer
from dualwrite.sync.batch.dated import Histories, dating_of
from dualwrite.sync.batch.decide import Both, Decision, Policies, decide, policies_of
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.held import Held, hold
from dualwrite.sync.batch.held_entries import Waiting, parted
from dualwrite.sync.batch.merge import replace_columns
from dualwrite.sync.batch.optimistic import OptimisticUpdate
from dualwrite.sync.batch.target import TargetState, stand_under_lock
from dualwrite.sync.batch.writing import WriteResult, changing_columns, physical_rows, write_rows
from dualwrite.sync.capture.changes import REQUEUED, Changes
from dualwrite.sync.routes.limits import Limit
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.route import Route, only_needed, reading
from dualwrite.sync.session import Session
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.amounts import settled
from dualwrite.translate.flow import comparable, translate

Mask = Any


@dataclass(frozen=True)
class BatchResult:
    """What became of n rows.

    `left` marks those that stay in their queue, for somebody holds their counterpart;
    `unfit` those that the narrow way cannot carry: they need all their columns.
    """

    counts: Counts
    held: Held
    left: Mask
    unfit: Mask


class Only(Enum):
    """Which rows a crossing takes; the others are unfit for it."""

    ALL = "all"
    THERE = "the target has, or has had, a row"
    CLEAN = "both sides have a row, and only the source has changed it"


@dataclass(frozen=True)
class Link:
    """What every batch of one map has in common."""

    session: Session
    finder: Finder
    captures: Mapping[Side, Capture]
    epoch: int
    gate: Gate = rules_only
    policies: Policies | None = None
    """In the place of the map's own: a person has decided."""
    noting: bool = True
    """Whether held rows and conflicts are journalled; else the caller deals with them."""
    settled: defaultdict[Side, list[pa.Array]] = field(default_factory=lambda: defaultdict(list))
    """Entries of a side's own queue that a conflict dealt with in this cycle."""
    waiting: dict[Side, Waiting] = field(default_factory=dict)
    """What the journal holds back of a side's changes."""
    freed: list[int] = field(default_factory=list)
    """Held rows that a conflict dealt with, until that is committed."""

    def settle(self, writing: Writing, side: Side, ids: pa.Array) -> None:
        """Drop a side's entries, in a transaction in its app: a conflict has dealt with them."""
        queued, held = parted(ids)
        writing.forget(self.captures[side], queued)
        self.settled[side].append(queued)
        self.freed.extend(held)

    def committed(self) -> None:
        """Let go from the journal what was dealt with."""
        if self.freed:
            self.session.journal.held.discard(self.freed)
            self.freed.clear()


class Crossing:
    """One way of a map, ready to carry changes.

    One for `Only.CLEAN` rows may carry some columns only.  One that is not `marking` is
    followed by another for the rest of the same changes, which marks them as carried.
    """

    def __init__(
        self,
        link: Link,
        route: Route,
        back: Route | None,
        *,
        only: Only = Only.ALL,
        marking: bool = True,
    ) -> None:
        self.link, self.route, self.back, self.only, self._marking = (
            link,
            route,
            back,
            only,
            marking,
        )
        query = reading(link.session, route.table_map, route.target, filtered=False)
        self.query = only_needed(query, route.flow.targets) if only is Only.CLEAN else query
        # a row that is there is found again by its own key, whatever that is looked up from
        own = tuple(ColumnPath((name,)) for name in route.written_key)
        self.query = replace(self.query, columns=tuple(dict.fromkeys((*self.query.columns, *own))))
        self.dating = dating_of(link.session, route)
        self.policies = link.policies or policies_of(route.table_map, route.source)
        self._limit = Limit.of(route.table_map)
        self._sources = {
            str(c.target): frozenset(path.column for path in c.reads) for c in route.flow.columns
        }
        self._at_once = OptimisticUpdate(link, route, self._sources) if only is Only.CLEAN else None
        columns = () if back is None else back.flow.columns
        self._own = {
            str(c.source): frozenset(path.column for path in c.reads) for c in columns if c.source
        }
        self._theirs_alone = sorted(
            {p.column for c in columns if str(c.source) not in route.two_way for p in c.reads}
        )

    @property
    def name(self) -> str:
        """The map's name."""
        return self.route.table_map.name

    def carry(self, rows: pa.Table, changes: Changes) -> BatchResult:
        """Carry n changed rows of the source across.

        Shapes: `rows` (n, c) as the way reads them, `changes` of the same n keys, aligned.

        Raises:
            TransientError, PermanentError: Nothing of this batch was written.
        """
        out = translate(rows, self.route.flow)
        verdict = self.link.gate(self.route, out, self.route.source_rules)
        self.link.freed.clear()
        with self.link.session.apps[self.route.target].writing(self.origin) as writing:
            crossed = self._within(writing, rows, out, changes, verdict)
        self.link.committed()
        return crossed

    def within(self, writing: Writing, rows: pa.Table, changes: Changes) -> BatchResult:
        """As `carry`, in a transaction of the caller's, who made it with our `origin`."""
        out = translate(rows, self.route.flow)
        verdict = self.link.gate(self.route, out, self.route.source_rules)
        return self._within(writing, rows, out, changes, verdict)

    def _within(
        self, writing: Writing, rows: pa.Table, out: pa.Table, changes: Changes, verdict: Verdict
    ) -> BatchResult:
        route, n = self.route, len(changes)
        if self._at_once is not None and self._at_once.carry(writing, out, changes, verdict):
            self.mark(writing, changes.ids)
            never = pa.repeat(pa.scalar(value=False), n)
            return BatchResult(Counts(read=n, written=n), Held(), never, never)
        capture = self.link.captures.get(route.target)
        waiting = self.link.waiting.get(route.target)
        standing = stand_under_lock(writing, route, self.query, out, capture, waiting=waiting)
        histories = None if self.dating is None else self.dating.look(writing, out)
        if histories is not None:
            standing = replace(standing, busy=pc.or_(standing.busy, histories.busy))
        # what only we asked for is no reason to bring back what was deleted meanwhile
        void = pc.and_(changes.ours, standing.deleted)
        unfit = pc.and_not(self._unfit(standing), void)
        goes = pc.invert(pc.or_(pc.or_(standing.busy, unfit), void))
        batch = Batch(rows, out, changes, standing).filter(goes)
        crossed, raced = self._cross(writing, batch, verdict.filter(goes), histories)
        left = pc.or_(standing.busy, _marked(pc.indices_nonzero(goes), _numbers(raced), n))
        return replace(crossed, left=left, unfit=unfit)

    @property
    def origin(self) -> Origin:
        """Who writes, for the target."""
        capture = self.link.captures.get(self.route.target)
        return Origin(self.name, None if capture is None else capture.queue, self.link.epoch)

    def mark(self, writing: Writing, ids: pa.Array) -> None:
        """Note in the target that these entries of the source are in it."""
        capture = self.link.captures.get(self.route.source)
        if capture is not None and self._marking:
            writing.carried(capture.queue, ids)

    def _unfit(self, standing: TargetState) -> Mask:
        match self.only:
            case Only.ALL:
                fit: Mask = pa.repeat(pa.scalar(value=True), len(standing.found))
            case Only.THERE:
                fit = pc.or_(standing.found, standing.dirty)
            case Only.CLEAN:
                fit = pc.and_not(standing.found, standing.dirty)
        return pc.and_not(pc.invert(fit), standing.busy)

    def _cross(
        self, writing: Writing, batch: Batch, verdict: Verdict, histories: Histories | None
    ) -> tuple[BatchResult, Mask]:
        """Decide and write; and which rows of the batch somebody inserted at the same moment."""
        route, n = self.route, len(batch.changes)
        both = self._both(batch)
        decision = decide(both, self.policies, route.source)
        failed = pc.and_not(pc.invert(verdict.passed), decision.asks)
        wanted = pc.or_(decision.write, failed)
        ready = replace_columns(batch.out.filter(wanted), decision.forward.filter(wanted))
        known = {}
        if self.only is Only.CLEAN:
            known = {n: batch.standing.theirs[n].filter(wanted) for n in route.written_key}
        ready = self.link.finder.fill_in(ready, route, known)
        verdict = verdict.filter(wanted).join(self.link.gate(route, ready, route.target_rules))
        there = both.found.filter(wanted)
        verdict, fate = self._written(writing, ready, verdict, there, decision, histories)
        source = batch.rows.filter(wanted)
        held = hold(
            route, source, ready, verdict, fate.refused, batch.changes.changed.filter(wanted)
        )
        numbers = pc.indices_nonzero(wanted)
        raced = _marked(numbers, fate.raced, n)
        stopped = [*pc.indices_nonzero(pc.invert(verdict.passed)).to_pylist(), *fate.refused]
        through = pc.invert(pc.or_(raced, _marked(numbers, stopped, n)))
        conflicts = pc.and_(decision.conflicts, through)
        if self.link.noting:
            if self._limit is not None:
                self._limit.guard_batch(held.rejected, n)
            self._note(batch, decision, conflicts, held)
        self._settle(writing, batch, decision, conflicts)
        new = pc.if_else(both.found, batch.changes.changed.is_null(), wanted)
        self._call_back(writing, batch, pc.and_(pc.and_not(new, decision.asks), through))
        self.mark(writing, batch.changes.ids_of(through))
        counts = Counts(
            read=n,
            written=fate.written.inserted + fate.written.updated,
            unchanged=n - ready.num_rows + fate.written.unchanged,
            rejected=len(held.rejected),
            parked=len(held.parked),
            conflicts=pc.sum(conflicts).as_py() or 0,
        )
        return BatchResult(counts, held, raced, raced), raced

    def _both(self, batch: Batch) -> Both:
        standing, changes = batch.standing, batch.changes
        held = comparable(standing.theirs, self.route.flow)
        mine = settled(batch.out, held, self.route.flow).select(list(self.route.flow.names))
        dirty = standing.dirty
        never = pa.repeat(pa.scalar(value=False), len(changes))
        # a row that was made anew over there lacks what we alone know of it; a constant is the
        # map's, and may be what holds the row in a filter that its maker left it out of
        remade = pc.and_(dirty, standing.dirt.changed.is_null())
        disputed = pc.any(dirty).as_py()
        return Both(
            mine,
            held,
            standing.found,
            dirty,
            {
                name: changes.touches(columns)
                if name in self.route.two_way or not columns
                else pc.or_(changes.touches(columns), remade)
                for name, columns in self._sources.items()
            },
            {
                name: pc.and_(dirty, standing.dirt.touches(self._own.get(name, ())))
                if disputed
                else never
                for name in self.route.two_way
            },
            newer(self.route, batch.rows, changes, standing, self.policies.tie)
            if disputed
            else never,
            self.route.two_way,
        )

    def _written(
        self,
        writing: Writing,
        ready: pa.Table,
        verdict: Verdict,
        found: Mask,
        decision: Decision,
        histories: Histories | None,
    ) -> tuple[Verdict, WriteResult]:
        """Write the rows that passed, dated ones beside what the target holds of their entity."""
        if self.dating is None or histories is None:
            return verdict, self._write(writing, ready, verdict, found, decision)
        if self.dating.writes_by_mode:
            capture = self.link.captures.get(self.route.target)
            done = self.dating.write(writing, ready, verdict.passed, histories, capture)
            return verdict, WriteResult(*done)
        verdict, unsound = self.dating.judged(self.link.gate, ready, verdict, histories)
        fate = self._write(writing, ready, verdict, found, decision)
        fate.refused |= unsound
        return verdict, fate

    def _write(
        self, writing: Writing, ready: pa.Table, verdict: Verdict, found: Mask, decision: Decision
    ) -> WriteResult:
        """Insert the rows that are new, update the columns that change of the others."""
        route, fate = self.route, WriteResult()
        table, key = route.target_table, route.written_key
        there = pc.indices_nonzero(pc.and_(verdict.passed, found))
        if len(there):
            rows = changing_columns(
                route, physical_rows(route, ready.take(there)), decision.changing
            )
            if rows.num_columns > len(key):
                done, bad = write_rows(writing.update, table, rows, key=key)
                fate.add(done, {there[number].as_py(): why for number, why in bad.items()})
        new = pc.indices_nonzero(pc.and_not(verdict.passed, found))
        if len(new):
            rows = physical_rows(route, ready.take(new))
            done, bad = write_rows(partial(writing.insert, fresh=True), table, rows, key=key)
            refused = {new[number].as_py(): why for number, why in bad.items()}
            raced = self._raced(writing, ready, list(refused))
            fate.raced += raced
            fate.add(done, {n: why for n, why in refused.items() if n not in raced})
        return fate

    def _raced(self, writing: Writing, ready: pa.Table, refused: list[int]) -> list[int]:
        """Which refused inserts were refused because the row is there meanwhile."""
        if not refused:
            return []
        again = stand_under_lock(writing, self.route, self.query, ready.take(refused), None)
        there = pc.or_(again.found, again.busy).to_pylist()
        return [number for number, is_there in zip(refused, there, strict=True) if is_there]

    def _note(self, batch: Batch, decision: Decision, conflicts: Mask, held: Held) -> None:
        journal = self.link.session.journal
        if pc.any(conflicts).as_py():
            journal.conflicts.record(
                self.name, conflicts_of(self.route, batch, decision, conflicts, self.policies)
            )
        if held.rejected or held.parked:
            share = BatchRecord(rejected=held.rejected, parked=held.parked)
            journal.held.record(self.name, {self.route.source.direction: share})

    def _settle(self, writing: Writing, batch: Batch, decision: Decision, conflicts: Mask) -> None:
        """What the other side's own entries still have to say, once a conflict is decided."""
        capture, standing = self.link.captures.get(self.route.target), batch.standing
        if capture is None or not pc.any(conflicts).as_py():
            return
        # where its delete won, that is what has to cross
        stands = pc.and_not(pc.invert(standing.found), pc.or_(decision.write, decision.asks))
        settled = pc.and_not(conflicts, stands)
        self.link.settle(writing, self.route.target, standing.dirt.ids_of(settled))
        pieces = [
            pc.if_else(mask, changed_text(sorted(self._own.get(name, ()))), "")
            for name, mask in decision.kept.items()
        ]
        pieces += [
            pc.if_else(standing.dirt.touches([column]), changed_text([column]), "")
            for column in self._theirs_alone
        ]
        if not pieces:
            return
        said: Any = pieces[0] if len(pieces) == 1 else pc.binary_join_element_wise(*pieces, "")
        remain = pc.and_(pc.and_not(settled, decision.asks), pc.not_equal(said, ""))
        self._enqueue(
            writing, capture, batch.keys_there(self.route).filter(remain), said.filter(remain)
        )

    def _call_back(self, writing: Writing, batch: Batch, made: Mask) -> None:
        """Values that the target's app alone knows of a row new to this map: they have to cross."""
        capture = self.link.captures.get(self.route.target)
        if capture is None or not self._theirs_alone or not pc.any(made).as_py():
            return
        keys = batch.keys_there(self.route).filter(made)
        said = pa.repeat(pa.scalar(changed_text(self._theirs_alone)), keys.num_rows)
        self._enqueue(writing, capture, keys, said, op=REQUEUED)

    def _enqueue(
        self, writing: Writing, capture: Capture, keys: pa.Table, said: Any, *, op: str = "u"
    ) -> None:
        if keys.num_rows:
            ops = pa.repeat(pa.scalar(op), keys.num_rows)
            names = ["op", "changed", *keys.column_names]
            writing.queue(capture, pa.table([ops, said, *keys.columns], names=names))


def _marked(numbers: pa.Array, local: Sequence[int], n: int) -> Mask:
    """A mask of n rows from numbers within a part of them."""
    if not local:
        return pa.repeat(pa.scalar(value=False), n)
    marked = numbers.take(pa.array(local, pa.int64())).cast(pa.int64())
    return pc.is_in(pa.array(range(n), pa.int64()), value_set=marked)


def _numbers(mask: Mask) -> list[int]:
    numbers: list[int] = pc.indices_nonzero(mask).to_pylist()
    return numbers
