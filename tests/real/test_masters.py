"""The stores of AdventureWorks, some of them in dataverse already: the master decides.

Of 1,336 accounts dataverse has kept every seventh, every second of those with another credit
limit, and it has 25 that the ERP does not know.  Half of the changed ones were changed after
the ERP's rows, half long before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.sync.mapstate.mapstate import stop
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import Master
from dualwrite.tablemap.notation import ColumnPath
from tests.real.adventureworks.finance import COMPANIES
from tests.real.carrying import compared, counted, held, load, project, run, values
from tests.real.stores import ACCOUNTS, stores

pytestmark = pytest.mark.slow

LONG_AGO = dt.datetime(2020, 6, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
FIVE = Decimal(5)
OWN = [f"CRM{number:04}" for number in range(1, 26)]


@dataclass
class Start:
    """Both sides before the run: credit limit by account."""

    finops: dict[str, Decimal]
    dataverse: dict[str, Decimal]
    newer_there: set[str] = field(default_factory=set)

    def expected(self, master: Master) -> dict[str, Decimal]:
        """What both sides should hold afterwards, the slow and obvious way."""
        settled = self.finops | self.dataverse
        for account in self.finops.keys() & self.dataverse.keys():
            there = master is Master.DATAVERSE or (
                master is Master.NEWEST and account in self.newer_there
            )
            settled[account] = (self.dataverse if there else self.finops)[account]
        return settled


@pytest.fixture
def halfway(
    fresh_database: Callable[[str], str], tmp_path: Path
) -> Iterator[tuple[Session, Start]]:
    urls = {side: fresh_database("postgresql") for side in Side}
    load(Side.FINOPS, urls[Side.FINOPS], stores())
    load(Side.DATAVERSE, urls[Side.DATAVERSE], {})
    with project(tmp_path, urls, list(COMPANIES)) as session:
        run(session)
        # what changes from here on is known of no queue
        stop(session, session.catalogue.names())
        yield session, _part_ways(session)


@pytest.mark.parametrize("master", [Master.FINOPS, Master.DATAVERSE, Master.NEWEST])
def test_the_master_decides_rows_that_both_sides_have(halfway, master):
    session, start = halfway
    invoiced = _invoiced(session, Side.FINOPS) | _invoiced(session, Side.DATAVERSE)

    results = run(session, master=master, again=True)

    expected = start.expected(master)
    assert len(expected) == 1_336 + 25
    assert _limits(session, Side.FINOPS) == expected
    assert _limits(session, Side.DATAVERSE) == expected
    assert counted(results, "conflicts") == {ACCOUNTS: len(_differing(start))}
    assert len(invoiced) == 635 + 25
    assert [_invoiced(session, side) for side in Side] == [invoiced, invoiced]
    assert held(session) == {}
    assert not any(each.unexplained for each in compared(session).values())
    again = run(session, master=master, again=True)
    assert [counted(again, "written", side) for side in Side] == [{}, {}]


def test_filling_blanks_keeps_values_that_both_sides_have(halfway):
    session, start = halfway

    run(session, master=Master.FILL_BLANKS, again=True)

    assert _limits(session, Side.FINOPS) == start.dataverse | start.finops
    assert _limits(session, Side.DATAVERSE) == start.finops | start.dataverse
    found = compared(session)
    assert {n: each.unexplained for n, each in found.items() if each.unexplained} == {
        ACCOUNTS: len(_differing(start))
    }


def _part_ways(session: Session) -> Start:
    """Let dataverse forget most accounts, change some and open its own."""
    app = session.apps[Side.DATAVERSE]
    names = tuple(app.schema("account").columns)
    rows = app.read(Query("account", tuple(map(ColumnPath.parse, names)))).sort_by("accountnumber")
    nobody = pa.nulls(rows.num_rows, pa.string())
    alone = pa.table({"accountid": rows["accountid"], "msdyn_billingaccount": nobody})
    app.update("account", alone, key=["accountid"])
    number = pa.array(range(rows.num_rows))
    app.delete("account", rows.filter(pc.not_equal(_modulo(number, 7), 0)).select(["accountid"]))
    changed = rows.filter(pc.equal(_modulo(number, 14), 0))
    app.update("account", _changed(changed), key=["accountid"])
    app.write("account", _own(rows), key=["msdyn_company", "accountnumber"])
    return Start(
        _limits(session, Side.FINOPS),
        _limits(session, Side.DATAVERSE),
        set(changed["accountnumber"].to_pylist()[::2]),
    )


def _modulo(numbers: pa.Array, by: int) -> pa.Array:
    return pc.subtract(numbers, pc.multiply(pc.divide(numbers, by), by))


def _changed(rows: pa.Table) -> pa.Table:
    times = [LONG_AGO if at % 2 else LATER for at in range(rows.num_rows)]
    limits = pa.array([limit + FIVE for limit in rows["creditlimit"].to_pylist()])
    return pa.table(
        {
            "accountid": rows["accountid"],
            "creditlimit": limits.cast(rows["creditlimit"].type),
            "modifiedon": pa.array(times, pa.timestamp("us", "UTC")),
        }
    )


def _own(rows: pa.Table) -> pa.Table:
    """25 accounts like the first one, which is the one that pays for them."""
    own = rows.take([0] * len(OWN)).drop_columns(
        ["accountid", "modifiedon", "msdyn_primarycontact"]
    )
    for name, column in (
        ("accountnumber", pa.array(OWN)),
        ("msdyn_billingaccount", rows["accountid"].take([0] * len(OWN))),
    ):
        own = own.set_column(own.schema.get_field_index(name), name, column)
    return own


def _limits(session: Session, side: Side) -> dict[str, Decimal]:
    table, *columns = {
        Side.FINOPS: ("CustCustomerV3Entity", "CUSTOMERACCOUNT", "CREDITLIMIT"),
        Side.DATAVERSE: ("account", "accountnumber", "creditlimit"),
    }[side]
    return values(session, side, table, *columns)


def _invoiced(session: Session, side: Side) -> dict[str, str]:
    """Who is invoiced to whom, where it is another."""
    table, *columns = {
        Side.FINOPS: ("CustCustomerV3Entity", "CUSTOMERACCOUNT", "INVOICEACCOUNT"),
        Side.DATAVERSE: ("account", "accountnumber", "msdyn_billingaccount.accountnumber"),
    }[side]
    return {k: v for k, v in values(session, side, table, *columns).items() if v is not None}


def _differing(start: Start) -> set[str]:
    both = start.finops.keys() & start.dataverse.keys()
    return {account for account in both if start.finops[account] != start.dataverse[account]}
