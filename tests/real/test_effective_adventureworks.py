"""The dated tables of AdventureWorks: which rows are accepted, which are not, and why.

Its histories write the last day of a period, and no end as an empty field; the pay history
and the exchange rates have a first day only.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dualwrite.effective import (
    Fault,
    Periods,
    as_of,
    beside,
    find_faults,
    plan_delete,
    plan_write,
    project,
    to_days,
    to_instants,
)
from dualwrite.rules import explain, judge
from dualwrite.rules.periods import PeriodsSound
from tests.real.data import data_folder, dates, decimals, read

OPEN = dt.date(2154, 12, 31)


def history(name, entity, *values):
    """One file as a dated table, and how to read its periods."""
    rows = read(data_folder() / "adventureworks", name)
    columns = {each: rows[each] for each in (*entity, *values)}
    start, end = dates(rows["StartDate"]), dates(rows["EndDate"])
    return (
        pa.table({**columns, "StartDate": start, "EndDate": end}),
        Periods(entity, "StartDate", "EndDate"),
    )


def costs():
    return history("Production.ProductCostHistory", ("ProductID",), "StandardCost")


def pay():
    rows = read(data_folder() / "adventureworks", "HumanResources.EmployeePayHistory")
    start = dates(rows["RateChangeDate"])
    columns = {"BusinessEntityID": rows["BusinessEntityID"], "Rate": rows["Rate"], "From": start}
    columns["To"] = pa.nulls(rows.num_rows, pa.date32())
    return pa.table(columns), Periods(("BusinessEntityID",), "From", "To")


HISTORIES = [
    # rows, joints of one period to the next
    ("Production.ProductCostHistory", "ProductID", 395, 102),
    ("Production.ProductListPriceHistory", "ProductID", 395, 102),
    ("HumanResources.EmployeeDepartmentHistory", "BusinessEntityID", 296, 6),
    ("Sales.SalesTerritoryHistory", "BusinessEntityID", 17, 3),
]


@pytest.mark.parametrize(("name", "entity", "count", "joints"), HISTORIES)
def test_every_history_is_valid_without_gaps_with_inclusive_ends(name, entity, count, joints):
    rows, periods = history(name, (entity,))

    assert rows.num_rows == count
    assert not find_faults(rows, periods).fault.any()
    # read as the first day without, each joint would be a day that nobody has
    exclusive = find_faults(rows, replace(periods, end_inclusive=False)).fault
    assert Counter(exclusive.tolist()) == {Fault.NONE: count - joints, Fault.GAP: joints}


def test_one_salesperson_has_one_territory_at_a_time_but_a_territory_many_salespersons():
    rows, periods = history("Sales.SalesTerritoryHistory", ("TerritoryID",), "BusinessEntityID")
    rule = PeriodsSound(entity=("TerritoryID",), start="StartDate", end="EndDate", gaps="allow")

    verdict = judge(rows, [rule])
    reasons = explain(rows, verdict)

    assert len(reasons) == 8
    assert reasons[0]["reason"] == (
        "2022-05-30 to no end overlaps 2022-05-30 to no end, "
        "both of TerritoryID '4', and both have no end"
    )
    own = replace(periods, entity=("TerritoryID", "BusinessEntityID"), gaps="allow")
    assert not find_faults(rows, own).fault.any()


def test_the_price_of_a_day_is_that_of_its_period():
    rows, periods = costs()

    def cost(day):
        one = rows.filter(pc.equal(rows["ProductID"], "707"))
        return as_of(one, dt.date.fromisoformat(day), periods)["StandardCost"].to_pylist()

    assert cost("2022-05-29") == []
    assert cost("2022-05-30") == cost("2023-05-29") == ["12.0278"]
    assert cost("2023-05-30") == ["13.8782"]
    assert cost("2999-01-01") == ["13.0863"]


def test_the_open_list_prices_are_those_of_the_products():
    rows, periods = history("Production.ProductListPriceHistory", ("ProductID",), "ListPrice")
    products = read(data_folder() / "adventureworks", "Production.Product")
    listed = dict(
        zip(
            products["ProductID"].to_pylist(),
            decimals(products["ListPrice"], 19, 4).to_pylist(),
            strict=True,
        )
    )

    today = project(rows, periods, dt.date(2026, 1, 1))

    assert today.column_names == ["ProductID", "ListPrice"]
    assert today.num_rows == 195
    prices = decimals(today["ListPrice"], 19, 4).to_pylist()
    assert prices == [listed[product] for product in today["ProductID"].to_pylist()]


def test_histories_survive_the_conversion_to_instants_and_back():
    rows, periods = costs()

    there = to_instants(rows, periods)
    back = to_days(there.table, there.periods)

    assert back.table.equals(rows)
    assert not find_faults(there.table, there.periods).fault.any()


def test_a_pay_history_with_first_days_only_overlaps_until_it_is_written_with_a_mode():
    rows, periods = pay()

    asis = find_faults(rows, periods).fault
    changes = plan_write(rows.slice(0, 0), rows, periods, "correction")

    assert Counter(asis.tolist()) == {Fault.NONE: 277, Fault.OVERLAP: 39}
    assert changes.rejected.num_rows == 0
    assert changes.inserts.num_rows == 316
    assert not find_faults(changes.inserts, periods).fault.any()
    # one open period for each of the 290 employees, 26 closed ones
    assert changes.inserts["To"].null_count == 290
    own = changes.inserts.filter(pc.equal(changes.inserts["BusinessEntityID"], "4"))
    assert [(row["Rate"], row["To"]) for row in own.to_pylist()] == [
        ("8.6200", dt.date(2010, 5, 30)),
        ("23.7200", dt.date(2011, 12, 14)),
        ("29.8462", None),
    ]


def test_in_reverse_order_each_older_rate_overlaps_a_newer_one_and_is_refused():
    rows, periods = pay()

    changes = plan_write(
        rows.slice(0, 0), rows.sort_by([("From", "descending")]), periods, "correction"
    )

    assert changes.inserts.num_rows == 290
    assert set(changes.rejected["rule"].to_pylist()) == {"overlap"}
    assert changes.rejected.num_rows == 26


def test_a_price_change_of_every_product_closes_every_open_price():
    rows, periods = costs()
    open_rows = as_of(rows, dt.date(2026, 1, 1), periods)
    first = pa.repeat(pa.scalar(dt.date(2027, 1, 1)), open_rows.num_rows)
    dearer = open_rows.set_column(2, "StartDate", first)

    changes = plan_write(rows, dearer, periods, "effective", now=dt.date(2026, 1, 1))
    after = changes.apply(rows, periods)

    assert (changes.inserts.num_rows, changes.updates.num_rows) == (195, 195)
    assert set(changes.updates["EndDate"].to_pylist()) == {dt.date(2026, 12, 31)}
    assert not find_faults(after, periods).fault.any()
    assert as_of(after, dt.date(2026, 6, 1), periods).num_rows == 195
    taken_back = plan_delete(after, dearer, periods).apply(after, periods)
    order = [("ProductID", "ascending"), ("StartDate", "ascending")]
    assert taken_back.sort_by(order).equals(rows.select(taken_back.column_names).sort_by(order))


def test_the_newer_half_of_a_history_is_valid_with_the_older_half_in_the_target():
    rows, periods = costs()
    newer = pc.greater_equal(rows["StartDate"], pa.scalar(dt.date(2024, 1, 1)))
    held, batch = rows.filter(pc.invert(newer)), rows.filter(newer)
    days = pc.add(batch["StartDate"].cast(pa.int32()), pa.scalar(1, pa.int32()))
    late = batch.set_column(2, "StartDate", days.cast(pa.date32()))

    fits = find_faults(beside(batch, held, periods), periods, beside_held=True).fault
    gaps = find_faults(beside(late, held, periods), periods, beside_held=True).fault

    assert not fits.any()
    followers = pc.is_in(batch["ProductID"], value_set=held["ProductID"].combine_chunks())
    assert (gaps == Fault.GAP).tolist() == followers.to_pylist()
    assert 0 < sum(followers.to_pylist()) < batch.num_rows


def test_no_end_is_written_with_the_value_of_the_target():
    rows, periods = costs()
    spelled = rows.set_column(
        rows.column_names.index("EndDate"), "EndDate", pc.fill_null(rows["EndDate"], OPEN)
    )

    assert plan_write(spelled, rows, periods, "correction").updates.num_rows == 0
    assert plan_write(rows, spelled, periods, "correction").updates.num_rows == 0
