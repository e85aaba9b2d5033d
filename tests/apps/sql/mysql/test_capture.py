"""What capture in MariaDB and MySQL has to itself: guards, cascades, lost transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pymysql
import pytest
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, NoCaptureError
from dualwrite.apps.query import Query
from dualwrite.errors import AppBusyError, DualWriteError, PrivilegeError, RowsRefusedError
from tests.apps.capturing import CAPTURE, QUEUE, customer, entries, recorded
from tests.apps.hands import sql_hand
from tests.apps.reading import customers, of_customers, paths
from tests.apps.sql.core.test_faults import changed
from tests.apps.workshops import CUSTOMER, GROUP, KEY, Workshop, workshop
from tests.apps.writings import ONE, OURS, Prepared
from tests.servers.running import Server


@pytest.fixture
def shop(mariadb_server: Server, fresh_database: Callable[[str], str]) -> Iterator[Workshop]:
    """An empty MariaDB."""
    with workshop("mariadb", fresh_database, lambda _: mariadb_server) as made:
        yield made


def test_truncate_is_refused_as_no_trigger_sees_it(shop: Workshop, watched: App) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="dualwrite_q_customer_0a1b2c_t"):
        shop.execute("TRUNCATE TABLE customer")

    watched.uninstall(CAPTURE)
    shop.execute("SET foreign_key_checks = 0", "TRUNCATE TABLE customer")


def test_a_lost_guard_is_reported_and_repaired(shop: Workshop, watched: App) -> None:
    shop.drop_table(f"{QUEUE}_t")

    assert watched.problems(CAPTURE) == [
        "no foreign key guards customer: TRUNCATE would empty it unseen"
    ]
    watched.install(CAPTURE)
    assert watched.problems(CAPTURE) == []


@pytest.mark.parametrize("kept", [True, False])
def test_a_table_that_was_swapped_for_a_copy_is_reported_and_repaired(
    shop: Workshop, watched: App, kept: bool
) -> None:
    """As online schema changes do: copy, rename, drop the old one."""
    shop.execute(
        "CREATE TABLE copied LIKE customer",
        "RENAME TABLE customer TO old_customer, copied TO customer",
    )
    if not kept:
        shop.drop_table(f"{QUEUE}_t")
        shop.drop_table("old_customer")
    shop.execute("INSERT INTO customer (id, company, number) VALUES (UUID(), 'USMF', 'C1')")

    state = "on another table" if kept else "missing"
    assert watched.problems(CAPTURE) == [
        *(f"trigger {QUEUE}_{event} is {state}: its changes are not queued" for event in "iud"),
        "no foreign key guards customer: TRUNCATE would empty it unseen",
    ]
    watched.install(CAPTURE)
    assert watched.problems(CAPTURE) == []
    shop.execute("UPDATE customer SET name = 'x'")
    assert recorded(watched) == [("u", "USMF", "C1")]


def test_a_table_of_the_longest_name_is_captured_and_guarded(shop: Workshop) -> None:
    shop.execute(f"CREATE TABLE {'t' * 64} (id bigint PRIMARY KEY)")
    app = shop.open()
    # of 59 letters, the longest there is (`queue_name`)
    capture = Capture(f"dualwrite_q_{'t' * 40}_0a1b2c", "t" * 64, paths("id"), ("id",))

    app.install(capture)

    assert app.problems(capture) == []
    with pytest.raises(pymysql.err.OperationalError, match="a foreign key constraint"):
        shop.execute(f"TRUNCATE TABLE {'t' * 64}")
    app.uninstall(capture)


def test_a_table_that_no_key_can_point_at_is_captured_and_reported(shop: Workshop) -> None:
    shop.execute(
        "CREATE TABLE parts (id bigint PRIMARY KEY, name varchar(20)) "
        "PARTITION BY HASH (id) PARTITIONS 2"
    )
    app = shop.open()
    capture = Capture("dualwrite_q_parts_1", "parts", paths("id"), ("id", "name"))

    app.install(capture)

    assert app.problems(capture) == ["no foreign key guards parts: TRUNCATE would empty it unseen"]
    with shop.hand() as hand:
        hand.insert("parts", {"id": 1, "name": "x"})
    assert recorded(app, capture) == [("i", 1)]
    app.uninstall(capture)


def test_a_table_without_transactions_cannot_be_captured(shop: Workshop) -> None:
    shop.execute("CREATE TABLE old (id bigint PRIMARY KEY) ENGINE=MyISAM")
    app = shop.open()

    with pytest.raises(NoCaptureError) as told_so:
        app.install(Capture("dualwrite_q_old_1", "old", paths("id"), ("id",)))

    assert str(told_so.value) == (
        "finops.old: changes cannot be captured (its engine MyISAM knows no transactions). "
        "Nothing was installed.\n"
        "  Map the table below it, or compare both sides on a schedule "
        "(dualwrite reconcile --repair)."
    )
    assert app.pending(["dualwrite_q_old_1"]) == {}


@pytest.mark.parametrize(
    ("rule", "columns", "told_of"),
    [
        pytest.param("ON DELETE CASCADE", ("id",), ["ON DELETE CASCADE"], id="rows go"),
        pytest.param("ON DELETE SET NULL", ("id",), [], id="clears what is not captured"),
        pytest.param("ON DELETE SET NULL", ("of",), ["ON DELETE SET NULL"], id="clears"),
        pytest.param("ON UPDATE CASCADE", ("of",), ["ON UPDATE CASCADE"], id="follows"),
        pytest.param("", ("id", "of"), [], id="refuses"),
    ],
)
def test_cascades_are_named(
    shop: Workshop, rule: str, columns: tuple[str, ...], told_of: list[str]
) -> None:
    shop.execute(
        "CREATE TABLE head (id bigint PRIMARY KEY)",
        "CREATE TABLE line (id bigint PRIMARY KEY, of bigint NULL, "
        f"CONSTRAINT line_of FOREIGN KEY (of) REFERENCES head (id) {rule})",
    )
    app = shop.open()
    capture = Capture("dualwrite_q_line_1", "line", paths("id"), columns)
    app.install(capture)

    assert app.problems(capture) == [
        f"foreign key line_of: no trigger sees what head does here {each}" for each in told_of
    ]


def test_keys_are_equal_by_their_collation(shop: Workshop) -> None:
    shop.execute(
        "CREATE TABLE item (code varchar(10) CHARACTER SET latin1 COLLATE latin1_german1_ci "
        "PRIMARY KEY, name varchar(10) CHARACTER SET latin1)"
    )
    app = shop.open()
    capture = Capture("dualwrite_q_item_1", "item", paths("code"), ("code", "name"))
    app.install(capture)
    with shop.sql_hand() as hand:
        hand.rows("SET NAMES latin1")
        hand.rows("SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+05:00'")
        hand.rows("INSERT INTO item VALUES ('Müll', 'a')".encode("latin1"))  # type: ignore[arg-type]
        hand.rows("SET NAMES utf8mb4")
        hand.rows("UPDATE item SET code = 'MÜLL'")

    assert recorded(app, capture) == [("i", "Müll"), ("d", "Müll"), ("i", "MÜLL")]
    ages = [
        abs((at - datetime.now(UTC)).total_seconds()) for at in entries(app, capture).at.to_pylist()
    ]
    assert max(ages) < 60
    with app.writing() as writing:
        assert len(writing.entries(capture, pa.table({"code": ["mÜLL"]}))) == 3


def test_a_key_that_the_app_takes_for_another_is_refused_with_both(shop: Workshop) -> None:
    shop.execute("CREATE TABLE item (code varchar(10) PRIMARY KEY, name varchar(10))")
    app = shop.open()
    app.write("item", pa.table({"code": ["ab"], "name": ["1"]}), key=["code"])
    fresh = pa.table({"code": ["AB"], "name": ["2"]})

    with pytest.raises(RowsRefusedError) as refused, app.writing() as writing:
        writing.insert("item", fresh, key=["code"], fresh=True)

    assert refused.value.reason == (
        "the app takes (AB) for its row (ab): the collation of code does not tell them apart"
    )
    assert app.read(Query("item", paths("code", "name"), paths("code"))).to_pylist() == [
        {"code": "ab", "name": "1"}
    ]


def test_every_way_to_change_rows_is_captured(shop: Workshop, watched: App) -> None:
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"), customer("C2"))
    identity = customer("C1")["id"]
    shop.execute(
        f"INSERT INTO customer (id, company, number) VALUES ('{identity}', 'USMF', 'C1') "
        "ON DUPLICATE KEY UPDATE name = 'again'",
        "INSERT INTO customer (id, company, number) SELECT uuid(), company, concat(number, 'x') "
        "FROM customer WHERE number = 'C2'",
        "UPDATE customer a JOIN customer b ON b.number = 'C1' SET a.name = b.name "
        "WHERE a.number = 'C2'",
        "DELETE a FROM customer a JOIN customer b ON b.number = 'C1' WHERE a.number = 'C2x'",
    )

    assert recorded(watched)[2:] == [
        *[("u", "USMF", "C1"), ("i", "USMF", "C2x"), ("u", "USMF", "C2"), ("d", "USMF", "C2x")]
    ]


def test_what_no_longer_fits_is_recorded_as_a_change_of_unknown_kind(
    shop: Workshop, app: App
) -> None:
    """Whoever reads it has to compare the table as a whole."""
    capture = replace(CAPTURE, key=paths("number", "groupid.code"), columns=("number", "groupid"))
    app.install(capture)
    shop.execute(
        "SET foreign_key_checks = 0", "ALTER TABLE customer DROP FOREIGN KEY customer_ibfk_1"
    )
    shop.execute("ALTER TABLE `group` RENAME TO teams")
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"))

    shop.execute("ALTER TABLE teams RENAME TO `group`")
    assert recorded(app, capture) == [("?", None, None)]


@pytest.fixture
def users(shop: Workshop) -> Iterator[Callable[[str, str], str]]:
    """Makes a user with rights on the database; the URL by which they come in."""
    made: list[str] = []

    def make(name: str, rights: str) -> str:
        user = f"{name}@'%'"
        database = sa.make_url(shop.url).database
        shop.execute(f"CREATE USER {user}", f"GRANT {rights} ON {database}.* TO {user}")
        made.append(user)
        return changed(shop.url, username=name)

    yield make
    for user in made:
        shop.execute(f"DROP USER {user}")


def test_the_rights_that_we_ask_for_are_enough_and_applications_need_none(
    shop: Workshop, users: Callable[[str, str], str]
) -> None:
    shop.create(GROUP, CUSTOMER)
    ours = shop.open(
        users(
            "dw_all",
            "SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, "
            "CREATE, ALTER, DROP, INDEX, REFERENCES, TRIGGER",
        )
    )
    theirs = users("dw_clerk", "SELECT")
    shop.execute("GRANT INSERT, UPDATE, DELETE ON customer TO dw_clerk@'%'")
    capture = replace(CAPTURE, key=paths("number", "groupid.code"))

    ours.install(capture)

    assert ours.problems(capture) == []
    with sql_hand("mariadb", theirs, shop.quote) as hand:
        hand.insert("customer", customer("C1"))
    with ours.writing(OURS) as writing:
        writing.insert("customer", customers("C2"), key=KEY)
        writing.acknowledge(capture, entries(ours, capture).id)
    ours.uninstall(capture)


def test_without_the_right_to_make_triggers_nothing_stays(
    shop: Workshop, users: Callable[[str, str], str]
) -> None:
    shop.create(GROUP, CUSTOMER)
    app = shop.open(users("dw_few", "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX"))

    with pytest.raises(PrivilegeError) as caught:
        app.install(CAPTURE)

    assert caught.value.table == "customer"
    assert app.pending([QUEUE]) == {}


def test_a_transaction_that_was_lost_is_not_gone_on_with(shop: Workshop, watched: App) -> None:
    """After a deadlock each statement would commit by itself."""
    watched.write("customer", customers("C1", "C2"), key=KEY)
    with shop.sql_hand() as other:
        other.update("customer", ONE, name="theirs")

        def carry() -> None:
            with watched.writing(OURS) as writing:
                writing.insert("customer", customers("C3"), key=KEY, fresh=True)
                with suppress(AppBusyError):
                    writing.update("customer", customers("C1", name="ours"), key=KEY)
                writing.insert("customer", customers("C4"), key=KEY, fresh=True)

        with pytest.raises(AppBusyError):
            carry()

    assert sorted(watched.read(of_customers())["number"].to_pylist()) == ["C1", "C2"]
    assert recorded(watched)[2:] == [("u", "USMF", "C1")]


def test_a_server_that_kills_us_leaves_nothing_silent(shop: Workshop, watched: App) -> None:
    def carry() -> None:
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)
            with shop.sql_hand() as hand:
                for (number,) in hand.rows(
                    "SELECT id FROM information_schema.PROCESSLIST "
                    "WHERE db = database() AND id <> connection_id() AND command = 'Sleep'"
                ):
                    hand.rows(f"KILL {number}")
            writing.insert("customer", customers("C2"), key=KEY)

    with pytest.raises(DualWriteError):
        carry()
    with suppress(DualWriteError):  # other idle connections died too
        watched.count(of_customers())
    watched.write("customer", customers("C3"), key=KEY)

    assert recorded(watched) == [("i", "USMF", "C3")]
    assert watched.read(of_customers())["number"].to_pylist() == ["C3"]


class TestPrepared(Prepared):
    """XA: what was prepared outlives its connection."""


def test_commits_that_are_not_on_disk_are_told(app: App, mariadb_server: Server) -> None:
    name = "innodb_flush_log_at_trx_commit"
    before = app.cautions()  # the test servers do not wait for the disk

    mariadb_server.execute(f"SET GLOBAL {name} = 1")
    try:
        assert app.cautions() == []
        mariadb_server.execute(f"SET GLOBAL {name} = 2")
        ((told, cure),) = app.cautions()
        assert told.startswith(f"{name} = 2: a power cut loses about the last second of commits")
        assert cure == "set it to 1"
    finally:
        mariadb_server.execute(f"SET GLOBAL {name} = {0 if before else 1}")
