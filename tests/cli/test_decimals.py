"""`dualwrite decimals`: shown first, then done, and taken back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Call, as_json, change, rows_of

PRICES = """\
map: prices
title: Prices
version: 1.0.0.0
publisher: tests
finops: {table: Price, key: [ITEM]}
dataverse: {table: msdyn_price, key: [msdyn_item]}
columns:
  - ITEM = msdyn_item
  - PRICE = msdyn_price
  - RATE = msdyn_exchangerate
"""


@pytest.fixture
def priced(project: Path, call: Call) -> Path:
    """Prices run; one of them has too many digits."""
    (project / "maps" / "prices.yaml").write_text(PRICES, encoding="utf-8")
    with sqlite3.connect(project / "finops.db") as erp:
        erp.execute(
            "CREATE TABLE Price (ITEM VARCHAR(10) PRIMARY KEY, PRICE DECIMAL_TEXT(28,10), "
            "RATE DECIMAL_TEXT(28,12))"
        )
        erp.execute("INSERT INTO Price VALUES ('A', '1.2345600000', '0.5'), ('B', '2.5', '1')")
    with sqlite3.connect(project / "dataverse.db") as crm:
        crm.execute(
            "CREATE TABLE msdyn_price (msdyn_item VARCHAR(10) PRIMARY KEY, "
            "msdyn_price DECIMAL_TEXT(19,4), msdyn_exchangerate DECIMAL_TEXT(28,10))"
        )
    assert call("run", "prices", "--project", project).code == 0
    return project


def held_of(project: Path) -> list[tuple[object, ...]]:
    return rows_of(project / "dataverse.db", "msdyn_price")


def test_what_would_change_is_shown_first_and_nothing_is_done_unasked(
    call: Call, priced: Path
) -> None:
    done = call("decimals", "widen", "--project", priced)

    assert done.code == 1
    assert [line.split() for line in done.out.splitlines()] == [
        ["Column", "Now", "Will", "be", "Lose", "digits", "Will", "still", "Rejected"],
        ["-" * 28, "-" * 6, "-" * 7, "-" * 11, "-" * 10, "-" * 8],
        ["msdyn_price.", "28,", "10", "30,", "12", "0", "0", "0"],
        ["msdyn_exchangerate"],
        ["msdyn_price.msdyn_price", "19,", "4", "25,", "10", "1", "0", "1"],
        [],
    ]
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.err == (
        "Widen 2 columns? Nobody is here to be asked, so nothing was changed. Say --yes.\n"
    )
    dry = call("decimals", "widen", "--dry-run", "--project", priced)
    assert (dry.code, dry.out) == (0, f"{done.out}A dry run: nothing was changed.\n")
    assert len(held_of(priced)) == 1


def test_widening_carries_the_row_and_undo_names_the_rows_that_prevent_it(
    call: Call, priced: Path
) -> None:
    done = call("decimals", "widen", "--yes", "--project", priced)

    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(
        "2 columns changed; no stored value did.\n"
        "prices, rows that were rejected for their digits: 1 written now, 0 equal\n"
        "    already, 0 still waiting\n"
    )
    assert sorted(held_of(priced)) == [
        ("A", "1.2345600000", "0.500000000000"),
        ("B", "2.5000", "1.0000000000"),
    ]
    again = call("decimals", "widen", "--yes", "--project", priced)
    assert (again.code, again.out) == (
        0,
        "The columns of 1 map are wide enough: nothing to widen.\n",
    )

    back = call("decimals", "undo", "--yes", "--project", priced)

    assert back.code == 1
    assert (
        "msdyn_price.msdyn_price stays as it is: it holds 1 value with more digits, first\n"
        "    of all in\n"
        "  A\n"
    ) in back.out
    assert back.out.endswith("1 column changed; no stored value did.\n")
    change(priced / "finops.db", "UPDATE Price SET PRICE = '1.5' WHERE ITEM = 'A'")
    assert call("sync", "--project", priced).code == 0
    assert call("decimals", "undo", "--yes", "--project", priced).code == 0
    assert call("check", "--project", priced).code == 0


def test_for_a_script(call: Call, priced: Path) -> None:
    refused = call("decimals", "widen", "--json", "--project", priced)
    assert refused.code == 2
    assert "--json needs --dry-run or --yes" in refused.err

    shown = as_json(
        call, "decimals", "widen", "--yes", "--table", "msdyn_price", "--project", priced
    )

    assert shown["columns"][1] == {
        "table": "msdyn_price",
        "column": "msdyn_price",
        "maps": ["prices"],
        "now": "19, 4",
        "to": "25, 10",
        "rows": 1,
        "still": 0,
        "rejected": 1,
        "rounded": False,
    }
    assert shown["changed"] == ["msdyn_price.msdyn_exchangerate", "msdyn_price.msdyn_price"]
    assert [(each["map"], each["written"]) for each in shown["retried"]] == [("prices", 1)]


def test_where_no_map_runs(call: Call, project: Path) -> None:
    done = call("decimals", "widen", "--project", project)

    assert (done.code, done.out) == (0, "No map is at work. Name one: --map NAME\n")
