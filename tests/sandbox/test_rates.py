"""The exchange rates of a project, for programs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite import read_rates
from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.operations.exchange_rates import PAIRS, RATES
from dualwrite.sandbox.project import create_sandbox
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.notation import ColumnPath

MARCH = dt.date(2026, 3, 9)
TABLE, YEN = "msdyn_currencyexchangerate", "msdyn_fromtransactioncurrencyid.isocurrencycode"


def test_a_rate_that_dataverse_enters_holds_on_both_sides(tmp_path: Path) -> None:
    """For a hundred yen: the pair's display factor, which each side spells in its own way."""
    project = tmp_path / "box"
    create_sandbox(project, rows=50)
    with open_session(project) as session:
        run_maps(session, make_plan(session, [PAIRS, RATES], with_related=True), RunOptions())
        before = [read_rates(project, side) for side in Side]
        shown = {each.exact("Default", "JPY", "USD", on=MARCH) for each in before}
        assert len(shown) == 1
        assert Fraction("0.005") < shown.pop() < Fraction("0.008")

        enter(session, "JPY", dt.date(2026, 3, 1), Decimal("0.6655"))
        run_cycle(session)

    after = [read_rates(project, side.value) for side in Side]
    assert {each.rate("Default", "JPY", "USD", on=MARCH) for each in after} == {
        Decimal("0.006655000000")
    }


def enter(session: Session, currency: str, first: dt.date, rate: Decimal) -> None:
    """As a user of dataverse does."""
    app, own = session.apps[Side.DATAVERSE], f"{TABLE}id"
    path = f"msdyn_currencyexchangeratepair.{YEN}"
    query = Query(TABLE, tuple(map(ColumnPath.parse, (own, path, "msdyn_validfrom"))))
    rows = app.read(query)
    chosen = pc.and_(
        pc.equal(rows[path], currency), pc.equal(rows["msdyn_validfrom"], pa.scalar(first))
    )
    row = rows.filter(chosen).select([own])
    assert row.num_rows == 1
    kind = app.schema(TABLE).columns["msdyn_exchangerate"].type
    row = row.append_column("msdyn_exchangerate", pa.array([rate], kind))
    app.update(TABLE, row, key=[own])
