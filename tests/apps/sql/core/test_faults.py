"""What an app's trouble becomes: the error says who acts next, and gives nothing away."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.opening import open_app
from dualwrite.apps.transactions import Written
from dualwrite.apps.unreadable import unreadable_of
from dualwrite.errors import (
    AppBusyError,
    AppRefusedError,
    AppUnreachableError,
    ConfigError,
    MissingColumnError,
    MissingFileError,
    MissingTableError,
    PrivilegeError,
    RowsRefusedError,
    StorageFullError,
)
from dualwrite.journal.store import Journal
from dualwrite.link import Side
from tests.apps.reading import asking, customers, held, of_customers
from tests.apps.workshops import CUSTOMER, GROUP, KEY, Workshop, table, text
from tests.servers.running import Server


@pytest.fixture
def served(sql_shop: Workshop) -> Workshop:
    """A shop whose app has a server to be away from."""
    if sql_shop.kind == "sqlite":
        pytest.skip("has no server")
    return sql_shop


def changed(url: str, **parts: object) -> str:
    return sa.make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("driver", ["postgresql", "mysql+pymysql"])
def test_a_closed_port_is_unreachable_and_the_password_stays_secret(driver: str) -> None:
    app = open_app(Side.FINOPS, f"{driver}://user:s3cret@127.0.0.1:1/erp")

    with pytest.raises(AppUnreachableError) as caught:
        app.tables()
    with pytest.raises(AppUnreachableError):
        app.schema("customer")

    assert "s3cret" not in str(caught.value)
    assert caught.value.app == "finops"


def test_an_unknown_database_refuses_us(served: Workshop) -> None:
    app = served.open(changed(served.url, database="nowhere"))

    with pytest.raises(AppRefusedError, match="nowhere"):
        app.tables()


@pytest.mark.parametrize(
    "call", [lambda app: app.tables(), lambda app: app.privileges("customer")], ids=["list", "use"]
)
def test_a_file_that_is_not_there_is_reported_and_not_created(
    tmp_path: Path, call: Callable[[App], object]
) -> None:
    app = open_app(Side.FINOPS, f"sqlite:///{tmp_path}/none.db")

    with pytest.raises(MissingFileError) as caught:
        call(app)

    assert str(caught.value) == (
        f"finops: there is no file {tmp_path}/none.db. Nothing was read or written.\n"
        "  Correct [apps.finops] url in dualwrite.toml; dualwrite does not create it."
    )
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("hello " * 1000)

    with pytest.raises(AppRefusedError, match="not a database"):
        open_app(Side.FINOPS, f"sqlite:///{tmp_path}/x.db").tables()


@pytest.mark.parametrize("url", ["oracle://x/y", "no url at all"])
def test_a_url_that_we_do_not_speak_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"\[apps.finops\] url cannot be used"):
        open_app(Side.FINOPS, url)


@pytest.mark.parametrize("password", ["hunter@TopSecret", "@TopSecret", "a@b@TopSecret"])
def test_no_part_of_a_password_with_an_at_sign_is_shown(password: str) -> None:
    url = f"postgresql://erp:{password}@127.0.0.1:1/erp"

    with pytest.raises(ConfigError, match="%40") as app:
        open_app(Side.FINOPS, url)
    with pytest.raises(ConfigError, match="%40") as journal:
        Journal.open(url)

    assert "TopSecret" not in f"{app.value} {journal.value}"


def test_a_lost_connection_is_unreachable_once_and_then_replaced(
    postgresql_server: Server, fresh_database: Callable[[str], str]
) -> None:
    url = fresh_database("postgresql")
    shop = Workshop("postgresql", url, postgresql_server)
    shop.create(GROUP, CUSTOMER)
    app = shop.open()
    app.count(of_customers())
    postgresql_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{sa.make_url(url).database}' AND pid <> pg_backend_pid()"
    )

    with pytest.raises(AppUnreachableError):
        app.count(of_customers())

    assert app.count(of_customers()) == 0
    shop.close()


def test_a_table_dropped_behind_our_back_is_missing(sql_shop: Workshop) -> None:
    sql_shop.create(table("gone", text("k"), key=("k",)))
    app = sql_shop.open()
    app.schema("gone")
    sql_shop.execute("DROP TABLE gone")

    with pytest.raises(MissingTableError, match="gone"):
        app.read(asking("gone", "k"))


def test_a_column_dropped_behind_our_back_is_missing(sql_shop: Workshop) -> None:
    sql_shop.create(table("less", text("k"), text("n"), key=("k",)))
    app = sql_shop.open()
    app.schema("less")
    sql_shop.execute("ALTER TABLE less DROP COLUMN n")

    with pytest.raises(MissingColumnError) as caught:
        app.read(asking("less", "k", "n"))

    assert caught.value.column == "n"


def test_rights_that_we_lack_are_named(served: Workshop) -> None:
    served.create(table("secret", text("k"), key=("k",)))
    if served.kind == "postgresql":
        served.execute("CREATE ROLE clerk_pg LOGIN", "GRANT SELECT ON secret TO clerk_pg")
        app = served.open(changed(served.url, username="clerk_pg"))
    else:
        served.execute("CREATE USER clerk@'%'", "GRANT SELECT ON secret TO clerk@'%'")
        app = served.open(changed(served.url, username="clerk"))
    try:
        assert app.privileges("secret") == {"select"}
        for fresh in (True, False):
            with pytest.raises(PrivilegeError):
                app.write("secret", pa.table({"k": ["1"]}), key=["k"], fresh=fresh)
    finally:
        app.close()
        if served.kind == "postgresql":
            served.execute("DROP OWNED BY clerk_pg", "DROP ROLE clerk_pg")
        else:
            served.execute("DROP USER clerk@'%'")


def test_a_lock_that_another_holds_is_busy(sql_shop: Workshop) -> None:
    sql_shop.create(GROUP, CUSTOMER)
    sql_shop.open().write("customer", customers("C1", name="Anna"), key=KEY)
    app = sql_shop.open(patience=1)
    with _locked_by_another(sql_shop), pytest.raises(AppBusyError) as caught:
        app.write("customer", customers("C1", name="Berta"), key=KEY)

    assert caught.value.table == "customer"
    assert held(app, of_customers("name"))[0]["name"] == "Anna"
    assert app.write("customer", customers("C1", name="Berta"), key=KEY) == Written(updated=1)


def _locked_by_another(shop: Workshop) -> closing:  # type: ignore[type-arg]
    """A connection of somebody else that holds the row of C1."""
    url = sa.make_url(shop.url)
    if shop.kind == "sqlite":
        connection = sqlite3.connect(url.database or "", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        return closing(connection)
    driver = "postgresql+psycopg" if shop.kind == "postgresql" else "mysql+pymysql"
    engine = sa.create_engine(url.set(drivername=driver), poolclass=sa.pool.NullPool)
    held_row = engine.connect()
    held_row.exec_driver_sql("UPDATE customer SET name = 'x' WHERE number = 'C1'")
    return closing(held_row)


def test_a_full_disk_is_reported(fresh_database: Callable[[str], str]) -> None:
    """SQLite's own limit of pages stands for the disk: the error is the same."""
    shop = Workshop("sqlite", fresh_database("sqlite"))
    shop.create(GROUP, CUSTOMER)
    app = shop.open()
    with app._pool.session() as session:  # type: ignore[attr-defined]
        pages = session.number(sa.text("PRAGMA page_count"))
        session.run(f"PRAGMA max_page_count = {pages + 1}")
    numbers = [f"C{i}" for i in range(5000)]

    with pytest.raises(StorageFullError, match="disk is full"):
        app.write("customer", customers(*numbers, name="x" * 60), key=KEY)

    assert app.count(of_customers()) == 0
    shop.close()


def test_a_read_only_file_offers_reading_only(fresh_database: Callable[[str], str]) -> None:
    shop = Workshop("sqlite", fresh_database("sqlite"))
    shop.create(GROUP)
    file = Path(sa.make_url(shop.url).database or "")
    if os.geteuid() == 0:
        pytest.skip("root may write every file")
    file.chmod(0o444)

    assert shop.open().privileges("group") == {"select"}


def test_a_trigger_that_raises_refuses_the_rows(sql_shop: Workshop) -> None:
    sql_shop.create(GROUP, CUSTOMER)
    sql_shop.execute(*_refusing(sql_shop.kind))
    app = sql_shop.open()

    with pytest.raises(RowsRefusedError, match="credit hold"):
        app.write("customer", customers("C1", "C2", name=["Anna", "bad"]), key=KEY, fresh=True)

    assert app.count(of_customers()) == 0


def _refusing(kind: str) -> list[str]:
    if kind == "postgresql":
        return [
            (
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "IF NEW.name = 'bad' THEN RAISE EXCEPTION 'credit hold'; END IF; RETURN NEW; END $$"
            ),
            (
                "CREATE TRIGGER refuse BEFORE INSERT ON customer "
                "FOR EACH ROW EXECUTE FUNCTION refuse()"
            ),
        ]
    if kind == "mariadb":
        return [
            (
                "CREATE TRIGGER refuse BEFORE INSERT ON customer FOR EACH ROW IF NEW.name = 'bad' "
                "THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'credit hold'; END IF"
            )
        ]
    return [
        (
            "CREATE TRIGGER refuse BEFORE INSERT ON customer WHEN NEW.name = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'credit hold'); END"
        )
    ]


def test_rows_that_are_equal_fire_no_trigger(sql_shop: Workshop) -> None:
    sql_shop.create(GROUP, CUSTOMER)
    sql_shop.execute("CREATE TABLE fired (what VARCHAR(10))")
    for event in ("INSERT", "UPDATE"):
        sql_shop.execute(*_counting(sql_shop.kind, event))
    app = sql_shop.open()
    rows = customers("C1", "C2", name="Anna", credit=Decimal("1.5"))
    app.write("customer", rows, key=KEY)

    for fresh in (False, True):
        app.write("customer", rows, key=KEY, fresh=fresh)
    app.write("customer", customers("C1", "C2", name=["Anna", "Berta"]), key=KEY)

    fired = app.read(asking("fired", "what"))["what"].to_pylist()
    assert sorted(fired) == ["INSERT", "INSERT", "UPDATE"]


def _counting(kind: str, event: str) -> list[str]:
    note = f"INSERT INTO fired VALUES ('{event}')"
    if kind == "postgresql":
        return [
            (
                f"CREATE FUNCTION count_{event}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {note}; RETURN NEW; END $$"
            ),
            (
                f"CREATE TRIGGER count_{event} BEFORE {event} ON customer FOR EACH ROW "
                f"EXECUTE FUNCTION count_{event}()"
            ),
        ]
    body = note if kind == "mariadb" else f"BEGIN {note}; END"
    return [f"CREATE TRIGGER count_{event} BEFORE {event} ON customer FOR EACH ROW {body}"]


def test_money_that_is_no_number_is_read_as_null_and_noted(
    postgresql_server: Server, fresh_database: Callable[[str], str]
) -> None:
    shop = Workshop("postgresql", fresh_database("postgresql"), postgresql_server)
    shop.execute(
        "CREATE TABLE odd (k text PRIMARY KEY, amount numeric)",
        "INSERT INTO odd VALUES ('a', 1.5), ('b', 'NaN'), ('c', 1.12345678901)",
    )
    app = shop.open()

    rows = app.read(asking("odd", "k", "amount", key=("k",)))

    assert rows["amount"].to_pylist() == [Decimal("1.5"), None, None]
    assert unreadable_of(rows).to_pylist() == [
        None,
        '{"amount": "NaN"}',
        '{"amount": "1.12345678901"}',
    ]
    shop.close()


def test_exotic_types_of_postgresql_pass_as_text(
    postgresql_server: Server, fresh_database: Callable[[str], str]
) -> None:
    shop = Workshop("postgresql", fresh_database("postgresql"), postgresql_server)
    shop.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE DOMAIN code AS varchar(3)",
        "CREATE TABLE zoo (k char(5) PRIMARY KEY, m mood, j jsonb, p json, small smallint, "
        "f real, cash money, c code, twice int GENERATED ALWAYS AS (small * 2) STORED)",
    )
    app = shop.open()
    rows = pa.table(
        {
            "k": ["a", "b"],
            "m": ["glad", None],
            "j": ['{"x": 1}', None],
            "p": ['{"x":  1}', None],
            "small": [7, None],
            "f": [0.5, None],
            "cash": pa.array([Decimal("12.34"), None], pa.decimal128(19, 2)),
            "c": ["abc", None],
        }
    )

    assert app.write("zoo", rows, key=["k"], fresh=True) == Written(inserted=2)
    assert app.write("zoo", rows, key=["k"]) == Written(unchanged=2)
    result = app.read(asking("zoo", *rows.column_names)).sort_by("k")
    assert result.to_pylist() == rows.to_pylist()
    assert app.schema("zoo").columns["twice"].read_only
    with pytest.raises(RowsRefusedError, match="mood"):
        app.write("zoo", pa.table({"k": ["c"], "m": ["happy"]}), key=["k"])
    shop.close()


def test_an_app_in_memory_can_be_made_to_fail(app: App, shop: Workshop) -> None:
    if shop.kind != "memory":
        pytest.skip("only the app in memory can be made to fail")

    def away(operation: str, table: str) -> None:
        raise AppUnreachableError(app="finops", reason=f"{operation} {table}")

    shop.memory.before = away

    with pytest.raises(AppUnreachableError, match="select customer"):
        app.read(of_customers())
