"""What both sides should hold after a change, decided column by column (design section 6).

`mine` are changed rows of one side told in the other side's terms, `theirs` what the
other side holds under the same keys, read under a lock.  A column that changed on one side only
crosses.  A row that changed on both is a conflict if a two-way column of it differs,
and the map's policy decides; it is on record whoever wins.

Pure: Arrow in, Arrow out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.link import Side
from dualwrite.tablemap.model import Master, TableMap
from dualwrite.translate.compare import differs

Mask = Any
"""A boolean Arrow array of the rows' length without nulls."""


class Policy(Enum):
    """Who wins a conflict; the map file's words."""

    NEWEST = "newest"
    FINOPS = "finops"
    DATAVERSE = "dataverse"
    MERGE = "merge"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of a map: for the row, for a column that changed on both sides, by column.

    `columns` are named by target path of the way that asks.  `tie` is who wins where two
    changes are equally new.
    """

    row: Policy = Policy.MERGE
    then: Policy = Policy.NEWEST
    columns: Mapping[str, Policy] = field(default_factory=dict)
    tie: Side = Side.FINOPS

    @property
    def whole(self) -> Policy:
        """For what cannot be decided by column: a delete against an update."""
        return self.then if self.row is Policy.MERGE else self.row

    def of(self, column: str) -> Policy:
        """Who decides a column that changed on both sides."""
        return self.columns.get(column, self.whole)


@dataclass(frozen=True, slots=True)
class Both:
    """n changed rows and their counterparts.

    Shapes: all (n, ...) and aligned.  `mine_changed` says by column which rows changed it;
    `theirs_changed` the same of the other side, false throughout where `dirty` is.
    `newer` says whether this side's change is the newer one (ties decided).
    """

    mine: pa.Table
    theirs: pa.Table
    found: Mask
    dirty: Mask
    mine_changed: Mapping[str, Mask]
    theirs_changed: Mapping[str, Mask]
    newer: Mask
    two_way: Collection[str]


@dataclass(frozen=True)
class Decision:
    """The decision over n rows.

    `forward` is what the other side should hold; `write` marks the rows that it does not
    hold yet.  `kept` marks, by two-way column, where the other side won a conflict: its value
    has to come back, `taken` where this side did.  `crossing` marks, by column, every value that
    changes.  `conflicts` are the rows in conflict, `asks` those of them that wait
    for a person: nothing of them is written.
    """

    forward: pa.Table
    write: Mask
    kept: Mapping[str, Mask]
    taken: Mapping[str, Mask]
    crossing: Mapping[str, Mask]
    conflicts: Mask
    asks: Mask

    @cached_property
    def changing(self) -> frozenset[str]:
        """The columns of which at least one row that is there changes."""
        return frozenset(name for name, mask in self.crossing.items() if pc.any(mask).as_py())


def policies_of(table_map: TableMap, source: Side) -> Policies:
    """The conflict policies of a map, for the way that leaves `source`.

    Without a word in the map: merged by column, a column that both changed goes to the newest.
    """
    said = table_map.conflicts
    by_name: dict[str, Policy] = {}
    for name, word in said.get("columns", {}).items():
        for column in table_map.columns:
            ends = {str(column.end(side)) for side in Side if column.end(side) is not None}
            target = column.end(source.other)
            if name in ends and target is not None:
                by_name[str(target)] = Policy(word)
    master = table_map.master
    return Policies(
        Policy(said.get("policy", "merge")),
        Policy(said.get("then", "newest")),
        by_name,
        Side.FINOPS if master is Master.FINOPS else Side.DATAVERSE,
    )


def decide(both: Both, policies: Policies, source: Side) -> Decision:
    """Decide for n rows at once; a row that is not `found` is taken whole if it may be made.

    A row that the other side deleted (`dirty`, not `found`) goes by the policy of the
    whole row: it is made anew, stays away, or waits for a person.
    """
    size, merging = both.mine.num_rows, policies.row is Policy.MERGE
    absent = pc.invert(both.found)
    deleted = pc.and_(absent, both.dirty)
    any_dirty = pc.any(both.dirty).as_py()
    forward: dict[str, Any] = {}
    kept: dict[str, Mask] = {}
    taken: dict[str, Mask] = {}
    crossing: dict[str, Mask] = {}
    conflicts, write = deleted, pc.and_(absent, _wins(policies.whole, both, source, deleted))
    asks = pc.and_(deleted, _constant(policies.whole is Policy.ASK, size))
    columns = {name: _pair(both, name) for name in both.mine.column_names}
    unlike = {n: pc.and_(both.found, differs(*pair)) for n, pair in columns.items()}
    changed_both = _changed_on_both(both, unlike)
    for name, (ours, other) in columns.items():
        different = unlike[name]
        s = both.mine_changed[name]
        take = pc.and_(different, s)
        if name in both.two_way and any_dirty:
            t = both.theirs_changed[name]
            contested = pc.and_(changed_both, pc.and_(different, pc.or_(s, t)))
            conflicts = pc.or_(conflicts, contested)
            word = policies.of(name)
            disputed = pc.and_(contested, pc.and_(s, t)) if merging else contested
            asks = pc.or_(asks, pc.and_(disputed, _constant(word is Policy.ASK, size)))
            mine = pc.and_(disputed, _wins(word, both, source, disputed))
            take = pc.or_(pc.and_not(take, disputed), mine)
            keep = pc.and_not(contested, take)
            kept[name], taken[name] = keep, pc.and_(contested, take)
        forward[name] = pc.if_else(pc.or_(take, absent), ours, other)
        crossing[name] = take
        write = pc.or_(write, take)
    # a conflict that waits holds the whole row back, on both sides
    free = pc.invert(asks)
    return Decision(
        pa.table(forward),
        pc.and_(write, free),
        {name: pc.and_(mask, free) for name, mask in kept.items()},
        {name: pc.and_(mask, free) for name, mask in taken.items()},
        {name: pc.and_(mask, free) for name, mask in crossing.items()},
        conflicts,
        asks,
    )


def _pair(both: Both, name: str) -> tuple[pa.Array, pa.Array]:
    ours = both.mine[name].combine_chunks()
    return ours, both.theirs[name].combine_chunks().cast(ours.type)


def _changed_on_both(both: Both, unlike: Mapping[str, Mask]) -> Mask:
    """Rows of which each side has changed two-way columns that still differ.

    Else one side only goes on from what the other has: that is no conflict.
    """
    mine = theirs = _constant(False, len(both.dirty))
    for name in both.two_way & unlike.keys():
        mine = pc.or_(mine, pc.and_(unlike[name], both.mine_changed[name]))
        theirs = pc.or_(theirs, pc.and_(unlike[name], both.theirs_changed[name]))
    return pc.and_(both.dirty, pc.and_(mine, theirs))


def _wins(word: Policy, both: Both, source: Side, where: Mask) -> Mask:
    """Whether this side wins by a policy; outside `where` it does."""
    size = len(where)
    match word:
        case Policy.ASK:
            mine = _constant(False, size)
        case Policy.FINOPS | Policy.DATAVERSE:
            mine = _constant(word.value == source.value, size)
        case _:
            mine = both.newer
    return pc.or_(mine, pc.invert(where))


def _constant(value: bool, size: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), size)
