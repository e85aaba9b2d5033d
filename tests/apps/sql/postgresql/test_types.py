"""Types of PostgreSQL that look like texts by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from dualwrite.apps.query import Query
from tests.apps.reading import paths
from tests.apps.workshops import Workshop, workshop
from tests.servers.running import Server

QUERY = Query("odd", paths("code", "v"), paths("code"))


@pytest.fixture
def shop(postgresql_server: Server, fresh_database: Callable[[str], str]) -> Iterator[Workshop]:
    """An empty PostgreSQL."""
    with workshop("postgresql", fresh_database, lambda _: postgresql_server) as made:
        yield made


@pytest.mark.parametrize(
    ("native", "value", "other"),
    [
        ("text[]", '{x,"y,z"}', "{}"),
        ("varchar(9)[]", "{a}", "{b,NULL}"),
        ('"char"', "x", "y"),
        ("name", "x", "y"),
        ("inet", "::1", "10.0.0.0/8"),
        ("cidr", "10.0.0.0/8", "::/0"),
    ],
)
def test_a_value_is_the_same_there_and_back(
    shop: Workshop, native: str, value: str, other: str
) -> None:
    shop.execute(f"CREATE TABLE odd (code bigint PRIMARY KEY, v {native})")
    app = shop.open()
    given = pa.table({"code": [1, 2], "v": [value, None]})
    changed = pa.table({"code": [1, 2], "v": [None, other]})

    app.write("odd", given, key=["code"])
    first = app.read(QUERY).sort_by("code")
    app.write("odd", changed, key=["code"])

    assert first.to_pydict() == given.to_pydict()
    assert app.read(QUERY).sort_by("code").to_pydict() == changed.to_pydict()


def test_a_time_says_how_many_digits_of_a_second_it_keeps(shop: Workshop) -> None:
    shop.execute(
        "CREATE TABLE odd (code bigint PRIMARY KEY, a timestamp(0), b timestamptz(3), "
        "c timestamp, d time(2), e time, f date)"
    )

    columns = shop.open().schema("odd").columns

    assert [each.fraction for each in columns.values()] == [None, 0, 3, None, 2, None, None]


def test_a_column_says_all_that_it_can_hold(shop: Workshop) -> None:
    shop.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'it''s, so')",
        "CREATE DOMAIN small AS smallint",
        "CREATE TABLE odd (code bigint PRIMARY KEY, a smallint, b integer, c small, d mood, "
        "e char(3), f varchar(3), g name, h money)",
    )

    columns = shop.open().schema("odd").columns

    assert {name: each.range for name, each in columns.items() if each.range} == {
        "a": ("-32768", "32767"),
        "b": ("-2147483648", "2147483647"),
        "c": ("-32768", "32767"),
        "h": ("-92233720368547758.08", "92233720368547758.07"),
    }
    assert columns["d"].members == ("sad", "it's, so")
    limits = {name: (each.length, each.octets, each.padded) for name, each in columns.items()}
    assert {name: limit for name, limit in limits.items() if any(limit)} == {
        "e": (3, None, True),
        "f": (3, None, False),
        "g": (None, 63, False),
    }
