"""What each side states of the rows of a batch: the input of the decision.

A side states what it has changed (rows of a queue), what waited (held rows), or all that it
holds (rows of a table).  What the target has changed itself since a table was read is its
own to say: no side states it here, and the target's entry carries it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.casts.zones import COMPANY, CompanyZones, by_zone, moments_of
from dualwrite.exact.texts import column_of
from dualwrite.link import Side
from dualwrite.sync.batch.batch import Batch, Carrying, RowsFrom
from dualwrite.sync.batch.decide import Both
from dualwrite.sync.batch.outcomes import Mask, constant, flat, some
from dualwrite.sync.batch.target import TargetState
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.routes.route import Route
from dualwrite.tablemap.model import End
from dualwrite.translate.amounts import keep_equivalent
from dualwrite.translate.rows import comparable

_INSTANT = pa.timestamp("us", "UTC")


def own_columns(route: Route) -> Mapping[str, str]:
    """The target's own column of each target path: the value, or the lookup that leads to it."""
    return {str(column.target): column.target.column for column in route.flow.columns}


class Stated:
    """What the sides of one route can state, by column."""

    def __init__(self, route: Route, back: Route | None) -> None:
        self.route, self.back = route, back
        self.sources = {
            str(c.target): frozenset(path.column for path in c.reads) for c in route.flow.columns
        }
        """The source's own columns behind each target path."""

    @cached_property
    def targets(self) -> Mapping[str, frozenset[str]]:
        """The target's own columns behind each path that flows back."""
        columns = () if self.back is None else self.back.flow.columns
        return {str(c.source): frozenset(p.column for p in c.reads) for c in columns if c.source}

    @cached_property
    def target_alone(self) -> list[str]:
        """The target's own columns that flow only from it."""
        columns = () if self.back is None else self.back.flow.columns
        two_way = self.route.two_way
        return sorted({p.column for c in columns if str(c.source) not in two_way for p in c.reads})

    def both(self, batch: Batch, carrying: Carrying) -> Both:
        """The rows of a batch and their counterparts, with what each side states."""
        route, target, n = self.route, batch.target, len(batch)
        mine = batch.translated.select(list(route.flow.names))
        if target.rows.num_columns == 1 and not some(target.found):  # promised to be new
            theirs = pa.table({f.name: pa.nulls(n, f.type) for f in mine.schema})
        else:
            theirs = comparable(target.rows, route.flow)
            mine = keep_equivalent(batch.translated, theirs, route.flow).select(mine.column_names)
        # what a person has overridden is nobody's change
        changed = constant(False, n) if carrying.overrides else target.changed
        no = constant(False, n)
        from_queue = batch.rows_from is RowsFrom.QUEUE
        mine_stated = {name: self._mine(batch, name, changed) for name in self.sources}
        return Both(
            mine,
            theirs,
            target.found,
            target.deleted if from_queue else no,
            mine_stated,
            self._theirs(batch, changed) if from_queue else mine_stated,
            self._newer(batch, carrying.policy.tie),
            route.two_way & mine_stated.keys(),
        )

    def by_both(self, batch: Batch) -> Mask:
        """The rows of which each side has changed one same column, or whose change waited."""
        theirs = self._theirs(batch, batch.target.changed)
        found = constant(False, len(batch))
        for name in self.route.two_way & self.sources.keys():
            mine = self._mine(batch, name, batch.target.changed)
            found = pc.or_(found, pc.and_(mine, theirs[name]))
        return found

    def _mine(self, batch: Batch, name: str, changed: Mask) -> Mask:
        route, entries, yes = self.route, batch.entries, constant(True, len(batch))
        two_way, own = name in route.two_way, self.sources[name]
        match batch.rows_from:
            case RowsFrom.QUEUE:
                assert entries is not None
                if two_way or not own:
                    return entries.touches(own)
                # a row that was made anew over there lacks what we alone know of it; a constant
                # is the map's, and may be what holds the row in a filter that its maker left it
                # out of
                remade = pc.and_(changed, batch.target.changes.changed.is_null())
                return pc.or_(entries.touches(own), remade)
            case RowsFrom.HELD:
                assert entries is not None
                return entries.touches(own) if two_way and name not in route.flow.key else yes
            case RowsFrom.TABLE:
                if not two_way or name in route.flow.key or not some(changed):
                    return yes
                column = own_columns(route)[name]
                return pc.invert(pc.and_(changed, batch.target.changes.touches([column])))

    def _theirs(self, batch: Batch, changed: Mask) -> Mapping[str, Mask]:
        if not some(changed):
            return dict.fromkeys(self.route.two_way, constant(False, len(batch)))
        theirs = batch.target.changes
        return {
            name: pc.and_(changed, theirs.touches(self.targets.get(name, ())))
            for name in self.route.two_way
        }

    def _newer(self, batch: Batch, tie: Side) -> Mask:
        if batch.rows_from is RowsFrom.QUEUE and not some(batch.target.changed):
            return constant(False, len(batch))
        return newer(self.route, batch.rows, batch.entries, batch.target, tie)


def newer(
    route: Route, rows: pa.Table, entries: Changes | None, target: TargetState, tie: Side
) -> Mask:
    """Whether this side's version of n rows is the newer one; at a tie, if it is the `tie` side.

    By the rows' own modified times where the map names both, else, and for a deleted row, by
    when each app queued the change.
    """
    n = rows.num_rows
    ends = [route.table_map.end(side) for side in (route.source, route.target)]
    ours, others = (end.modified for end in ends)
    none = pa.nulls(n, _INSTANT)
    mine = none if entries is None else entries.at
    theirs = none if entries is None else target.changes.at
    named = ours is not None and others is not None and str(ours) in rows.column_names
    if named and str(others) in target.rows.column_names:
        zones = route.table_map.company_zones
        mine = pc.coalesce(changed_at(rows, ends[0], zones), mine)
        theirs = pc.coalesce(changed_at(target.rows, ends[1], zones), theirs)
    later = pc.if_else(pc.equal(mine, theirs), None, pc.greater(mine, theirs))
    return flat(pc.fill_null(later, fill_value=tie is route.source))


def changed_at(rows: pa.Table, end: End, zones: CompanyZones) -> pa.Array:
    """When n rows of an end changed last, on one scale: local times by the zone of the end, or UTC.

    Shapes: (n,); null where the clocks of the zone skip it, or it is no time.
    """
    values, zone = column_of(rows, str(end.modified)), end.modified_zone or "UTC"
    if zone != COMPANY:
        return moments_of(values, zone)
    known = end.company is not None and str(end.company) in rows.column_names
    companies = column_of(rows, str(end.company)) if known else pa.nulls(len(values), pa.string())
    return by_zone(zones.of(companies), lambda each: moments_of(values, each))
