"""How the app in memory keeps changes: entries of a statement, and the installing of queues.

Memory has no triggers, so each statement is compared with what stood before it; what is
queued is what triggers in a database would queue.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture, NoCaptureError
from dualwrite.apps.entries import Entries, Op, changed_of, changed_text, ops_of
from dualwrite.apps.guards import column_of
from dualwrite.apps.matching import differ
from dualwrite.apps.memory.state import IMAGE, MemoryQueue, State, Store
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Images
from dualwrite.errors import MissingColumnError, MissingTableError
from dualwrite.tablemap.schema import UnknownPathError


def captured(
    store: Store,
    before: State,
    after: State,
    table: str,
    *,
    stays: Any,
    silenced: Mapping[str, Collection[str] | None],
) -> State:
    """`after` with the entries of one statement in every queue over the table.

    Some are `silenced` (as `Origin.silenced`).

    Shapes: `stays` are the positions in `before` of the first rows in `after`; the rows
    beyond them are new.
    """
    for name, queue in after.queues.items():
        silent = silenced.get(name, ())
        if queue.capture.table == table and silent is not None:
            after = after.with_queue(_with_entries(store, queue, before, after, stays, silent))
    return after


def _with_entries(
    store: Store,
    queue: MemoryQueue,
    before: State,
    after: State,
    stays: Any,
    silent: Collection[str],
) -> MemoryQueue:
    capture = queue.capture
    was, now = before.rows[capture.table], after.rows[capture.table]
    old_keys, new_keys = store.keys(before, capture), store.keys(after, capture)
    kept_keys, known_keys = old_keys.take(stays), new_keys.slice(0, len(stays))
    moved = _none(len(stays))
    for name in new_keys.column_names:
        moved = pc.or_(moved, differ(kept_keys[name], known_keys[name]))
    kept, known = was.take(stays), now.slice(0, len(stays))
    changed, text = _none(len(stays)), pa.repeat("", len(stays))
    for name in capture.columns:
        if name in silent:
            continue
        other = differ(kept[name], known[name])
        changed = pc.or_(changed, other)
        spelt = pc.if_else(other, changed_text([name]), "")
        text = pc.binary_join_element_wise(text, spelt, "")
    gone = pc.invert(pc.is_in(pa.array(range(was.num_rows), pa.int64()), value_set=stays))
    updated = pc.and_not(changed, moved)
    added = now.num_rows - len(stays)
    parts = [
        (Op.DELETE, old_keys.filter(gone), was.filter(gone), None, None),
        (Op.DELETE, kept_keys.filter(moved), kept.filter(moved), None, None),
        (Op.UPDATE, known_keys.filter(updated), known.filter(updated), text.filter(updated), None),
        (Op.INSERT, known_keys.filter(moved), known.filter(moved), None, kept_keys.filter(moved)),
        (Op.INSERT, new_keys.slice(len(stays)), now.slice(len(stays), added), None, None),
    ]
    for op, keys, rows, names, earlier in parts:
        if silent and op is not Op.UPDATE:
            continue
        if count := keys.num_rows:
            pictured = pa.repeat(pa.scalar(op is not Op.DELETE), count)
            ops, columns = ops_of(op, count), changed_of(names, count)
            queue = store.grown(queue, ops, columns, keys, rows, pictured, was=earlier)
    return queue


def installed(store: Store, state: State, capture: Capture) -> State:
    """The state with a queue for `capture`; its entries stay where it was there already.

    Raises:
        NoCaptureError: The table is a view.
        MissingTableError, MissingColumnError: The capture names what is not there.
    """
    schema = store.schema(capture.table)
    if schema.read_only is not None:
        raise NoCaptureError(app=store.app, table=schema.name, reason=schema.read_only)
    for name in capture.columns:
        column_of(store.app, schema, name)
    key = store.keys(state, capture).schema
    entries = Entries.empty(key)
    pictured = pa.schema([pa.field(IMAGE, pa.int64()), *state.rows[schema.name].schema])
    images = pictured.empty_table()
    if there := state.queues.get(capture.queue):
        kept = there.entries
        was = None if kept.was is None else _reshaped(kept.was, key)
        entries = replace(kept, keys=_reshaped(kept.keys, key), was=was)
        images = _reshaped(there.images, pictured)
    return state.with_queue(MemoryQueue(capture, entries, images))


def problems(store: Store, state: State, capture: Capture) -> Sequence[str]:
    """What is wrong with a capture, one line each."""
    there = state.queues.get(capture.queue)
    if there is None:
        return [f"queue {capture.queue} is missing"]
    found = []
    if there.capture != capture:
        found.append(f"queue {capture.queue} was made for other columns")
    try:
        schema = store.schema(capture.table)
        store.keys(state, capture)
    except (MissingTableError, MissingColumnError, UnknownPathError):
        return [*found, f"queue {capture.queue} follows tables or columns that are gone"]
    lost = [name for name in capture.columns if name not in schema.columns]
    found += [f"queue {capture.queue} follows column {name}, which is gone" for name in lost]
    return found


def images(store: Store, state: State, capture: Capture, query: Query, ids: pa.Array) -> Images:
    """The images of entries as `query` reads rows, their own key as it was then.

    Raises:
        ValueError: The capture keeps none.
    """
    if not capture.images:
        msg = f"{store.app}.{capture.table}: queue {capture.queue} keeps no images"
        raise ValueError(msg)
    queue = store.queue(state, capture)
    pictured = queue.images.filter(pc.is_in(queue.images[IMAGE], value_set=ids.cast(pa.int64())))
    rows = {**state.rows, capture.table: pictured.drop_columns([IMAGE])}
    follower = store.follower(replace(state, rows=rows), query)
    chosen = pictured[IMAGE].take(follower.chosen()["row"])
    result = follower.read(None)
    entries = queue.entries
    keys = entries.keys.take(pc.index_in(chosen, value_set=entries.id))
    for name in keys.column_names:
        if name in result.column_names:
            result = result.set_column(result.column_names.index(name), name, keys[name])
    return Images(chosen.combine_chunks(), result)


def _reshaped(held: pa.Table, shape: pa.Schema) -> pa.Table:
    columns = [
        held[each.name].cast(each.type)
        if each.name in held.column_names
        else pa.nulls(held.num_rows, each.type)
        for each in shape
    ]
    return pa.table(columns, schema=shape)


def _none(count: int) -> Any:
    return pa.chunked_array([pa.repeat(pa.scalar(value=False), count)])
