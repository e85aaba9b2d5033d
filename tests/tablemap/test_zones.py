"""Times with a zone that meet times without: what the check says, and what `zone` makes of them."""

# ruff: noqa: DTZ001 - times without a zone are what is tested
from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.exact.casts.zones import CompanyZones
from dualwrite.link import Side
from dualwrite.tablemap.findings import MapError
from dualwrite.tablemap.model import End, Transform
from dualwrite.translate.amounts import keep_equivalent
from dualwrite.translate.compiling import compile_flow
from dualwrite.translate.rows import comparable, translate
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


ZONES = CompanyZones("UTC", (("DEMF", "Europe/Berlin"), ("JPMF", "Asia/Tokyo")))


def through(sign, source, kinds, zones, value, *transforms, company="DEMF"):
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
    ends = {side: replace(end, company=path("CO")) for side, end in ends.items()}
    table_map = replace(
        CUSTOMERS, ends=ends, columns=(line(f"F {sign} d", *transforms),), company_zones=ZONES
    )
    flow = compile_flow(table_map, source, lambda side, _: tables[side])
    kind = kinds[list(Side).index(source)]
    rows = pa.table({names[source]: pa.array([value], kind), "CO": [company]})
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


NIGHT = dt.datetime(2026, 7, 1, 20, 30, tzinfo=dt.UTC)
"""Still the first of July in Berlin, and the second in Tokyo."""
DAY_OF_COMPANY = (
    Transform("timezone", {"finops": "company", "dataverse": "UTC"}),
    Transform("date", {"finops": "%Y-%m-%d"}),
)


@pytest.mark.parametrize(
    ("company", "day"), [("DEMF", 1), ("jpmf", 2), ("USMF", 1), (None, 1)], ids=str
)
def test_a_date_made_of_a_moment_is_that_of_the_company(company, day):
    kinds = (pa.date32(), MOMENT)

    found = through(
        "<<", Side.DATAVERSE, kinds, (None, None), NIGHT, *DAY_OF_COMPANY, company=company
    )

    assert found == dt.date(2026, 7, day)


@pytest.mark.parametrize(("company", "hour"), [("DEMF", 22), ("JPMF", 15)])
def test_a_date_is_the_midnight_of_the_company_and_comes_back(company, hour):
    kinds, zones = (pa.date32(), MOMENT), ("company", None)
    midnight = dt.datetime(2026, 6, 30, hour, tzinfo=dt.UTC)
    day = dt.date(2026, 7, 1)

    assert through("=", Side.FINOPS, kinds, zones, day, company=company) == midnight
    assert through("=", Side.DATAVERSE, kinds, zones, midnight, company=company) == day
    assert through("=", Side.DATAVERSE, kinds, zones, NIGHT, company=company) is None


def test_the_second_time_of_a_repeated_hour_stays_in_the_zone_of_a_company_too():
    first = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
    ends = {
        Side.FINOPS: End("f", (), path("CO"), zone="company"),
        Side.DATAVERSE: End("d", (), path("CO")),
    }
    tables = {
        Side.FINOPS: schema("f", column_of("F", NAIVE)),
        Side.DATAVERSE: schema("d", column_of("d", MOMENT)),
    }
    made = replace(CUSTOMERS, ends=ends, columns=(line("F = d"),), company_zones=ZONES)
    flow = compile_flow(made, Side.FINOPS, lambda side, _: tables[side])
    rows = pa.table({"F": [dt.datetime(2026, 10, 25, 2, 30)] * 2, "CO": ["DEMF", "JPMF"]})
    second = [first + dt.timedelta(hours=1), dt.datetime(2026, 10, 24, 17, 30, tzinfo=dt.UTC)]

    gate = translate(rows, flow)
    kept = keep_equivalent(gate, comparable(pa.table({"d": second}), flow), flow)

    assert gate["d"].to_pylist() == [first, second[1]]
    assert kept["d"].to_pylist() == second


@pytest.mark.parametrize(
    "changes",
    [
        [("key: [COMPANY, NUMBER], company: COMPANY", "key: [COMPANY, NUMBER], zone: company")],
        [
            ("key: [COMPANY, NUMBER], company: COMPANY", "key: [COMPANY, NUMBER]"),
            ("LIMIT = limit", "LIMIT >< limit: {timezone: {finops: company, dataverse: UTC}}"),
        ],
    ],
    ids=["zone", "timezone"],
)
def test_the_zone_of_the_company_needs_a_company(changes):
    found = findings_of(*changes, spoilt=LIMITS)

    assert any("DW1121" in text and "but the rows belong to no company" in text for text in found)


def test_the_times_of_periods_are_in_utc_whatever_the_zone_of_their_end():
    finops = {"type": NAIVE, "native": "timestamp"}
    dataverse = {"type": MOMENT, "native": "timestamptz"}
    column = ("  - LIMIT = limit\n", "  - LIMIT = limit\n  - UNTIL = until\n")
    dates = "effective: {entity: [NUMBER], from: LIMIT, to: UNTIL, gaps: allow}"
    periods = ("columns:\n", f"{dates}\ncolumns:\n")
    spoilt = {
        CUSTOMERS_TABLE: lambda table: with_column("UNTIL", **finops)(
            with_column("LIMIT", **finops)(table)
        ),
        ACCOUNT: lambda table: with_column("until", **dataverse)(
            with_column("limit", **dataverse)(table)
        ),
    }

    def told(*changes):
        found = findings_of(*changes, column, periods, spoilt=spoilt)
        return [text for text in found if "DW1134" in text]

    assert told() == []
    assert told(FINOPS_ZONE) == [
        (
            f"{line_}: DW1134 warning: {notation}: the times of finops.Customers column {name} are "
            "taken as UTC, as all of `effective`, and not as local times of Europe/Berlin\n"
            "  keep the dates of periods in UTC, as dates, or as times with a zone"
        )
        for line_, notation, name in (
            (10, "LIMIT = limit", "LIMIT"),
            (11, "UNTIL = until", "UNTIL"),
        )
    ]


def test_the_zone_of_companies_that_have_none_is_warned_of():
    zone = ("company: COMPANY}", "company: COMPANY, zone: company}")

    (found,) = findings_of(zone, spoilt=LIMITS)

    assert found == (
        "1: DW1134 warning: the zone of the company counts, and none has one in dualwrite.toml: "
        "UTC is taken\n"
        '  name it: [companies.USMF] zone = "America/New_York", or [link] zone for all'
    )
