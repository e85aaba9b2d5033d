"""The contract of a writing: what it sets off beyond its own rows is captured.

`test_capture_contract.py` runs it against all apps that have triggers or foreign keys that act.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture
from dualwrite.apps.entries import changed_text
from dualwrite.errors import RowsRefusedError
from tests.apps.capturing import CAPTURE, customer, entries, recorded
from tests.apps.reading import customers, held, of_customers, paths
from tests.apps.workshops import KEY, Workshop
from tests.apps.writings import BESIDE, OURS

GROUPS = Capture("dualwrite_q_group_1", "group", paths("code"), ("code",))
_ON_OTHERS = {
    "sqlite": "CREATE TRIGGER one {event} ON customer BEGIN {action}; END",
    "postgresql": (
        "CREATE FUNCTION one() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN {action}; RETURN NULL; END $$; "
        "CREATE TRIGGER one {event} ON customer FOR EACH ROW EXECUTE FUNCTION one()"
    ),
    "mariadb": "CREATE TRIGGER one {event} ON customer FOR EACH ROW BEGIN {action}; END",
}
_ONE_NAME = "UPDATE customer SET name = NULL WHERE name = NEW.name AND number <> NEW.number"


def on_customers(shop: Workshop, event: str, action: str) -> None:
    """A trigger of the application on customers."""
    shop.execute(_ON_OTHERS[shop.kind].format(event=event, action=action))


def acting_on_itself(shop: Workshop) -> None:
    """Skip where a table cannot change other rows of itself in a way that a trigger sees."""
    if shop.kind not in ("sqlite", "postgresql"):
        pytest.skip("a trigger may not change its own table, and no trigger sees a cascade")


class SettingOff:
    @pytest.fixture
    def apart(self, shop: Workshop, watched: App) -> App:
        """Customers whose children go with them, one below the other."""
        acting_on_itself(shop)
        kind = "uuid" if shop.kind == "postgresql" else "CHAR(36)"
        shop.execute(
            f"ALTER TABLE customer ADD COLUMN boss {kind} "
            "REFERENCES customer (id) ON DELETE CASCADE"
        )
        with shop.hand() as hand:
            hand.insert("customer", customer("C1"), customer("C4"))
            hand.insert("customer", customer("C2", boss=customer("C1")["id"]))
            hand.insert("customer", customer("C3", boss=customer("C2")["id"]))
        watched.acknowledge(CAPTURE.queue, entries(watched).id)
        return watched

    def test_what_our_delete_takes_along(self, apart: App) -> None:
        with apart.writing(OURS) as writing:
            assert writing.delete("customer", customers("C1", "C4")) == 2

        assert sorted(recorded(apart)) == [("d", "USMF", "C2"), ("d", "USMF", "C3")]
        assert held(apart, of_customers()) == []

    def test_rows_that_we_delete_ourselves_are_not_taken_along(self, apart: App) -> None:
        with apart.writing(OURS) as writing:
            writing.delete("customer", customers("C1", "C2", "C3"))

        assert recorded(apart) == []
        assert [row["number"] for row in held(apart, of_customers())] == ["C4"]

    def test_what_is_rolled_back_sets_off_nothing(self, apart: App, shop: Workshop) -> None:
        on_customers(shop, "AFTER UPDATE", _ONE_NAME)
        with apart.writing(OURS) as writing:
            writing.update("customer", customers("C1", name="a"), key=KEY)
            with pytest.raises(RowsRefusedError):
                writing.update("customer", customers("C4", groupid="x" * 36), key=KEY)
            writing.update("customer", customers("C2", name="a"), key=KEY)

        assert recorded(apart) == [("u", "USMF", "C1")]

    @pytest.mark.parametrize("count", [1, 1500])
    def test_rows_that_a_trigger_changes(self, shop: Workshop, watched: App, count: int) -> None:
        acting_on_itself(shop)
        on_customers(shop, "AFTER INSERT", _ONE_NAME)
        with shop.hand() as hand:
            hand.insert("customer", customer("X1", name="a"), customer("X2", name="b"))
        watched.acknowledge(CAPTURE.queue, entries(watched).id)
        numbers = [f"C{i:04d}" for i in range(count)]
        names = ["a", *(f"n{i}" for i in range(1, count))]
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers(*numbers, name=names), key=KEY, fresh=True)

        assert recorded(watched) == [("u", "USMF", "X1")]
        assert entries(watched).changed.to_pylist() == [changed_text(["name"])]

    def test_rows_that_a_trigger_adds_and_renames(self, shop: Workshop, watched: App) -> None:
        acting_on_itself(shop)
        on_customers(
            shop,
            "AFTER UPDATE",
            "UPDATE customer SET number = 'X9' WHERE number = 'X1'; "
            "DELETE FROM customer WHERE number = 'X2'",
        )
        with shop.hand() as hand:
            hand.insert("customer", customer("X1"), customer("X2"), customer("C1"))
        watched.acknowledge(CAPTURE.queue, entries(watched).id)
        with watched.writing(OURS) as writing:
            writing.update("customer", customers("C1", name="a"), key=KEY)

        found = recorded(watched)
        assert sorted(found) == [("d", "USMF", "X1"), ("d", "USMF", "X2"), ("i", "USMF", "X9")]

    def test_another_map_over_the_same_tables_sees_it_too(
        self, shop: Workshop, watched: App
    ) -> None:
        acting_on_itself(shop)
        watched.install(BESIDE)
        on_customers(shop, "AFTER UPDATE", _ONE_NAME)
        with shop.hand() as hand:
            hand.insert("customer", customer("X1", name="a"), customer("C1", name="b"))
        watched.acknowledge(BESIDE.queue, entries(watched, BESIDE).id)
        ours = replace(OURS, echoes={BESIDE.queue: ("company", "number", "name")})
        with watched.writing(ours) as writing:
            writing.update("customer", customers("C1", name="a"), key=KEY)

        assert recorded(watched, BESIDE) == [("u", "USMF", "X1")]

    def test_rows_of_another_table(self, shop: Workshop, watched: App, sql_shop: Workshop) -> None:
        watched.install(GROUPS)
        quoted = sql_shop.quote("group")
        on_customers(shop, "AFTER INSERT", f"UPDATE {quoted} SET code = NEW.number")
        watched.write("group", pa.table({"id": [customer("G")["id"]], "code": ["g"]}), key=["id"])
        watched.acknowledge(GROUPS.queue, entries(watched, GROUPS).id)
        with watched.writing(OURS) as writing:
            writing.insert("customer", customers("C1"), key=KEY)

        assert recorded(watched, GROUPS) == [("d", "g"), ("i", "C1")]
        assert recorded(watched) == []

    def test_an_application_is_captured_once(self, shop: Workshop, watched: App) -> None:
        acting_on_itself(shop)
        on_customers(shop, "AFTER INSERT", _ONE_NAME)
        with shop.hand() as hand:
            hand.insert("customer", customer("X1", name="a"))
            hand.insert("customer", customer("C1", name="a"))

        assert sorted(recorded(watched)) == [
            ("i", "USMF", "C1"),
            ("i", "USMF", "X1"),
            ("u", "USMF", "X1"),
        ]
