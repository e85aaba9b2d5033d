"""Types of MariaDB that its drivers read or write oddly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from dualwrite.apps.query import Query
from dualwrite.apps.unreadable import as_read
from tests.apps.reading import paths
from tests.apps.workshops import Workshop, workshop
from tests.servers.running import Server

QUERY = Query("odd", paths("code", "v"), paths("code"))


@pytest.fixture
def shop(mariadb_server: Server, fresh_database: Callable[[str], str]) -> Iterator[Workshop]:
    """An empty MariaDB."""
    with workshop("mariadb", fresh_database, lambda _: mariadb_server) as made:
        yield made


@pytest.mark.parametrize("rows", [1, 1200])
@pytest.mark.parametrize(
    ("native", "value"),
    [("bit(8)", 3), ("bit(1)", True), ("bit(63)", 2**62), ("float", 1234567.75), ("year", 2026)],
)
def test_a_value_is_the_same_there_and_back(
    shop: Workshop, native: str, value: object, rows: int
) -> None:
    """Few rows go in by an INSERT, many by LOAD DATA: both take a text for the bytes of a BIT."""
    shop.execute(f"CREATE TABLE odd (code bigint PRIMARY KEY, v {native})")
    app = shop.open()
    kind = app.schema("odd").columns["v"].type
    given = pa.table({"code": range(rows), "v": pa.array([value] * (rows - 1) + [None], kind)})
    given = pa.concat_tables([given, pa.table({"code": [rows], "v": pa.array([value], kind)})])

    app.write("odd", given, key=["code"])

    assert app.read(QUERY).sort_by("code").equals(given.combine_chunks())
    app.write("odd", given.slice(rows), key=["code"])  # staged, beside a row that is there
    assert app.count(QUERY) == rows + 1
    with shop.sql_hand() as hand:
        stored = hand.rows(f"SELECT v + 0e0 FROM odd WHERE code = {rows}")
    assert [float(row[0]) for row in stored] == [float(value)]  # type: ignore[arg-type]


def test_a_tinyint_of_one_digit_that_is_no_truth_is_not_made_one(shop: Workshop) -> None:
    shop.execute(
        "CREATE TABLE odd (code bigint PRIMARY KEY, v tinyint(1))",
        "INSERT INTO odd VALUES (1, 0), (2, 1), (3, 7), (4, -1), (5, NULL)",
    )

    rows = as_read(shop.open().read(QUERY).sort_by("code"))

    assert [row["v"] for row in rows] == [False, True, "7", "-1", None]


def test_a_time_says_how_many_digits_of_a_second_it_keeps(shop: Workshop) -> None:
    shop.execute(
        "CREATE TABLE odd (code bigint PRIMARY KEY, a datetime, b datetime(3), c datetime(6), "
        "d timestamp(2) NULL, e time, f date)"
    )

    columns = shop.open().schema("odd").columns

    assert [each.fraction for each in columns.values()] == [None, 0, 3, None, 2, 0, None]


def test_a_column_says_all_that_it_can_hold(shop: Workshop) -> None:
    shop.execute(
        "CREATE TABLE odd (code bigint PRIMARY KEY, a tinyint, b smallint unsigned, c mediumint, "
        "d int unsigned, e bigint unsigned, f year, g bit(5), h tinyint unsigned, "
        "i enum('DRAFT','it''s, so'), j set('a','b'), k tinytext, l varbinary(7), m binary(2), "
        "n varchar(9), o char(3), p tinyint(1))"
    )

    columns = shop.open().schema("odd").columns

    assert {name: each.range for name, each in columns.items() if each.range} == {
        "a": ("-128", "127"),
        "b": ("0", "65535"),
        "c": ("-8388608", "8388607"),
        "d": ("0", "4294967295"),
        "e": ("0", "9223372036854775807"),
        "f": ("1901", "2155"),
        "g": ("0", "31"),
        "h": ("0", "255"),
    }
    assert columns["i"].members == ("DRAFT", "it's, so")
    assert columns["j"].pattern == "^(?:a(?:,|$))?(?:b(?:,|$))?$"
    limits = {name: (each.length, each.octets, each.padded) for name, each in columns.items()}
    assert {name: limit for name, limit in limits.items() if name > "h" and any(limit)} == {
        "k": (None, 255, False),
        "l": (None, 7, False),
        "m": (None, 2, True),
        "n": (9, None, False),
        "o": (3, None, True),
    }
