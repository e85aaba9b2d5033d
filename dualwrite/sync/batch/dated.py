"""Dated rows at the target: judged beside the rows that it holds, or written by a mode.

Without a mode rows are copied as they are.  One that would be valid at the same time as
another of its entity is rejected, and so is what then would collide with the row that stays
as it was.  With a mode the plan of `dualwrite.effective` closes, moves and refuses; all
changes of one entity are made, or none.  What changes beyond the rows that came is put into
the target's own queue, so that it crosses back and both sides agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import distinct
from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import Op
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Writing, Written
from dualwrite.effective import Moment, PeriodChanges, Periods, beside, plan_delete, plan_write
from dualwrite.exact import alike
from dualwrite.exact.texts import column_of
from dualwrite.rules import KeyUnique, PeriodsSound, Readable, Rule, Verdict, derive, judge
from dualwrite.sync.batch.dated_changes import EntityWriter, matched
from dualwrite.sync.batch.gate import Gate
from dualwrite.sync.batch.held import Refused
from dualwrite.sync.batch.writing import WriteResult, physical_rows
from dualwrite.sync.routes.route import Route
from dualwrite.sync.session import Session
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.periods import Dated, DatedEnd, dated_of
from dualwrite.tablemap.schema import TableSchema
from dualwrite.translate.compare import differs
from dualwrite.translate.flow import Flow
from dualwrite.translate.keys import key_text, row_of
from dualwrite.translate.periods import kind_of
from dualwrite.translate.rows import fit

Mask = Any


@dataclass(frozen=True)
class Histories:
    """What the target holds of the entities of n rows.

    Shapes: `rows` (m, d) named by path and by the table's own columns; `locked` (n,) marks rows
    of entities of which somebody else holds a row.
    """

    rows: pa.Table
    locked: Mask


def dated_target(session: Session, route: Route) -> DatedTarget | None:
    """How the rows of a route are dated; None where it writes no dates."""
    return None if route.period_rule is None else DatedTarget(session, route, route.period_rule)


class DatedTarget:
    """One route whose target is dated.  It keeps nothing between two batches."""

    def __init__(self, session: Session, route: Route, rule: PeriodsSound) -> None:
        dated = dated_of(route.table_map)
        assert dated is not None
        ends = dated.on(route.target)
        assert ends is not None
        self._session, self._route = session, route
        self._dated: Dated = dated
        self._ends: DatedEnd = ends
        self._rule = replace(rule, held=True)
        self._schema: TableSchema = session.schema(route.target, route.target_table)
        self._identity = list(self._schema.primary_key or next(iter(self._schema.unique), ()))

    @property
    def writes_by_mode(self) -> bool:
        """Whether a mode says what a write does to the rows that are there."""
        return self._dated.mode is not None

    # What is there

    def look(self, writing: Writing | None, out: pa.Table, wanted: Mask | None = None) -> Histories:
        """Read, and lock, all rows that the target holds of the entities of n rows.

        Shapes: `out` is the gate table of n rows, or their target columns alone; where only
        some of them are `wanted` (n,), only their entities are looked at.
        """
        names = list(map(str, self._ends.entity))
        sound = judge(out, self._entity_rules).passed
        sound = sound if wanted is None else pc.and_(sound, wanted)
        keys = distinct(fit(out.filter(sound).select(names), self._entity_flow).drop_null())
        rows = self._session.apps[self._route.target].fetch(self._query, keys)
        free: Mask = pa.repeat(pa.scalar(value=False), out.num_rows)
        if writing is None or not rows.num_rows:
            return Histories(rows, free)
        own = tuple(ColumnPath((name,)) for name in self._identity)
        under_lock = writing.lock(replace(self._query, key=own), rows.select(self._identity))
        if not under_lock.locked.num_rows:
            return Histories(under_lock.rows, free)
        at = row_of(key_text(rows, self._identity), key_text(under_lock.locked, self._identity))
        held_up = key_text(rows.filter(at.is_valid()), names)
        return Histories(under_lock.rows, pc.is_in(key_text(out, names), value_set=held_up))

    def nothing(self, out: pa.Table) -> Histories:
        """Of n rows whose entities are promised to be new."""
        return replace(self.look(None, out.slice(0, 0)), locked=pa.repeat(False, out.num_rows))

    @cached_property
    def _query(self) -> Query:
        end = self._route.table_map.end(self._route.target)
        own = [ColumnPath((name,)) for name in self._schema.columns]
        columns = dict.fromkeys((*self._ends.paths, *end.key, *own))
        return Query(
            end.table,
            tuple(columns),
            key=self._ends.entity,
            lookups=end.lookups,
            ends=(self._ends.end,),
        )

    @cached_property
    def _entity_flow(self) -> Flow:
        flow, names = self._route.flow, set(map(str, self._ends.entity))
        columns = tuple(column for column in flow.columns if str(column.target) in names)
        return replace(flow, columns=columns, key=tuple(map(str, self._ends.entity)), periods=None)

    @cached_property
    def _entity_rules(self) -> Sequence[Rule]:
        rules = derive(self._entity_flow.facts())
        return [rule for rule in rules if not isinstance(rule, KeyUnique | Readable)]

    # Copies

    def judged(
        self, gate: Gate, ready: pa.Table, verdict: Verdict, held: Histories
    ) -> tuple[Verdict, dict[int, Refused]]:
        """Judge the rows that passed all else, beside those that stay; by number what failed.

        A row that is rejected stays in the target as it was, and may then overlap
        one that had passed: so it goes on until none fails.
        """
        refused: dict[int, Refused] = {}
        if self.writes_by_mode:
            return verdict, refused
        passed: Mask = verdict.passed
        key = list(self._route.flow.key)
        held_keys = key_text(held.rows, key)
        while pc.any(passed).as_py():
            numbers = pc.indices_nonzero(passed)
            batch = ready.take(numbers)
            replaced = pc.is_in(held_keys, value_set=key_text(batch, key))
            laid = beside(batch, held.rows, self._rule.periods, replaced=replaced)
            judged_now = gate(self._route, laid, (self._rule,))
            if pc.all(judged_now.passed).as_py():
                break
            failing = pc.indices_nonzero(pc.invert(judged_now.passed)).cast(pa.int64())
            rows = self._rule.evidence(laid, failing)
            for place, row in zip(failing.to_pylist(), rows, strict=True):
                refused[numbers[place].as_py()] = self._refused(self._rule.reason(row))
            gone = pa.array(list(refused), pa.int64())
            stays = pc.invert(pc.is_in(pa.array(range(len(passed)), pa.int64()), value_set=gone))
            passed = pc.and_(passed, stays)
        return replace(verdict, passed=passed), refused

    def _refused(self, reason: str, cure: str | None = None) -> Refused:
        rule = self._rule
        return Refused(rule.name, reason, rule.about, rule.cure if cure is None else cure)

    # Writes by a mode

    def write(
        self,
        writing: Writing | None,
        ready: pa.Table,
        passed: Mask,
        held: Histories,
        capture: Capture | None,
        *,
        by_start: bool = False,
    ) -> WriteResult:
        """Write the rows that passed, in their order or `by_start`, as the mode says.

        The counts are of all rows that were written, those among them that were closed or
        moved for others.
        """
        written, refused = Written(), dict[int, str | Refused]()
        for now, part in self._days(ready, passed):
            each = self._write_at(now, writing, ready, part, held, capture, by_start=by_start)
            written, refused = written + each.written, refused | each.refused
        return WriteResult(written, refused)

    def _write_at(
        self,
        now: Moment,
        writing: Writing | None,
        ready: pa.Table,
        passed: Mask,
        held: Histories,
        capture: Capture | None,
        *,
        by_start: bool,
    ) -> WriteResult:
        numbers = pc.indices_nonzero(passed)
        gated = ready.take(numbers)
        rows = physical_rows(self._route, gated)
        if by_start:
            order = pc.sort_indices(rows[self._periods.start])
            numbers, gated, rows = numbers.take(order), gated.take(order), rows.take(order)
        assert self._dated.mode is not None
        changes = plan_write(held.rows, rows, self._periods, self._dated.mode, now=now)
        refused: dict[int, str | Refused] = {
            numbers[each["row"]].as_py(): self._refused(each["reason"], each["cure"])
            for each in changes.rejected.to_pylist()
        }
        written = Written(changes.inserts.num_rows, changes.updates.num_rows)
        if writing is None:
            return WriteResult(written, refused)
        bad = self._entity_writer.carry_out(writing, changes, held.rows)
        entities = key_text(rows, list(self._periods.entity)).to_pylist()
        for place, entity in enumerate(entities):
            if entity in bad:
                refused.setdefault(numbers[place].as_py(), bad[entity])
        changes = self._entity_writer.without(changes, bad)
        self._requeue(writing, capture, changes, held.rows, (rows, gated))
        written = Written(changes.inserts.num_rows, changes.updates.num_rows)
        touched = {*self._entities(changes.inserts), *self._entities(changes.updates)}
        same = sum(
            entity not in touched and numbers[place].as_py() not in refused
            for place, entity in enumerate(entities)
        )
        return WriteResult(written + Written(unchanged=same), refused)

    def delete(
        self, writing: Writing, theirs: pa.Table, held: Histories, capture: Capture | None
    ) -> tuple[int, dict[int, str]]:
        """Delete n rows of the target; how many others were stretched, and which stay, and why."""
        identity = self._identity
        at = row_of(key_text(theirs, identity), key_text(held.rows, identity))
        names = [*self._periods.entity, self._periods.start]
        keys = held.rows.take(at.drop_null()).select(names)
        changes = plan_delete(held.rows, keys, self._periods)
        bad = self._entity_writer.carry_out(writing, changes, held.rows)
        changes = self._entity_writer.without(changes, bad)
        nothing = (changes.inserts.slice(0, 0), held.rows.slice(0, 0))
        self._requeue(writing, capture, changes, held.rows, nothing)
        entities = key_text(held.rows.take(at), list(self._periods.entity)).to_pylist()
        refused = {n: bad[entity] for n, entity in enumerate(entities) if entity in bad}
        return changes.updates.num_rows, refused

    @cached_property
    def _periods(self) -> Periods:
        """In the table's own columns."""
        return replace(
            self._rule.periods,
            entity=tuple(dict.fromkeys(path.column for path in self._ends.entity)),
            start=self._ends.start.column,
            end=self._ends.end.column,
        )

    def _days(self, ready: pa.Table, passed: Mask) -> Iterator[tuple[Moment, Mask]]:
        """Where a period of the target may begin now, and the rows of which it is so.

        With a day, if either side keeps days: that of the row's company.
        """
        now, end = self._session.now(), self._route.table_map.end(self._route.source)
        theirs = self._dated.on(self._route.source)
        schema = self._session.schema(self._route.source, end.table)
        kinds = {self._periods.kind, "" if theirs is None else kind_of(schema, theirs)}
        if "date" not in kinds:
            yield now, passed
            return
        link, company = self._session.link, self._route.table_map.end(self._route.target).company
        name = "" if company is None else str(company)
        names = pa.array([None] * len(passed), pa.string())
        if name in ready.column_names:
            names = column_of(ready, name).cast(pa.string())
        days = defaultdict[Moment, list[str | None]](list)
        for each in pc.unique(names).to_pylist():
            days[now.astimezone(ZoneInfo(link.zone_of(each))).date()].append(each)
        for day, companies in days.items():
            own = pc.is_in(names, value_set=pa.array(companies, pa.string()))
            yield day, pc.and_(passed, own) if len(days) > 1 else passed

    @cached_property
    def _entity_writer(self) -> EntityWriter:
        return EntityWriter(self._route, self._schema, self._identity, self._periods)

    def _entities(self, rows: pa.Table) -> list[str | None]:
        entities: list[str | None] = key_text(rows, list(self._periods.entity)).to_pylist()
        return entities

    def _requeue(
        self,
        writing: Writing,
        capture: Capture | None,
        changes: PeriodChanges,
        held: pa.Table,
        incoming: tuple[pa.Table, pa.Table],
    ) -> None:
        """Queue in the target what it holds now otherwise than it came.

        Shapes: `incoming` are n rows by own column, and the same n by path.
        """
        if capture is None:
            return
        names = [*self._periods.entity, self._periods.start]
        rows, gated = incoming
        current = pa.concat_tables(
            [changes.updates.drop_columns([self._periods.was]), changes.inserts]
        )
        at = matched(current, rows, names)
        same = at.is_valid()
        for name in rows.column_names if rows.num_rows else ():
            same = pc.and_(same, pc.invert(differs(current[name], rows[name].take(at))))
        moved = changes.moved(self._periods)
        keys = pa.concat_tables([moved, current.select(names).filter(pc.invert(same))])
        if not keys.num_rows:
            return
        known = self._by_path(keys, held, rows, gated)
        paths = [str(path) for path in capture.key]
        queued = pa.table([known[path] for path in paths], names=paths)
        writing.enqueue(capture, queued.slice(0, moved.num_rows), op=Op.DELETE)
        writing.enqueue(capture, queued.slice(moved.num_rows), op=Op.REQUEUED)

    def _by_path(
        self, keys: pa.Table, held: pa.Table, rows: pa.Table, gated: pa.Table
    ) -> dict[str, Any]:
        """Keys of rows by path, from rows of the same entities."""
        entity = list(self._periods.entity)
        texts = [key_text(each, entity) for each in (held, rows) if each.num_rows]
        at = row_of(key_text(keys, entity), pa.concat_arrays(texts))
        found: dict[str, Any] = {str(self._ends.start): keys[self._periods.start]}
        for path in map(str, self._ends.entity):
            values = held[path].combine_chunks()
            if rows.num_rows:
                values = pa.concat_arrays(alike(values, gated[path].combine_chunks()))
            found[path] = values.take(at)
        return found
