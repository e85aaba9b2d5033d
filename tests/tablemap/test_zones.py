"""Times with a zone that meet times without: what the check says, and what `zone` makes of them."""

# ruff: noqa: DTZ001 - times without a zone are what is tested
from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.link import Side
from dualwrite.tablemap.findings import MapError
from dualwrite.tablemap.model import End, Transform
from dualwrite.translate.compiling import compile_flow
from dualwrite.translate.rows import translate
from tests.tablemap.shop import a_map, findings_of, with_column
from tests.translate.maps import CUSTOMERS, line, path, schema
from tests.translate.maps import column as column_of

CUSTOMERS_TABLE, ACCOUNT = (Side.FINOPS, "Customers"), (Side.DATAVERSE, "account")
NAIVE, MOMENT = pa.timestamp("us"), pa.timestamp("us", "UTC")
LIMITS = {
    CUSTOMERS_TABLE: with_column("LIMIT", type=NAIVE, native="timestamp"),
    ACCOUNT: with_column("limit", type=MOMENT, native="timestamptz"),
}
FINOPS_ZONE = ("key: [COMPANY, NUMBER],", "key: [COMPANY, NUMBER], zone: Europe/Berlin,")
UNKNOWN = (
    "9: DW1134 warning: LIMIT = limit: the times of finops.Customers column LIMIT (timestamp) have "
    "no zone, those of dataverse do: they are taken as UTC\n"
    "  name it under finops: `zone: UTC`, or the zone of its local times"
)


def test_a_time_without_a_zone_that_meets_one_with_is_warned_of():
    assert findings_of(spoilt=LIMITS) == [UNKNOWN]


@pytest.mark.parametrize(
    "change",
    [
        FINOPS_ZONE,
        ("LIMIT = limit", "LIMIT >< limit: {timezone: {finops: Europe/Berlin, dataverse: UTC}}"),
    ],
    ids=["zone", "timezone"],
)
def test_both_cures_pass_the_check(change):
    assert findings_of(change, spoilt=LIMITS) == []


def test_two_times_without_a_zone_are_as_they_are_until_one_side_names_its():
    spoilt = {**LIMITS, ACCOUNT: with_column("limit", type=NAIVE, native="datetime")}

    assert findings_of(spoilt=spoilt) == []
    (found,) = findings_of(FINOPS_ZONE, spoilt=spoilt)
    assert found.partition("\n")[0] == (
        "9: DW1134 warning: LIMIT = limit: the times of dataverse.account column limit (datetime) "
        "have no zone, those of finops do: they are carried as is"
    )


def test_the_times_of_modified_are_warned_of_too():
    finops = ("key: [COMPANY, NUMBER],", "key: [COMPANY, NUMBER], modified: LIMIT,")
    dataverse = ("key: [company.code, number],", "key: [company.code, number], modified: limit,")
    told = ("modified: LIMIT,", "modified: {column: LIMIT, zone: Europe/Berlin},")
    column = ("  - LIMIT = limit\n", "")

    (found,) = findings_of(finops, dataverse, column, spoilt=LIMITS)

    assert found == (
        "3: DW1134 warning: modified: the times of finops.Customers column LIMIT have no zone, "
        "those of dataverse do: they are taken as UTC, to tell which row is newer\n"
        "  name it under finops: `zone: UTC`, or the zone of its local times"
    )
    assert findings_of(finops, dataverse, column, told, spoilt=LIMITS) == []


def test_the_zone_of_an_end_is_that_of_its_modified_too_unless_it_has_its_own():
    modified = ("zone: Europe/Berlin,", "zone: Europe/Berlin, modified: LIMIT,")
    own = ("modified: LIMIT", "modified: {column: LIMIT, zone: UTC}")

    assert a_map(FINOPS_ZONE, modified).end(Side.FINOPS).modified_zone == "Europe/Berlin"
    assert a_map(FINOPS_ZONE, modified, own).end(Side.FINOPS).modified_zone == "UTC"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("zone: Europe/Berln", "finops: zone: there is no time zone 'Europe/Berln'"),
        (
            "modified: {column: LIMIT, zone: Europe/Berln}",
            "finops: modified: zone: there is no time zone 'Europe/Berln'",
        ),
    ],
)
def test_a_zone_that_there_is_not_is_refused_with_near_ones(written, message):
    with pytest.raises(MapError) as refused:
        a_map(("key: [COMPANY, NUMBER],", f"key: [COMPANY, NUMBER], {written},"))

    assert f"DW1121 {message}\n  did you mean 'Europe/Berlin'" in str(refused.value)


def test_a_zone_of_a_transform_that_there_is_not_is_found_by_the_check():
    column = "LIMIT >< limit: {timezone: {finops: Europe/Berln, dataverse: UTC}}"

    (found,) = findings_of(("LIMIT = limit", column), spoilt=LIMITS)

    assert found.startswith("9: DW1121 LIMIT >< limit: there is no time zone 'Europe/Berln'")


JULY, JULY_UTC = dt.datetime(2026, 7, 1, 12), dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)


def through(sign, source, kinds, zones, value, *transforms):
    """One value of `F sign d` through a map whose ends have these types and zones."""
    names = dict(zip(Side, ("F", "d"), strict=True))
    tables = {
        side: schema(side.value, column_of(names[side], kind))
        for side, kind in zip(Side, kinds, strict=True)
    }
    ends = {
        side: End(side.value, (path(names[side]),), zone=zone)
        for side, zone in zip(Side, zones, strict=True)
    }
    table_map = replace(CUSTOMERS, ends=ends, columns=(line(f"F {sign} d", *transforms),))
    flow = compile_flow(table_map, source, lambda side, _: tables[side])
    kind = kinds[list(Side).index(source)]
    rows = pa.table({names[source]: pa.array([value], kind)})
    return translate(rows, flow)[names[source.other]].to_pylist()[0]


@pytest.mark.parametrize("transforms", [(), (Transform("seconds", 0),)], ids=["", "seconds"])
@pytest.mark.parametrize("sign", ["=", "one way"])
def test_the_zone_of_an_end_converts_its_local_times(sign, transforms):
    zones = ("Europe/Berlin", None)
    there, back = ("=", "=") if sign == "=" else (">", "<")
    f, d = Side.FINOPS, Side.DATAVERSE

    for kinds, mirrored in (((NAIVE, MOMENT), False), ((MOMENT, NAIVE), True)):
        named = zones[::-1] if mirrored else zones
        local, moment = (d, f) if mirrored else (f, d)
        out, home = (back, there) if mirrored else (there, back)
        assert through(out, local, kinds, named, JULY, *transforms) == JULY_UTC
        assert through(home, moment, kinds, named, JULY_UTC, *transforms) == JULY


def test_local_times_of_two_zones_are_converted_and_those_of_one_are_not():
    tokyo = dt.datetime(2026, 7, 1, 19)
    kinds = (NAIVE, NAIVE)

    assert through("=", Side.FINOPS, kinds, ("Europe/Berlin", "Asia/Tokyo"), JULY) == tokyo
    assert through("=", Side.DATAVERSE, kinds, ("Europe/Berlin", "Asia/Tokyo"), tokyo) == JULY
    assert through("=", Side.FINOPS, kinds, ("Europe/Berlin", None), JULY) == JULY
    assert through("=", Side.FINOPS, kinds, ("Asia/Tokyo", "Asia/Tokyo"), JULY) == JULY
