"""Carrying rows across: the one path that initial sync, retry and every cycle take.

    translate ─> counterpart ─> merge ─> look up ─> check ─┬─> fit ─> write
                                                           ├─> reject
                                                           └─> park

The caller brings rows as read on the source side, few or many.  What comes back is
an `Outcome`: counts, and the rows held back with their reasons, one for each
direction, for the journal.  Nothing is journalled here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.journal.records import Counts
from dualwrite.rules import Rule, Verdict, judge
from dualwrite.sync.back import returning_rows
from dualwrite.sync.counterparts import counterparts
from dualwrite.sync.holding import Held, hold
from dualwrite.sync.lookups import Finder
from dualwrite.sync.merge import Mask, Merged, merge
from dualwrite.sync.session import Session
from dualwrite.sync.way import Way, reading
from dualwrite.sync.writing import write_rows
from dualwrite.tablemap.model import Master
from dualwrite.translate.flow import comparable, fit, translate

Gate = Callable[[Way, pa.Table, Sequence[Rule]], Verdict]
"""Judges a batch before it is written; the flows put Great Expectations here."""


def rules_only(way: Way, rows: pa.Table, rules: Sequence[Rule]) -> Verdict:
    """The plain gate: the rules themselves."""
    del way
    return judge(rows, rules)


@dataclass(frozen=True)
class Manner:
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
    """Carries rows along one way; made once for a run, shared by its threads."""

    def __init__(self, session: Session, way: Way, back: Way | None, finder: Finder) -> None:
        self.session, self.way, self.back, self.finder = session, way, back, finder
        self._counterpart = reading(session, way.table_map, way.target, filtered=False)

    def carry(self, rows: pa.Table, manner: Manner) -> Outcome:
        """Carry rows of the way's source across.

        Shapes: `rows` is (n, c), named by source path, as `reading` reads them.

        Raises:
            TransientError, PermanentError: From the apps; nothing of this batch was
                written, or what was is whole and comes out `unchanged` next time.
        """
        outcome = Outcome()
        out = translate(rows, self.way.flow)
        verdict = manner.gate(self.way, out, self.way.source_rules)
        theirs, found = self._counterparts(out, manner)
        stay = _staying(found, manner)
        if stay is not None:
            rows, out, verdict = rows.filter(stay), out.filter(stay), verdict.filter(stay)
            theirs, found = theirs.filter(stay), found.filter(stay)
        if verdict.failures and not manner.fresh:
            # what cannot be told in the other side's terms settles nothing either
            theirs, found = (
                _without(theirs, pc.invert(verdict.passed)),
                pc.and_(found, verdict.passed),
            )
        merged = self._merge(rows, out, theirs, found, manner)
        wanted = pc.or_(merged.write, pc.invert(verdict.passed))
        self._forward(rows, out, merged, wanted, verdict.filter(wanted), manner, outcome)
        self._return(rows, theirs, merged, manner, outcome)
        return outcome

    def _counterparts(self, out: pa.Table, manner: Manner) -> tuple[pa.Table, Mask]:
        """What the target holds under the rows' keys, aligned with them, and whether it does."""
        if manner.fresh:
            return pa.table({}), pa.repeat(pa.scalar(value=False), out.num_rows)
        return counterparts(self.session, self.way, self._counterpart, out)

    def _merge(
        self, rows: pa.Table, out: pa.Table, theirs: pa.Table, found: Mask, manner: Manner
    ) -> Merged:
        mine = out.select(list(self.way.flow.names))
        if manner.fresh:
            held = pa.table({f.name: pa.nulls(out.num_rows, f.type) for f in mine.schema})
        else:
            held = comparable(theirs, self.way.flow)
        return merge(
            mine,
            held,
            found=found,
            two_way=self.way.two_way,
            mine_wins=self._mine_wins(rows, theirs, manner),
            fill=manner.master is Master.FILL_BLANKS,
            late=manner.late,
        )

    def _mine_wins(self, rows: pa.Table, theirs: pa.Table, manner: Manner) -> Mask:
        ends = self.way.table_map
        if manner.master is Master.NEWEST and not manner.fresh:
            ours, others = ends.end(self.way.source).modified, ends.end(self.way.target).modified
            if ours is not None and others is not None:
                moment = pa.timestamp("us", "UTC")
                mine = _moment(rows[str(ours)], moment)
                other = _moment(theirs[str(others)], moment)
                newer = pc.if_else(pc.equal(mine, other), None, pc.greater(mine, other))
                # without both times, or at a tie, the map's own master decides
                tie = self._is_master(ends.master)
                return pc.fill_null(newer, fill_value=tie)
        return pa.chunked_array([pa.repeat(self._is_master(manner.master), rows.num_rows)])

    def _is_master(self, master: Master) -> bool:
        fallback = Master.DATAVERSE if master in (Master.NEWEST, Master.FILL_BLANKS) else master
        return bool(fallback.value == self.way.source.value)

    def _forward(
        self,
        rows: pa.Table,
        out: pa.Table,
        merged: Merged,
        wanted: Mask,
        verdict: Verdict,
        manner: Manner,
        outcome: Outcome,
    ) -> None:
        """Write the `wanted` rows; `verdict` is what the gate said of their translation."""
        way = self.way
        ready = _replace(out.filter(wanted), merged.forward.filter(wanted))
        ready = self.finder.fill_in(ready, way)
        verdict = verdict.join(manner.gate(way, ready, way.target_rules))
        passed = ready.filter(verdict.passed)
        written, refused = self._write(way, passed, manner)
        held = hold(way, rows.filter(wanted), ready, verdict, refused)
        # what is late was read and counted when the rows were written
        counts = Counts(
            read=0 if manner.late else rows.num_rows,
            written=written.inserted + written.updated,
            unchanged=0 if manner.late else rows.num_rows - ready.num_rows + written.unchanged,
            rejected=len(held.rejected),
            parked=len(held.parked),
            conflicts=pc.sum(merged.conflicts).as_py() or 0,
        )
        outcome.add(way.source.direction, counts, held, _seen(rows, way, manner))
        if manner.dry_run:
            self.finder.pretend(way.target, way.target_table, passed)

    def _write(self, way: Way, passed: pa.Table, manner: Manner) -> tuple[Any, dict[int, str]]:
        physical = physical_rows(way, passed)
        return write_rows(
            self.session.apps[way.target],
            way.target_table,
            physical,
            key=way.written_key,
            fresh=manner.fresh,
            update_only=manner.update_only,
            dry_run=manner.dry_run,
        )

    def _return(
        self, rows: pa.Table, theirs: pa.Table, merged: Merged, manner: Manner, outcome: Outcome
    ) -> None:
        """Write on the source side what the other side won, or alone decides."""
        if self.back is None or manner.fresh or manner.insert_only:
            return
        ready, source_rows = returning_rows(self.back, rows, theirs, merged)
        if not ready.num_rows:
            outcome.add(
                self.back.source.direction, Counts(), Held(), _seen(theirs, self.back, manner)
            )
            return
        ready = self.finder.fill_in(ready, self.back)
        verdict = manner.gate(self.back, ready, self.back.rules)
        passed = ready.filter(verdict.passed)
        update = Manner(manner.master, update_only=True, dry_run=manner.dry_run)
        written, refused = self._write(self.back, passed, update)
        held = hold(self.back, source_rows, ready, verdict, refused)
        counts = Counts(
            written=written.updated,
            rejected=len(held.rejected),
            parked=len(held.parked),
        )
        outcome.add(self.back.source.direction, counts, held, _seen(theirs, self.back, manner))


def physical_rows(way: Way, rows: pa.Table) -> pa.Table:
    """Rows named by the target table's own columns, references in the place of lookup paths."""
    fitted = fit(rows, way.flow)
    columns: dict[str, Any] = {}
    for column in way.flow.columns:
        name = column.target.column
        if column.target.is_lookup:
            columns.setdefault(name, rows[f"ref:{name}"])
        else:
            columns[name] = fitted[name]
    for group in way.lookups:
        extra = group[0].type_column
        if extra is not None:
            columns.setdefault(extra, rows[f"ref:{extra}"])
    return pa.table(columns)


def _seen(rows: pa.Table, way: Way, manner: Manner) -> pa.Table:
    """The keys of the rows that were dealt with in full.

    None where only late columns were carried: what held the row back before still stands.
    """
    keys = rows.select(list(way.flow.source_key)).drop_null()
    return keys.slice(0, 0) if manner.late else keys


def _without(rows: pa.Table, mask: Mask) -> pa.Table:
    """The rows, null throughout where the mask says so."""
    numbers = pa.array(range(rows.num_rows), pa.int64())
    return rows.take(pc.if_else(mask, pa.scalar(None, pa.int64()), numbers))


def _staying(found: Mask, manner: Manner) -> Mask | None:
    if manner.fresh:
        return None
    if manner.insert_only:
        return pc.invert(found)
    return found if manner.update_only else None


def _replace(rows: pa.Table, columns: pa.Table) -> pa.Table:
    for name in columns.column_names:
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, columns[name])
    return rows


def _moment(values: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """A time on one scale: a time without a zone is read as UTC."""
    if pa.types.is_timestamp(values.type) and values.type.tz is None:
        return pc.assume_timezone(values, "UTC")
    return values.cast(type_)
