"""Checks of time zones: a time with a zone meets one without, and nothing says where it is."""

from __future__ import annotations

import pyarrow as pa

from dualwrite.exact.casts.zones import COMPANY, NO_ZONES
from dualwrite.link import Side
from dualwrite.link.zones import is_zone, near_zones
from dualwrite.tablemap.checks.context import Context
from dualwrite.tablemap.model import ColumnMap
from dualwrite.tablemap.zones import by_company, has_zone, zones_of


def check_zones(context: Context) -> None:
    """Every column map of times, both ends' `modified`, and the companies that have a zone."""
    for side in Side:
        end = context.map.end(side)
        if COMPANY in (end.zone, end.modified_zone) and end.company is None:
            _no_company(context, f"{side.value}: zone: company", word=side.value)
    if by_company(context.map) and context.map.company_zones == NO_ZONES:
        context.add(
            "DW1134",
            "the zone of the company counts, and none has one in dualwrite.toml: UTC is taken",
            cure='name it: [companies.USMF] zone = "America/New_York", or [link] zone for all',
        )
    for column in context.map.columns:
        _check_names(context, column)
        _check_column(context, column)
    _check_modified(context)
    _check_dates(context)


def _check_names(context: Context, column: ColumnMap) -> None:
    for transform in column.transforms:
        for name in transform.options.values() if transform.kind == "timezone" else ():
            if name == COMPANY and not context.map.is_company_specific():
                _no_company(context, f"{column.notation}: timezone: company", column=column)
            elif name != COMPANY and not is_zone(name):
                message = f"{column.notation}: there is no time zone {name!r}"
                context.add("DW1121", message, column=column, cure=near_zones(name))


def _no_company(
    context: Context, where: str, *, column: ColumnMap | None = None, word: str = ""
) -> None:
    context.add(
        "DW1121",
        f"{where}, but the rows belong to no company",
        column=column,
        word=word,
        cure="name a zone, such as Europe/Berlin, or give `company:` on both sides",
    )


def _check_column(context: Context, column: ColumnMap) -> None:
    paths = {side: column.end(side) for side in Side}
    ends = {
        side: None if path is None else context.column(side, path, column)
        for side, path in paths.items()
    }
    zones = zones_of(context.map, column, ends)
    lost = [side for side, zone in zones.items() if zone is None]
    if len(lost) != 1 or any(end and pa.types.is_date(end.type) for end in ends.values()):
        return
    side = lost[0]
    own = ends[side]
    assert own is not None
    taken = "they are taken as UTC" if has_zone(ends[side.other]) else "they are carried as is"
    context.add(
        "DW1134",
        f"{column.notation}: the times of {context.name(side)} column {paths[side]} "
        f"({own.native}) have no zone, those of {side.other.value} do: {taken}",
        column=column,
        cure=_cure(side),
    )


def _check_modified(context: Context) -> None:
    known: dict[Side, bool] = {}
    for side in Side:
        end = context.map.end(side)
        found = None if end.modified is None else context.column(side, end.modified)
        if found is None or not pa.types.is_timestamp(found.type):
            return
        known[side] = has_zone(found) or end.modified_zone is not None
    lost = [side for side, is_known in known.items() if not is_known]
    if len(lost) == 1:
        side = lost[0]
        context.add(
            "DW1134",
            f"modified: the times of {context.name(side)} column "
            f"{context.map.end(side).modified} have no zone, those of {side.other.value} do: "
            "they are taken as UTC, to tell which row is newer",
            word=side.value,
            cure=_cure(side),
        )


def _cure(side: Side) -> str:
    return f"name it under {side.value}: `zone: UTC`, or the zone of its local times"


def _check_dates(context: Context) -> None:
    """The dates of `effective`, which are in UTC whatever the zone of their end."""
    names = [str((context.map.effective or {}).get(word)) for word in ("from", "to")]
    for column in context.map.columns:
        if str(column.end(Side.FINOPS)) not in names:
            continue
        for side in Side:
            path, zone = column.end(side), context.map.end(side).zone
            own = None if path is None else context.column(side, path, column)
            if own is None or zone in (None, "UTC") or has_zone(own):
                continue
            if pa.types.is_timestamp(own.type):
                context.add(
                    "DW1134",
                    f"{column.notation}: the times of {context.name(side)} column {path} are taken "
                    f"as UTC, as all of `effective`, and not as local times of {zone}",
                    column=column,
                    cure="keep the dates of periods in UTC, as dates, or as times with a zone",
                )
