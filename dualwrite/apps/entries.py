"""Entries of a queue: which keys of a table changed, how, and when.

An app adds an entry in the transaction of each change, and the entry stays in the queue until
its id is acknowledged.  Nothing is read by a cursor, so nothing that commits late is skipped.

The columns of the key stand in a table of their own: a key may have columns called `id`, `op`
or anything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.canonical import IN_UTC

Mask = Any


class Op(Enum):
    """What an entry records."""

    INSERT = "i"
    UPDATE = "u"
    DELETE = "d"
    """Also of the old key where a key changed; the new one is an INSERT."""
    REQUEUED = "c"
    """Added by us: the app may have given values of its own to a row that we wrote."""
    DRIFTED = "?"
    """The table no longer has the shape that its capture was made for: something changed."""


@dataclass(frozen=True, slots=True)
class Entries:
    """m entries of one queue, by id.

    Shapes: `id` (m,) int64 grows with each entry and is never used twice, not even by a queue
    made anew; `op` (m,) the value of an `Op`; `changed` (m,) the table's own columns that
    changed, as `changed_text` spells them, null where all count; `at` (m,) when the app made
    the change, in UTC by the app's clock; `keys` (m, k) the integration key, each part named by
    its path and typed as the column at its end, null where the row had no value; `was` (m, k) the
    key that a row had before, of an INSERT that is a changed key, null throughout for all
    others; None where there is none at all.
    """

    id: pa.Array
    op: pa.Array
    changed: pa.Array
    at: pa.Array
    keys: pa.Table
    was: pa.Table | None = None

    @classmethod
    def of(cls, columns: Sequence[pa.Array | pa.ChunkedArray], paths: Sequence[str]) -> Entries:
        """Entries from their columns: id, op, changed, at, the parts of the key.

        After these may stand the parts of the key before.
        """
        number, op, changed, at, *key = map(_flat, columns)
        now, before, names = key[: len(paths)], key[len(paths) :], list(paths)
        moved = before and all(part.null_count < len(part) for part in before)
        was = pa.table(before, names=names) if moved else None
        return cls(number, op, changed, at, pa.table(now, names=names), was)

    @classmethod
    def empty(cls, keys: pa.Schema) -> Entries:
        """No entries, of a key of that schema."""
        texts = pa.array([], pa.string())
        times = pa.array([], IN_UTC)
        return cls(pa.array([], pa.int64()), texts, texts, times, keys.empty_table())

    @classmethod
    def concat(cls, parts: Iterable[Entries]) -> Entries:
        """All entries of several, one after the other; there must be one part at least."""
        every = list(parts)
        if len(every) == 1:
            return every[0]
        return cls(
            pa.concat_arrays([each.id for each in every]),
            pa.concat_arrays([each.op for each in every]),
            pa.concat_arrays([each.changed for each in every]),
            pa.concat_arrays([each.at for each in every]),
            pa.concat_tables([each.keys for each in every]).combine_chunks(),
            _joined(every),
        )

    def __len__(self) -> int:
        return len(self.id)

    def filter(self, mask: Mask) -> Entries:
        """The entries that `mask` (m,) keeps."""
        return self.take(pc.indices_nonzero(pc.fill_null(mask, fill_value=False)))

    def take(self, numbers: Any) -> Entries:
        """The entries of these numbers, in this order."""
        numbers = _flat(numbers)
        return Entries(
            self.id.take(numbers),
            self.op.take(numbers),
            self.changed.take(numbers),
            self.at.take(numbers),
            self.keys.take(numbers),
            None if self.was is None else self.was.take(numbers),
        )

    def slice(self, offset: int, length: int | None = None) -> Entries:
        """Some entries that follow each other."""
        return Entries(
            self.id.slice(offset, length),
            self.op.slice(offset, length),
            self.changed.slice(offset, length),
            self.at.slice(offset, length),
            self.keys.slice(offset, length),
            None if self.was is None else self.was.slice(offset, length),
        )

    def is_op(self, op: Op) -> Mask:
        """Which entries record `op`."""
        return pc.equal(self.op, op.value)

    def has_op(self, op: Op) -> bool:
        """Whether an entry records `op`."""
        return bool(pc.any(self.is_op(op)).as_py())


def _joined(parts: Sequence[Entries]) -> pa.Table | None:
    """The keys before of all parts."""
    if all(each.was is None for each in parts):
        return None
    nothing = [[pa.nulls(len(each), part.type) for part in each.keys.schema] for each in parts]
    filled = [
        pa.table(nulls, schema=each.keys.schema) if each.was is None else each.was
        for each, nulls in zip(parts, nothing, strict=True)
    ]
    return pa.concat_tables(filled).combine_chunks()


def ops_of(op: Op | pa.Array | pa.ChunkedArray, count: int) -> pa.Array:
    """One operation for all of `count` entries, or the given ones, as an array."""
    return pa.repeat(pa.scalar(op.value), count) if isinstance(op, Op) else _flat(op)


def changed_of(changed: pa.Array | pa.ChunkedArray | str | None, count: int) -> pa.Array:
    """The changed columns of `count` entries as an array: alike in all, or one text each."""
    if changed is None or isinstance(changed, str):
        return pa.repeat(pa.scalar(changed, pa.string()), count)
    return _flat(changed).cast(pa.string())


def changed_text(columns: Sequence[str]) -> str:
    """Column names as `changed` spells them: `"name","other",`."""
    return "".join(f"{json.dumps(name, ensure_ascii=False)}," for name in columns)


def names_of(changed: str | None) -> tuple[str, ...] | None:
    """The column names of a `changed`; None where all columns count."""
    if not changed:
        return None if changed is None else ()
    return tuple(dict.fromkeys(json.loads(f"[{changed[:-1]}]")))


@dataclass(frozen=True, slots=True)
class Inbox:
    """What an app has recorded last of a queue of the other app.

    `ranges` are those of the ids that were applied, both ends within; `stamp` grows from one
    record to the next, so that an app with a lower one than it had was restored from a backup.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    stamp: int = 0


def id_ranges(ids: pa.Array) -> list[tuple[int, int]]:
    """Ids as ranges with both ends within, as the inbox keeps them: no other id is in one."""
    ordered = np.unique(ids.to_numpy(zero_copy_only=False))
    if not len(ordered):
        return []
    cuts = np.flatnonzero(np.diff(ordered) != 1)
    lows, highs = ordered[[0, *(cuts + 1)]], ordered[[*cuts, -1]]
    return list(zip(lows.tolist(), highs.tolist(), strict=True))


def ids_within(ranges: Iterable[tuple[int, int]]) -> pa.Array:
    """The ids of ranges with both ends within."""
    parts = [np.arange(low, high + 1, dtype=np.int64) for low, high in ranges]
    return pa.array(np.concatenate(parts) if parts else [], pa.int64())


def _flat(values: Any) -> Any:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
