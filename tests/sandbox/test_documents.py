"""Quotations, orders and invoices of a sandbox: they add up, and they cross."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dualwrite.apps.query import Query
from dualwrite.journal.records import MapStatus
from dualwrite.link import Side
from dualwrite.sandbox import faults, people
from dualwrite.sandbox.documents import INVOICES, ORDERS, QUOTATIONS, Documents
from dualwrite.sandbox.lines import line_numbers
from dualwrite.sandbox.population import Population
from dualwrite.sandbox.project import create_sandbox
from dualwrite.sandbox.reference import reference
from dualwrite.sandbox.trade import are_weighed
from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.reconcile.reconcile import reconcile
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.model import Master
from dualwrite.tablemap.notation import ColumnPath

POPULATION = Population.of(2000)
NUMBERS = np.arange(250)
KINDS = {
    "quotations": (QUOTATIONS, "QUOTATIONTOTALAMOUNT"),
    "orders": (ORDERS, "ORDERTOTALAMOUNT"),
    "invoices": (INVOICES, "TOTALINVOICEAMOUNT"),
}
DIGITS = {"JPY": 0, "TND": 3, "KWD": 3}
ROWS = 50


def lines_by_document(of: Documents) -> dict[int, list[dict[str, Any]]]:
    numbers = line_numbers(NUMBERS)
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = of.lines(numbers, POPULATION).to_pylist()
    for number, row in zip(numbers, rows, strict=True):
        found[int(number) // 10].append(row)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_total_is_the_sum_of_its_lines(kind):
    of, total = KINDS[kind]
    lines = lines_by_document(of)

    for number, header in enumerate(of.headers(NUMBERS, POPULATION).to_pylist()):
        parts = [
            value
            for line in lines[number]
            for name, value in line.items()
            if name == "LINEAMOUNT" or name.endswith(("TAXAMOUNT", "CHARGESAMOUNT", "CHARGEAMOUNT"))
        ]
        assert header[total] == sum(parts)
        digits = DIGITS.get(header["CURRENCYCODE"], 2)
        assert all(round(part, digits) == part for part in parts)
        assert {line["CURRENCYCODE"] for line in lines[number]} == {header["CURRENCYCODE"]}
    assert {len(each) for each in lines.values()} == {1, 2, 3, 4}


def test_a_quantity_has_no_more_digits_than_its_unit():
    units, digits = (
        reference("UnitOfMeasureEntity", column) for column in ("UNITSYMBOL", "DECIMALPRECISION")
    )
    known = dict(zip(units, digits, strict=True))
    used = Counter()
    for lines in lines_by_document(QUOTATIONS).values():
        for line in lines:
            quantity, unit = line["REQUESTEDSALESQUANTITY"], line["SALESUNITSYMBOL"]
            assert quantity > 0
            assert round(quantity, known[unit]) == quantity
            used[unit] += quantity != int(quantity)

    assert set(used) == {"ea", "box", "kg", "g", "LB "}
    assert min(used["kg"], used["LB "]) > 0


def test_an_order_its_quotation_and_its_invoice_agree():
    quoted = QUOTATIONS.headers(NUMBERS, POPULATION).to_pylist()
    ordered = ORDERS.headers(NUMBERS, POPULATION).to_pylist()
    invoiced = INVOICES.headers(NUMBERS, POPULATION).to_pylist()

    for quotation, order, invoice in zip(quoted, ordered, invoiced, strict=True):
        assert invoice["SALESORDERNUMBER"] == order["SALESORDERNUMBER"]
        assert invoice["TOTALINVOICEAMOUNT"] == order["ORDERTOTALAMOUNT"]
        assert order["SALESORDERPROCESSINGSTATUS"] == "Invoiced"
        if quotation["GENERATEDSALESORDERNUMBER"] is None:
            assert order["QUOTATIONNUMBER"] is None
            continue
        assert quotation["GENERATEDSALESORDERNUMBER"] == order["SALESORDERNUMBER"]
        assert order["QUOTATIONNUMBER"] == quotation["SALESQUOTATIONNUMBER"]
        assert quotation["QUOTATIONTOTALAMOUNT"] == order["ORDERTOTALAMOUNT"]


def test_what_is_weighed_is_not_ordered():
    numbers = [int(row["PRODUCTNUMBER"][1:]) for row in order_lines()]

    assert not are_weighed(np.array(numbers)).any()


def order_lines() -> list[dict[str, Any]]:
    return [line for lines in lines_by_document(ORDERS).values() for line in lines]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create_sandbox(tmp_path / "box", rows=ROWS)
    return tmp_path / "box"


@pytest.mark.slow
def test_order_lines_cross_with_all_that_they_need_and_are_counted_in_pieces(project):
    with open_session(project) as session:
        maps = run(session, faults.ORDER_LINES)
        assert {session.journal.maps.status(name) for name in maps} == {MapStatus.RUNNING}
        assert {faults.ORDERS, faults.ACCOUNTS, faults.CONTACTS, faults.PRODUCTS} < set(maps)
        assert held(session) == listed(maps)
        assert [name for name in maps if reconcile(session, session.map(name)).unexplained] == []
        assert ordered_by(session, Side.FINOPS) == ordered_by(session, Side.DATAVERSE)
        sold = lines(session, Side.FINOPS)

    people.add_examples(project)
    with open_session(project) as session:
        run(session, faults.ORDER_LINES, related=False, master=Master.FINOPS)
        assert lines(session, Side.FINOPS) == sold
        counted = lines(session, Side.DATAVERSE)
        for key, (unit, quantity, price, per) in sold.items():
            if key in counted:
                pieces = 12 if unit == "box" else 1
                assert counted[key] == (unit, quantity * pieces, price, per * pieces)
        assert not reconcile(session, session.map(faults.ORDER_LINES)).unexplained

        key = next(key for key in counted if counted[key][0] == "box")
        for pieces in ("60", "61"):
            people.change(session, Side.DATAVERSE, faults.ORDER_LINES, key, quantity=pieces)
            run_cycle(session)
            assert lines(session, Side.FINOPS)[key] == ("box", 5, *sold[key][2:])
        [bent] = [
            row.reason
            for row in session.journal.held.rejected(faults.ORDER_LINES, rule="quantity_converts")
            if key[1] in row.key.values() and row.direction == Side.DATAVERSE.direction
        ]
        assert bent == "quantity is 61 ea: it would come back as another quantity, 60"
        a_person_orders_in_the_place_of_an_organisation(session)


def a_person_orders_in_the_place_of_an_organisation(session: Session) -> None:
    """One lookup into two tables, changed on either side."""
    order, key = "S00000000", ("USMF", "S00000000")
    organisation = ordered_by(session, Side.FINOPS)[order]
    paths = ("contactid", "msdyn_contactpersonid", "msdyn_company.cdm_companycode")
    people_there = read(session, Side.DATAVERSE, "contact", tuple(map(ColumnPath.parse, paths)))
    contact, person = next(row[:2] for row in people_there if row[2] == "USMF")

    people.change(
        session,
        Side.DATAVERSE,
        faults.ORDERS,
        key,
        customerid=contact,
        customeridtype="contact",
    )
    run_cycle(session)
    assert ordered_by(session, Side.FINOPS)[order] == person

    people.change(
        session, Side.FINOPS, faults.ORDERS, key, ORDERINGCUSTOMERACCOUNTNUMBER=organisation
    )
    run_cycle(session)
    assert ordered_by(session, Side.DATAVERSE)[order] == organisation
    kind = tuple(map(ColumnPath.parse, ("msdyn_salesordernumber", "customeridtype")))
    assert dict(read(session, Side.DATAVERSE, "salesorder", kind))[order] == "account"


def run(
    session: Session, name: str, *, related: bool = True, master: Master | None = None
) -> tuple[str, ...]:
    plan = make_plan(session, [name], with_related=related, master=master)
    results = run_maps(session, plan, RunOptions(initial_sync=None if related else True))
    return tuple(result.map for result in results)


def held(session: Session) -> Counter[tuple[str, str, str]]:
    """How many rows wait: by map, direction and rule."""
    found: Counter[tuple[str, str, str]] = Counter()
    for cause in session.journal.held.causes():
        rule = "resolvable" if cause.kind == "parked" else cause.cause
        found[cause.map, cause.direction, rule] += cause.rows
    return found


def listed(maps: tuple[str, ...]) -> Counter[tuple[str, str, str]]:
    return Counter(
        {
            (each.map, each.source.direction, each.rule): count
            for each, count in faults.expected(ROWS).items()
            if each.map in maps
        }
    )


def ordered_by(session: Session, side: Side) -> dict[str, str]:
    """Who ordered, by number; an organisation or a person."""
    end = session.map(faults.ORDERS).end(side)
    customer = next(
        column.end(side)
        for column in session.map(faults.ORDERS).columns
        if str(column.notation.finops) == "ORDERINGCUSTOMERACCOUNTNUMBER"
    )
    rows = read(session, side, end.table, (end.key[1], customer))
    return {number: account for number, account in rows if not number.startswith("S9")}


def lines(session: Session, side: Side) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Unit, quantity, price, and for how many it is, by key."""
    table_map = session.map(faults.ORDER_LINES)
    end = table_map.end(side)
    wanted = ("SALESUNITSYMBOL", "ORDEREDSALESQUANTITY", "SALESPRICE", "SALESPRICEQUANTITY")
    paths = {str(column.notation.finops): column.end(side) for column in table_map.columns}
    rows = read(session, side, end.table, (*end.key, *(paths[name] for name in wanted)))
    return {tuple(map(str, row[:3])): row[3:] for row in rows if not row[1].startswith("S9")}


def read(
    session: Session, side: Side, table: str, paths: tuple[ColumnPath, ...]
) -> list[tuple[Any, ...]]:
    rows = session.apps[side].read(Query(table, paths)).to_pylist()
    return [tuple(row[str(path)] for path in paths) for row in rows]
