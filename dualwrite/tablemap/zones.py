"""The word `zone` of an end: in which zone its times are that have none.

A time of a column with a zone is a moment; a time of any other is the local time of its end's
`zone`, and a date the midnight there, where it meets a time.  Where both sides are known, and
differ, the map converts, as its `timezone` transform would.  The dates of `effective` are in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from dualwrite.exact.casts.zones import COMPANY
from dualwrite.link import Side
from dualwrite.tablemap.model import ColumnMap, TableMap, Transform
from dualwrite.tablemap.schema import Column

Ends = Mapping[Side, Column | None]
"""The columns at both ends of a column map."""


def with_zones(table_map: TableMap, column: ColumnMap, ends: Ends) -> ColumnMap:
    """The column map with the `timezone` transform that the zones of both ends ask for."""
    zones = zones_of(table_map, column, ends)
    if None in zones.values() or len(set(zones.values())) == 1 or not zones:
        return column
    local = next(side for side in zones if not has_zone(ends[side]))
    transform = Transform("timezone", {side.value: zone for side, zone in zones.items()})
    # next to the local times, whatever else changes them on the way
    first = Side.FINOPS if len(column.sign.sources) > 1 else next(iter(column.sign.sources))
    others = column.transforms
    steps = (transform, *others) if local is first else (*others, transform)
    return replace(column, transforms=steps)


def zones_of(table_map: TableMap, column: ColumnMap, ends: Ends) -> dict[Side, str | None]:
    """The zone of each end of two times, or of a date and a time, None where it is not known.

    Empty where the map says otherwise how the times are converted, or there are no two times.
    """
    kinds = [None if end is None else end.type for end in ends.values()]
    times = [kind for kind in kinds if kind is not None and pa.types.is_timestamp(kind)]
    dates = [kind for kind in kinds if kind is not None and pa.types.is_date(kind)]
    if not times or len(times) + len(dates) != len(kinds) or _is_dated(table_map, column):
        return {}
    if any(step.kind in ("timezone", "python", "values") for step in column.transforms):
        return {}
    return {
        side: "UTC" if has_zone(end) else table_map.end(side).zone for side, end in ends.items()
    }


def by_company(table_map: TableMap) -> bool:
    """Whether the zone of a row's company counts."""
    ends = [table_map.end(side) for side in Side]
    named = [zone for end in ends for zone in (end.zone, end.modified_zone)]
    steps = (step for column in table_map.columns for step in column.transforms)
    named += [zone for step in steps if step.kind == "timezone" for zone in step.options.values()]
    return COMPANY in named


def has_zone(column: Column | None) -> bool:
    """Whether a column keeps moments, and no local times."""
    return column is not None and pa.types.is_timestamp(column.type) and column.type.tz is not None


def _is_dated(table_map: TableMap, column: ColumnMap) -> bool:
    dates = table_map.effective or {}
    return str(column.end(Side.FINOPS)) in (dates.get("from"), dates.get("to"))
