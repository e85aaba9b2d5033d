"""The rows of the source side that must change because the other side won, or alone decides.

A two-way column goes back only where the two sides really differ, told in one
side's terms: a value that merely is spelled otherwise ('No', 'no') stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.gate_column import Role, gate_name
from dualwrite.sync.batch.merge import Mask, Merged
from dualwrite.sync.routes.route import Route
from dualwrite.translate.amounts import settled
from dualwrite.translate.compare import differs
from dualwrite.translate.flow import comparable, translate

_BESIDE = (Role.UNCAST, Role.UNIT_PROBLEM, Role.RETURNED)
"""What the gate table holds beside a translated column, under its target path."""


@dataclass(frozen=True)
class Returning:
    """m rows that the source side must take back.

    Shapes: `ready` (m, c) is named for the gate of the way back, `rows` (m, d) are those that it
    comes from; `crossing` marks, by column, every value that changes.
    """

    ready: pa.Table
    rows: pa.Table
    crossing: Mapping[str, Mask]

    def filter(self, mask: Mask) -> Returning:
        """Fewer rows."""
        crossing = {name: each.filter(mask) for name, each in self.crossing.items()}
        return Returning(self.ready.filter(mask), self.rows.filter(mask), crossing)


def returning_rows(back: Route, rows: pa.Table, theirs: pa.Table, merged: Merged) -> Returning:
    """What the source side must take back: m rows at most of n.

    Shapes: `rows` is (n, c) by source path, `theirs` (n, d) by target path, aligned,
    null where the target holds no such row; `merged` is the decision over both.
    """
    found = pc.is_valid(theirs[back.flow.source_key[0]])
    alone = any(str(c.source) not in merged.back for c in back.flow.columns)
    mask = found if alone else pc.and_(merged.back_any, found)
    if not pc.any(mask).as_py():
        return Returning(pa.table({}), pa.table({}), {})
    mine, others = rows.filter(mask), theirs.filter(mask)
    ready, held = translate(others, back.flow), comparable(mine, back.flow)
    ready = settled(ready, held, back.flow)
    currencies = {
        gate_name(Role.SOURCE, c.money.currency)
        for c in back.flow.columns
        if c.money and c.money.currency
    }
    changed: Any = pa.chunked_array([pa.repeat(False, ready.num_rows)], pa.bool_())
    crossing: dict[str, Mask] = {}
    for column in back.flow.columns:
        name = str(column.target)
        own = held[name].cast(ready[name].type)
        goes = merged.back.get(str(column.source))
        if goes is not None:
            wins = goes.filter(mask)
            ready = _with(ready, name, pc.if_else(wins, ready[name], own))
            # a value that lost is overwritten over there, and nobody's fault any longer
            beside = [gate_name(Role.SOURCE, column.source)]
            beside += [gate_name(role, column.target) for role in _BESIDE]
            for before in beside:
                if before in ready.column_names:
                    # the currency that stays is what an amount is judged by
                    judged = before in currencies and own.type == ready[before].type
                    ready = _with(
                        ready, before, pc.if_else(wins, ready[before], own if judged else None)
                    )
        crossing[name] = differs(ready[name], own)
        changed = pc.or_(changed, crossing[name])
    return Returning(ready, others, crossing).filter(changed)


def _with(rows: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), name, values)
