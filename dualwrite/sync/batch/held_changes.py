"""The changes of one direction that the journal holds back, found again by their keys.

A value that the other side refused is still its writer's newest: overwriting it is a conflict, as
if its entry were still in the queue.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import IN_UTC, canonical
from dualwrite.apps.entries import Entries, Op, changed_text, ops_of
from dualwrite.journal.records import HeldRow
from dualwrite.journal.store import Journal
from dualwrite.sync.batch.keys import spelled, spelled_keys
from dualwrite.sync.batch.outcomes import Mask
from dualwrite.sync.capture.changes import Changes
from dualwrite.translate.keys import row_of


class HeldChanges:
    """The held rows of one direction of a map, as they were when this was made; false if none."""

    def __init__(
        self, journal: Journal, map_name: str, direction: str, *, any_held: bool = True
    ) -> None:
        self._journal, self._map = journal, map_name
        self._ids = journal.held.keys(map_name, direction) if any_held else {}

    def __bool__(self) -> bool:
        return bool(self._ids)

    def mask(self, keys: pa.Table) -> Mask:
        """Which of n keys are held."""
        return self._places(keys).is_valid()

    def among(self, *keys: pa.Table) -> set[str]:
        """The held keys that are among others, as the journal spells them."""
        if not self._ids:
            return set()
        texts = list(self._ids)
        places = (self._places(each).drop_null().to_pylist() for each in keys)
        return {texts[place] for each in places for place in each}

    def rows(self, keys: pa.Table) -> list[HeldRow]:
        """The held rows of n keys."""
        return self.rows_of(self.among(keys))

    def rows_of(self, texts: Collection[str]) -> list[HeldRow]:
        """The held rows of keys as the journal spells them."""
        journal = self._journal.held
        ids = [self._ids[text] for text in texts if text in self._ids]
        if not ids:
            return []
        return journal.rejected(self._map, ids=ids) + journal.parked(self._map, ids=ids)

    def ids_where(self, names: Collection[str], texts: pa.Array) -> list[int]:
        """The ids of the held rows whose key has these texts under `names`, a part of it."""
        own = spelled_keys(self._keys, names)
        hit = pc.is_in(own, value_set=texts, skip_nulls=True)
        return [
            number
            for number, is_hit in zip(self._ids.values(), hit.to_pylist(), strict=True)
            if is_hit
        ]

    def entries(self, keys: pa.Table, schema: pa.Schema) -> Entries:
        """The changes of those of n `keys` that are held; `schema` is that of a queue's keys.

        Their ids are below zero: the negative of the held row's.
        """
        rows = self.rows(keys) if self._ids and keys.num_rows else []
        if not rows:
            return Entries.empty(schema)
        columns = [
            pa.array([-row.id for row in rows], pa.int64()),
            ops_of(Op.UPDATE, len(rows)),
            _changed(rows),
            pa.array([row.at for row in rows], IN_UTC),
        ]
        for part, name in zip(schema, keys.column_names, strict=True):
            texts = pa.array([row.key[name] for row in rows], pa.string())
            columns.append(canonical(texts, part.type))
        return Entries.of(columns, schema.names)

    def changed(self, keys: pa.Table) -> pa.Array:
        """What of n keys is held, as `changed` of an entry spells it; '' for a key that is not."""
        rows = self.rows(keys)
        at = row_of(spelled(keys), spelled_keys([row.key for row in rows], keys.column_names))
        return pc.if_else(at.is_valid(), _changed(rows).take(at), "")

    def _places(self, keys: pa.Table) -> pa.Array:
        return row_of(spelled(keys), spelled_keys(self._keys, keys.column_names))

    @cached_property
    def _keys(self) -> list[dict[str, str | None]]:
        return [json.loads(text) for text in self._ids]


def _changed(rows: list[HeldRow]) -> pa.Array:
    texts = [None if row.changed is None else changed_text(row.changed) for row in rows]
    return pa.array(texts, pa.string())


def only_held(changes: Changes) -> Mask:
    """Which of n keys have changes that the journal holds, and no other."""
    numbers = pa.array(range(len(changes)), pa.int64())
    held = pc.less(changes.ids, 0)
    queued = pc.is_in(numbers, value_set=changes.of.filter(pc.invert(held)))
    return pc.and_not(pc.is_in(numbers, value_set=changes.of.filter(held)), queued)


def split_ids(ids: pa.Array) -> tuple[pa.Array, Collection[int]]:
    """Ids of a queue's own entries, and those of rows held in the journal."""
    held = pc.less(ids, 0)
    return ids.filter(pc.invert(held)), [-number for number in ids.filter(held).to_pylist()]
