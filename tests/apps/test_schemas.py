"""Apps of schemas of their own, and tables of schemas of any name."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
import sqlalchemy as sa

from dualwrite.apps.capture import Capture
from dualwrite.apps.declaring import DigitsLostError
from dualwrite.apps.opening import open_app
from dualwrite.apps.transactions import Written
from dualwrite.link import Side
from dualwrite.tablemap.names import TableName
from dualwrite.tablemap.schema import Reference
from tests.apps.reading import paths
from tests.apps.workshops import workshop
from tests.servers.running import Server

SERVERS = ("postgresql", "mariadb")


def test_an_app_of_a_schema_of_its_own(postgresql_server: Server) -> None:
    url = postgresql_server.fresh_database()
    postgresql_server.execute(
        "CREATE SCHEMA own",
        "CREATE TABLE own.t (k bigint PRIMARY KEY)",
        "CREATE TABLE public.t (k bigint PRIMARY KEY)",
        "ALTER TABLE own.t ADD up bigint REFERENCES public.t",
        "ALTER TABLE public.t ADD up bigint REFERENCES own.t",
        url=url,
    )
    app = open_app(Side.FINOPS, url, schema="own")
    try:
        assert [app.schema(name).name for name in ("t", "own.t", "public.t")] == [
            *("t", "t"),
            "public.t",
        ]
        assert app.schema("t").columns["up"].references == Reference("public.t", "k")
        assert app.schema("public.t").columns["up"].references == Reference("t", "k")
    finally:
        app.close()
        postgresql_server.drop(url)


@pytest.mark.parametrize("kind", ["sqlite", *SERVERS])
def test_decimals_are_declared_anew(
    request: pytest.FixtureRequest, fresh_database: Callable[[str], str], kind: str
) -> None:
    def server_of(each: str) -> Server:
        server: Server = request.getfixturevalue(f"{each}_server")
        return server

    with workshop(kind, fresh_database, server_of) as shop:
        names = ['"a.b"']
        if kind == "postgresql":
            shop.execute("CREATE SCHEMA sales")
            names.append('sales."a.b"')
        elif kind == "mariadb":
            names.append(f'{sa.make_url(fresh_database("mariadb")).database}."a.b"')
        money = "DECIMAL_TEXT" if kind == "sqlite" else "DECIMAL"
        app = shop.open()
        for name in names:
            spelled = name.replace('"', "`") if kind == "mariadb" else name
            shop.execute(f"CREATE TABLE {spelled} (k INTEGER PRIMARY KEY, m {money}(8,2))")
            shop.execute(f"INSERT INTO {spelled} VALUES (1, '1.25')")
            app.redeclare(name, {"m": pa.decimal128(12, 4)})
            assert app.schema(name).columns["m"].type == pa.decimal128(12, 4)
            with pytest.raises(DigitsLostError) as refused:
                app.redeclare(name, {"m": pa.decimal128(12, 1)})
            assert refused.value.table == name


@pytest.mark.parametrize("place", ["My Sales", "a.b", 'say "x"', "100%"])
@pytest.mark.parametrize("kind", SERVERS)
def test_schemas_of_any_name(
    request: pytest.FixtureRequest, fresh_database: Callable[[str], str], kind: str, place: str
) -> None:
    server: Server = request.getfixturevalue(f"{kind}_server")
    with workshop(kind, fresh_database, lambda _: server) as shop:
        word = "SCHEMA" if kind == "postgresql" else "DATABASE"
        name, table = TableName("T 1", place), f"{shop.quote(place)}.{shop.quote('T 1')}"
        shop.execute(
            f"CREATE {word} {shop.quote(place)}",
            f"CREATE TABLE {table} (k INTEGER PRIMARY KEY, n VARCHAR(9))",
        )
        app = shop.open()
        capture = Capture("dualwrite_q_t_0a1b2c", str(name), paths("k"), ("k", "n"))
        try:
            assert app.schema(str(name)).name == str(name)
            app.install(capture)
            assert app.problems(capture) == []
            count = 300
            rows = pa.table({"k": pa.array(range(count)), "n": ["x"] * count})
            assert app.write(str(name), rows, key=["k"], fresh=True) == Written(inserted=count)
            assert app.delete(str(name), rows.select(["k"])) == count
            assert app.pending([capture.queue]) == {capture.queue: 2 * count}
            app.uninstall(capture)
        finally:
            app.close()
            if kind == "mariadb":
                shop.execute(f"DROP DATABASE {shop.quote(place)}")
