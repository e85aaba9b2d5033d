"""The contract of declaring decimal columns anew: other digits, and no stored value changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.capture import Capture
from dualwrite.apps.declaring import DigitsLostError, NotDeclaredError
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Written
from dualwrite.errors import MissingColumnError, MissingTableError
from dualwrite.tablemap.notation import ColumnPath
from tests.apps.reading import asking
from tests.apps.workshops import Workshop, money, number, table, text


class Declaring:
    @pytest.fixture
    def prices(self, shop: Workshop) -> App:
        shop.create(
            table(
                "price",
                number("no"),
                text("item"),
                money("at", 19, 4),
                money("per", 19, 2),
                key=("no",),
            )
        )
        made = shop.open()
        made.write("price", _prices("12.5000", "-0.0001", None), key=("no",))
        return made

    def test_a_wider_column_keeps_what_it_held_and_takes_more(self, prices: App) -> None:
        prices.redeclare("price", {"at": pa.decimal128(25, 10)})

        assert prices.schema("price").columns["at"].type == pa.decimal128(25, 10)
        assert prices.schema("price").columns["per"].type == pa.decimal128(19, 2)
        assert prices.schema("price").primary_key == ("no",)
        asked = asking("price", "no", "at")
        assert _amounts(prices, asked) == [Decimal("12.5"), Decimal("-0.0001"), None]

        finer = pa.table({"no": [1], "at": pa.array([Decimal("1.0000000001")])})
        assert prices.write("price", finer, key=("no",)) == Written(updated=1)
        assert _amounts(prices, asked)[0] == Decimal("1.0000000001")

    def test_what_is_equal_is_equal_still(self, prices: App) -> None:
        """A text of SQLite has fewer zeros than one that is written after."""
        prices.redeclare("price", {"at": pa.decimal128(25, 10)})

        again = prices.read(asking("price", "no", "item", "at", "per"))

        assert prices.write("price", again, key=("no",)) == Written(unchanged=3)

    def test_a_narrower_column_is_refused_while_a_value_would_lose_a_digit(
        self, prices: App
    ) -> None:
        with pytest.raises(DigitsLostError) as caught:
            prices.redeclare("price", {"at": pa.decimal128(17, 3), "per": pa.decimal128(19, 2)})

        assert caught.value.rows == {"at": 1}
        assert prices.schema("price").columns["at"].type == pa.decimal128(19, 4)
        prices.write("price", _prices("12.5000", "-0.1000", "-99.000"), key=("no",))

        prices.redeclare("price", {"at": pa.decimal128(4, 2)})

        assert prices.schema("price").columns["at"].type == pa.decimal128(4, 2)
        assert _amounts(prices, asking("price", "no", "at")) == [
            Decimal("12.5"),
            Decimal("-0.1"),
            Decimal(-99),
        ]
        with pytest.raises(DigitsLostError):
            prices.redeclare("price", {"at": pa.decimal128(3, 2)})

    def test_only_a_decimal_can_be_declared_anew(self, prices: App) -> None:
        with pytest.raises(NotDeclaredError, match=r"price: .*item is .*, no decimal"):
            prices.redeclare("price", {"item": pa.decimal128(25, 10)})
        with pytest.raises(MissingColumnError):
            prices.redeclare("price", {"art": pa.decimal128(25, 10)})
        with pytest.raises(MissingTableError):
            prices.redeclare("prize", {"at": pa.decimal128(25, 10)})

    def test_what_a_view_is_made_of_is_refused_with_the_databases_reason(
        self, prices: App, shop: Workshop
    ) -> None:
        if shop.kind != "postgresql":
            pytest.skip("lets a column change below a view")
        shop.execute("CREATE VIEW dear AS SELECT at FROM price WHERE at > 10")

        with pytest.raises(NotDeclaredError) as caught:
            prices.redeclare("price", {"at": pa.decimal128(25, 10)})

        assert str(caught.value) == (
            "finops.price: its columns cannot be declared with other digits (cannot alter type of "
            "a column used by a view or rule). Nothing was changed.\n"
            "  Have the app's owner change the table, then run the command again."
        )

    def test_a_captured_table_stays_captured(self, prices: App) -> None:
        capture = Capture(
            "dualwrite_q_price", "price", (ColumnPath(("no",)),), ("at",), images=True
        )
        prices.install(capture)
        prices.write("price", _prices("1.0000"), key=("no",))

        prices.redeclare("price", {"at": pa.decimal128(25, 10)})
        assert prices.pending(["dualwrite_q_price"]) == {"dualwrite_q_price": 1}
        prices.install(capture)
        finer = pa.table({"no": [2], "at": pa.array([Decimal("1.0000000001")])})
        prices.write("price", finer, key=("no",))

        assert [*prices.problems(capture)] == []
        with prices.snapshot() as snapshot:
            ids = snapshot.entries(capture, limit=9).id
            images = snapshot.images(capture, asking("price", "at"), ids)
        assert images.rows["at"].to_pylist() == [Decimal(1), Decimal("1.0000000001")]


def _prices(*amounts: str | None) -> pa.Table:
    at = pa.array([None if a is None else Decimal(a) for a in amounts], pa.decimal128(19, 4))
    count = len(amounts)
    per = pa.array([Decimal("1.25")] * count, pa.decimal128(19, 2))
    return pa.table({"no": range(1, count + 1), "item": ["x"] * count, "at": at, "per": per})


def _amounts(app: App, query: Query) -> list[Any]:
    return [row["at"] for row in sorted(app.read(query).to_pylist(), key=lambda row: row["no"])]
