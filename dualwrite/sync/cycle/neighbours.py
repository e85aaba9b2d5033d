"""Rows that wait for a neighbour: looked at again when a row of their entity has moved.

A row that is rejected for its period is often right, and another row of its entity stands in
its way.  When that one is closed or deleted, on either side, nobody touches the row that
waits: so a cycle remembers which entities it has carried rows of.  It remembers until it has
looked, and no longer than its worker lives; `dualwrite errors retry` looks at all of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.journal.records import HeldRow
from dualwrite.link import Side
from dualwrite.rules import PeriodsSound
from dualwrite.sync.batch.target import sound_keys
from dualwrite.sync.cycle.dated import DatedWorker
from dualwrite.tablemap.periods import dated_of
from dualwrite.translate.keys import key_text
from dualwrite.translate.rows import translate


def held_beside(directions: Sequence[DatedWorker]) -> list[HeldRow]:
    """The rows rejected for their periods, of the entities that these lanes of a map moved."""
    return [
        row
        for side in Side
        for row in _held(side, [direction for direction in directions if direction.moved])
    ]


def _held(side: Side, directions: Sequence[DatedWorker]) -> list[HeldRow]:
    """Those of one side."""
    if not directions:
        return []
    journal, table_map = directions[0].context.session.journal, directions[0].plan.table_map
    waiting = journal.held.keys(table_map.name, side.direction)
    dated = dated_of(table_map)
    ends = None if dated is None else dated.on(side)
    if not waiting or ends is None:
        return []
    names, numbers = list(map(str, ends.entity)), list(waiting.values())
    if set(ends.entity).issubset(table_map.end(side).key):
        # where the key does not name the entity, any of the rows may have waited
        keys = [json.loads(text) for text in waiting]
        own = pa.table({name: pa.array([key[name] for key in keys], pa.string()) for name in names})
        moved = pa.concat_arrays([_moved(direction, side, names) for direction in directions])
        hit = pc.is_in(key_text(own, names), value_set=moved, skip_nulls=True)
        numbers = pa.array(numbers, pa.int64()).filter(hit).to_pylist()
    return (
        journal.held.rejected(table_map.name, rule=PeriodsSound.name, ids=numbers)
        if numbers
        else []
    )


def _moved(direction: DatedWorker, side: Side, names: Sequence[str]) -> pa.Array:
    """The entities that a lane moved, in the terms of a side and spelled as held keys are."""
    keys = pa.concat_tables(direction.moved)
    if direction.source is not side:
        route = direction.full.route
        keys, _ = sound_keys(route, translate(keys, route.key_flow))
    return key_text(pa.table({name: keys[name].cast(pa.string()) for name in names}), names)
