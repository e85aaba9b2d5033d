"""Servers that demand more than the usual, and databases whose names differ in case only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pymysql
import pytest
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.opening import open_app
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Written
from dualwrite.errors import RowsRefusedError
from dualwrite.link import Side
from tests.apps.reading import paths
from tests.servers.running import NoServerError, Server, mariadb_of_its_own

DEMANDS = (
    "--innodb-force-primary-key=1",
    "--max-allowed-packet=1M",
    "--log-bin",
    "--binlog-format=STATEMENT",
    "--server-id=7",
)
QUEUE = "dualwrite_q_items_1"
ITEMS = Capture(QUEUE, "items", paths("code"), ("code", "note"))
OURS = Origin("items.yaml", QUEUE, epoch=1)
TABLE = "CREATE TABLE items (code varchar(20) PRIMARY KEY, note longtext)"


@pytest.fixture(scope="module")
def strict_server() -> Iterator[Server]:
    try:
        with mariadb_of_its_own(*DEMANDS) as server:
            yield server
    except NoServerError as reason:
        pytest.skip(str(reason))


def items(*codes: str, note: str | list[str]) -> pa.Table:
    notes = note if isinstance(note, list) else [note] * len(codes)
    return pa.table({"code": list(codes), "note": notes})


def notes(app: App) -> dict[str, int]:
    """How long the note of each item is."""
    found = app.read(Query("items", paths("code", "note"), paths("code")))
    return {row["code"]: len(row["note"]) for row in found.to_pylist()}


@pytest.fixture
def app(strict_server: Server) -> Iterator[App]:
    url = strict_server.fresh_database()
    strict_server.execute(TABLE, url=url)
    app = open_app(Side.FINOPS, url)
    yield app
    app.close()


@pytest.mark.slow
def test_it_works_where_keys_and_a_log_by_row_are_demanded(app: App) -> None:
    app.install(ITEMS)
    many = [f"M{number}" for number in range(1500)]
    with app.writing(OURS) as writing:
        writing.insert("items", items("A", "B", note="x"), key=["code"])
        writing.insert("items", items(*many, note="x"), key=["code"])
        assert writing.update("items", items("B", note="y"), key=["code"]) == Written(updated=1)
        assert writing.delete("items", items("A", note="").select(["code"])) == 1
    assert len(notes(app)) == 1501
    assert app.problems(ITEMS) == []


@pytest.mark.slow
@pytest.mark.parametrize("others", [2, 1500])
def test_a_row_larger_than_a_packet_is_refused_by_its_size(app: App, others: int) -> None:
    """The server would break off the connection, which looks like an outage."""
    codes = [f"M{number}" for number in range(others)]
    large = items("L", note="ä'" * 700_000)
    with app.writing(OURS) as writing:
        with pytest.raises(RowsRefusedError, match=r"a row of 2100001 bytes.*1048576"):
            writing.insert(
                "items", pa.concat_tables([items(*codes, note="x"), large]), key=["code"]
            )
        writing.insert("items", items(*codes, note="x" * 900), key=["code"])
        writing.insert("items", items("K", note="k" * 1_000_000), key=["code"])

    assert len(notes(app)) == others + 1


def test_two_databases_whose_names_differ_in_case_only_stay_apart(
    mariadb_server: Server, fresh_database: Callable[[str], str]
) -> None:
    """Where the server tells their names apart: information_schema compares them without case."""
    lower = sa.make_url(fresh_database("mariadb"))
    upper = lower.set(database=str(lower.database).upper())
    try:
        mariadb_server.execute(f"CREATE DATABASE {upper.database}")
    except pymysql.Error:
        pytest.skip("names are the same there whatever their case")
    apps = []
    try:
        for url, column in ((lower, "note longtext"), (upper, "note int, more int")):
            text = url.render_as_string(hide_password=False)
            table = f"CREATE TABLE items (code varchar(20) PRIMARY KEY, {column})"
            mariadb_server.execute(table, url=text)
            apps.append(open_app(Side.FINOPS, text))
        assert [[*app.schema("items").columns] for app in apps] == [
            ["code", "note"],
            ["code", "note", "more"],
        ]
        for app in apps:
            app.install(ITEMS)
        assert [[*app.problems(ITEMS)] for app in apps] == [[], []]
        apps[0].uninstall(ITEMS)
        assert [*apps[1].problems(ITEMS)] == []
    finally:
        for app in apps:
            app.close()
        mariadb_server.execute(f"DROP DATABASE {upper.database}")
