"""Changed keys, grouped: many entries of one key are one row, the newest.

A `Changes` holds n distinct keys, each with the entries behind it: which columns they
state, and the ids that are acknowledged once the row is across.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import Entries, Op, changed_text, names_of
from dualwrite.translate.keys import key_text, row_of

Mask = Any


@dataclass(frozen=True)
class Changes:
    """n keys and their entries.

    Shapes: `keys` (n, k) by path; `changed` (n,) in the spelling of an entry, null when all
    columns count; `deleted` (n,) whether the last entry is a delete; `at` (n,) when the last
    change was made; `ids` (m,) of all entries and `of` (m,) the number of their key; `ours` (n,)
    whether nobody but we asked for the key to cross.
    """

    keys: pa.Table
    changed: pa.Array
    deleted: pa.Array
    at: pa.Array
    ids: pa.Array
    of: pa.Array
    ours: pa.Array

    def __len__(self) -> int:
        return int(self.keys.num_rows)

    @property
    def texts(self) -> pa.Array:
        """Each key as one text, null where a part is."""
        return key_text(self.keys, self.keys.column_names)

    def ids_of(self, mask: Mask) -> pa.Array:
        """The ids behind the keys that `mask` (n,) keeps."""
        return self.ids.filter(_flat(mask).take(self.of))

    def take(self, numbers: pa.Array) -> Changes:
        """The changes of these keys, in this order; a null number gives a key without any.

        Of such a key `changed` is '' (nothing), `deleted` false and `at` null.
        """
        here = numbers.is_valid()
        place = pc.index_in(self.of, value_set=numbers.cast(self.of.type))
        kept = place.is_valid()
        return Changes(
            self.keys.take(numbers),
            pc.if_else(here, self.changed.take(numbers), pa.scalar("")),
            pc.fill_null(self.deleted.take(numbers), fill_value=False),
            self.at.take(numbers),
            self.ids.filter(kept),
            place.filter(kept).cast(pa.int64()),
            pc.fill_null(self.ours.take(numbers), fill_value=False),
        )

    def filter(self, mask: Mask) -> Changes:
        """The changes of the keys that `mask` keeps."""
        if pc.all(mask).as_py():
            return self
        return self.take(pc.indices_nonzero(mask).cast(pa.int64()))

    def aligned(self, texts: pa.Array, own: pa.Array | None = None) -> Changes:
        """The changes of keys given as texts: none for those that have no entry.

        `own` (n,) are the texts of the keys here, where these are not `texts`.
        """
        known = self.texts if own is None else own
        return self.take(row_of(texts, known).cast(pa.int64()))

    def without(self, ids: pa.Array) -> Changes:
        """Without these entries, and without the keys that had no other."""
        stays = pc.invert(pc.is_in(self.ids, value_set=ids))
        if pc.all(stays).as_py():
            return self
        left = replace(self, ids=self.ids.filter(stays), of=self.of.filter(stays))
        return left.filter(left.any)

    @property
    def any(self) -> Mask:
        """Whether a key of `aligned` has entries at all."""
        return pc.is_in(_numbers(len(self)), value_set=self.of)

    @cached_property
    def _sorts(self) -> tuple[list[frozenset[str] | None], pa.Array]:
        """The different column sets that changed, and which of them each key has."""
        sorts = self.changed.dictionary_encode(null_encoding="encode")
        return [_set_of(text) for text in sorts.dictionary.to_pylist()], sorts.indices

    @property
    def alike(self) -> bool:
        """Whether the same columns changed in every key."""
        return len(self._sorts[0]) == 1

    def touches(self, columns: Collection[str]) -> Mask:
        """Whether one of these own columns changed, by key."""
        sorts, which = self._sorts
        hit = [names is None or not names.isdisjoint(columns) for names in sorts]
        return pa.array(hit, pa.bool_()).take(which)

    @property
    def touched(self) -> frozenset[str]:
        """All own columns that changed in a key that does not count whole."""
        return frozenset(name for names in self._sorts[0] if names is not None for name in names)

    def widened(self, mask: Mask) -> Changes:
        """The same, with all columns counting where `mask` holds."""
        changed = pc.if_else(_flat(mask), pa.scalar(None, pa.string()), self.changed)
        return replace(self, changed=changed)

    def names(self) -> list[tuple[str, ...] | None]:
        """The changed columns of each key; None for all.  For few keys: these are objects."""
        return [names_of(text) for text in self.changed.to_pylist()]


def changes_of(entries: Entries) -> Changes:
    """Group entries by key; one with a null part is a key of its own."""
    keys, deleted, ours = entries.keys, entries.is_op(Op.DELETE), entries.is_op(Op.REQUEUED)
    texts = pc.fill_null(key_text(keys, keys.column_names), "\x00")
    first = texts.dictionary_encode()
    of = first.indices.cast(pa.int64())
    if len(first.dictionary) == len(entries):
        numbers = _numbers(len(of))
        return Changes(keys, entries.changed, deleted, entries.at, entries.id, numbers, ours)
    grouped = (
        pa.table(
            {
                "of": of,
                "row": _numbers(len(of)),
                "changed": entries.changed,
                "ours": ours,
            }
        )
        .group_by("of", use_threads=False)
        .aggregate([("row", "min"), ("row", "max"), ("changed", "list"), ("ours", "all")])
        .sort_by("of")
    )
    last = grouped["row_max"].combine_chunks()
    changed = pc.binary_join(grouped["changed_list"].combine_chunks(), "")
    return Changes(
        keys.take(grouped["row_min"]),
        changed,
        deleted.take(last),
        entries.at.take(last),
        entries.id,
        of,
        grouped["ours_all"].combine_chunks(),
    )


def renewed(changes: Changes) -> Mask:
    """Which of n changes may be rows under a new key, where others went."""
    return pc.and_not(changes.changed.is_null(), changes.deleted)


def none_of(keys: pa.Table, changed: Sequence[Sequence[str] | None]) -> Changes:
    """Changes of keys that are in no queue (held rows): there is nothing to acknowledge."""
    n = keys.num_rows
    texts = [None if names is None else changed_text(names) for names in changed]
    nothing = pa.array([], pa.int64())
    return Changes(
        keys,
        pa.array(texts, pa.string()),
        pa.repeat(pa.scalar(value=False), n),
        pa.nulls(n, pa.timestamp("us", "UTC")),
        nothing,
        nothing,
        pa.repeat(pa.scalar(value=False), n),
    )


def _set_of(text: str | None) -> frozenset[str] | None:
    names = names_of(text)
    return None if names is None else frozenset(names)


def _numbers(n: int) -> pa.Array:
    return pa.array(np.arange(n, dtype=np.int64))


def _flat(mask: Mask) -> pa.Array:
    return mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask
