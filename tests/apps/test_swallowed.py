"""A write that the app's own trigger leaves out or alters is not taken for done."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.transactions import Written
from dualwrite.errors import RowsRefusedError
from tests.apps.hands import SqlHand
from tests.apps.reading import customers, held, of_customers
from tests.apps.workshops import KEY, Workshop
from tests.apps.writings import OURS

HOW = ("left out", "reset")
"""A trigger leaves the whole write out, or gives a row its old value again."""


def trigger(shop: Workshop, event: str, body: str) -> None:
    """A trigger of the app itself before each row of `customer`; `body` in its own words."""
    with shop.hand() as hand:
        assert isinstance(hand, SqlHand)
        if shop.kind == "postgresql":
            hand.rows(
                "create function hands_off() returns trigger language plpgsql as "
                f"$$ begin {body} end $$"
            )
            body = "execute function hands_off()"
        elif shop.kind == "sqlite" or " " in body:
            body = f"begin {body} end"
        hand.rows(f"create trigger hands_off before {event} on customer for each row {body}")


def leaves_out(shop: Workshop, event: str) -> None:
    """Of the rows named 'keep', or about to be, nothing is done."""
    of = "NEW" if event == "insert" else "OLD"
    after = {"insert": "new", "update": "new", "delete": "old"}[event]
    if shop.kind == "postgresql":
        trigger(shop, event, f"if {of}.name = 'keep' then return null; end if; return {after};")
    elif shop.kind == "sqlite":
        trigger(shop, event, f"select raise(ignore) where {of}.name = 'keep';")
    else:
        pytest.skip("a trigger there cannot leave a row out")


def resets(shop: Workshop) -> None:
    """The rows named 'keep' stay so named, whatever is written."""
    if shop.kind == "postgresql":
        trigger(
            shop, "update", "if old.name = 'keep' then new.name := old.name; end if; return new;"
        )
    elif shop.kind == "mariadb":
        trigger(shop, "update", "if old.name = 'keep' then set new.name = old.name; end if;")
    else:
        pytest.skip("a trigger there cannot reset a value before it is written")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("known", [True, False])
def test_an_update_that_is_not_taken_is_refused(
    sql_shop: Workshop, app: App, how: str, known: bool
) -> None:
    shop = sql_shop
    app.write("customer", customers("C1", "C2", "C3", name=["a", "keep", "c"]), key=KEY)
    if how == "reset":
        resets(shop)
    else:
        leaves_out(shop, "update")
    if known:
        app.refresh()
    elif how == "reset" and shop.kind == "postgresql":
        pytest.skip("the row counts as written there: seen once the tables are described anew")
    rows = customers("C1", "C2", "C3", name=["x", "y", "z"])
    with app.writing(OURS) as writing:
        with pytest.raises(RowsRefusedError) as refusal:
            writing.update("customer", rows, key=KEY)
        assert "took no change of name" in refusal.value.reason
        if known:
            assert list(refusal.value.rows) == [1]
            assert "trigger hands_off" in refusal.value.reason
        rest = rows.take(pa.array([0, 2]))
        assert writing.update("customer", rest, key=KEY) == Written(updated=2)

    assert [row["name"] for row in held(app, of_customers("name"))] == ["x", "keep", "z"]


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("many", [0, 400])
def test_an_insert_that_is_left_out_is_refused(
    sql_shop: Workshop, app: App, fresh: bool, known: bool, many: int
) -> None:
    app.schema("customer")
    leaves_out(sql_shop, "insert")
    if known:
        app.refresh()
    elif many and fresh:
        pytest.skip("many rows are copied where no trigger is known")
    numbers = [f"N{number}" for number in range(many)]
    rows = customers("C1", "C2", *numbers, name=["a", "keep", *numbers])
    with app.writing(OURS) as writing, pytest.raises(RowsRefusedError) as refusal:
        writing.insert("customer", rows, key=KEY, fresh=fresh)

    assert "took no such row" in refusal.value.reason
    assert list(refusal.value.rows) == ([1] if known else [])


@pytest.mark.parametrize("known", [True, False])
def test_a_delete_that_is_left_out_is_refused(sql_shop: Workshop, app: App, known: bool) -> None:
    app.write("customer", customers("C1", "C2", name=["a", "keep"]), key=KEY)
    leaves_out(sql_shop, "delete")
    if known:
        app.refresh()
    with app.writing(OURS) as writing:
        with pytest.raises(RowsRefusedError, match="the app keeps the row"):
            writing.delete("customer", customers("C1", "C2"))
        assert writing.delete("customer", customers("C1", "C9")) == 1

    assert [row["number"] for row in held(app, of_customers())] == ["C2"]


def test_rows_that_are_equal_are_unchanged_whatever_the_triggers(
    sql_shop: Workshop, app: App
) -> None:
    app.write("customer", customers("C1", "C2", name="keep"), key=KEY)
    if sql_shop.kind == "mariadb":
        resets(sql_shop)
    else:
        leaves_out(sql_shop, "update")
    app.refresh()
    rows = customers("C1", "C2", "C3", name=["keep", "keep", "new"])
    with app.writing(OURS) as writing:
        assert writing.update("customer", rows, key=KEY) == Written(unchanged=3)
        assert writing.insert("customer", rows, key=KEY) == Written(inserted=1, unchanged=2)


def test_what_a_trigger_gives_is_told(sql_shop: Workshop, app: App) -> None:
    """A new value of the app's own is no refusal: it is a change of the app."""
    shop = sql_shop
    if shop.kind == "sqlite":
        tidy = "update customer set name = upper(new.name) where id = new.id;"
        with shop.hand() as hand:
            assert isinstance(hand, SqlHand)
            for event in ("insert", "update of name"):
                name = event.split()[0]
                hand.rows(f"create trigger tidy_{name} after {event} on customer begin {tidy} end")
    elif shop.kind == "postgresql":
        trigger(shop, "insert or update", "new.name := upper(new.name); return new;")
    else:
        with shop.hand() as hand:
            assert isinstance(hand, SqlHand)
            for event in ("insert", "update"):
                hand.rows(
                    f"create trigger tidy_{event} before {event} on customer for each row "
                    "set new.name = upper(new.name)"
                )
    app.refresh()
    rows = customers("C1", "C2", "C3", name=["a", "B", "c"], rank=1)
    with app.writing(OURS) as writing:
        added = writing.insert("customer", rows, key=KEY, fresh=True)
        changed = customers("C1", "C2", "C3", name=["A", "d", "E"])
        done = writing.update("customer", changed, key=KEY)

    (first,), (second,) = added.altered, done.altered
    assert first.numbers.to_pylist() == [0, 2]
    assert first.changed.to_pylist() == ['"name",'] * 2
    assert second.numbers.to_pylist() == [1]
    assert (done.updated, done.unchanged) == (2, 1)
    assert [row["name"] for row in held(app, of_customers("name"))] == ["A", "D", "E"]
