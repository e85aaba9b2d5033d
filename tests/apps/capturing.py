"""The contract of capture: what is queued, and how queues are read, installed and watched.

`test_capture_contract.py` runs it against all apps; `writings.py` holds the other half.
Changes come by the application's own hand (`hands.py`), past everything of ours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture, NoCaptureError, QueueMissingError
from dualwrite.apps.entries import Entries, Op, changed_text
from dualwrite.errors import AppBusyError, MissingColumnError, MissingTableError
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference
from tests.apps.reading import customers, of_customers, paths
from tests.apps.workshops import KEY, NAIVE, Workshop, money, number, table, text, typed, uuid
from tests.apps.workshops import UTC as UTC_TYPE

QUEUE = "dualwrite_q_customer_0a1b2c"
CAPTURE = Capture(QUEUE, "customer", paths(*KEY), ("company", "number", "name", "credit"))
OTHER = Capture("dualwrite_q_customer_3d4e5f", "customer", paths("number"), ("number", "rank"))
G1, G2 = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "7f9619ff-8b86-4d01-b42d-00cf4fc964ff"


def entries(app: App, capture: Capture = CAPTURE) -> Entries:
    """All entries of a queue."""
    with app.snapshot() as snapshot:
        return snapshot.entries(capture, limit=100_000)


def recorded(app: App, capture: Capture = CAPTURE) -> list[tuple[Any, ...]]:
    """Operation and key of each entry, by id."""
    found = entries(app, capture)
    columns = [column.to_pylist() for column in (found.op, *found.keys.columns)]
    return list(zip(*columns, strict=True))


def customer(number: str, **values: Any) -> Mapping[str, Any]:
    """A customer of USMF, its identity after its number."""
    identity = f"{number.encode().hex():0>8}-8b86-4d01-b42d-00cf4fc964ff"
    return {"id": identity, "company": "USMF", "number": number, **values}


def one_writer(shop: Workshop) -> None:
    """Skip what needs two transactions at once."""
    if shop.kind in ("memory", "sqlite"):
        pytest.skip("one writer at a time: a second transaction waits for the first")


class Queuing:
    def test_a_row_that_comes_changes_and_goes(self, shop: Workshop, watched: App) -> None:
        began = datetime.now(UTC)
        with shop.hand() as hand:
            hand.insert("customer", customer("C1", name="Anna"))
        with shop.hand() as hand:
            hand.update("customer", {"number": "C1"}, name="Berta")
        with shop.hand() as hand:
            hand.delete("customer", {"number": "C1"})

        found = entries(watched)

        assert found.keys.schema == pa.schema([("company", pa.string()), ("number", pa.string())])
        assert (found.id.type, found.at.type) == (pa.int64(), UTC_TYPE)
        assert found.op.to_pylist() == ["i", "u", "d"]
        assert found.changed.to_pylist() == [None, '"name",', None]
        assert found.keys["number"].to_pylist() == ["C1"] * 3
        assert all(abs((at - began).total_seconds()) < 60 for at in found.at.to_pylist())

    def test_every_changed_column_is_named(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.update("customer", name="Anna", credit=Decimal("1.5"), rank=3)

        assert entries(watched).changed.to_pylist() == [None, changed_text(["name", "credit"])]

    @pytest.mark.parametrize(
        ("before", "after", "queued"),
        [
            pytest.param("a", "A", True, id="another case"),
            pytest.param("a", "a ", True, id="a blank behind"),
            pytest.param("", None, True, id="cleared"),
            pytest.param(None, "", True, id="filled with nothing"),
            pytest.param("a", "a", False, id="the same"),
            pytest.param(None, None, False, id="nothing again"),
        ],
    )
    def test_a_change_is_one_to_the_last_letter(
        self, shop: Workshop, watched: App, before: str, after: str, queued: bool
    ) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1", name=before))
            hand.update("customer", name=after)

        assert [op for op, *_ in recorded(watched)] == (["i", "u"] if queued else ["i"])

    def test_a_column_that_is_not_captured_queues_nothing(
        self, shop: Workshop, watched: App
    ) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.update("customer", rank=7)

        assert recorded(watched) == [("i", "USMF", "C1")]

    def test_one_statement_over_many_rows(self, shop: Workshop, watched: App) -> None:
        numbers = [f"C{i:03d}" for i in range(300)]
        with shop.hand() as hand:
            hand.insert("customer", *(customer(n, name="a", rank=0) for n in numbers))
            hand.update("customer", {"number": "C007"}, name="b")
            hand.update("customer", name="b")
            hand.delete("customer")

        found = recorded(watched)

        assert sorted(found[:300]) == [("i", "USMF", n) for n in numbers]
        assert sorted(found[300:600]) == [("u", "USMF", n) for n in numbers]
        assert sorted(found[600:]) == [("d", "USMF", n) for n in numbers]

    def test_an_apps_own_bulk_write_is_captured(self, watched: App) -> None:
        numbers = [f"C{i:04d}" for i in range(1500)]
        watched.write("customer", customers(*numbers, name="a"), key=KEY, fresh=True)
        changed = customers("C0001", "C0002", "X", name=["a", "b", "c"])
        watched.write("customer", changed, key=KEY)

        assert watched.pending([QUEUE]) == {QUEUE: 1502}
        assert sorted(recorded(watched)[1500:]) == [("i", "USMF", "X"), ("u", "USMF", "C0002")]

    def test_a_changed_key_queues_both(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.update("customer", number="C9", name="x")

        assert recorded(watched)[1:] == [("d", "USMF", "C1"), ("i", "USMF", "C9")]
        found = entries(watched)
        assert found.changed.to_pylist() == [None] * 3
        assert found.was is not None
        assert found.was.schema == found.keys.schema
        nothing = {"company": None, "number": None}
        assert found.was.to_pylist() == [nothing, nothing, {"company": "USMF", "number": "C1"}]
        both = Entries.concat([found.slice(0, 2), found])
        assert both.was == pa.concat_tables([found.was.slice(0, 2), found.was])

    def test_many_keys_changed_by_one_statement(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"), customer("C2"))
            hand.update("customer", company="DEMF")

        assert sorted(recorded(watched)[2:]) == [
            *[("d", "USMF", "C1"), ("d", "USMF", "C2")],
            *[("i", "DEMF", "C1"), ("i", "DEMF", "C2")],
        ]
        found = entries(watched)
        assert found.was is not None
        come = found.is_op(Op.INSERT)
        was, now = (part.filter(come).to_pylist()[2:] for part in (found.was, found.keys))
        assert [{**each, "company": "DEMF"} for each in was] == now

    def test_a_key_behind_a_lookup_is_known_when_its_parent_is_gone(
        self, shop: Workshop, app: App
    ) -> None:
        """Looked up later, it would be null, and nobody could tell which row went."""
        capture = replace(CAPTURE, key=paths("number", "groupid.code"), columns=("number",))
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"}, {"id": G2, "code": "g2"})
            hand.insert("customer", customer("C1", groupid=G1))
        with shop.hand() as hand:
            hand.update("customer", groupid=G2)
            hand.delete("customer")
            hand.delete("group")

        assert recorded(app, capture) == [
            *[("i", "C1", "g1"), ("d", "C1", "g1"), ("i", "C1", "g2"), ("d", "C1", "g2")]
        ]

    def test_a_key_that_keeps_its_lookup_is_known_by_what_it_was(
        self, shop: Workshop, app: App
    ) -> None:
        capture = replace(CAPTURE, key=paths("number", "groupid.code"), columns=("number",))
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"})
            hand.insert("customer", customer("C1", groupid=G1))
        with shop.hand() as hand:
            hand.update("customer", number="C2")

        found = entries(app, capture)
        assert sorted(recorded(app, capture)[1:]) == [("d", "C1", "g1"), ("i", "C2", "g1")]
        assert found.was is not None
        was = {"number": "C1", "groupid.code": "g1"}
        assert [each for each in found.was.to_pylist() if each["number"]] == [was]

    def test_a_lookup_blocks_no_application(self, shop: Workshop, app: App) -> None:
        """One changes the parent, another a child of it, as they could before us."""
        one_writer(shop)
        capture = replace(CAPTURE, key=paths("number", "groupid.code"), columns=("number", "name"))
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"})
            hand.insert("customer", customer("C1", groupid=G1), customer("C2", groupid=G1))
        app.install(capture)
        with shop.hand() as one:
            one.update("group", {"id": G1}, code="new")
            with shop.hand() as other:
                other.update("customer", {"id": customer("C1")["id"]}, name="x")
                other.delete("customer", {"id": customer("C2")["id"]})

        assert recorded(app, capture) == [("u", "C1", "g1"), ("d", "C2", "g1")]

    def test_a_parent_is_found_that_came_after_an_application_began(
        self, shop: Workshop, app: App
    ) -> None:
        """It reads an older state, but may point at what others have committed since."""
        one_writer(shop)
        capture = replace(CAPTURE, key=paths("number", "groupid.code"), columns=("number",))
        app.install(capture)
        with shop.sql_hand() as late:
            late.rows("SELECT count(*) FROM customer")
            with shop.hand() as quick:
                quick.insert("group", {"id": G1, "code": "g1"})
            late.insert("customer", customer("C1", groupid=G1))

        assert recorded(app, capture) == [("i", "C1", "g1")]

    def test_a_key_behind_two_lookups(self, shop: Workshop, app: App) -> None:
        capture = replace(
            CAPTURE, key=paths("number", "parentid.groupid.code"), columns=("number",)
        )
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g1"})
            hand.insert("customer", customer("C1", groupid=G1))
            hand.insert("customer", customer("C2", parentid=customer("C1")["id"]))

        assert recorded(app, capture) == [("i", "C1", None), ("i", "C2", "g1")]

    def test_a_key_behind_a_lookup_that_the_map_declares(self, shop: Workshop) -> None:
        shop.create(
            table("unit", text("code"), text("title"), key=("code",)),
            table("price", number("id", nullable=False), text("unit"), key=("id",)),
        )
        app = shop.open()
        capture = Capture(
            "dualwrite_q_price_1",
            "price",
            paths("id", "unit.title"),
            ("id",),
            lookups={"unit": Reference("unit", "code")},
        )
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("unit", {"code": "kg", "title": "Kilo"})
            hand.insert("price", {"id": 1, "unit": "kg"}, {"id": 2, "unit": "lb"})

        assert sorted(recorded(app, capture)) == [("i", 1, "Kilo"), ("i", 2, None)]

    def test_a_key_without_a_value_is_null(self, shop: Workshop, app: App) -> None:
        capture = replace(CAPTURE, key=paths("number", "name"))
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("customer", customer("C1", name=None))
            hand.update("customer", name="Anna")
            hand.update("customer", name=None)

        assert recorded(app, capture) == [
            *[("i", "C1", None), ("d", "C1", None), ("i", "C1", "Anna")],
            *[("d", "C1", "Anna"), ("i", "C1", None)],
        ]

    def test_every_type_of_key_comes_back(self, shop: Workshop) -> None:
        columns = {
            "n": (number("n"), -(2**53)),
            "amount": (money("amount", 28, 10), Decimal("1234567890.0123456789")),
            "day": (typed("day", pa.date32()), date(2154, 12, 31)),
            "at": (typed("at", NAIVE), datetime(2026, 3, 29, 1, 30, 0, 1)),  # noqa: DTZ001
            "flag": (typed("flag", pa.bool_()), True),
            "who": (uuid("who"), G1),
            "word": (text("word"), 'it\'s "so" \\ 100 % :x ? é 😀'),
        }
        shop.create(table("kinds", number("id"), *(c for c, _ in columns.values()), key=("id",)))
        app = shop.open()
        capture = Capture("dualwrite_q_kinds_1", "kinds", paths(*columns), ("id",))
        app.install(capture)
        values = {name: value for name, (_, value) in columns.items()}
        with shop.hand() as hand:
            hand.insert("kinds", {"id": 1, **values}, {"id": 2, **dict.fromkeys(columns)})

        found = entries(app, capture)
        keys = found.keys

        assert keys.schema.types == [c.type for c, _ in columns.values()]
        assert sorted(keys.to_pylist(), key=str) == [values, dict.fromkeys(columns)]
        with app.writing() as writing:
            met = writing.entries(capture, keys)
        assert len(met) == 1
        assert met.keys["n"].to_pylist() == [values["n"]]

    def test_names_are_quoted(self, shop: Workshop) -> None:
        names = ["With Space", 'quo"te', "quo'te", "per%cent %s", "Über", "back`tick", "do.t"]
        hostile = "Order %s by 'Ü\"`"
        shop.create(table(hostile, text("key", nullable=False), *map(text, names), key=("key",)))
        app = shop.open()
        capture = Capture(
            f"dualwrite_q_{hostile}_1",
            hostile,
            (ColumnPath(("key",)), *(ColumnPath((name,)) for name in names[:4])),
            ("key", *names),
        )
        app.install(capture)
        with shop.hand() as hand:
            hand.insert(hostile, {"key": "1", **dict.fromkeys(names, "x")})
            hand.update(hostile, None, **dict.fromkeys(names[4:], "y"))
            hand.update(hostile, None, **{names[0]: "z"})

        assert entries(app, capture).changed.to_pylist() == [
            *[None, changed_text(names[4:]), None, None]
        ]
        assert recorded(app, capture)[-1] == ("i", "1", "z", "x", "x", "x")
        assert app.problems(capture) == []
        app.uninstall(capture)
        assert app.pending([capture.queue]) == {}

    def test_a_key_that_outgrew_its_column_is_reported(
        self, sql_shop: Workshop, watched: App
    ) -> None:
        """The app widens a column first, and we learn of it later or never."""
        if wider := {
            "postgresql": "ALTER COLUMN number TYPE varchar(60)",
            "mariadb": "MODIFY number varchar(60) COLLATE utf8mb4_bin NOT NULL",
        }.get(sql_shop.kind):
            sql_shop.execute(f"ALTER TABLE customer {wider}")
        with sql_shop.hand() as hand:
            hand.insert("customer", {**customer("C1"), "number": "C" * 50})

        assert recorded(watched) == [("i", "USMF", "C" * 50)]

    def test_two_queues_over_one_table(self, shop: Workshop, watched: App) -> None:
        watched.install(OTHER)
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.update("customer", rank=1)
            hand.update("customer", name="x")

        assert recorded(watched) == [("i", "USMF", "C1"), ("u", "USMF", "C1")]
        assert recorded(watched, OTHER) == [("i", "C1"), ("u", "C1")]

    def test_what_is_rolled_back_is_not_queued(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.rollback()

        assert recorded(watched) == []

    def test_what_commits_late_is_not_lost(self, shop: Workshop, watched: App) -> None:
        """The slow one has the lower id: a cursor would have passed it."""
        one_writer(shop)
        with shop.hand() as slow:
            slow.insert("customer", customer("C1"))
            with shop.hand() as quick:
                quick.insert("customer", customer("C2"))
            seen = entries(watched)
            assert watched.acknowledge(QUEUE, seen.id) == 1

        assert seen.keys["number"].to_pylist() == ["C2"]
        assert recorded(watched) == [("i", "USMF", "C1")]

    def test_emptying_a_table_is_captured_or_refused(self, shop: Workshop, watched: App) -> None:
        if shop.kind in ("memory", "sqlite"):
            pytest.skip("has no TRUNCATE")
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"), customer("C2"))

        with suppress(Exception):
            shop.execute("TRUNCATE TABLE customer")

        left = watched.count(of_customers())
        gone = [number for op, _, number in recorded(watched) if op == "d"]
        assert (left, sorted(gone)) in [(2, []), (0, ["C1", "C2"])]

    def test_a_row_put_in_the_place_of_another(self, shop: Workshop, watched: App) -> None:
        if shop.kind not in ("sqlite", "mariadb"):
            pytest.skip("has no REPLACE")
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
        identity = customer("C1")["id"]
        shop.execute(
            f"REPLACE INTO customer (id, company, number) VALUES ('{identity}', 'USMF', 'C2')"
        )

        assert sorted(recorded(watched)[1:]) == [("d", "USMF", "C1"), ("i", "USMF", "C2")]


class Looking:
    def test_a_snapshot_is_one_moment(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1", name="a"))
        with watched.snapshot() as snapshot:
            first = snapshot.entries(CAPTURE, limit=10)
            with shop.hand() as hand:
                hand.insert("customer", customer("C2"))
                hand.update("customer", {"number": "C1"}, name="b")
            again = snapshot.entries(CAPTURE, limit=10)
            rows = snapshot.read(of_customers("name"))
            fetched = snapshot.fetch(of_customers("name"), customers("C1", "C2"))

        assert again == first
        assert rows.to_pylist() == [{"company": "USMF", "number": "C1", "name": "a"}]
        assert fetched.to_pylist() == rows.to_pylist()
        assert len(recorded(watched)) == 3

    def test_entries_come_in_pages(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", *(customer(f"C{i}") for i in range(7)))
        every = entries(watched).id.to_pylist()
        pages, after = [], 0
        with watched.snapshot() as snapshot:
            while page := snapshot.entries(CAPTURE, after=after, limit=3).id.to_pylist():
                pages.append(page)
                after = page[-1]

        assert pages == [every[:3], every[3:6], every[6:]]
        assert every == sorted(set(every))

    def test_a_snapshot_takes_many_keys_again_and_again(self, shop: Workshop, watched: App) -> None:
        numbers = [f"C{i}" for i in range(600)]
        with shop.hand() as hand:
            hand.insert("customer", *(customer(number) for number in numbers))
        with watched.snapshot() as snapshot:
            for half in (numbers[:300], numbers[300:]):
                assert snapshot.fetch(of_customers(), customers(*half)).num_rows == 300

    def test_ids_begin_at_the_clock(self, shop: Workshop, watched: App) -> None:
        """A queue made anew, even in a restored app, gives no id twice."""
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))

        (first,) = entries(watched).id.to_pylist()

        assert abs(first - time.time_ns() // 1000) < 3600 * 1_000_000

    def test_acknowledging_is_by_exact_ids(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", *(customer(f"C{i}") for i in range(5)))
        ids = entries(watched).id.to_pylist()

        assert watched.acknowledge(QUEUE, pa.array([ids[1], ids[3], 5], pa.int64())) == 2
        assert entries(watched).id.to_pylist() == [ids[0], ids[2], ids[4]]
        assert watched.acknowledge_ranges(QUEUE, [(0, ids[0]), (ids[3], ids[4])]) == 2
        assert entries(watched).id.to_pylist() == [ids[2]]
        assert watched.acknowledge(QUEUE, pa.array([], pa.int64())) == 0
        assert watched.acknowledge_ranges(QUEUE, []) == 0

    def test_acknowledging_much_takes_all_of_it(self, watched: App) -> None:
        watched.write("customer", customers(*(f"C{i:04d}" for i in range(3000))), key=KEY)
        ids = entries(watched).id

        assert watched.acknowledge(QUEUE, ids.slice(10)) == 2990
        assert watched.pending([QUEUE, "dualwrite_q_none"]) == {QUEUE: 10}

    def test_images_keep_each_state(self, shop: Workshop, app: App) -> None:
        capture = replace(CAPTURE, images=True)
        app.install(capture)
        with shop.hand() as hand:
            hand.insert("customer", customer("C1", name="a", credit=Decimal("0.1")))
            hand.update("customer", name="b")
            hand.update("customer", number="C9")
            hand.delete("customer")

        with app.snapshot() as snapshot:
            found = snapshot.entries(capture, limit=10)
            images = snapshot.images(capture, of_customers("name", "credit"), found.id)

        ops = dict(zip(found.id.to_pylist(), found.op.to_pylist(), strict=True))
        kept = zip(images.ids.to_pylist(), images.rows.to_pylist(), strict=True)
        assert images.rows.column_names == ["company", "number", "name", "credit"]
        assert [
            (ops[number], row["number"], row["name"], row["credit"])
            for number, row in sorted(kept, key=lambda pair: pair[0])
        ] == [
            ("i", "C1", "a", Decimal("0.1")),
            ("u", "C1", "b", Decimal("0.1")),
            ("i", "C9", "b", Decimal("0.1")),
        ]


class Installing:
    def test_what_is_installed_has_no_problems(self, watched: App) -> None:
        assert watched.problems(CAPTURE) == []

    def test_installing_again_keeps_what_is_queued(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))

        watched.install(CAPTURE)

        assert recorded(watched) == [("i", "USMF", "C1")]

    def test_uninstalling_leaves_nothing_behind(self, shop: Workshop, app: App) -> None:
        app.install(OTHER)
        app.uninstall(OTHER)
        before = shop.objects()
        app.install(CAPTURE)
        app.uninstall(CAPTURE)

        assert shop.objects() == before
        assert not [name for name in before if "q_customer" in name]
        assert app.pending([QUEUE]) == {}
        app.uninstall(CAPTURE)
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))

    def test_one_queue_goes_and_the_other_stays(self, shop: Workshop, watched: App) -> None:
        watched.install(OTHER)

        watched.uninstall(CAPTURE)

        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
        assert recorded(watched, OTHER) == [("i", "C1")]
        assert watched.problems(OTHER) == []

    def test_a_dropped_queue_is_reported_and_repaired(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
        (last,) = entries(watched).id.to_pylist()

        shop.drop_table(QUEUE)

        with pytest.raises(QueueMissingError) as caught:
            entries(watched)
        assert (caught.value.table, caught.value.queue) == ("customer", QUEUE)
        with pytest.raises(QueueMissingError), watched.writing() as writing:
            writing.entries(CAPTURE, customers("C1"))
        assert any(QUEUE in line for line in watched.problems(CAPTURE))
        assert watched.pending([QUEUE]) == {}
        watched.install(CAPTURE)
        assert watched.problems(CAPTURE) == []
        with shop.hand() as hand:
            hand.insert("customer", customer("C2"))
        assert recorded(watched) == [("i", "USMF", "C2")]
        assert entries(watched).id.to_pylist()[0] > last

    def test_an_application_goes_on_without_the_queue(self, shop: Workshop, watched: App) -> None:
        """It knows nothing of us; what it lost is for us to say."""
        if shop.kind == "sqlite":
            pytest.skip("a trigger of SQLite cannot do without the table that it fills")
        shop.drop_table(QUEUE)

        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.update("customer", name="x")
            hand.delete("customer")

        assert watched.problems(CAPTURE) != []

    def test_a_lost_trigger_is_reported_and_repaired(
        self, sql_shop: Workshop, watched: App
    ) -> None:
        for name in sql_shop.triggers("customer"):
            sql_shop.drop_trigger("customer", name)

            assert watched.problems(CAPTURE) != []
            watched.install(CAPTURE)
            assert watched.problems(CAPTURE) == []

    def test_a_capture_of_other_columns_is_reported_and_repaired(
        self, shop: Workshop, watched: App
    ) -> None:
        wider = replace(CAPTURE, columns=(*CAPTURE.columns, "rank"))
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))

        assert watched.problems(wider) != []
        watched.install(wider)
        assert watched.problems(wider) == []
        with shop.hand() as hand:
            hand.update("customer", rank=1)
        assert entries(watched, wider).changed.to_pylist() == [None, '"rank",']

    def test_a_column_that_goes_is_reported_and_repaired(
        self, sql_shop: Workshop, watched: App
    ) -> None:
        with suppress(Exception):  # some apps refuse it while a trigger names it
            sql_shop.execute("ALTER TABLE customer DROP COLUMN name")
        watched.refresh()
        gone = "name" not in watched.schema("customer").columns

        assert (watched.problems(CAPTURE) != []) == gone
        with sql_shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            hand.update("customer", credit=1)
            hand.update("customer", number="C2")
        narrower = replace(CAPTURE, columns=("company", "number", "credit"))
        watched.install(narrower)
        with sql_shop.hand() as hand:
            hand.insert("customer", customer("C3"))
        assert watched.problems(narrower) == []
        # while a column is gone, a new key may be recorded as an update of it
        assert [(op == "d", number) for op, _, number in recorded(watched, narrower)] == [
            *[(False, "C1"), (False, "C1"), (True, "C1"), (False, "C2"), (False, "C3")]
        ]

    def test_installing_waits_for_nobody_long(self, shop: Workshop, app: App) -> None:
        one_writer(shop)
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
            began = time.monotonic()
            with pytest.raises(AppBusyError):
                app.install(CAPTURE)
            took = time.monotonic() - began

        assert took < 5
        app.install(CAPTURE)
        assert app.problems(CAPTURE) == []

    def test_what_is_not_there_cannot_be_captured(self, app: App) -> None:
        with pytest.raises(MissingTableError):
            app.install(replace(CAPTURE, table="nothing"))
        with pytest.raises(MissingColumnError):
            app.install(replace(CAPTURE, columns=("nmae",)))
        with pytest.raises(MissingColumnError):
            app.install(replace(CAPTURE, key=paths("nmuber")))

        assert app.pending([QUEUE]) == {}

    def test_a_view_cannot_be_captured(self, sql_shop: Workshop, app: App) -> None:
        sql_shop.execute("CREATE VIEW seen AS SELECT number FROM customer")
        app.refresh()

        with pytest.raises(NoCaptureError, match="a view"):
            app.install(Capture("dualwrite_q_seen_1", "seen", paths("number"), ("number",)))

    def test_our_tables_are_no_tables_of_the_app(self, watched: App) -> None:
        assert [*watched.tables()] == ["customer", "group"]


class Watching:
    def test_a_change_wakes(self, shop: Workshop, watched: App) -> None:
        watch = watched.watch([QUEUE])
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))

        assert watch.wait(10)
        assert not watch.wait(0.05)
        with shop.hand() as hand:
            hand.insert("customer", customer("C2"))
        assert watch.wait(10)
        watch.close()

    def test_without_a_change_the_time_is_up(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
        watch = watched.watch([QUEUE])

        assert not watch.wait(0.05)
        watch.close()

    def test_only_captured_changes_wake(self, shop: Workshop, watched: App) -> None:
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
        watch = watched.watch([QUEUE])
        with shop.hand() as hand:
            hand.insert("group", {"id": G1, "code": "g"})

        # "may have": a wake too many is allowed where only commits can be seen
        assert not watch.wait(0.05) or shop.kind == "sqlite"
        watch.close()

    def test_what_commits_late_wakes_too(self, shop: Workshop, watched: App) -> None:
        one_writer(shop)
        watch = watched.watch([QUEUE])
        with shop.hand() as slow:
            slow.insert("customer", customer("C1"))
            with shop.hand() as quick:
                quick.insert("customer", customer("C2"))
            assert watch.wait(10)
            assert not watch.wait(0.02)
        assert watch.wait(10)
        watch.close()

    def test_acknowledging_wakes_nobody(self, shop: Workshop, watched: App) -> None:
        if shop.kind == "sqlite":
            pytest.skip("only commits can be seen, not what they are of")
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"), customer("C2"))
        watch = watched.watch([QUEUE])
        watched.acknowledge(QUEUE, entries(watched).id)

        assert not watch.wait(0.02)
        watch.close()

    def test_who_waits_already_is_woken(self, shop: Workshop, watched: App) -> None:
        watch = watched.watch([QUEUE])
        woken: list[bool] = []
        waiting = threading.Thread(target=lambda: woken.append(watch.wait(20)))
        waiting.start()
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"))
        waiting.join(20)

        assert woken == [True]
        watch.close()
