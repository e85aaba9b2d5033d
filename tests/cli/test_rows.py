"""`dualwrite rows`: dated rows of one side, by day."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Call, as_json

PRICES = """\
map: prices
title: Prices by day
finops: {table: Price, key: [ITEM, VALIDFROM]}
dataverse: {table: msdyn_price, key: [msdyn_item, msdyn_from]}
columns:
  - ITEM = msdyn_item
  - VALIDFROM = msdyn_from
  - VALIDTO = msdyn_to
  - PRICE = msdyn_price
effective: {entity: [ITEM], from: VALIDFROM, to: VALIDTO, gaps: allow}
"""
SHOWN = """\
map: today
title: Prices today
finops: {table: Price, key: [ITEM]}
dataverse: {table: msdyn_price, key: [msdyn_item]}
columns: [ITEM > msdyn_item, PRICE > msdyn_price]
effective: {entity: [ITEM], from: VALIDFROM, to: VALIDTO}
"""
ROWS = [
    ("A", "2025-01-01", "2025-12-31", 9),
    ("A", "2026-01-01", "2026-12-31", 10),
    ("A", "2027-01-01", "2154-12-31", 12),
    ("B", "2027-01-01", "2154-12-31", 20),
]


@pytest.fixture
def dated(project: Path) -> Path:
    for name, text in (("prices", PRICES), ("today", SHOWN)):
        (project / "maps" / f"{name}.yaml").write_text(text, encoding="utf-8")
    with sqlite3.connect(project / "finops.db") as erp:
        erp.execute(
            "CREATE TABLE Price (ITEM VARCHAR(9) NOT NULL, VALIDFROM DATE NOT NULL, "
            "VALIDTO DATE NOT NULL, PRICE BIGINT, PRIMARY KEY (ITEM, VALIDFROM))"
        )
        erp.executemany("INSERT INTO Price VALUES (?, ?, ?, ?)", ROWS)
    erp.close()
    with sqlite3.connect(project / "dataverse.db") as crm:
        crm.execute(
            "CREATE TABLE msdyn_price (msdyn_item VARCHAR(9) NOT NULL, msdyn_from TIMESTAMPTZ "
            "NOT NULL, msdyn_to TIMESTAMPTZ, msdyn_price BIGINT, "
            "PRIMARY KEY (msdyn_item, msdyn_from))"
        )
        crm.execute(
            "INSERT INTO msdyn_price VALUES ('A', '2026-01-01 00:00:00+00:00', "
            "'2026-12-31 23:59:59+00:00', 10)"
        )
    crm.close()
    return project


@pytest.mark.parametrize(
    ("words", "prices"),
    [
        pytest.param(["--as-of", "2026-12-31"], [10], id="the last day"),
        pytest.param(["--as-of", "2027-01-01"], [12, 20], id="the day after"),
        pytest.param(["--as-of", "2024-06-01"], [], id="before"),
        pytest.param(["--from", "2025-12-31", "--to", "2026-01-01"], [9, 10], id="a range"),
        pytest.param(["--from", "2026-12-31"], [10, 12, 20], id="from a day on"),
        pytest.param(["--to", "2025-01-01"], [9], id="up to a day"),
        pytest.param(["--all"], [9, 10, 12, 20], id="all"),
        pytest.param(["--all", "--key", "ITEM=A"], [9, 10, 12], id="of one item"),
        pytest.param(
            ["--all", "--key", "ITEM=A", "--key", "VALIDFROM=2027-01-01"], [12], id="of two columns"
        ),
        pytest.param(["--all", "--key", "ITEM="], [], id="without an item"),
    ],
)
def test_rows_by_day(call: Call, dated: Path, words, prices):
    found = as_json(call, "rows", "prices", *words, "--project", dated)

    assert [row["PRICE"] for row in found["rows"]] == prices
    assert (found["map"], found["side"], found["more"]) == ("prices", "finops", False)


def test_a_person_gets_a_table(call: Call, dated: Path):
    done = call("rows", "prices", "--as-of", "2027-01-01", "--project", dated)

    assert done.out == (
        "ITEM  VALIDFROM   VALIDTO     PRICE\n"
        "----  ----------  ----------  -----\n"
        "A     2027-01-01  2154-12-31  12\n"
        "B     2027-01-01  2154-12-31  20\n"
    )


def test_moments_are_asked_for_in_utc(call: Call, dated: Path):
    def there(at):
        words = ("--as-of", at, "--side", "dataverse", "--project", dated)
        return [row["msdyn_to"] for row in as_json(call, "rows", "prices", *words)["rows"]]

    assert there("2026-12-31") == ["2026-12-31T23:59:59+00:00"]
    assert there("2026-12-31T23:59:59Z") == ["2026-12-31T23:59:59+00:00"]
    assert there("2027-01-01") == []
    assert there("2027-01-01T00:30:00+01:00") == ["2026-12-31T23:59:59+00:00"]


def test_rows_beyond_the_limit_are_mentioned(call: Call, dated: Path):
    done = call("rows", "prices", "--all", "--limit", "1", "--project", dated)

    assert done.out.splitlines()[2:] == [
        "A     2025-01-01  2025-12-31  9",
        "... and more; --limit shows them, --csv FILE writes them all.",
    ]


def test_a_table_of_many_columns_shows_the_first(call: Call, dated: Path, monkeypatch):
    monkeypatch.setattr("dualwrite.cli.rows._COLUMNS", 2)

    done = call("rows", "prices", "--as-of", "2026-05-01", "--project", dated)

    assert done.out.splitlines() == [
        "ITEM  VALIDFROM",
        "----  ----------",
        "A     2026-01-01",
        "... and 2 columns more; --json and --csv have them.",
    ]


def test_all_rows_go_to_a_file(call: Call, dated: Path, tmp_path: Path):
    file = tmp_path / "history.csv"

    done = call("rows", "prices", "--all", "--limit", "1", "--csv", file, "--project", dated)

    assert done.out == f"4 rows written to {file}.\n"
    assert file.read_text().splitlines()[:2] == [
        '"ITEM","VALIDFROM","VALIDTO","PRICE"',
        '"A",2025-01-01,2025-12-31,9',
    ]


def test_a_message_says_that_no_row_is_valid(call: Call, dated: Path):
    done = call("rows", "prices", "--as-of", "2024-01-01", "--project", dated)

    assert (done.code, done.out) == (0, "prices: no row of finops is valid then.\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["today", "--side", "dataverse"],
            1,
            (
                "today: dataverse has no dates: it shows what is valid now. Nothing was read.\n"
                "  ask the other side: dualwrite rows today --side finops\n"
            ),
        ),
        (
            ["groups"],
            1,
            (
                "groups: the map does not say that its rows are dated. Nothing was read.\n"
                "  say so in the map: effective: {entity: [COLUMN], from: COLUMN, to: COLUMN}\n"
            ),
        ),
        (
            ["prices", "--key", "NAME=x"],
            1,
            "prices: finops column NAME: Price has no column NAME. Nothing was read.\n",
        ),
        (
            ["prices", "--key", "VALIDFROM=soon"],
            1,
            "prices: finops column VALIDFROM: it cannot hold 'soon'. Nothing was read.\n",
        ),
        (["prices", "--key", "ITEM"], 2, "'ITEM' is not COLUMN=VALUE"),
        (["prices", "--as-of", "soon"], 2, "'soon' is neither a day (2027-01-01) nor a moment"),
        (["prices", "--all", "--to", "2026-01-01"], 2, "leave each other out"),
        (["prices", "--from", "2027-01-01", "--to", "2026-01-01"], 2, "before it begins"),
    ],
)
def test_what_cannot_be_answered(call: Call, dated: Path, words, code, message):
    done = call("rows", *words, "--project", dated)

    assert done.code == code
    assert message in done.err
