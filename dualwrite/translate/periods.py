"""The end of a period, converted: days and moments, and how each side writes that there is none.

A last day, the 29th, is as a moment in UTC its last second, and only that is a day again: an
end that is no whole day becomes none, and its row is rejected.  An exclusive end is a midnight as
a moment, and only that is a day again.  No end is 2154-12-31 in
finops; dataverse holds it as finops writes it, and where the two differ in that alone nothing
has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.effective import spell_no_end
from dualwrite.effective.periods import LAST_DAYS, Gaps, Kind, Periods
from dualwrite.exact.casts import convert
from dualwrite.exact.texts import column_of
from dualwrite.gate_column import Role, gate_name
from dualwrite.link import Side
from dualwrite.tablemap.model import ColumnMap, TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.periods import DatedEnd, dated_of
from dualwrite.tablemap.schema import Column, TableSchema
from dualwrite.translate.flow import Flow, SchemaOf

_DAY, _SECOND = 86_400_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class PeriodEnd:
    """The last step of the column `to` of dated rows."""

    target: pa.DataType
    inclusive: bool
    as_last_day: bool
    """Whether the target writes no end as 2154-12-31, however the source writes it."""
    never_null: bool

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return ()

    @property
    def makes_nulls(self) -> bool:
        return False

    def apply(self, values: pa.Array, rows: pa.Table, /) -> pa.Array:
        del rows
        if not pa.types.is_temporal(values.type):
            values = convert(values, self.target)
        ends = values
        if pa.types.is_date(values.type) and pa.types.is_timestamp(self.target):
            ends = _last_second(values, self.target) if self.inclusive else values.cast(self.target)
        elif pa.types.is_timestamp(values.type) and pa.types.is_date(self.target):
            ends = _day_of(values, _DAY - _SECOND if self.inclusive else 0)
        # an end that could not be converted does not mean no end
        lost = pc.and_(values.is_valid(), ends.is_null())
        if self.as_last_day:
            ends = pc.if_else(lost, ends, spell_no_end(ends, "2154-12-31"))
        elif self.never_null:
            never = spell_no_end(pa.nulls(len(ends), ends.type), "2154-12-31")
            ends = pc.if_else(lost, ends, pc.coalesce(ends, never))
        return ends


def _last_second(days: pa.Array, target: pa.DataType) -> pa.Array:
    """The last second of each day."""
    kind = pa.timestamp("us", target.tz)
    midnights: Any = days.cast(pa.timestamp("us")).view(pa.int64())
    return pc.add(midnights, _DAY - _SECOND).view(kind)


def _day_of(moments: pa.Array, least: int) -> pa.Array:
    """The days of moments that are `least` microseconds after midnight, else null.

    As much as a second more counts as the same: a finer fraction is not written by all.  No end is
    no end at any time of its day.
    """
    days = moments.cast(pa.date32(), safe=False)
    since = pc.subtract(
        moments.cast(pa.timestamp("us", moments.type.tz), safe=False).view(pa.int64()),
        days.cast(pa.timestamp("us")).view(pa.int64()),
    )
    whole = pc.greater_equal(since, least) if least else pc.equal(since, 0)
    endless = pc.is_in(days, value_set=pa.array(LAST_DAYS, pa.date32()))
    return pc.if_else(pc.or_(whole, endless), days, pa.scalar(None, pa.date32()))


def end_step(
    table_map: TableMap, column: ColumnMap, source: Side, target: Column
) -> PeriodEnd | None:
    """The step of the column that holds until when a row is valid; None for any other."""
    dated = dated_of(table_map)
    if dated is None or column.end(Side.FINOPS) != dated.finops.end:
        return None
    own, as_last_day = dated.finops, source.other is Side.FINOPS
    return PeriodEnd(target.type, own.inclusive, as_last_day, not target.nullable)


def periods_of(table_map: TableMap, flow: Flow, schema_of: SchemaOf) -> Periods | None:
    """The gate columns of the periods of rows; None where the flow has none.

    A projection is judged by the source's dates, as the target has none.
    """
    dated = dated_of(table_map)
    if dated is None:
        return None
    ends = dated.on(flow.target)
    if ends is None:
        own = dated.finops
        kind = kind_of(schema_of(flow.source, table_map.end(flow.source).table), own)
        start, end = (gate_name(Role.SOURCE, path) for path in (own.start, own.end))
        return Periods(flow.key, start, end, kind, "allow", own.inclusive)
    kind = kind_of(schema_of(flow.target, table_map.end(flow.target).table), ends)
    return periods_on(ends, kind, dated.gaps)


def periods_on(ends: DatedEnd, kind: Kind, gaps: Gaps) -> Periods:
    """The periods of one side, by path."""
    entity = tuple(map(str, ends.entity))
    return Periods(entity, str(ends.start), str(ends.end), kind, gaps, ends.inclusive)


def kind_of(schema: TableSchema, dated: DatedEnd) -> Kind:
    """Whether the periods of a dated table are days or moments."""
    return "date" if pa.types.is_date(schema.columns[dated.start.column].type) else "instant"


def keep_equivalent_ends(translated: pa.Table, held: pa.Table, flow: Flow) -> pa.Table:
    """Translated rows, but what the target holds wherever both mean no end, written differently."""
    for column in flow.columns:
        name = str(column.target)
        step = next((step for step in column.steps if isinstance(step, PeriodEnd)), None)
        if step is None or name not in held.column_names:
            continue
        came, kept = column_of(translated, name), column_of(held, name)
        both = pc.and_(_endless(came), _endless(kept))
        # a row that the target does not hold has no end to keep
        both = pc.and_(both, column_of(held, flow.key[0]).is_valid())
        if step.never_null:  # it holds infinity, which is read as null
            both = pc.and_(both, kept.is_valid())
        same = pc.if_else(both, kept.cast(came.type), came)
        translated = translated.set_column(translated.column_names.index(name), name, same)
    return translated


def _endless(ends: pa.Array) -> pa.Array:
    days = ends.cast(pa.date32(), safe=False)
    return pc.is_in(days, value_set=pa.array([*LAST_DAYS, None], pa.date32()))
