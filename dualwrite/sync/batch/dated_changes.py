"""Carrying out the changes of dated entities: all of one entity's, or none of them.

A former period that is closed for a new one that the app then refuses would leave a hole.  So
what was done of an entity is undone when a part of it is refused, and the entities are bisected
until the refused ones stand alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.transactions import Writing
from dualwrite.effective import PeriodChanges, Periods
from dualwrite.errors import RowsRefusedError
from dualwrite.sync.batch.bisect import bisect
from dualwrite.sync.routes.route import Route
from dualwrite.tablemap.schema import TableSchema
from dualwrite.translate.keys import key_text, row_of

Step = tuple[Callable[[], object], Callable[[], object]]
"""A statement, and what undoes it."""


def matched(rows: pa.Table, among: pa.Table, names: list[str]) -> pa.Int32Array:
    """For each row the number of the one among others with the same values under `names`."""
    if not among.num_rows:
        return pa.nulls(rows.num_rows, pa.int32())
    return row_of(key_text(rows, names), key_text(among, names))


@dataclass(frozen=True)
class EntityWriter:
    """One dated table.  `periods` are in its own columns, `identity` is its primary key."""

    route: Route
    schema: TableSchema
    identity: list[str]
    periods: Periods

    def carry_out(
        self, writing: Writing, changes: PeriodChanges, held: pa.Table
    ) -> Mapping[str, str]:
        """Make the changes; by entity, as one text, why the app refused those that stay.

        Shapes: `held` are the rows that the changes were planned on, all own columns among them.

        Raises:
            TransientError, PermanentError: As the app's writes.
        """
        entities = sorted(self._entities(changes))

        def attempt(low: int, high: int) -> None:
            others = [*entities[:low], *entities[high:]]
            self._attempt(writing, self.without(changes, others), held)

        refused: dict[str, str] = {}

        def refuse(number: int, reason: str) -> None:
            refused[entities[number]] = reason

        list(bisect(len(entities), attempt, refuse))
        return refused

    def without(self, changes: PeriodChanges, entities: Collection[str]) -> PeriodChanges:
        """The changes of all other entities."""
        if not entities:
            return changes
        left_out = pa.array(list(entities), pa.string())

        def kept(rows: pa.Table) -> pa.Table:
            texts = key_text(rows, list(self.periods.entity))
            return rows.filter(pc.invert(pc.is_in(texts, value_set=left_out)))

        return PeriodChanges(
            kept(changes.inserts), kept(changes.updates), kept(changes.deletes), changes.rejected
        )

    def _entities(self, changes: PeriodChanges) -> set[str]:
        parts = (changes.inserts, changes.updates, changes.deletes)
        texts = (key_text(part, list(self.periods.entity)) for part in parts)
        return {text for each in texts for text in each.unique().to_pylist()}

    def _attempt(self, writing: Writing, changes: PeriodChanges, held: pa.Table) -> None:
        """Make the changes.

        Raises:
            RowsRefusedError: The app refuses a part; nothing of it was done then.
        """
        undo: list[Callable[[], object]] = []
        try:
            for do, back in self._steps(writing, changes, held):
                do()
                undo.append(back)
        except RowsRefusedError:
            for back in reversed(undo):
                back()
            raise

    def _steps(self, writing: Writing, changes: PeriodChanges, held: pa.Table) -> Iterator[Step]:
        """Deletes, then updates, then inserts: what takes a place finds it free."""
        names = [*self.periods.entity, self.periods.start]
        whole = held.select([c.name for c in self.schema.columns.values() if not c.read_only])
        was = changes.updates.select([*self.periods.entity, self.periods.was])
        at = matched(was.rename_columns(names), held, names)
        before = held.take(at)
        updates = self._named(changes.updates.drop_columns([self.periods.was]), before)
        moves = pc.is_in(
            key_text(was.rename_columns(names), names),
            value_set=key_text(changes.moved(self.periods), names),
        )
        if self.periods.start not in self.identity:
            moves = pc.and_not(moves, moves)
        gone = held.take(matched(changes.deletes, held, names).drop_null())
        leaving = pa.concat_tables([gone, before.filter(moves)])
        if leaving.num_rows:
            yield self._delete(writing, leaving, whole.take(matched(leaving, held, names)))
        staying = pc.invert(moves)
        if pc.any(staying).as_py():
            old, new = before.filter(staying), updates.filter(staying)
            yield self._update(writing, new, old.select(new.column_names))
        moved = whole.take(at).filter(moves)
        for name in updates.column_names:
            values = updates[name].filter(moves)
            moved = moved.set_column(moved.column_names.index(name), name, values)
        for rows in (moved, changes.inserts):
            if rows.num_rows:
                yield self._insert(writing, rows)

    def _named(self, updates: pa.Table, before: pa.Table) -> pa.Table:
        """Updates with the primary key of their rows."""
        for name in self.identity:
            if name not in updates.column_names:
                updates = updates.append_column(name, before[name])
        return updates

    def _delete(self, writing: Writing, rows: pa.Table, whole: pa.Table) -> Step:
        table, keys = self.schema.name, rows.select(self.identity)
        return (
            lambda: writing.delete(table, keys),
            lambda: writing.insert(table, whole, key=self.identity, fresh=True),
        )

    def _update(self, writing: Writing, new: pa.Table, old: pa.Table) -> Step:
        table = self.schema.name
        return (
            lambda: writing.update(table, new, key=self.identity),
            lambda: writing.update(table, old, key=self.identity),
        )

    def _insert(self, writing: Writing, rows: pa.Table) -> Step:
        table, key = self.schema.name, list(self.route.written_key)
        return (
            lambda: writing.insert(table, rows, key=key, fresh=True),
            lambda: writing.delete(table, rows.select(key)),
        )
