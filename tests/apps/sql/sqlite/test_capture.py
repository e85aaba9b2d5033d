"""What capture in SQLite has to itself: a marker that nobody else ever sees, and REPLACE."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture
from dualwrite.errors import AppBusyError, AppUnreachableError, MissingFileError
from dualwrite.tablemap.schema import Reference
from tests.apps.capturing import CAPTURE, G1, QUEUE, customer, entries, recorded
from tests.apps.reading import customers, of_customers, paths
from tests.apps.workshops import KEY, Workshop, number, table, text, workshop
from tests.apps.writings import OURS


@pytest.fixture
def shop(fresh_database: Callable[[str], str]) -> Iterator[Workshop]:
    """An empty file."""

    def none(_: str) -> object:
        raise AssertionError

    with workshop("sqlite", fresh_database, none) as made:  # type: ignore[arg-type]
        yield made


def file_of(shop: Workshop) -> str:
    return sa.make_url(shop.url).database or ""


KILLED = """
import os, signal, sys
from dualwrite.apps.opening import open_app
from dualwrite.link import Side
from tests.apps.reading import customers
from tests.apps.writings import OURS
app = open_app(Side.FINOPS, sys.argv[1])
with app.writing(OURS) as writing:
    writing.insert("customer", customers("C1"), key=("company", "number"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_is_killed_leaves_no_silence(shop: Workshop, watched: App) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, shop.url], check=False)

    assert done.returncode == -9
    with shop.hand() as hand:
        hand.insert("customer", customer("C2"))
    assert recorded(watched) == [("i", "USMF", "C2")]
    assert watched.count(of_customers()) == 1


def test_nobody_sees_the_marker(shop: Workshop, watched: App) -> None:
    with watched.writing(OURS) as writing, closing(sqlite3.connect(file_of(shop))) as other:
        writing.insert("customer", customers("C1"), key=KEY)

        assert other.execute("SELECT * FROM dualwrite_origin").fetchall() == []

    with closing(sqlite3.connect(file_of(shop))) as other:
        assert other.execute("SELECT * FROM dualwrite_origin").fetchall() == []


def test_a_writing_waits_half_a_second_for_an_application(shop: Workshop, watched: App) -> None:
    with closing(sqlite3.connect(file_of(shop), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(AppBusyError), watched.writing(OURS):
            pass
        took = time.monotonic() - began

    assert 0.3 < took < 5


def test_a_row_that_is_put_in_the_place_of_two(shop: Workshop) -> None:
    """REPLACE tells no delete trigger of the rows that it removes."""
    shop.create(table("pair", number("id"), text("k"), text("v"), key=("id",), unique=(("k",),)))
    app = shop.open()
    capture = Capture("dualwrite_q_pair_1", "pair", paths("k"), ("k", "v"))
    app.install(capture)
    with shop.hand() as hand:
        hand.insert("pair", {"id": 1, "k": "a"}, {"id": 2, "k": "b"}, {"id": 3, "k": "c"})
    shop.execute("REPLACE INTO pair VALUES (1, 'b', 'new')")
    assert recorded(app, capture)[3:] == [("d", "a"), ("i", "b")]

    shop.execute("UPDATE OR REPLACE pair SET id = 3 WHERE id = 1")
    assert recorded(app, capture)[5:] == [("d", "c"), ("d", "b"), ("i", "b")]


def test_an_upsert_is_an_update(shop: Workshop, watched: App) -> None:
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"))
    shop.execute(
        "INSERT INTO customer (id, company, number, name) VALUES ('x', 'USMF', 'C1', 'a') "
        "ON CONFLICT (company, number) DO UPDATE SET name = excluded.name",
        "INSERT OR IGNORE INTO customer (id, company, number) VALUES ('y', 'USMF', 'C1')",
    )

    assert recorded(watched)[1:] == [("u", "USMF", "C1")]
    assert entries(watched).changed.to_pylist()[1:] == ['"name",']


def test_a_column_that_is_renamed_is_followed(shop: Workshop, watched: App) -> None:
    """SQLite rewrites our triggers; what they call the column is the old name still."""
    shop.execute("ALTER TABLE customer RENAME COLUMN name TO title")
    with shop.sql_hand() as hand:
        hand.insert("customer", customer("C1"))
        hand.update("customer", title="x")

    assert entries(watched).changed.to_pylist() == [None, '"name",']
    assert watched.problems(CAPTURE) == ["column name of customer is not there any more"]
    renamed = replace(CAPTURE, columns=("company", "number", "title", "credit"))
    assert watched.problems(renamed) == [f"trigger {QUEUE}_u was made for other columns"]
    watched.install(renamed)
    assert watched.problems(renamed) == []


def test_a_column_that_a_trigger_names_stays(shop: Workshop, watched: App) -> None:
    with pytest.raises(sqlite3.OperationalError, match="name"):
        shop.execute("ALTER TABLE customer DROP COLUMN name")

    watched.uninstall(CAPTURE)
    shop.execute("ALTER TABLE customer DROP COLUMN name")


def test_without_the_markers_table_nothing_can_be_written_until_it_is_repaired(
    shop: Workshop, watched: App
) -> None:
    shop.drop_table("dualwrite_origin")

    assert watched.problems(CAPTURE) == ["table dualwrite_origin is missing: no change can be made"]
    watched.install(CAPTURE)
    assert watched.problems(CAPTURE) == []
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"))
    assert recorded(watched) == [("i", "USMF", "C1")]


def test_a_cascade_from_a_parent_in_the_key_is_reported(shop: Workshop) -> None:
    shop.execute(
        "CREATE TABLE unit (id INTEGER PRIMARY KEY, code TEXT)",
        "CREATE TABLE part (id INTEGER PRIMARY KEY, "
        "unit INTEGER REFERENCES unit ON DELETE CASCADE)",
    )
    app = shop.open()
    capture = Capture("dualwrite_q_part_1", "part", paths("id", "unit.code"), ("id",))
    app.install(capture)
    own = replace(capture, queue="dualwrite_q_part_2", key=paths("id"))
    app.install(own)
    shop.execute(
        "PRAGMA foreign_keys = ON",
        "INSERT INTO unit VALUES (1, 'kg')",
        "INSERT INTO part VALUES (7, 1)",
        "COMMIT",
        "PRAGMA foreign_keys = ON",
        "DELETE FROM unit",
    )

    assert recorded(app, own) == [("i", 7), ("d", 7)]
    assert app.problems(own) == []
    cascade = "foreign key of unit: a row that changes with its unit (ON DELETE CASCADE) "
    assert app.problems(capture) == [f"{cascade}is queued without its key"]


def test_a_polymorphic_key_is_followed_when_the_change_is_made(shop: Workshop) -> None:
    shop.create(
        table("account", text("id", 36), text("code"), key=("id",)),
        table("contact", text("id", 36), text("code"), key=("id",)),
        table("sale", number("n"), text("whom", 36), text("whomtype", 20), key=("n",)),
    )
    app = shop.open()
    key = paths("n", "whom.account(code).contact(code)")
    capture = Capture("dualwrite_q_sale_1", "sale", key, ("n",))
    app.install(capture)
    with shop.hand() as hand:
        hand.insert("account", {"id": "1", "code": "A"})
        hand.insert("contact", {"id": "1", "code": "C"})
        hand.insert("sale", {"n": 1, "whom": "1", "whomtype": "contact"})
        hand.update("sale", whomtype="account")

    assert recorded(app, capture) == [("i", 1, "C"), ("d", 1, "C"), ("i", 1, "A")]


def test_a_lookup_that_points_at_its_own_table(shop: Workshop, app: App) -> None:
    lookups = {"parentid": Reference("customer", "id")}
    capture = replace(CAPTURE, key=paths("number", "parentid.number"), lookups=lookups)
    app.install(capture)
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"))
        hand.insert("customer", customer("C2", parentid=customer("C1")["id"], groupid=None))

    assert recorded(app, capture) == [("i", "C1", None), ("i", "C2", "C1")]


def test_waiting_costs_next_to_nothing(watched: App) -> None:
    watch = watched.watch([QUEUE])
    before = psutil.Process().cpu_times()
    began = time.monotonic()
    assert not watch.wait(1.5)
    took = time.monotonic() - began
    after = psutil.Process().cpu_times()
    watch.close()

    used = after.user + after.system - before.user - before.system
    assert used / took < 0.06  # of a core, the clock counting in hundredths; live it is below 0.02


def test_a_watch_reports_that_its_file_is_gone(shop: Workshop, watched: App) -> None:
    from pathlib import Path

    watch = watched.watch([QUEUE])
    watch.close()
    assert not watch.wait(10)
    file = Path(file_of(shop))
    file.rename(file.with_suffix(".away"))
    with pytest.raises(MissingFileError):
        watched.watch([QUEUE])


def test_a_key_that_a_group_had(shop: Workshop, app: App) -> None:
    """A row that changes its parent goes from one key and comes by another."""
    capture = replace(CAPTURE, key=paths("groupid.code", "number"), columns=("number", "groupid"))
    app.install(capture)
    with shop.hand() as hand:
        hand.insert("group", {"id": G1, "code": "g1"})
        hand.insert("customer", customer("C1"))
        hand.update("customer", groupid=G1)

    assert recorded(app, capture) == [("i", None, "C1"), ("d", None, "C1"), ("i", "g1", "C1")]


def test_a_file_put_in_the_place_of_another_is_noticed(shop: Workshop, watched: App) -> None:
    """As a restore does: the open one has no name any more, and nobody reads what it takes."""
    place = Path(file_of(shop))
    with shop.hand() as hand:
        hand.insert("customer", customer("C1"))
    with closing(sqlite3.connect(place)) as held, closing(sqlite3.connect(f"{place}.b")) as copy:
        held.backup(copy)
    watched.write("customer", customers("C2"), key=KEY)
    watch = watched.watch([QUEUE])
    place.with_name(f"{place.name}.b").replace(place)
    for ending in ("-wal", "-shm"):
        Path(f"{place}{ending}").unlink(missing_ok=True)

    with pytest.raises(AppUnreachableError, match="another file has taken the place of"):
        watched.write("customer", customers("C3"), key=KEY)
    with pytest.raises(AppUnreachableError, match="another file has taken the place of"):
        watch.wait(0.1)
    watched.write("customer", customers("C3"), key=KEY)

    assert [row["number"] for row in watched.read(of_customers()).to_pylist()] == ["C1", "C3"]
    watch.close()
