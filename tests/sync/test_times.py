"""Times that the two sides keep with unlike digits, or in unlike zones."""

# ruff: noqa: DTZ001 - times without a zone are what is tested
from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from dualwrite.apps.memory.app import MemoryApp
from dualwrite.exact.casts.zones import CompanyZones
from dualwrite.link import Side, write_config
from dualwrite.sync.batch.stated import changed_at
from dualwrite.tablemap.model import End
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Column, TableSchema
from tests.sync.tables import text
from tests.sync.world import TO_F, D, F, World, cust, customer

FINE = dt.datetime(2026, 5, 1, 10, 0, 0, 600_000, dt.UTC)
CUT = FINE.replace(microsecond=0)


def clocks(world: World, side: Side, table: str, column: str) -> list[dt.datetime]:
    """The times of a column in UTC, which MariaDB's keep without saying so."""
    return [moment.replace(tzinfo=None) for (moment,) in world.rows(side, table, column)]


def test_a_time_that_is_cut_does_not_come_back(every_world):
    world = every_world
    world.map("customers", ("columns:", "columns:\n  - MODIFIED >< modifiedon: {seconds: 0}"))
    world.put(F, "Cust", cust("C1", MODIFIED=FINE))
    world.run()
    assert clocks(world, D, "customer", "modifiedon") == [CUT.replace(tzinfo=None)]

    world.put(D, "customer", customer("C1", "new name", modifiedon=CUT))
    world.cycle_until_done()

    fine = [FINE.replace(tzinfo=None)]
    assert clocks(world, F, "Cust", "MODIFIED") == fine
    assert world.rows(F, "Cust", "NAME") == [("new name",)]
    assert world.unexplained() == {}
    world.run()
    assert clocks(world, F, "Cust", "MODIFIED") == fine

    later = CUT.replace(second=1)
    world.put(D, "customer", customer("C1", "new name", modifiedon=later))
    world.cycle_until_done()

    assert clocks(world, F, "Cust", "MODIFIED") == [later.replace(tzinfo=None)]
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


EVENTS = """\
map: events
title: Events
finops: {table: Event, key: [CODE], zone: Europe/Berlin, modified: CHANGED}
dataverse: {table: event, key: [code], modified: modifiedon}
conflicts: {policy: newest}
columns:
  - CODE = code
  - AT = at
  - NOTE = note
"""
LOCAL, SECOND = dt.datetime(2026, 10, 25, 2, 30), dt.datetime(2026, 10, 25, 1, 30, tzinfo=dt.UTC)
"""02:30 comes twice in Berlin: this is the second one."""


@pytest.fixture
def events(tmp_path: Path, empty_journal: Path) -> Iterator[World]:
    """Local times in finops, moments in dataverse."""

    def schema(name: str, columns: tuple[str, ...], at: pa.DataType) -> TableSchema:
        code, moment, changed, note = columns
        kinds = (Column(moment, at, "time"), Column(changed, at, "time"))
        every = (text(code, 10, required=True), *kinds, text(note, 20))
        return TableSchema(name, {each.name: each for each in every}, (code,), ((code,),))

    tables = {
        F: schema("Event", ("CODE", "AT", "CHANGED", "NOTE"), pa.timestamp("us")),
        D: schema("event", ("code", "at", "modifiedon", "note"), pa.timestamp("us", "UTC")),
    }
    folder = tmp_path / "project"
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "events.yaml").write_text(EVENTS, encoding="utf-8")
    memory = {side: MemoryApp(side, table) for side, table in tables.items()}
    urls = {side: f"sqlite:///{folder / side.value}.db" for side in Side}
    write_config(folder, name="events", companies=(), urls=urls)
    (folder / ".dualwrite").mkdir()
    shutil.copy(empty_journal, folder / ".dualwrite" / "journal.db")
    world = World(folder, "memory", urls, memory)
    yield world
    world.close()


def test_the_second_time_of_a_repeated_hour_is_not_moved(events):
    events.put(D, "event", {"code": "A", "at": SECOND, "note": "theirs"})
    events.run("events")
    assert events.rows(F, "Event", "AT") == [(LOCAL,)]

    events.put(F, "Event", {"CODE": "A", "AT": LOCAL, "NOTE": "ours"})
    events.cycle_until_done()

    assert events.rows(D, "event", "at", "note") == [(SECOND, "ours")]
    assert events.reconcile("events").unexplained == 0


def test_a_change_in_local_time_is_newer_only_by_its_zone(events):
    noon = dt.datetime(2026, 7, 1, 12)
    events.put(F, "Event", {"CODE": "A", "NOTE": "old"})
    events.run("events")

    events.put(F, "Event", {"CODE": "A", "CHANGED": noon, "NOTE": "ours"})
    later = dt.datetime(2026, 7, 1, 11, tzinfo=dt.UTC)
    events.put(D, "event", {"code": "A", "modifiedon": later, "note": "theirs"})
    events.cycle_until_done()

    assert events.rows(F, "Event", "NOTE") == events.rows(D, "event", "note") == [("theirs",)]
