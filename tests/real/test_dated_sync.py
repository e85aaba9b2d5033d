"""The histories of AdventureWorks through the engine: dates on one side, times on the other.

What is accepted as it stands, what is rejected and why, and what a mode makes of it.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dualwrite.apps.opening import open_app
from dualwrite.apps.query import Query
from dualwrite.effective import Periods, project
from dualwrite.link import Side, write_config
from dualwrite.operations.dated_rows import Range, dated_rows
from dualwrite.sync.activation.activate import activate
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.reconcile.reconcile import reconcile
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.notation import ColumnPath
from tests.real.data import data_folder, dates, decimals, read

F, D = Side.FINOPS, Side.DATAVERSE
COLUMNS = "{0} VARCHAR(20) NOT NULL, {1} VARCHAR(20) NOT NULL, {2} {6} NOT NULL, {3} {6}, {4} {5}"
KEY = "PRIMARY KEY ({0}, {1}, {2})"
MAP = """\
map: history
title: A history
finops: {{table: History, key: [{key}]}}
dataverse: {{table: history, key: [{lower}]}}
columns:
  - ENTITY = entity
  - OTHER = other
  - VALIDFROM = validfrom
  - VALIDTO = validto
  - AMOUNT = amount
effective: {{entity: [ENTITY], from: VALIDFROM, to: VALIDTO, {options}}}
"""
TODAY_MAP = """\
map: history
title: What is valid now
finops: {table: History, key: [ENTITY]}
dataverse: {table: today, key: [entity]}
columns:
  - ENTITY > entity
  - AMOUNT > amount
effective: {entity: [ENTITY], from: VALIDFROM, to: VALIDTO}
"""


def history(name: str, entity: str, start: str, end: str, amount: str, other: str) -> pa.Table:
    """One file of AdventureWorks as rows of the ERP; `''` is a column that it does not have."""
    rows = read(data_folder() / "adventureworks", name)
    n = rows.num_rows
    return pa.table(
        {
            "ENTITY": rows[entity],
            "OTHER": rows[other] if other else pa.repeat(pa.scalar("-"), n),
            "VALIDFROM": dates(rows[start]),
            "VALIDTO": dates(rows[end]) if end else pa.nulls(n, pa.date32()),
            "AMOUNT": decimals(rows[amount], 19, 4)
            if amount
            else pa.nulls(n, pa.decimal128(19, 4)),
        }
    )


COSTS = ("Production.ProductCostHistory", "ProductID", "StartDate", "EndDate", "StandardCost", "")
PRICES = (
    "Production.ProductListPriceHistory",
    "ProductID",
    "StartDate",
    "EndDate",
    "ListPrice",
    "",
)
DEPARTMENTS = (
    "HumanResources.EmployeeDepartmentHistory", "BusinessEntityID", "StartDate", "EndDate", "",
    "DepartmentID",
)  # fmt: skip
PAY = ("HumanResources.EmployeePayHistory", "BusinessEntityID", "RateChangeDate", "", "Rate", "")
TERRITORIES = (
    "Sales.SalesTerritoryHistory", "TerritoryID", "StartDate", "EndDate", "", "BusinessEntityID",
)  # fmt: skip
SALESPERSONS = (
    "Sales.SalesTerritoryHistory", "BusinessEntityID", "StartDate", "EndDate", "", "TerritoryID",
)  # fmt: skip

Open = Callable[..., Session]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A project over two files, with the rows in the ERP."""
    with ExitStack() as stack:

        def make(rows: pa.Table, options: str, key: str = "ENTITY, VALIDFROM") -> Session:
            folder = tmp_path / "project"
            (folder / "maps").mkdir(parents=True)
            text = TODAY_MAP
            if options:
                text = MAP.format(options=options, key=key, lower=key.lower())
            (folder / "maps" / "history.yaml").write_text(text, encoding="utf-8")
            urls = {side: f"sqlite:///{folder / side.value}.db" for side in Side}
            write_config(folder, name="real", companies=["USMF"], urls=urls)
            names = ["ENTITY", "OTHER", "VALIDFROM", "VALIDTO", "AMOUNT", "DECIMAL_TEXT(19,4)"]
            _create(folder / "finops.db", "History", [*names, "DATE"])
            lower = [each.lower() for each in names[:5]]
            _create(folder / "dataverse.db", "history", [*lower, names[5], "TIMESTAMPTZ"])
            _execute(
                folder / "dataverse.db",
                f"CREATE TABLE today (entity VARCHAR(20) PRIMARY KEY NOT NULL, amount {names[5]})",
            )
            app = open_app(F, urls[F])
            app.write("History", rows, key=["ENTITY", "OTHER", "VALIDFROM"], fresh=True)
            app.close()
            return stack.enter_context(open_session(folder))

        yield make


def _create(file: Path, table: str, words: list[str]) -> None:
    columns = COLUMNS.format(*words)
    _execute(file, f"CREATE TABLE {table} ({columns}, {KEY.format(*words)})")


def _execute(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement)
    connection.close()


def run(session: Session) -> Counter[str]:
    """The initial sync, and the cycles after it; what was held, by reason."""
    run_maps(session, make_plan(session, ["history"]), RunOptions(workers=1))
    settle(session)
    return Counter(each.cause for each in session.journal.held.rejected("history"))


def settle(session: Session) -> None:
    for _ in range(5):
        (result,) = run_cycle(session)
        if not result.counts:
            return


def count(session: Session, side: Side, **more: Any) -> int:
    when = more.get("when")
    return dated_rows(session, session.map("history"), side, when).num_rows


@pytest.mark.parametrize("source", [COSTS, PRICES, DEPARTMENTS, SALESPERSONS], ids=lambda s: s[0])
def test_a_valid_history_is_synced_without_gaps(opened, source):
    rows = history(*source)
    session = opened(rows, "gaps: forbid")

    assert run(session) == {}

    assert count(session, D) == rows.num_rows
    ends = dated_rows(session, session.map("history"), D, None)["validto"].drop_null()
    assert {each.time() for each in ends.to_pylist()} <= {dt.time(23, 59, 59)}
    assert reconcile(session, session.map("history")).unexplained == 0
    last = dt.datetime(2023, 5, 29, 12, tzinfo=dt.UTC)
    for when in (last, last + dt.timedelta(days=1), Range(last, last + dt.timedelta(days=1))):
        assert count(session, D, when=when) == count(session, F, when=when)


def test_a_territory_shared_by_two_salespersons_is_rejected_and_the_others_are_synced(opened):
    session = opened(history(*TERRITORIES), "gaps: allow", "ENTITY, OTHER, VALIDFROM")

    assert run(session) == {"periods_sound": 8}

    assert count(session, D) == 17 - 8
    reasons = [each.reason for each in session.journal.held.rejected("history")]
    assert (
        "2022-05-30T00:00:00Z to no end overlaps 2022-05-30T00:00:00Z to no end, "
        "both of entity '4', and both have no end"
    ) in reasons


def test_a_pay_history_of_first_days_is_rejected_where_rates_overlap(opened):
    session = opened(history(*PAY), "gaps: allow")

    assert run(session) == {"periods_sound": 39}


def test_a_mode_ends_each_rate_where_the_next_begins_on_both_sides(opened):
    session = opened(history(*PAY), "gaps: forbid, mode: correction")

    assert run(session) == {}

    assert count(session, D) == count(session, F) == 316
    for side, end in ((F, "VALIDTO"), (D, "validto")):
        # one open period for each employee, 26 that were closed
        assert dated_rows(session, session.map("history"), side, None)[end].null_count == 290
    own = dated_rows(session, session.map("history"), F, None, keys={"ENTITY": "4"})
    assert own["VALIDTO"].to_pylist()[:2] == [dt.date(2010, 5, 30), dt.date(2011, 12, 14)]
    assert reconcile(session, session.map("history")).unexplained == 0


def test_a_list_price_is_visible_on_its_days_only(opened):
    rows = history(*PRICES)
    session = replace(opened(rows, ""), now=lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert run(session) == {}
    assert _today(session) == _model(rows, dt.date(2026, 1, 1))

    for day in (dt.date(2023, 5, 29), dt.date(2023, 5, 30), dt.date(2026, 1, 1)):
        noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
        then = replace(session, now=lambda noon=noon: noon)
        activate(then, "history")
        run_cycle(then, allow_deletes=True)
        assert _today(session) == _model(rows, day)


def _today(session: Session) -> dict[str, Any]:
    rows = session.apps[D].read(_query("today", "entity", "amount"))
    return dict(zip(rows["entity"].to_pylist(), rows["amount"].to_pylist(), strict=True))


def _model(rows: pa.Table, day: dt.date) -> dict[str, Any]:
    shown = project(rows, Periods(("ENTITY",), "VALIDFROM", "VALIDTO"), day)
    return dict(zip(shown["ENTITY"].to_pylist(), shown["AMOUNT"].to_pylist(), strict=True))


def _query(table: str, *columns: str) -> Query:
    return Query(table, tuple(ColumnPath((name,)) for name in columns))
