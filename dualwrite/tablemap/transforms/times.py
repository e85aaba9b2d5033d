"""`timezone` and `date`: local time of another zone, a date written in another format.

timezone: {finops: Europe/Berlin, dataverse: UTC}
timezone: {finops: company, dataverse: UTC}                  the zone of the row's company
date: {finops: "%d.%m.%Y", dataverse: "%Y-%m-%d"}    only the side that is text, or both
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.exact.casts.numbers import keep
from dualwrite.exact.casts.times import to_timestamp
from dualwrite.exact.casts.zones import (
    COMPANY,
    CompanyZones,
    by_zone,
    come_back,
    local_times,
    moments_of,
)
from dualwrite.exact.texts import column_of
from dualwrite.link import Side
from dualwrite.link.zones import is_zone
from dualwrite.tablemap.model import Transform
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column
from dualwrite.tablemap.transforms.kind import ColumnStep, StepContext, TransformKind

_NAIVE = pa.timestamp("us")
_SIDES = {side.value for side in Side}


@dataclass(frozen=True, slots=True)
class Zone(ColumnStep):
    """Local time of `source` as local time of `target`, or as an instant.

    Of an hour that the clocks repeat the first is meant.  A time that they skip becomes null, and
    `whole`, of a key, one that would come back as another: the rule `local_time` holds both.
    """

    source: str
    target: str
    instant: bool
    whole: bool = False
    two_way: bool = False

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        moments = moments_of(values, self.source)
        if self.instant:
            return moments
        if self.whole:
            moments = keep(moments, come_back(moments, self.target))
        return local_times(moments, self.target)

    @property
    def compares(self) -> bool:
        return self.two_way and not self.whole

    def back(self, source: pa.DataType, /) -> Zone:
        instant = pa.types.is_timestamp(source) and source.tz is not None
        return Zone(self.target, self.source, instant)


@dataclass(frozen=True, slots=True)
class CompanyZone:
    """As `Zone`, where its word `company` stands for the zone of the row's company."""

    zone: Zone
    company: ColumnPath
    zones: CompanyZones

    @property
    def reads(self) -> tuple[ColumnPath, ...]:
        return (self.company,)

    @property
    def makes_nulls(self) -> bool:
        return False

    def apply(self, values: pa.Array, rows: pa.Table, /) -> pa.Array:
        def result_of(zone: str) -> pa.Array:
            ends = (zone if end == COMPANY else end for end in (self.zone.source, self.zone.target))
            source, target = ends
            return replace(self.zone, source=source, target=target).apply(values, rows)

        return by_zone(self.zones.of(column_of(rows, str(self.company))), result_of)

    @property
    def compares(self) -> bool:
        return self.zone.compares

    def back(self, source: pa.DataType, /) -> CompanyZone:
        return replace(self, zone=self.zone.back(source))


@dataclass(frozen=True, slots=True)
class DateFormat(ColumnStep):
    """A date or time read by one format and written by another; None is a real date."""

    source: str | None
    target: str | None

    def apply(self, values: pa.Array, _rows: pa.Table, /) -> pa.Array:
        if self.source is not None:
            if not pa.types.is_string(values.type):
                return pa.nulls(len(values), _NAIVE if self.target is None else pa.string())
            values = _read(values, self.source)
        return values if self.target is None else _written(values, self.target)


def _read(text: pa.Array, form: str) -> pa.Array:
    """The times that `text` holds; null for 30 February, which Arrow reads as 1 March."""
    times = pc.strptime(text, format=form, unit="us", error_is_null=True)
    same = pc.equal(_comparable(_written(times, form)), _comparable(text))
    return pc.if_else(same, times, pa.scalar(None, times.type))


def _written(times: pa.Array, form: str) -> pa.Array:
    # Arrow writes the fraction of a second with %S, so there must be none.
    seconds = to_timestamp(times, _NAIVE).cast(pa.timestamp("s"), safe=False)
    return pc.strftime(seconds, format=form)


def _comparable(text: pa.Array) -> pa.Array:
    """Without leading zeros and case, which may be written or not."""
    return pc.utf8_lower(pc.replace_substring_regex(text, r"\b0+(\d)", r"\1"))


def _build_zone(transform: Transform, context: StepContext) -> Zone | CompanyZone:
    zones = {side: transform.options[side.value] for side in (context.source, context.source.other)}
    for name in zones.values():
        if name != COMPANY and not is_zone(name):
            raise context.refuse(transform, f"there is no time zone {name!r}")
    target = context.target.type
    instant = pa.types.is_timestamp(target) and target.tz is not None
    ends = (zones[context.source], zones[context.source.other])
    zone = Zone(*ends, instant, whole=context.whole, two_way=context.two_way)
    if COMPANY not in ends:
        return zone
    if context.company is None:
        raise context.refuse(transform, "the rows belong to no company")
    return CompanyZone(zone, context.company, context.zones)


def _build_format(transform: Transform, context: StepContext) -> DateFormat:
    formats = transform.options
    if any(f"%{letter}" in form for form in formats.values() for letter in "zZ"):
        raise context.refuse(transform, "a format cannot hold the zone; name it with `timezone`")
    return DateFormat(formats.get(context.source.value), formats.get(context.source.other.value))


def _same_time(source: Column, _transform: Transform) -> Column | None:
    return source if pa.types.is_timestamp(source.type) else None


def _is_pair(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and options.keys() == _SIDES
        and all(isinstance(value, str) for value in options.values())
    )


def _is_date(options: Any) -> bool:
    return (
        isinstance(options, dict)
        and len(options) > 0
        and options.keys() <= _SIDES
        and all(isinstance(value, str) and "%" in value for value in options.values())
    )


KINDS = (
    TransformKind(
        "timezone",
        "timezone: {finops: Europe/Berlin, dataverse: UTC}",
        _is_pair,
        _build_zone,
        column_after=_same_time,
        equates=True,
    ),
    TransformKind(
        "date", 'date: {finops: "%d.%m.%Y", dataverse: "%Y-%m-%d"}', _is_date, _build_format
    ),
)
