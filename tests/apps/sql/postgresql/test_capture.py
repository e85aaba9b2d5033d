"""What capture in PostgreSQL has to itself: one function a queue, and nothing that can fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, NoCaptureError
from dualwrite.apps.transactions import Written
from dualwrite.errors import PrivilegeError, RowsRefusedError
from tests.apps.capturing import CAPTURE, G1, QUEUE, customer, entries, recorded
from tests.apps.reading import customers, of_customers, paths
from tests.apps.sql.core.test_faults import changed
from tests.apps.workshops import KEY, Workshop, table, text, workshop
from tests.apps.writings import OURS
from tests.servers.running import Server


@pytest.fixture
def shop(postgresql_server: Server, fresh_database: Callable[[str], str]) -> Iterator[Workshop]:
    """An empty PostgreSQL."""
    with workshop("postgresql", fresh_database, lambda _: postgresql_server) as made:
        yield made


@contextmanager
def connected(shop: Workshop) -> Iterator[psycopg.Connection[Any]]:
    """An application's connection that commits each statement."""
    address = sa.make_url(shop.url).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as one:
        yield one


class TestStatements:
    def test_an_emptied_table_queues_every_key(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"), customer("C2"))

        shop.execute("TRUNCATE customer")

        assert sorted(recorded(watched)[2:]) == [("d", "USMF", "C1"), ("d", "USMF", "C2")]

    def test_an_emptied_parent_queues_what_goes_with_it(self, shop: Workshop, app: App) -> None:
        """The parent is still there when the keys are followed."""
        capture = replace(CAPTURE, key=paths("number", "groupid.code"), columns=("number",))
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"})
            hand.insert("customer", customer("C1", groupid=G1))

        shop.execute('TRUNCATE "group" CASCADE')

        assert recorded(app, capture)[1:] == [("d", "C1", "g1")]

    def test_copy_and_upsert_and_merge_are_captured(self, shop: Workshop, watched: App) -> None:
        c1, c2 = customer("C1"), customer("C2")
        with connected(shop) as one:
            with one.cursor().copy("COPY customer (id, company, number) FROM STDIN") as copy:
                copy.write_row((c1["id"], "USMF", "C1"))
            one.execute(
                "INSERT INTO customer (id, company, number, name) VALUES (%s, 'USMF', 'C1', 'a'), "
                "(%s, 'USMF', 'C2', 'b') ON CONFLICT (company, number) "
                "DO UPDATE SET name = excluded.name",
                (c2["id"], c2["id"]),
            )
            one.execute(
                "MERGE INTO customer USING (VALUES ('C1'), ('C3')) AS new (number) "
                "ON customer.number = new.number WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN "
                "INSERT (id, company, number) VALUES (gen_random_uuid(), 'USMF', new.number)"
            )

        assert sorted(recorded(watched)) == [
            *[("d", "USMF", "C1"), ("i", "USMF", "C1"), ("i", "USMF", "C2")],
            *[("i", "USMF", "C3"), ("u", "USMF", "C1")],
        ]

    def test_a_savepoint_takes_its_entries_along(self, shop: Workshop, watched: App) -> None:
        with shop.sql_hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.rows("SAVEPOINT one")
            hand.insert("customer", customer("C2"))
            hand.rows("ROLLBACK TO SAVEPOINT one")
            hand.insert("customer", customer("C3"))

        assert recorded(watched) == [("i", "USMF", "C1"), ("i", "USMF", "C3")]

    def test_keys_that_rows_pass_on_are_gone_before_they_come(self, shop: Workshop) -> None:
        """Replayed in another order the last of them would be deleted."""
        shop.execute(
            "CREATE TABLE seat (id int PRIMARY KEY, place int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
        )
        app = shop.open()
        capture = Capture("dualwrite_q_seat_1", "seat", paths("place"), ("place",), images=True)
        app.install(capture)
        shop.execute("INSERT INTO seat VALUES (1, 1), (2, 2)", "UPDATE seat SET place = place + 1")

        found = recorded(app, capture)[2:]

        assert [op for op, _ in found] == ["d", "d", "i", "i"]
        assert sorted(found) == [("d", 1), ("d", 2), ("i", 2), ("i", 3)]

    def test_rows_that_nothing_tells_apart_go_and_come(self, shop: Workshop) -> None:
        shop.create(table("loose", text("k"), text("v")))
        app = shop.open()
        capture = Capture("dualwrite_q_loose_1", "loose", paths("k"), ("k", "v"))
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("loose", {"k": "a", "v": "1"})
            hand.update("loose", v="2")

        assert recorded(app, capture) == [("i", "a"), ("d", "a"), ("i", "a")]

    def test_types_without_an_equality_are_compared(self, shop: Workshop) -> None:
        shop.execute("CREATE TABLE doc (id int PRIMARY KEY, body json, spot point, mood money)")
        app = shop.open()
        capture = Capture("dualwrite_q_doc_1", "doc", paths("id"), ("id", "body", "spot", "mood"))
        app.install(capture)
        shop.execute(
            "INSERT INTO doc VALUES (1, '{}', '(1,2)', 3)",
            "UPDATE doc SET body = '{}', spot = '(1,2)', mood = 3",
            "UPDATE doc SET body = '{ }', mood = 4",
        )

        assert recorded(app, capture) == [("i", 1), ("u", 1)]
        assert entries(app, capture).changed.to_pylist() == [None, '"body","mood",']

    def test_a_plan_for_one_row_is_not_kept_for_many(self, shop: Workshop, watched: App) -> None:
        """Kept, it would compare each of 20,000 rows with each of them."""
        with connected(shop) as one:
            one.execute(
                "INSERT INTO customer (id, company, number) "
                "SELECT gen_random_uuid(), 'USMF', 'C' || n FROM generate_series(1, 20000) AS n"
            )
            for _ in range(6):
                one.execute("UPDATE customer SET name = name || 'x' WHERE number = 'C1'")
            one.execute("SET statement_timeout = '60s'")
            one.execute("UPDATE customer SET name = 'all'")

        assert watched.pending([QUEUE]) == {QUEUE: 40000}


class TestApplications:
    def test_a_user_without_rights_on_the_queue_is_captured(
        self, shop: Workshop, watched: App
    ) -> None:
        shop.execute(
            "CREATE ROLE seller LOGIN", "GRANT SELECT, INSERT, UPDATE, DELETE ON customer TO seller"
        )
        try:
            with connected(replace(shop, url=changed(shop.url, username="seller"))) as one:
                one.execute("CREATE TEMPORARY TABLE customer_trap (id int)")
                one.execute(f"CREATE TEMPORARY TABLE {QUEUE} (trap int)")
                one.execute(
                    "INSERT INTO customer (id, company, number) "
                    "VALUES (gen_random_uuid(), 'USMF', 'C1')"
                )
            assert recorded(watched) == [("i", "USMF", "C1")]
        finally:
            shop.execute("DROP OWNED BY seller", "DROP ROLE seller")

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            pytest.param(
                "ALTER TABLE customer RENAME name TO title",
                [("i", "C1", None), ("u", "C1", None), ("d", "C1", None), ("u", "C2", None)],
                id="a captured column is renamed",
            ),
            pytest.param(
                "ALTER TABLE customer DROP COLUMN credit CASCADE",
                [("i", "C1", None), ("u", "C1", None), ("d", "C1", None), ("u", "C2", None)],
                id="a captured column is dropped",
            ),
            pytest.param(
                "ALTER TABLE customer RENAME company TO firm",
                [("?", None, None)] * 3,
                id="a part of the key is renamed",
            ),
            pytest.param(
                f"ALTER TABLE {QUEUE} RENAME k1 TO other",
                [("?", None, None)] * 3,
                id="the queue is bent",
            ),
        ],
    )
    def test_it_goes_on_whatever_became_of_the_table(
        self, shop: Workshop, watched: App, change: str, expected: list[Any]
    ) -> None:
        shop.execute(change)
        with connected(shop) as one:
            firm = "firm" if "firm" in change else "company"
            one.execute(
                f"INSERT INTO customer (id, {firm}, number) "
                "VALUES (gen_random_uuid(), 'USMF', 'C1')"
            )
            one.execute("UPDATE customer SET rank = 1")
            one.execute("UPDATE customer SET number = 'C2'")
            found = one.execute(f"SELECT op, k2, changed FROM {QUEUE} ORDER BY id").fetchall()

        assert found == expected
        assert watched.problems(CAPTURE) != []

    def test_with_images_a_lost_column_leaves_only_a_mark(self, shop: Workshop, app: App) -> None:
        """An entry without its image would be replayed as a row of nothing."""
        capture = replace(CAPTURE, images=True)
        app.install(capture)
        shop.execute("ALTER TABLE customer DROP COLUMN credit")
        shop.execute(
            "INSERT INTO customer (id, company, number) VALUES (gen_random_uuid(), 'USMF', 'C1')"
        )
        with connected(shop) as one:
            assert one.execute(f"SELECT op, k2 FROM {QUEUE}").fetchall() == [("?", None)]

    def test_a_renamed_table_is_still_captured(self, shop: Workshop, watched: App) -> None:
        shop.execute("ALTER TABLE customer RENAME TO client")
        shop.execute(
            "INSERT INTO client (id, company, number) VALUES (gen_random_uuid(), 'USMF', 'C1')"
        )
        with connected(shop) as one:
            assert one.execute(f"SELECT op, k2 FROM {QUEUE}").fetchall() == [("i", "C1")]

        assert any("customer" in line for line in watched.problems(CAPTURE))
        watched.uninstall(CAPTURE)
        assert QUEUE not in shop.objects()

    def test_a_replica_role_is_captured(self, shop: Workshop, watched: App) -> None:
        with connected(shop) as one:
            one.execute("SET session_replication_role = replica")
            one.execute(
                "INSERT INTO customer (id, company, number) "
                "VALUES (gen_random_uuid(), 'USMF', 'C1')"
            )

        assert recorded(watched) == [("i", "USMF", "C1")]

    def test_two_that_install_at_once_both_succeed(self, shop: Workshop, app: App) -> None:
        apps = [shop.open() for _ in range(4)]
        errors: list[BaseException] = []

        def install(one: App) -> None:
            try:
                one.install(CAPTURE)
            except BaseException as error:  # noqa: BLE001 - asserted below
                errors.append(error)

        threads = [threading.Thread(target=install, args=(one,)) for one in apps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []
        assert app.problems(CAPTURE) == []


class TestAilments:
    @pytest.mark.parametrize(
        ("done", "expected"),
        [
            pytest.param(
                "DISABLE TRIGGER ALL",
                "trigger dualwrite_q_customer_0a1b2c_{} is switched off: "
                "its changes are not queued",
                id="off",
            ),
            pytest.param(
                "ENABLE TRIGGER ALL",
                "trigger dualwrite_q_customer_0a1b2c_{} was switched off and on again: "
                "what changed between is not queued",
                id="off and on again",
            ),
        ],
    )
    def test_triggers_that_were_switched_off_are_reported_and_repaired(
        self, shop: Workshop, watched: App, done: str, expected: str
    ) -> None:
        shop.execute(f"ALTER TABLE customer {done}")

        assert watched.problems(CAPTURE) == [expected.format(event) for event in "iudtr"]
        watched.install(CAPTURE)
        assert watched.problems(CAPTURE) == []

    def test_uncaptured_changes_are_reported_and_prevent_nothing(self, shop: Workshop) -> None:
        shop.execute(
            "CREATE TABLE unit (id int PRIMARY KEY, code text)",
            "CREATE TABLE part (id int NOT NULL, unit int CONSTRAINT of_unit REFERENCES unit "
            "ON DELETE CASCADE) PARTITION BY RANGE (id)",
            "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10)",
        )
        app = shop.open()
        capture = Capture("dualwrite_q_part_1", "part", paths("id", "unit.code"), ("id",))
        app.install(capture)
        shop.execute("INSERT INTO unit VALUES (1, 'kg')", "INSERT INTO part VALUES (1, 1)")

        assert recorded(app, capture) == [("i", 1, "kg")]
        cascade = "foreign key of_unit: a row that changes with its unit (ON DELETE CASCADE) "
        assert app.problems(capture) == [f"{cascade}is queued without its key"]
        assert app.blind(capture) == app.problems(capture)

    @pytest.mark.parametrize("kind", ["partition", "heir"])
    def test_what_is_written_straight_into_a_part_is_queued_once(
        self, shop: Workshop, kind: str
    ) -> None:
        whole, low, high = {
            "partition": (
                "PARTITION BY RANGE (id)",
                "PARTITION OF part FOR VALUES FROM (0) TO (10)",
                "PARTITION OF part FOR VALUES FROM (10) TO (20)",
            ),
            "heir": ("", "() INHERITS (part)", "() INHERITS (part)"),
        }[kind]
        shop.execute(
            f"CREATE TABLE part (id int PRIMARY KEY, name text) {whole}",
            f"CREATE TABLE part_low {low}",
        )
        app = shop.open()
        capture = Capture("dualwrite_q_part_1", "part", paths("id"), ("id", "name"))
        app.install(capture)

        shop.execute(
            "INSERT INTO part_low VALUES (1, 'a'), (2, 'b')",
            "UPDATE part_low SET name = 'c' WHERE id = 1",
            "UPDATE part SET name = 'd' WHERE id = 2",
        )
        assert recorded(app, capture) == [("i", 1), ("i", 2), ("u", 1), ("u", 2)]
        shop.execute("DELETE FROM part_low WHERE id = 2", "TRUNCATE part_low")
        assert recorded(app, capture)[4:] == [("d", 2), ("d", 1)]
        assert app.problems(capture) == []

        shop.execute(f"CREATE TABLE part_high {high}", "INSERT INTO part_high VALUES (11, 'e')")
        missing = "is missing: its changes are not queued"
        events = "iudt" if kind == "partition" else "iudtrm"
        assert app.problems(capture) == [
            f"trigger dualwrite_q_part_1_{event} of public.part_high {missing}" for event in events
        ]
        app.install(capture)
        assert app.problems(capture) == []
        shop.execute("UPDATE part_high SET name = 'f'")
        assert recorded(app, capture)[-1] == ("u", 11)
        app.uninstall(capture)
        assert "dualwrite_q_part_1_i" not in shop.objects()

    def test_a_table_in_a_later_schema_of_the_search_path_is_captured(self, shop: Workshop) -> None:
        shop.execute(
            "CREATE SCHEMA erp",
            "CREATE SCHEMA ref",
            "CREATE TABLE ref.item (id int PRIMARY KEY, name text)",
        )
        mark = "&" if "?" in shop.url else "?"
        app = shop.open(f"{shop.url}{mark}options=-c%20search_path%3Derp,ref")
        capture = Capture("dualwrite_q_item_1", "item", paths("id"), ("id", "name"))
        app.install(capture)

        assert app.problems(capture) == []
        shop.execute("INSERT INTO ref.item VALUES (1, 'a')", "TRUNCATE ref.item")
        assert recorded(app, capture) == [("i", 1), ("d", 1)]
        fresh = pa.table({"id": list(range(2, 600)), "name": ["b"] * 598})
        assert app.write("item", fresh, key=["id"], fresh=True) == Written(inserted=598)
        app.uninstall(capture)

    def test_a_view_cannot_be_captured(self, shop: Workshop, app: App) -> None:
        shop.execute("CREATE VIEW seen AS SELECT * FROM customer")

        with pytest.raises(NoCaptureError) as caught:
            app.install(Capture("dualwrite_q_seen_1", "seen", paths("number"), ("number",)))
        assert str(caught.value) == (
            "finops.seen: changes cannot be captured (it is a view). Nothing was installed.\n"
            "  Map the table below it, or compare both sides on a schedule "
            "(dualwrite reconcile --repair)."
        )

    def test_a_user_that_may_not_make_triggers_is_reported(self, shop: Workshop, app: App) -> None:
        shop.execute("CREATE ROLE clerk_c LOGIN", "GRANT SELECT ON customer TO clerk_c")
        ours = shop.open(changed(shop.url, username="clerk_c"))
        try:
            with pytest.raises(PrivilegeError) as caught:
                ours.install(CAPTURE)
            assert (caught.value.table, caught.value.privilege) == (
                "customer",
                "make tables and triggers",
            )
            assert QUEUE not in shop.objects()
        finally:
            ours.close()
            shop.execute("DROP OWNED BY clerk_c", "DROP ROLE clerk_c")


class TestWriting:
    def test_a_row_is_read_with_the_lookups_that_it_has_under_the_lock(
        self, shop: Workshop, watched: App
    ) -> None:
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"})
            hand.insert("customer", customer("C1"))
        with watched.writing(OURS) as writing:
            with shop.hand() as hand:
                hand.update("customer", groupid=G1)
            found = writing.lock(of_customers("groupid.code"), customers("C1"))

        assert found.rows["groupid.code"].to_pylist() == ["g1"]

    def test_a_row_newer_than_the_statement_that_locks_it_is_read_again(
        self, shop: Workshop, watched: App
    ) -> None:
        """Its own transaction's row counts as one: nobody can tell when it came."""
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"})
            hand.insert("customer", customer("C1"))
            hand.insert("customer", customer("C2", groupid=G1))
        with watched.writing(OURS) as writing:
            writing.update("customer", customers("C1", groupid=G1), key=KEY)
            found = writing.lock(of_customers("groupid.code"), customers("C1", "C2"))

        assert found.rows["groupid.code"].to_pylist() == ["g1", "g1"]

    def test_a_null_byte_is_refused_as_a_row(self, watched: App) -> None:
        with watched.writing(OURS) as writing:
            with pytest.raises(RowsRefusedError):
                writing.insert("customer", customers("C1", name="a\0b"), key=KEY)
            writing.insert("customer", customers("C2"), key=KEY)

        assert watched.count(of_customers()) == 1
