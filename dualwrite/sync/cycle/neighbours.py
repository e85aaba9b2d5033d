"""Rows rejected for an overlap: tried again when another row of their entity has moved.

A row that is rejected for its period is often right, and another row of its entity overlaps it.
When that one is closed or deleted, on either side, nothing changes the row that waits: so a
cycle keeps which entities it has carried rows of, until it has looked, and no longer than its
worker lives; `dualwrite errors retry` looks at all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from dualwrite.journal.records import HeldRow
from dualwrite.link import Side
from dualwrite.rules import PeriodsSound
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.batch.keys import spelled
from dualwrite.sync.batch.target import sound_keys
from dualwrite.sync.cycle.dated import DatedWorker
from dualwrite.tablemap.periods import dated_of
from dualwrite.translate.rows import translate


def held_beside(directions: Sequence[DatedWorker]) -> list[HeldRow]:
    """The rows rejected for their periods, of the entities that these directions of a map moved."""
    return [
        row
        for side in Side
        for row in _held(side, [direction for direction in directions if direction.moved])
    ]


def _held(side: Side, directions: Sequence[DatedWorker]) -> list[HeldRow]:
    """The rows of one side."""
    if not directions:
        return []
    journal, table_map = directions[0].context.session.journal, directions[0].plan.table_map
    held = HeldChanges(journal, table_map.name, side.direction)
    dated = dated_of(table_map)
    ends = None if dated is None else dated.on(side)
    if not held or ends is None:
        return []
    names, numbers = list(map(str, ends.entity)), None
    if set(ends.entity).issubset(table_map.end(side).key):
        # where the key does not name the entity, any of the rows may have waited
        moved = pa.concat_arrays([_moved(direction, side, names) for direction in directions])
        numbers = held.ids_where(names, moved)
    if numbers == []:
        return []
    return journal.held.rejected(table_map.name, rule=PeriodsSound.name, ids=numbers)


def _moved(direction: DatedWorker, side: Side, names: Sequence[str]) -> pa.Array:
    """The entities that a direction moved, in the terms of a side, spelled as held keys are."""
    keys = pa.concat_tables(direction.moved)
    if direction.source is not side:
        route = direction.full.route
        keys, _ = sound_keys(route, translate(keys, route.key_flow))
    return spelled(keys.select(names))
