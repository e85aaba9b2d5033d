"""Tables of other schemas than the connection's, and tables whose names hold dots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from dualwrite.apps.capture import QueueTakenError
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Written
from dualwrite.errors import MissingTableError, PrivilegeError
from dualwrite.link import Side
from dualwrite.sync.capture.captures import captures_of
from dualwrite.tablemap.schema import Reference
from tests.apps.reading import paths
from tests.apps.sql.core.test_faults import changed
from tests.servers.running import Server
from tests.sync.pair import Pair, pair_of
from tests.sync.world import counts_of

F, D = Side.FINOPS, Side.DATAVERSE
SERVERS = ("postgresql", "mariadb")
KEY = "orders_ibfk_1"
BOOKS = ("dualwrite_epoch", "dualwrite_inbox")


@pytest.fixture(params=SERVERS)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> Iterator[Pair]:
    kind = request.param
    server = request.getfixturevalue(f"{kind}_server")
    with pair_of(tmp_path, (kind, kind), fresh_database, lambda _: server) as made:
        yield made


@pytest.fixture
def sales(pair: Pair, fresh_database: Callable[[str], str]) -> dict[Side, str]:
    """Another schema of each app; all servers have the same two tables in both."""
    found = {}
    for side in Side:
        shop = pair.shops[side]
        if shop.kind == "mariadb":
            found[side] = str(sa.make_url(fresh_database("mariadb")).database)
        else:
            found[side] = "sales"
            shop.execute("CREATE SCHEMA sales")
        for place in ("", f"{found[side]}."):
            pair.execute(
                side,
                f"CREATE TABLE {place}grp (id INTEGER PRIMARY KEY, "
                "code VARCHAR(9) NOT NULL UNIQUE)",
                f"CREATE TABLE {place}orders (no VARCHAR(9) PRIMARY KEY, note VARCHAR(30), "
                f"grp INTEGER, FOREIGN KEY (grp) REFERENCES {place}grp (id) ON DELETE CASCADE)",
            )
    return found


def order_map(finops: str, dataverse: str) -> str:
    return f"""\
finops: {{table: {finops}, key: [no]}}
dataverse: {{table: {dataverse}, key: [no]}}
columns: [no = no, note = note, grp.code = grp.code]
"""


def group_map(finops: str, dataverse: str) -> str:
    return f"""\
finops: {{table: {finops}, key: [code]}}
dataverse: {{table: {dataverse}, key: [code]}}
columns: [code = code, id = id]
"""


def everywhere(pair: Pair, sales: dict[Side, str]) -> dict[str, list[list[tuple[str, ...]]]]:
    """The orders of both schemas, both sides."""
    return {
        name: [
            pair.rows(side, f"SELECT no, note FROM {place}orders ORDER BY no")
            for side, place in places.items()
        ]
        for name, places in {
            "own": dict.fromkeys(Side, ""),
            "sales": {side: f"{each}." for side, each in sales.items()},
        }.items()
    }


def test_maps_of_two_schemas_with_tables_of_one_name(pair: Pair, sales: dict[Side, str]) -> None:
    f, d = sales[F], sales[D]
    pair.execute(
        F,
        "INSERT INTO grp VALUES (1, 'own')",
        "INSERT INTO orders VALUES ('A', 'own', 1)",
        f"INSERT INTO {f}.grp VALUES (1, 'sold')",
        f"INSERT INTO {f}.orders VALUES ('A', 'sales', 1), ('B', 'sales', NULL)",
    )
    pair.execute(D, f"INSERT INTO {d}.orders VALUES ('Z', 'came back', NULL)")
    maps = ("groups", "orders", "sold_groups", "sold_orders")
    with pair.open(
        groups=group_map("grp", "grp"),
        orders=order_map("orders", "orders"),
        sold_groups=group_map(f"{f}.grp", f"{d}.grp"),
        sold_orders=order_map(f"{f}.orders", f"{d}.orders"),
    ):
        assert {name: pair.findings(name) for name in maps} == {name: [] for name in maps}
        pair.run(*maps)
        assert everywhere(pair, sales) == {
            "own": [[("A", "own")]] * 2,
            "sales": [[("A", "sales"), ("B", "sales"), ("Z", "came back")]] * 2,
        }
        assert pair.rows(D, f"SELECT code FROM {d}.grp") == [("sold",)]

        pair.execute(F, f"UPDATE {f}.orders SET note = 'there' WHERE no = 'A'")
        pair.execute(F, "UPDATE orders SET note = 'here' WHERE no = 'A'")
        pair.execute(
            D,
            f"INSERT INTO {d}.orders VALUES ('C', 'new', 1)",
            f"DELETE FROM {d}.orders WHERE no = 'B'",
            f"UPDATE {d}.orders SET no = 'Y' WHERE no = 'Z'",
        )
        pair.cycle(*maps)

        wanted = [("A", "there"), ("C", "new"), ("Y", "came back")]
        assert everywhere(pair, sales) == {"own": [[("A", "here")]] * 2, "sales": [wanted] * 2}
        assert [pair.causes(name) for name in maps] == [[]] * 4
        assert [pair.unexplained(name) for name in maps] == [0] * 4
        assert [each for each in pair.cycle(*maps) if counts_of(each)] == []


def test_what_capture_makes_is_sound_and_goes_again(pair: Pair, sales: dict[Side, str]) -> None:
    shop = pair.shops[F]
    own = shop.objects()
    with pair.open(sold_groups=group_map(f"{sales[F]}.grp", f"{sales[D]}.grp")):
        pair.run("sold_groups")
        app, made = pair.session.apps[F], shop.objects()
        capture = captures_of(pair.session, pair.session.map("sold_groups"))[F]
        assert capture.queue.startswith("dualwrite_q_")
        assert "." not in capture.queue
        assert capture.queue in made
        assert app.problems(capture) == []
        assert app.privileges(capture.table) == {"select", "insert", "update", "delete"}

        app.uninstall(capture)

    left = {name for name in shop.objects() - own if not name.startswith(BOOKS)}
    assert left == set()
    pair.execute(F, f"INSERT INTO {sales[F]}.grp VALUES (9, 'free')")


def test_a_cascade_in_another_schema(pair: Pair, sales: dict[Side, str]) -> None:
    f, d = sales[F], sales[D]
    pair.execute(F, f"INSERT INTO {f}.grp VALUES (1, 'sold')")
    pair.execute(F, f"INSERT INTO {f}.orders VALUES ('A', 'goes', 1)")
    with pair.open(
        sold_groups=group_map(f"{f}.grp", f"{d}.grp"),
        sold_orders=order_map(f"{f}.orders", f"{d}.orders"),
    ):
        pair.run("sold_groups", "sold_orders")
        if pair.shops[F].kind == "mariadb":
            capture = captures_of(pair.session, pair.session.map("sold_orders"))[F]
            (text,) = pair.session.apps[F].problems(capture)
            assert text.endswith(f"no trigger sees what {f}.grp does here ON DELETE CASCADE")
            return
        pair.execute(F, f"DELETE FROM {f}.grp")
        pair.cycle("sold_groups", "sold_orders")
    assert pair.rows(D, f"SELECT no FROM {d}.orders") == []


def test_a_lookup_into_another_schema(pair: Pair, sales: dict[Side, str]) -> None:
    """By foreign key on one side, by what the map declares on the other."""
    f, d = sales[F], sales[D]
    pair.execute(F, "CREATE TABLE items (no VARCHAR(9) PRIMARY KEY, grp INTEGER)")
    pair.execute(
        D,
        "CREATE TABLE items (no VARCHAR(9) PRIMARY KEY, grp INTEGER, "
        f"FOREIGN KEY (grp) REFERENCES {d}.grp (id))",
        f"INSERT INTO {d}.grp VALUES (70, 'sold')",
    )
    pair.execute(F, f"INSERT INTO {f}.grp VALUES (1, 'sold')", "INSERT INTO items VALUES ('A', 1)")
    text = f"""\
finops: {{table: items, key: [no], lookups: {{grp: {f}.grp}}}}
dataverse: {{table: items, key: [no]}}
columns: [no = no, grp.code = grp.code]
"""
    with pair.open(items=text):
        assert [each[:6] for each in pair.findings("items")] == []
        pair.run("items")
        assert pair.rows(D, "SELECT no, grp FROM items") == [("A", 70)]
        pair.execute(D, "INSERT INTO items VALUES ('B', 70)")
        pair.cycle("items")
        assert pair.rows(F, "SELECT no, grp FROM items ORDER BY no") == [("A", 1), ("B", 1)]


def test_a_key_behind_a_lookup_is_captured(pair: Pair, sales: dict[Side, str]) -> None:
    f, d = sales[F], sales[D]
    for side, place in sales.items():
        pair.execute(
            side, f"INSERT INTO {place}.grp VALUES (1, 'sold')", "INSERT INTO grp VALUES (1, 'own')"
        )
    text = f"""\
finops: {{table: {f}.orders, key: [grp.code, no]}}
dataverse: {{table: {d}.orders, key: [grp.code, no]}}
columns: [no = no, note = note, grp.code = grp.code]
"""
    with pair.open(lines=text):
        pair.run("lines")
        pair.execute(F, f"INSERT INTO {f}.orders VALUES ('A', 'one', 1)")
        capture = captures_of(pair.session, pair.session.map("lines"))[F]
        with pair.session.apps[F].snapshot() as snapshot:
            keys = snapshot.entries(capture, limit=10).keys.to_pylist()
        assert keys == [{"grp.code": "sold", "no": "A"}]
        pair.cycle("lines")
        pair.execute(F, f"UPDATE {f}.orders SET note = 'two'")
        pair.cycle("lines")
    assert pair.rows(D, f"SELECT no, note FROM {d}.orders") == [("A", "two")]


RIGHTS = {
    "postgresql": (
        "CREATE ROLE clerk_s LOGIN",
        "GRANT USAGE, CREATE ON SCHEMA public TO clerk_s",
        "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON sales.orders TO clerk_s",
        "GRANT SELECT ON sales.grp TO clerk_s",
    ),
    "mariadb": (
        "CREATE USER clerk_s",
        "GRANT CREATE TEMPORARY TABLES, CREATE, ALTER, DROP, INDEX ON {own}.* TO clerk_s",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON {own}.* TO clerk_s",
        "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER, REFERENCES ON {sales}.orders TO clerk_s",
        "GRANT SELECT ON {sales}.grp TO clerk_s",
    ),
}


@pytest.fixture
def clerk(pair: Pair, sales: dict[Side, str]) -> Iterator[Pair]:
    """The ERP reached by a user with the rights on `orders` of the other schema alone."""
    shop = pair.shops[F]
    own = str(sa.make_url(shop.url).database)
    pair.execute(F, *(each.format(own=own, sales=sales[F]) for each in RIGHTS[shop.kind]))
    pair.urls[F] = changed(shop.url, username="clerk_s")
    yield pair
    away = ["DROP OWNED BY clerk_s CASCADE", "DROP ROLE clerk_s"]
    shop.execute(*(away if shop.kind == "postgresql" else ["DROP USER clerk_s"]))


def test_the_rights_on_the_table_alone_are_enough(clerk: Pair, sales: dict[Side, str]) -> None:
    f, d = sales[F], sales[D]
    for side, place in sales.items():
        clerk.execute(side, f"INSERT INTO {place}.grp VALUES (1, 'sold')")
    with clerk.open(sold=order_map(f"{f}.orders", f"{d}.orders")):
        app = clerk.session.apps[F]
        if clerk.shops[F].kind == "postgresql":
            with pytest.raises(PrivilegeError) as refused:
                app.schema(f"{f}.orders")
            assert "finops.sales.orders: our user lacks the right to use schema sales" in str(
                refused.value
            )
            clerk.execute(F, "GRANT USAGE ON SCHEMA sales TO clerk_s")
        assert app.privileges(f"{f}.orders") == {"select", "insert", "update", "delete"}
        assert app.privileges(f"{f}.grp") == {"select"}

        clerk.run("sold")
        clerk.execute(F, f"INSERT INTO {f}.orders VALUES ('A', 'ours', 1)")
        clerk.execute(D, f"INSERT INTO {d}.orders VALUES ('B', 'theirs', 1)")
        clerk.cycle("sold")
        capture = captures_of(clerk.session, clerk.session.map("sold"))[F]
        told = [f"foreign key {KEY}: no trigger sees what {f}.grp does here ON DELETE CASCADE"]
        wanted = told if clerk.shops[F].kind == "mariadb" else []
        assert clerk.session.apps[F].problems(capture) == wanted

    both = [("A", "ours"), ("B", "theirs")]
    assert clerk.rows(F, f"SELECT no, note FROM {f}.orders ORDER BY no") == both
    assert clerk.rows(D, f"SELECT no, note FROM {d}.orders ORDER BY no") == both


def test_a_missing_table_is_named_with_where_one_is(pair: Pair, sales: dict[Side, str]) -> None:
    pair.execute(F, f"CREATE TABLE {sales[F]}.only_there (id INTEGER PRIMARY KEY)")
    with pair.open():
        app = pair.session.apps[F]
        with pytest.raises(MissingTableError) as bare:
            app.schema("only_there")
        with pytest.raises(MissingTableError) as whole:
            app.schema(f"{sales[F]}.order")

    assert bare.value.near[0] == f"{sales[F]}.only_there"
    assert whole.value.near == (f"{sales[F]}.orders",)
    assert f"there is no table '{sales[F]}.order'" in str(whole.value)


def test_a_table_that_went_meanwhile_is_named_whole(pair: Pair, sales: dict[Side, str]) -> None:
    with pair.open(sold_groups=group_map(f"{sales[F]}.grp", f"{sales[D]}.grp")):
        session = pair.session
        session.map("sold_groups")
        assert session.apps[F].schema(f"{sales[F]}.grp").name == f"{sales[F]}.grp"
        pair.execute(F, f"DROP TABLE {sales[F]}.orders", f"DROP TABLE {sales[F]}.grp")
        with pytest.raises(MissingTableError) as gone:
            session.apps[F].read(Query(f"{sales[F]}.grp", paths("code")))

    assert gone.value.table == f"{sales[F]}.grp"


def test_a_table_has_one_name(pair: Pair, sales: dict[Side, str]) -> None:
    """The schema of the connection is not said: maps and lookups meet by names."""
    kind = pair.shops[F].kind
    own = {
        side: "public" if kind == "postgresql" else str(sa.make_url(shop.url).database)
        for side, shop in pair.shops.items()
    }
    with pair.open(groups=group_map(f"{own[F]}.grp", "grp")):
        (text,) = pair.findings("groups")

    assert text == (
        f"DW1135 '{own[F]}.grp' is the table 'grp' of finops: its schema is the one that the "
        f"app's URL leads to: write grp for {own[F]}.grp"
    )


@pytest.mark.parametrize("kind", ["sqlite", *SERVERS])
def test_a_name_that_holds_a_dot(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    fresh_database: Callable[[str], str],
    kind: str,
) -> None:
    server_of = lambda each: request.getfixturevalue(f"{each}_server")  # noqa: E731
    with pair_of(tmp_path, (kind, kind), fresh_database, server_of) as pair:
        for side in Side:
            pair.execute(
                side,
                'CREATE TABLE "a.b" (k INTEGER PRIMARY KEY, n VARCHAR(9), up INTEGER, '
                'FOREIGN KEY (up) REFERENCES "a.b" (k))',
            )
        pair.execute(F, "INSERT INTO \"a.b\" VALUES (1, 'one', NULL)")
        text = """\
finops: {table: '"a.b"', key: [k]}
dataverse: {table: '"a.b"', key: [k]}
columns: [k = k, n = n, up.k = up.k]
"""
        with pair.open(dotted=text):
            assert pair.findings("dotted") == []
            assert pair.session.apps[F].tables() == ['"a.b"']
            pair.run("dotted")
            pair.execute(D, "INSERT INTO \"a.b\" VALUES (2, 'two', 1)")
            pair.execute(F, "UPDATE \"a.b\" SET n = 'uno' WHERE k = 1")
            pair.cycle("dotted")
            assert pair.unexplained("dotted") == 0
        wanted = [(1, "uno", None), (2, "two", 1)]
        assert pair.rows(F, 'SELECT * FROM "a.b" ORDER BY k') == wanted
        assert pair.rows(D, 'SELECT * FROM "a.b" ORDER BY k') == wanted


def test_sqlite_has_no_schemas(tmp_path: Path, fresh_database: Callable[[str], str]) -> None:
    def none(kind: str) -> None:
        raise AssertionError(kind)

    with pair_of(tmp_path, ("sqlite", "sqlite"), fresh_database, none) as pair:  # type: ignore[arg-type]
        pair.execute(D, "CREATE TABLE grp (id INTEGER PRIMARY KEY, code VARCHAR(9))")
        with pair.open(groups=group_map("sales.grp", "grp")):
            (text,) = pair.findings("groups")

    assert text.startswith(
        "DW1018 finops has no table 'sales.grp': SQLite has no schemas, and an attached database "
        "is no part of the app"
    )


def test_many_rows_at_once(pair: Pair, sales: dict[Side, str]) -> None:
    count = 1500  # more than a statement takes along
    rows = pa.table({"id": pa.array(range(count)), "code": [f"C{n}" for n in range(count)]})
    with pair.open():
        app = pair.session.apps[F]
        table = f"{sales[F]}.grp"
        assert app.write(table, rows, key=["code"], fresh=True) == Written(inserted=count)
        assert app.write(table, rows, key=["code"]) == Written(unchanged=count)
        query = Query(table, paths("id", "code"), paths("code"))
        assert app.fetch(query, rows.select(["code"])).num_rows == count
        assert app.delete(table, rows.select(["code"])) == count
    assert pair.rows(F, "SELECT * FROM grp") == []


def test_a_polymorphic_lookup_into_another_schema(pair: Pair, sales: dict[Side, str]) -> None:
    f, d = sales[F], sales[D]
    for side in Side:
        place = sales[side]
        pair.execute(
            side,
            f"CREATE TABLE {place}.person (id VARCHAR(36) PRIMARY KEY, code VARCHAR(9) UNIQUE)",
            "CREATE TABLE firm (id VARCHAR(36) PRIMARY KEY, code VARCHAR(9) UNIQUE)",
            "CREATE TABLE notes (no VARCHAR(9) PRIMARY KEY, who VARCHAR(36), whotype VARCHAR(90))",
            f"INSERT INTO {place}.person VALUES ('{side.value} p', 'P')",
            f"INSERT INTO firm VALUES ('{side.value} f', 'F')",
        )
    pair.execute(
        F,
        "INSERT INTO notes VALUES ('1', 'finops p', 'person'), ('2', 'finops f', 'firm')",
        f"INSERT INTO notes VALUES ('3', 'finops p', '{f}.person')",
    )
    text = f"""\
finops: {{table: notes, key: [no]}}
dataverse: {{table: notes, key: [no]}}
columns:
  - no = no
  - who.{f}.person(code).firm(code) = who.{d}.person(code).firm(code)
"""
    with pair.open(notes=text):
        assert [each for each in pair.findings("notes") if "DW1030" not in each] == []
        pair.run("notes")
        assert pair.causes("notes") == []
        assert pair.rows(D, "SELECT no, who, whotype FROM notes ORDER BY no") == [
            ("1", "dataverse p", f"{d}.person"),
            ("2", "dataverse f", "firm"),
            ("3", "dataverse p", f"{d}.person"),
        ]
        pair.execute(D, "UPDATE notes SET who = 'dataverse f', whotype = 'firm' WHERE no = '1'")
        pair.cycle("notes")
        assert pair.rows(F, "SELECT who FROM notes WHERE no = '1'") == [("finops f",)]
        assert pair.unexplained("notes") == 0


def test_a_connection_that_searches_other_schemas(
    tmp_path: Path, fresh_database: Callable[[str], str], postgresql_server: Server
) -> None:
    """What it searches has no schema in its name, `public` has one."""
    kinds = ("postgresql", "postgresql")
    with pair_of(tmp_path, kinds, fresh_database, lambda _: postgresql_server) as pair:
        for side in Side:
            pair.execute(side, "CREATE SCHEMA here", "CREATE SCHEMA there")
            for place, name in (("here", "t"), ("there", "t"), ("there", "u"), ("public", "u")):
                pair.execute(
                    side, f"CREATE TABLE {place}.{name} (k bigint PRIMARY KEY, n varchar(9))"
                )
            pair.execute(
                side,
                "ALTER TABLE here.t ADD up bigint REFERENCES public.u (k)",
                "ALTER TABLE there.t ADD up bigint REFERENCES there.u (k)",
            )
            url = sa.make_url(pair.shops[side].url)
            path = {"options": "-csearch_path=here,there"}
            pair.urls[side] = url.update_query_dict(path).render_as_string(hide_password=False)
        with pair.open():
            app = pair.session.apps[F]
            names = {name: app.schema(name).name for name in (*NAMED, "t", "u")}
            assert names == {**NAMED, "t": "t", "u": "u"}
            pointed = [app.schema(name).columns["up"].references for name in ("t", "there.t")]
            assert pointed == [Reference("public.u", "k"), Reference("u", "k")]
        own = TWO.format(table="there.t", up="up.k")
        with pair.open(one=TWO.format(table="t", up="up.k"), two=own):
            pair.execute(F, "INSERT INTO public.u VALUES (1, 'public')")
            pair.execute(F, "INSERT INTO there.u VALUES (1, 'there')")
            pair.execute(D, "INSERT INTO public.u VALUES (1, 'public')")
            pair.execute(D, "INSERT INTO there.u VALUES (1, 'there')")
            pair.run("one", "two")
            pair.execute(F, "INSERT INTO here.t VALUES (1, 'here', 1)")
            pair.execute(F, "INSERT INTO there.t VALUES (1, 'there', 1)")
            pair.cycle("one", "two")
            assert pair.rows(D, "SELECT * FROM here.t") == [(1, "here", 1)]
            assert pair.rows(D, "SELECT * FROM there.t") == [(1, "there", 1)]
            assert [pair.causes(name) for name in ("one", "two")] == [[], []]


NAMED = {"here.t": "t", "there.t": "there.t", "there.u": "u", "public.u": "public.u"}
"""Names, and the one that each table has."""
TWO = """\
finops: {{table: {table}, key: [k]}}
dataverse: {{table: {table}, key: [k]}}
columns: [k = k, n = n, {up} = {up}]
"""


def test_a_table_that_another_project_captures_under_that_name(
    pair: Pair, sales: dict[Side, str], fresh_database: Callable[[str], str], tmp_path: Path
) -> None:
    """From a schema of its own: neither is the other's capture replaced, nor removed."""
    f, d = sales[F], sales[D]
    shop, text = pair.shops[F], group_map(f"{f}.grp", f"{d}.grp")
    url = sa.make_url(shop.url)
    if shop.kind == "mariadb":
        other = fresh_database("mariadb")
    else:
        shop.execute("CREATE SCHEMA other")
        path = {"options": "-csearch_path=other"}
        other = url.update_query_dict(path).render_as_string(hide_password=False)
    second = Pair(tmp_path / "second", pair.shops, {F: other})
    with pair.open(sold=text), second.open(sold=text):
        pair.run("sold")
        app, theirs = pair.session.apps[F], second.session.apps[F]
        capture = captures_of(pair.session, pair.session.map("sold"))[F]
        same = captures_of(second.session, second.session.map("sold"))[F]
        with pytest.raises(QueueTakenError) as refused:
            theirs.install(same)
        theirs.uninstall(same)
        assert app.problems(capture) == []

        app.uninstall(capture)
        theirs.install(same)
        assert theirs.problems(same) == []
        theirs.uninstall(same)

    place = url.database if shop.kind == "mariadb" else "public"
    assert str(refused.value) == (
        f"finops.{f}.grp: its triggers {same.queue} fill a queue in {place}, which another project "
        "keeps there. Nothing was installed, its changes are captured as before.\n"
        "  Give the map another name in one of the two projects; if there is no other one, "
        "remove these triggers."
    )
