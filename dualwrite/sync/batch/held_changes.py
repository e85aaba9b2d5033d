"""What the journal holds back of a side's changes, as the entries that they were.

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
from dualwrite.journal.store import Journal
from dualwrite.link import Side
from dualwrite.translate.keys import key_text, row_of


class HeldChanges:
    """The held rows of one side of a map, as they were when this was made."""

    def __init__(self, journal: Journal, map_name: str, side: Side) -> None:
        self._journal, self._map = journal, map_name
        self._held = journal.held.keys(map_name, side.direction)

    def entries(self, keys: pa.Table, schema: pa.Schema) -> Entries:
        """The entries of those of n `keys` that wait; `schema` is that of a queue's keys.

        Their ids are below zero: that of the held row, the other way round.
        """
        if not self._held or not keys.num_rows:
            return Entries.empty(schema)
        names = keys.column_names
        own = pa.table({name: keys[name].cast(pa.string()) for name in names})
        texts = {n: pa.array([key.get(n) for key in self._keys], pa.string()) for n in names}
        known = pa.table(texts)
        at = row_of(key_text(own, names), key_text(known, names)).drop_null()
        ids = self._ids.take(at).to_pylist()
        if not ids:
            return Entries.empty(schema)
        rows = self._journal.held.rejected(self._map, ids=ids) + self._journal.held.parked(
            self._map, ids=ids
        )
        said = [None if row.changed is None else changed_text(row.changed) for row in rows]
        columns = [
            pa.array([-row.id for row in rows], pa.int64()),
            ops_of(Op.UPDATE, len(rows)),
            pa.array(said, pa.string()),
            pa.array([row.at for row in rows], IN_UTC),
        ]
        for part, name in zip(schema, names, strict=True):
            texts = pa.array([row.key[name] for row in rows], pa.string())
            columns.append(canonical(texts, part.type))
        return Entries.of(columns, schema.names)

    @cached_property
    def _keys(self) -> list[dict[str, str | None]]:
        return [json.loads(text) for text in self._held]

    @cached_property
    def _ids(self) -> pa.Array:
        return pa.array(self._held.values(), pa.int64())


def split_ids(ids: pa.Array) -> tuple[pa.Array, Collection[int]]:
    """Ids of a queue's own entries, and those of rows held in the journal."""
    held = pc.less(ids, 0)
    return ids.filter(pc.invert(held)), [-number for number in ids.filter(held).to_pylist()]
