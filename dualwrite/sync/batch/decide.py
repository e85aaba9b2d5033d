"""What both sides should hold, decided column by column: the only place where a value wins.

`mine` are rows of one side in the other side's terms, `theirs` what the other side holds under
the same keys.  Each side *states* some columns of a row: those that it has changed (a cycle),
those that waited in the journal (a retry), or all (an initial sync).  A column that only one side
states goes that side's way.  A two-way column that both state differently is in dispute, and
the policy decides; the row is a conflict, whoever wins (design section 6).

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

from dualwrite.exact import alike
from dualwrite.link import Side
from dualwrite.sync.batch.outcomes import Mask, constant, some
from dualwrite.tablemap.model import Master, TableMap
from dualwrite.translate.compare import differs


class Winner(Enum):
    """Who wins a conflict; the map file's words."""

    NEWEST = "newest"
    FINOPS = "finops"
    DATAVERSE = "dataverse"
    MERGE = "merge"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Policy:
    """Who wins where both sides state a column differently.

    Args:
        row: For the row; `merge` decides each column by itself.
        then: For a column that both sides state, where `row` is `merge`.
        columns: A column's own, by target path of the route that asks.
        tie: Who wins where two changes are equally new.
        fill_blanks: Nobody wins: a blank (null or '') takes the other side's value, and two
            different values both stay.  Nothing is lost, so nothing is a conflict.
        late: The columns were left out when the rows were first written, so a blank means
            only that: it never wins over a value, and is no conflict.
    """

    row: Winner = Winner.MERGE
    then: Winner = Winner.NEWEST
    columns: Mapping[str, Winner] = field(default_factory=dict)
    tie: Side = Side.FINOPS
    fill_blanks: bool = False
    late: bool = False

    @property
    def whole(self) -> Winner:
        """For what cannot be decided by column: a delete against an update."""
        return self.then if self.row is Winner.MERGE else self.row

    def of(self, column: str) -> Winner:
        """Who wins a column that both sides state."""
        return self.columns.get(column, self.whole)


def conflict_policy(table_map: TableMap, source: Side) -> Policy:
    """The conflict policy of a map, for the route that leaves `source`.

    The default merges by column; a column that both sides changed goes to the newest.
    """
    words = table_map.conflicts
    by_name: dict[str, Winner] = {}
    for name, word in words.get("columns", {}).items():
        for column in table_map.columns:
            ends = {str(column.end(side)) for side in Side if column.end(side) is not None}
            target = column.end(source.other)
            if name in ends and target is not None:
                by_name[str(target)] = Winner(word)
    return Policy(
        Winner(words.get("policy", "merge")),
        Winner(words.get("then", "newest")),
        by_name,
        _tie(table_map),
    )


def master_policy(table_map: TableMap, master: Master, *, late: bool = False) -> Policy:
    """The policy of an initial sync, a retry or a repair: one master decides every column."""
    if master is Master.FILL_BLANKS:
        return Policy(Winner.NEWEST, tie=_tie(table_map), fill_blanks=True, late=late)
    return Policy(Winner(master.value), tie=_tie(table_map), late=late)


def side_wins(side: Side) -> Policy:
    """One side wins every row and every column: a person has decided."""
    return Policy(Winner(side.value), Winner(side.value), {}, side)


def _tie(table_map: TableMap) -> Side:
    return Side.FINOPS if table_map.master is Master.FINOPS else Side.DATAVERSE


@dataclass(frozen=True, slots=True)
class Both:
    """n rows and their counterparts.

    Shapes: all (n, ...) and aligned; `theirs` is null throughout where not `found`.  `deleted`
    marks rows that the other side has deleted itself.  `mine_stated` says by column which rows
    state it, `theirs_stated` the same of the other side, for two-way columns.  `newer` marks
    rows of which this side's change is the newer one (ties decided).
    """

    mine: pa.Table
    theirs: pa.Table
    found: Mask
    deleted: Mask
    mine_stated: Mapping[str, Mask]
    theirs_stated: Mapping[str, Mask]
    newer: Mask
    two_way: Collection[str]


@dataclass(frozen=True)
class Decision:
    """The decision over n rows.

    `target` (n, c) is what the other side should hold, and `write` marks the rows of it that the
    other side does not hold yet.  By column, `forward` marks every value that changes there,
    `taken` those of them that won a dispute, and `back` the values of the other side that won
    and have to come back.  `disputed` are the rows in conflict; `ask` those of them that wait
    for a person: nothing of them is written.
    """

    target: pa.Table
    write: Mask
    forward: Mapping[str, Mask]
    taken: Mapping[str, Mask]
    back: Mapping[str, Mask]
    disputed: Mask
    ask: Mask

    def part(self, low: int, n: int) -> Decision:
        """The decision over n rows from one number on."""

        def cut(masks: Mapping[str, Mask]) -> dict[str, Mask]:
            return {name: mask.slice(low, n) for name, mask in masks.items()}

        return Decision(
            self.target.slice(low, n),
            self.write.slice(low, n),
            cut(self.forward),
            cut(self.taken),
            cut(self.back),
            self.disputed.slice(low, n),
            self.ask.slice(low, n),
        )

    @cached_property
    def changing(self) -> frozenset[str]:
        """The columns of which at least one row that is there changes."""
        return frozenset(name for name, mask in self.forward.items() if some(mask))


def decide(both: Both, policy: Policy, source: Side) -> Decision:
    """Decide for n rows at once; a row that is not `found` is taken whole if it may be made.

    A row that the other side deleted goes by the policy of the whole row: it is made anew,
    stays away, or waits for a person.
    """
    n = both.mine.num_rows
    if not some(both.found) and not some(both.deleted):
        no = constant(False, n)
        return Decision(both.mine, constant(True, n), {}, {}, {}, no, no)
    absent = pc.invert(both.found)
    target: dict[str, Any] = {}
    forward: dict[str, Mask] = {}
    taken: dict[str, Mask] = {}
    back: dict[str, Mask] = {}
    disputed = both.deleted
    write = pc.and_(absent, _wins(policy.whole, both, source, both.deleted))
    ask = pc.and_(both.deleted, constant(policy.whole is Winner.ASK, n))
    columns = {name: _pair(both, name) for name in both.mine.column_names}
    unlike = {name: pc.and_(both.found, differs(*pair)) for name, pair in columns.items()}
    contested_rows = _stated_by_both(both, unlike)
    contested_any = some(contested_rows)
    for name, (ours, other) in columns.items():
        stated = both.mine_stated[name]
        take = pc.and_(unlike[name], stated)
        if name in both.two_way and contested_any:
            stating = stated if policy.late else pc.or_(stated, both.theirs_stated[name])
            contested = pc.and_(pc.and_(contested_rows, unlike[name]), stating)
            column = _Column(name, ours, other, contested, stated, both.theirs_stated[name])
            take, back[name], conflict, asked = _dispute(column, take, both, policy, source)
            disputed, ask = pc.or_(disputed, conflict), pc.or_(ask, asked)
            taken[name] = pc.and_(contested, take)
        same = pc.and_not(stated, unlike[name])
        target[name] = pc.if_else(pc.or_(pc.or_(take, same), absent), ours, other)
        forward[name] = take
        write = pc.or_(write, take)
    if some(ask):
        # a conflict that waits holds the whole row back, on both sides
        free = pc.invert(ask)
        write = pc.and_(write, free)
        forward, taken, back = (_limited(each, free) for each in (forward, taken, back))
    return Decision(pa.table(target), write, forward, taken, back, disputed, ask)


def decide_deletes(both: Both, policy: Policy, source: Side) -> Decision:
    """Decide over n rows that this side has deleted: `write` are those to be deleted across.

    `mine` has no columns.  `deleted` marks the rows that the other side has *changed* since: a
    conflict by the whole row.  Where the other side wins, all of its row comes back (`back` is
    under the empty name).
    """
    n = len(both.found)
    changed = both.deleted
    ask = pc.and_(changed, constant(policy.whole is Winner.ASK, n))
    wins = _wins(policy.whole, both, source, changed)
    write = pc.and_(both.found, wins)
    back = pc.and_not(pc.and_not(changed, wins), ask)
    return Decision(both.mine, write, {}, {}, {"": back}, changed, ask)


@dataclass(frozen=True, slots=True)
class _Column:
    """A two-way column of n rows; `contested` marks the values that are in dispute."""

    name: str
    mine: pa.Array
    theirs: pa.Array
    contested: Mask
    mine_stated: Mask
    theirs_stated: Mask


def _dispute(
    column: _Column, take: Mask, both: Both, policy: Policy, source: Side
) -> tuple[Mask, Mask, Mask, Mask]:
    """Of a column in dispute: what is taken, what comes back, what is a conflict, who is asked."""
    contested, conflict = column.contested, column.contested
    winner, ask = policy.of(column.name), constant(False, len(contested))
    if policy.fill_blanks:
        mine, theirs = _blank(column.mine), _blank(column.theirs)
        take = pc.if_else(contested, pc.and_not(theirs, mine), take)
        back = pc.and_(contested, pc.and_not(mine, theirs))
        conflict = ask
    else:
        clash = contested
        if policy.row is Winner.MERGE:
            clash = pc.and_(contested, pc.and_(column.mine_stated, column.theirs_stated))
        if winner is Winner.ASK:
            ask = clash
        won = pc.and_(clash, _wins(winner, both, source, clash))
        take = pc.or_(pc.and_not(take, clash), won)
        back = pc.and_not(contested, take)
    if policy.late:
        mine, theirs = _blank(column.mine), _blank(column.theirs)
        one_blank = pc.and_(contested, pc.xor(mine, theirs))
        conflict = pc.and_not(conflict, one_blank)
        take, back = pc.if_else(one_blank, theirs, take), pc.if_else(one_blank, mine, back)
    return take, back, conflict, ask


def _stated_by_both(both: Both, unlike: Mapping[str, Mask]) -> Mask:
    """Rows of which each side states two-way columns that differ.

    Else one side only goes on from what the other has: that is no conflict.
    """
    mine = theirs = constant(False, len(both.found))
    for name in both.two_way & unlike.keys():
        mine = pc.or_(mine, pc.and_(unlike[name], both.mine_stated[name]))
        theirs = pc.or_(theirs, pc.and_(unlike[name], both.theirs_stated[name]))
    return pc.and_(mine, theirs)


def _wins(winner: Winner, both: Both, source: Side, where: Mask) -> Mask:
    """Whether this side wins by a policy; outside `where` it does."""
    n = len(where)
    match winner:
        case Winner.ASK:
            mine = constant(False, n)
        case Winner.FINOPS | Winner.DATAVERSE:
            mine = constant(winner.value == source.value, n)
        case Winner.NEWEST | Winner.MERGE:
            mine = both.newer
    return pc.or_(mine, pc.invert(where))


def _pair(both: Both, name: str) -> tuple[pa.Array, pa.Array]:
    return alike(both.mine[name].combine_chunks(), both.theirs[name].combine_chunks())


def _blank(values: pa.Array) -> Mask:
    empty = pc.is_null(values)
    if pa.types.is_string(values.type):
        empty = pc.or_(empty, pc.fill_null(pc.equal(values, ""), fill_value=False))
    return empty


def _limited(masks: Mapping[str, Mask], where: Mask) -> dict[str, Mask]:
    return {name: pc.and_(mask, where) for name, mask in masks.items()}
