"""Who wins a column that both sides hold, where no cycle decides it: the master, or the newest.

Whatever an application has changed since capture began is newer than any master's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.sync.batch.held import own_of
from dualwrite.sync.batch.merge import Mask, Merged, replace_columns
from dualwrite.sync.batch.target import TargetState
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.routes.route import Route
from dualwrite.tablemap.model import Master
from dualwrite.translate.flow import comparable


def mine_wins(route: Route, rows: pa.Table, theirs: pa.Table | None, master: Master) -> Mask:
    """Which of n rows win against what the target holds of them, if anything."""
    ends = route.table_map
    if master is Master.NEWEST and theirs is not None:
        ours, others = ends.end(route.source).modified, ends.end(route.target).modified
        if ours is not None and others is not None:
            instant = pa.timestamp("us", "UTC")
            mine, other = moment(rows[str(ours)], instant), moment(theirs[str(others)], instant)
            newer = pc.if_else(pc.equal(mine, other), None, pc.greater(mine, other))
            # without both times, or at a tie, the map's own master decides
            return pc.fill_null(newer, fill_value=_is_master(route, ends.master))
    return pa.chunked_array([pa.repeat(_is_master(route, master), rows.num_rows)])


def _is_master(route: Route, master: Master) -> bool:
    fallback = Master.DATAVERSE if master in (Master.NEWEST, Master.FILL_BLANKS) else master
    return bool(fallback.value == route.source.value)


def yielding(route: Route, merged: Merged, standing: TargetState) -> Merged:
    """The decision without what the other side has changed meanwhile: that is newer."""
    dirty = standing.dirty
    if not pc.any(dirty).as_py():
        return merged
    gone = pc.and_not(dirty, standing.found)
    newer = {
        str(column.target): pc.and_(dirty, standing.dirt.touches([column.target.column]))
        for column in route.flow.columns
    }
    left = _without(route, merged, standing.theirs, newer, standing.found)
    return replace(left, write=pc.and_not(merged.write, gone))


def about_what_waited(route: Route, merged: Merged, theirs: pa.Table, waited: Changes) -> Merged:
    """The decision over rows that were held back, about those columns alone that waited."""
    silent = {name: pc.invert(waited.touches(own)) for name, own in own_of(route).items()}
    left = _without(route, merged, theirs, silent, merged.found)
    said, write = pa.repeat(pa.scalar(value=False), len(waited)), pc.invert(merged.found)
    for name, mask in left.crossing.items():
        write = pc.or_(write, mask)
        if name in left.back:
            said = pc.or_(said, pc.or_(mask, left.back[name]))
    return replace(left, write=write, conflicts=pc.and_(merged.conflicts, said))


def _without(
    route: Route, merged: Merged, theirs: pa.Table, where: Mapping[str, Mask], found: Mask
) -> Merged:
    """The decision without these values of two-way columns: both sides keep what they have."""
    forward, held = merged.forward, comparable(theirs, route.flow)
    back, crossing = dict(merged.back), dict(merged.crossing)
    for name, mask in where.items():
        if name in route.two_way and name not in route.flow.key:
            stays = pc.and_(mask, found)
            kept = pc.if_else(stays, held[name].cast(forward[name].type), forward[name])
            forward = replace_columns(forward, pa.table({name: kept}))
            back[name] = pc.and_not(back[name], stays)
            crossing[name] = pc.and_not(crossing[name], stays)
    return replace(merged, forward=forward, back=back, crossing=crossing)


def moment(values: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """A time on one scale: a time without a zone is read as UTC."""
    if pa.types.is_timestamp(values.type) and values.type.tz is None:
        return pc.assume_timezone(values, "UTC")
    return values.cast(type_)
