"""What a database reads for one range of a table, in its own count."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from dualwrite.apps.query import KeyRange
from tests.apps.hands import SqlHand
from tests.apps.reading import asking
from tests.apps.workshops import Workshop, number, table, text

ROWS, SIZE = 22_500, 1_250
KEYS = [("n",), ("company", "n"), ("company", "kind", "n")]


@pytest.mark.parametrize("key", KEYS, ids=["one part", "two parts", "three parts"])
def test_a_range_costs_no_more_than_its_share(sql_shop: Workshop, key: tuple[str, ...]) -> None:
    app: Any = sql_shop.open()
    sql_shop.create(
        table(
            "t",
            text("company", 4, nullable=False),
            text("kind", 4, nullable=False),
            number("n", nullable=False),
            text("name", 200, nullable=False),
            key=key,
        )
    )
    sql_shop.execute(
        "INSERT INTO t WITH RECURSIVE s(n) AS"
        " (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 149)"
        " SELECT CASE WHEN a.n < 100 THEN 'USMF' ELSE 'USRT' END,"
        " CASE WHEN b.n < 45 THEN 'A' WHEN b.n < 115 THEN 'B' ELSE 'C' END,"
        " 150 * a.n + b.n, 'a name as long as the names of people and companies are'"
        " FROM s AS a CROSS JOIN s AS b",
        "ANALYZE TABLE t" if sql_shop.kind == "mariadb" else "ANALYZE t",
    )
    query = asking("t", *dict.fromkeys((*key, "name")), key=key)
    asked: list[str] = []
    rows = app._reader.rows

    def noting(session: Any, query: Any, prepared: Any, *more: Any, **named: Any) -> Any:
        asked.append(prepared.text)
        return rows(session, query, prepared, *more, **named)

    app._reader.rows = noting
    parts = app.partitions(query, size=SIZE)
    counts = [app.read(query, within=part).num_rows for part in parts]
    app.read(query)

    with sql_shop.sql_hand() as hand:
        *costs, whole = (COSTS[sql_shop.kind](hand, statement) for statement in asked)
    assert counts == [SIZE] * (ROWS // SIZE)
    assert max(costs[1:-1]) < whole / 3, (costs, whole)
    # the two open ranges may read what they share a column with, but there are two of them
    assert sum(costs) < 4 * whole, (costs, whole)


def test_ranges_part_where_spellings_are_one_key(sql_shop: Workshop) -> None:
    """Boundaries that the database holds for equal, though their texts differ."""
    alike = {"sqlite": "NOCASE", "mariadb": "utf8mb4_general_ci"}
    if sql_shop.kind not in alike:
        pytest.skip("the server of the tests has no such collation")
    sql_shop.execute(
        f"CREATE TABLE t (company VARCHAR(4) COLLATE {alike[sql_shop.kind]} NOT NULL,"
        " n BIGINT NOT NULL, PRIMARY KEY (company, n))",
        "INSERT INTO t VALUES ('usmf', 1), ('USMF', 2), ('Usmf', 3), ('usmF', 4), ('usrt', 1)",
    )
    app = sql_shop.open()
    query = asking("t", "company", "n", key=("company", "n"))
    marks = [None, ("usmf", "2"), ("USMF", "4"), ("USRT", "1"), None]

    found = [
        app.read(query, within=KeyRange(("company", "n"), low, high)).column("n").to_pylist()
        for low, high in pairwise(marks)
    ]

    assert [sorted(each) for each in found] == [[1], [2, 3], [4], [1]]


def _pages(hand: SqlHand, statement: str) -> int:
    plan = hand.rows(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")[0][0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _rows(hand: SqlHand, statement: str) -> int:
    before = _handled(hand)
    hand.rows(statement)
    return _handled(hand) - before


def _handled(hand: SqlHand) -> int:
    found = hand.rows("SHOW SESSION STATUS LIKE 'Handler_read%'")
    return sum(int(row[1]) for row in found if "rnd_deleted" not in row[0])


def _steps(hand: SqlHand, statement: str) -> int:
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    hand._connection.set_progress_handler(step, 1)
    hand.rows(statement)
    hand._connection.set_progress_handler(None, 0)
    return taken


COSTS: dict[str, Callable[[SqlHand, str], int]] = {
    "postgresql": _pages,
    "mariadb": _rows,
    "sqlite": _steps,
}
