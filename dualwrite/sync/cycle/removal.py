"""Deletes on their way across, when everything that is to be written has been.

A row that its own side has changed since is a conflict: either it goes after all, or it is
brought back, or it waits for a person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Writing
from dualwrite.errors import RowsRefusedError
from dualwrite.journal.records import (
    BatchRecord,
    Conflict,
    ConflictKind,
    ConflictOutcome,
    ConflictStatus,
    Counts,
    Rejection,
)
from dualwrite.link import Side
from dualwrite.sync.batch.conflicts import newer
from dualwrite.sync.batch.decide import Policy
from dualwrite.sync.batch.held import REFUSED, Held, keys_of, plain_rows
from dualwrite.sync.batch.target import TargetState, stand_under_lock
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.cycle.crossing import BatchResult, Crossing
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.flow import translate

Mask = Any


class Removal:
    """Deletes one way's rows on the target; made from the crossing of that way."""

    def __init__(self, crossing: Crossing) -> None:
        self._crossing, self._way, self._link = crossing, crossing.route, crossing.link
        schema = self._link.session.schema(self._way.target, self._way.target_table)
        self._identity = schema.primary_key or next(iter(schema.unique), ())
        own = [ColumnPath((name,)) for name in self._identity]
        query = crossing.query
        self._query = replace(query, columns=tuple(dict.fromkeys((*query.columns, *own))))

    def carry(self, changes: Changes) -> BatchResult:
        """Delete the counterparts of n keys that are gone from the source.

        Raises:
            TransientError, PermanentError: Nothing was deleted.
        """
        route, capture = self._way, self._link.captures.get(self._way.target)
        out = translate(changes.keys, route.key_flow)
        self._link.freed.clear()
        waiting = self._link.waiting.get(route.target)
        with self._link.session.apps[route.target].writing(self._crossing.origin) as writing:
            standing = stand_under_lock(
                writing, route, self._query, out, capture, deleting=True, waiting=waiting
            )
            dating = self._crossing.dating
            histories = None
            if dating is not None and dating.writes_by_mode:
                histories = dating.look(writing, standing.theirs)
                standing = replace(standing, busy=pc.or_(standing.busy, histories.busy))
            there = pc.and_not(standing.found, standing.busy)
            dirty = pc.and_(there, standing.dirty)
            wins, asks = self._verdict(changes, standing, dirty)
            goes = pc.and_(there, wins)
            leaving, stretched = pc.indices_nonzero(goes), 0
            if dating is None or histories is None:
                refused = self._delete(writing, standing.theirs, leaving.to_pylist())
            else:
                theirs = standing.theirs.take(leaving)
                stretched, stays = dating.delete(writing, theirs, histories, capture)
                refused = {leaving[n].as_py(): reason for n, reason in stays.items()}
            held = self._held(changes, standing, refused)
            stopped = pc.is_in(_numbered(len(changes)), value_set=pa.array(refused, pa.int64()))
            through = pc.invert(pc.or_(standing.busy, stopped))
            decided = pc.and_(dirty, through)
            self._note(changes, standing, decided, wins, asks, held)
            if capture is not None and pc.any(decided).as_py():
                self._link.settle(writing, route.target, standing.dirt.ids_of(decided))
                back = pc.and_not(decided, pc.or_(wins, asks))
                self._bring_back(writing, standing, back)
            self._crossing.mark(writing, changes.ids_of(through))
        self._link.committed()
        gone = pc.and_(goes, through)
        counts = Counts(
            read=len(changes),
            written=stretched,
            deleted=_count(gone),
            unchanged=_count(pc.and_not(through, gone)),
            rejected=len(held.rejected),
            conflicts=_count(decided),
        )
        return BatchResult(
            counts, held, standing.busy, pc.and_(standing.busy, pa.scalar(value=False))
        )

    def _verdict(self, changes: Changes, standing: TargetState, dirty: Mask) -> tuple[Mask, Mask]:
        """Where the delete wins, and where a person has to say."""
        word = self._crossing.policies.whole
        n = len(changes)
        if word is Policy.ASK:
            return pc.invert(dirty), dirty
        if word in (Policy.FINOPS, Policy.DATAVERSE):
            mine: Mask = pa.repeat(pa.scalar(word.value == self._way.source.value), n)
        else:
            rows = changes.keys
            mine = newer(self._way, rows, changes, standing, self._crossing.policies.tie)
        never = pa.repeat(pa.scalar(value=False), n)
        return pc.or_(mine, pc.invert(dirty)), never

    def _delete(self, writing: Writing, theirs: pa.Table, numbers: list[int]) -> dict[int, str]:
        """Delete rows by number; the refused ones with the app's reason."""
        if not numbers:
            return {}
        keys = theirs.select(list(self._identity)).take(pa.array(numbers))
        try:
            writing.delete(self._way.target_table, keys)
        except RowsRefusedError as refusal:
            if len(numbers) == 1:
                return {numbers[0]: refusal.reason}
        else:
            return {}
        half = len(numbers) // 2
        first = self._delete(writing, theirs, numbers[:half])
        return first | self._delete(writing, theirs, numbers[half:])

    def _held(self, changes: Changes, standing: TargetState, refused: dict[int, str]) -> Held:
        numbers = pa.array(list(refused), pa.int64())
        rows = plain_rows(standing.theirs.take(numbers))
        keys = keys_of(changes.keys.take(numbers))
        cure = f"delete what points at it in {self._way.target.value}, then dualwrite errors retry"
        return Held(
            tuple(
                Rejection(key, REFUSED, f"it cannot be deleted: {reason}", row, cure=cure)
                for key, row, reason in zip(keys, rows, refused.values(), strict=True)
            )
        )

    def _bring_back(self, writing: Writing, standing: TargetState, back: Mask) -> None:
        """Say in the other side's queue that all of these rows has to cross."""
        capture = self._link.captures[self._way.target]
        numbers = pc.indices_nonzero(back)
        if not len(numbers):
            return
        keys = standing.theirs.select([str(path) for path in capture.key]).take(numbers)
        said = [pa.repeat(pa.scalar("u"), len(numbers)), pa.nulls(len(numbers), pa.string())]
        names = ["op", "changed", *keys.column_names]
        writing.queue(capture, pa.table([*said, *keys.columns], names=names))

    def _note(
        self,
        changes: Changes,
        standing: TargetState,
        decided: Mask,
        wins: Mask,
        asks: Mask,
        held: Held,
    ) -> None:
        journal, route = self._link.session.journal, self._way
        if held.rejected:
            share = BatchRecord(rejected=held.rejected)
            journal.held.record(self._crossing.name, {route.source.direction: share})
        numbers = pc.indices_nonzero(decided)
        if not len(numbers):
            return
        rows = standing.theirs.take(numbers)
        finops_key = [str(path) for path in route.table_map.end(Side.FINOPS).key]
        own = changes.keys if route.source is Side.FINOPS else standing.theirs
        keys = keys_of(own.select(finops_key).take(numbers))
        dirt = standing.dirt.take(numbers.cast(pa.int64())).names()
        open_, mine = asks.take(numbers).to_pylist(), wins.take(numbers).to_pylist()
        ids = changes.take(numbers.cast(pa.int64())).ids
        conflicts = []
        for n, row in enumerate(plain_rows(rows)):
            winner = route.source if mine[n] else route.target
            conflicts.append(
                Conflict(
                    key=keys[n],
                    token=f"{route.source.direction}:delete:{ids[n].as_py()}",
                    kind=ConflictKind.DELETE,
                    policy=self._crossing.policies.whole.value,
                    outcome=ConflictOutcome.WAITS if open_[n] else ConflictOutcome(winner.value),
                    rows={route.source: None, route.target: row},
                    changed={route.source: None, route.target: dirt[n]},
                    status=ConflictStatus.OPEN if open_[n] else ConflictStatus.CLOSED,
                )
            )
        journal.conflicts.record(self._crossing.name, conflicts)


def _numbered(n: int) -> pa.Array:
    return pa.array(range(n), pa.int64())


def _count(mask: Mask) -> int:
    return pc.sum(mask).as_py() or 0
