"""Times that the two sides keep with unlike digits, or in unlike zones."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from dualwrite.exact.casts.zones import CompanyZones
from dualwrite.sync.batch.stated import changed_at
from dualwrite.tablemap.model import End
from dualwrite.tablemap.notation import ColumnPath
from tests.sync.world import TO_F, D, F, cust, customer

FINE = dt.datetime(2026, 5, 1, 10, 0, 0, 600_000, dt.UTC)
CUT = FINE.replace(microsecond=0)


def test_a_time_that_is_cut_does_not_come_back(every_world):
    world = every_world
    world.map("customers", ("columns:", "columns:\n  - MODIFIED >< modifiedon: {seconds: 0}"))
    world.put(F, "Cust", cust("C1", MODIFIED=FINE))
    world.run()
    assert world.rows(D, "customer", "modifiedon") == [(CUT,)]

    world.put(D, "customer", customer("C1", "new name", modifiedon=CUT))
    world.cycle_until_done()

    assert world.rows(F, "Cust", "NAME", "MODIFIED") == [("new name", FINE)]
    assert world.unexplained() == {}
    world.run()
    assert world.rows(F, "Cust", "NAME", "MODIFIED") == [("new name", FINE)]

    later = CUT.replace(second=1)
    world.put(D, "customer", customer("C1", "new name", modifiedon=later))
    world.cycle_until_done()

    assert world.rows(F, "Cust", "MODIFIED") == [(later,)]
    assert world.counts("customers")["customers"].get(f"{TO_F} rejected", 0) == 0


@pytest.mark.parametrize("zone", ["Europe/Berlin", "company", None])
def test_which_row_is_newer_is_told_by_the_zone_of_its_time(zone):
    local = pa.array(["2026-07-01 12:00:00"] * 2 + [None]).cast(pa.timestamp("us"))
    rows = pa.table({"AT": local, "CO": ["demf", "USMF", None]})
    end = End("t", (), ColumnPath(("CO",)), modified=ColumnPath(("AT",)), modified_zone=zone)
    zones = CompanyZones("UTC", (("DEMF", "Europe/Berlin"), ("USMF", "America/New_York")))
    hours = {"Europe/Berlin": (10, 10), "company": (10, 16), None: (12, 12)}[zone]

    found = [dt.datetime(2026, 7, 1, hour, tzinfo=dt.UTC) for hour in hours]
    assert changed_at(rows, end, zones).to_pylist() == [*found, None]
    moments = rows.set_column(0, "AT", local.cast(pa.timestamp("us", "UTC")))
    assert [each.as_py().hour for each in changed_at(moments, end, zones)[:2]] == [12, 12]
