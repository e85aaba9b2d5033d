"""The contract of an app: what the engine may rely on, whichever app it is.

`test_contract.py` runs it against all of them.  A fake that lies is a bug.
"""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import pyarrow as pa
import pytest

from dualwrite.apps.app import App
from dualwrite.apps.query import Query
from dualwrite.apps.transactions import Written
from dualwrite.errors import (
    MissingColumnError,
    MissingTableError,
    NoKeyError,
    ReadOnlyTableError,
    RowsRefusedError,
)
from dualwrite.tablemap.filters import parse_filter
from dualwrite.tablemap.schema import Reference
from tests.apps.reading import TEN_DECIMALS, asking, customers, held, of_customers, paths
from tests.apps.workshops import KEY, NAIVE, Workshop, money, number, table, text, typed, uuid
from tests.apps.workshops import UTC as UTC_TYPE

A_UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"

HOSTILE = [
    "",
    " ",
    "plain",
    'it\'s "quoted" `so`',
    "back\\slash \\n \\' \\\\",
    "line\nbreak\r\nand\ttab",
    "100 % of %s and %(x)s :name ?",
    "emoji 😀 and 漢字",
    "NULL",
    "\\N",
    "caf\u00e9",
    "cafe\u0301",
    "a,b;c|d",
    " leading and trailing ",
]


class Describing:
    def test_tables_are_sorted(self, app: App) -> None:
        assert [*app.tables()] == ["customer", "group"]

    def test_a_schema_has_key_length_and_reference(self, app: App) -> None:
        schema = app.schema("customer")

        assert schema.primary_key == ("id",)
        assert schema.unique == (KEY,)
        assert schema.columns["number"].length == 20
        assert schema.columns["number"].nullable is False
        assert schema.columns["credit"].type == pa.decimal128(38, 10)
        assert schema.columns["credit"].exact
        assert schema.columns["groupid"].references == Reference("group", "id")
        assert schema.read_only is None

    def test_a_missing_table_comes_with_near_names(self, app: App) -> None:
        with pytest.raises(MissingTableError, match="Did you mean 'customer'") as caught:
            app.schema("Custommer")

        assert caught.value.near == ("customer",)

    def test_the_owner_may_do_everything(self, app: App) -> None:
        assert app.privileges("customer") == {"select", "insert", "update", "delete"}


class Writing:
    def test_reads_back_what_it_wrote(self, app: App) -> None:
        rows = customers("C1", "C2", name=["Anna", None], credit=Decimal("1.1"), rank=[1, None])

        assert app.write("customer", rows, key=KEY) == Written(inserted=2)
        assert held(app, of_customers("name", "credit", "rank")) == rows.to_pylist()

    def test_the_same_write_twice_changes_once(self, app: App) -> None:
        rows = customers("C1", "C2", name="Anna", credit=Decimal("1.10"))
        app.write("customer", rows, key=KEY)

        assert app.write("customer", rows, key=KEY) == Written(unchanged=2)

    def test_only_what_differs_is_updated(self, app: App) -> None:
        app.write("customer", customers("C1", "C2", name="Anna", rank=1), key=KEY)

        again = customers("C1", "C2", "C3", name=["Anna", "anna", "New"])

        assert app.write("customer", again, key=KEY) == Written(1, 1, 1)
        assert [row["rank"] for row in held(app, of_customers("rank"))] == [1, 1, None]

    @pytest.mark.parametrize(("before", "after"), [("x", None), (None, "x"), ("x", "")])
    def test_null_and_empty_are_values(self, app: App, before: str, after: str) -> None:
        app.write("customer", customers("C1", name=before), key=KEY)

        assert app.write("customer", customers("C1", name=after), key=KEY) == Written(updated=1)
        assert held(app, of_customers("name"))[0]["name"] == after

    @pytest.mark.parametrize("fresh", [True, False])
    def test_hostile_text_survives(self, app: App, fresh: bool) -> None:
        rows = customers(*(f"C{i:02d}" for i in range(len(HOSTILE))), name=HOSTILE)

        app.write("customer", rows, key=KEY, fresh=fresh)

        assert [row["name"] for row in held(app, of_customers("name"))] == HOSTILE
        assert app.write("customer", rows, key=KEY) == Written(unchanged=len(HOSTILE))

    @pytest.mark.parametrize("fresh", [True, False])
    def test_hostile_text_survives_in_bulk(self, app: App, fresh: bool) -> None:
        """Past a thousand rows some apps take another way in."""
        names = [HOSTILE[i % len(HOSTILE)] for i in range(1500)]
        rows = customers(*(f"C{i:04d}" for i in range(1500)), name=names, rank=None)

        assert app.write("customer", rows, key=KEY, fresh=fresh) == Written(inserted=1500)
        assert [row["name"] for row in held(app, of_customers("name"))] == names

    @pytest.mark.parametrize("fresh", [True, False])
    def test_money_keeps_every_digit(self, app: App, fresh: bool) -> None:
        amounts = [TEN_DECIMALS, -TEN_DECIMALS, Decimal("0.0000000001"), Decimal(0), None]
        rows = customers("C1", "C2", "C3", "C4", "C5", credit=amounts)

        app.write("customer", rows, key=KEY, fresh=fresh)

        result = app.read(of_customers("credit")).sort_by("number")
        assert result["credit"].type == pa.decimal128(38, 10)
        assert result["credit"].to_pylist() == amounts

    def test_every_type_comes_back_as_it_went(self, shop: Workshop) -> None:
        columns = {
            "number": (pa.int64(), [-(2**63), 2**63 - 1, None]),
            "flag": (pa.bool_(), [True, False, None]),
            "day": (pa.date32(), [date(1, 1, 1), date(9999, 12, 31), None]),
            "at": (NAIVE, [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), None]),  # noqa: DTZ001
            "seen": (
                UTC_TYPE,
                [
                    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
                    datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
                    None,
                ],
            ),
            "raw": (pa.binary(), [b"\x00\xff'\\\n", b"", None]),
            "ratio": (pa.float64(), [0.1, 1.7976931348623157e308, None]),
        }
        shop.create(
            table("kinds", text("k"), *(typed(n, t) for n, (t, _) in columns.items()), key=("k",))
        )
        rows = pa.table(
            {"k": ["a", "b", "c"], **{n: pa.array(v, t) for n, (t, v) in columns.items()}}
        )
        app = shop.open()

        app.write("kinds", rows, key=["k"], fresh=True)

        result = app.read(asking("kinds", "k", *columns)).sort_by("k")
        assert result.schema == rows.schema
        assert result.to_pylist() == rows.to_pylist()
        assert app.write("kinds", rows, key=["k"]) == Written(unchanged=3)

    def test_names_are_quoted(self, shop: Workshop) -> None:
        names = ["select", "With Space", "per%cent", "UPPER", "quo'te", "do.t"]
        shop.create(table("Order By", text("key", nullable=False), *map(text, names), key=("key",)))
        rows = pa.table({"key": ["1"], **{name: ["x"] for name in names}})
        app = shop.open()

        assert app.write("Order By", rows, key=["key"]) == Written(inserted=1)
        assert app.write("Order By", rows, key=["key"], fresh=True) == Written(unchanged=1)
        changed = rows.set_column(1, "select", pa.array(["y"]))
        assert app.update("Order By", changed, key=["key"]) == Written(updated=1)
        assert app.delete("Order By", rows.select(["key"])) == 1

    def test_a_new_row_gets_an_identity_and_keeps_it(self, app: App) -> None:
        app.write("customer", customers("C1", "C2"), key=KEY, fresh=True)
        first = app.read(of_customers("id"))

        app.write("customer", customers("C1", "C2", name="Anna"), key=KEY)

        second = app.read(of_customers("id"))
        assert set(first["id"].to_pylist()) == set(second["id"].to_pylist())
        assert len(set(first["id"].to_pylist())) == 2

    def test_a_row_that_is_there_may_be_known_by_an_identity_that_the_app_gives(
        self, sql_shop: Workshop
    ) -> None:
        """Its value cannot be written, but an update or delete may name the row by it."""
        generated = {
            "sqlite": "id INTEGER PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2)",
            "postgresql": (
                "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                "twice bigint GENERATED ALWAYS AS (n * 2) STORED"
            ),
            "mariadb": "id bigint AUTO_INCREMENT PRIMARY KEY, twice bigint AS (n * 2)",
        }[sql_shop.kind]
        sql_shop.execute(f"CREATE TABLE given (n int, {generated})")
        app = sql_shop.open()
        app.write("given", pa.table({"n": [1, 2, 3]}), key=["n"])
        query = Query("given", paths("id", "n"), paths("n"))
        ids = app.read(query).sort_by("n")["id"]

        again = pa.table({"id": ids.slice(1), "n": pa.chunked_array([[2, 4]], pa.int64())})
        assert app.update("given", again, key=["id"]) == Written(updated=1, unchanged=1)
        assert app.delete("given", pa.table({"id": ids.slice(0, 1)})) == 1

        assert app.read(query).sort_by("n")["n"].to_pylist() == [2, 4]
        with pytest.raises(ReadOnlyTableError):
            app.update("given", pa.table({"n": [2], "twice": [5]}), key=["n"])

    def test_fresh_falls_back_when_a_row_is_there(self, app: App) -> None:
        app.write("customer", customers("C1", name="Anna"), key=KEY)

        rows = customers("C1", "C2", name=["Berta", "Clara"])

        assert app.write("customer", rows, key=KEY, fresh=True) == Written(1, 1, 0)

    def test_references_go_in_as_they_are(self, app: App) -> None:
        app.write("group", pa.table({"id": [A_UUID], "code": ["G1"]}), key=["code"], fresh=True)

        app.write("customer", customers("C1", "C2", groupid=[A_UUID, None]), key=KEY, fresh=True)

        assert held(app, of_customers("groupid.code"))[0]["groupid.code"] == "G1"

    def test_a_key_without_a_unique_index_works(self, shop: Workshop) -> None:
        shop.create(table("loose", text("k"), number("n")))
        app = shop.open()
        rows = pa.table({"k": ["a", "b"], "n": [1, 2]})

        assert app.write("loose", rows, key=["k"]) == Written(inserted=2)
        again = pa.table({"k": ["a", "c"], "n": [5, 6]})
        assert app.write("loose", again, key=["k"]) == Written(1, 1, 0)

    def test_update_adds_nothing(self, app: App) -> None:
        app.write("customer", customers("C1", "C2", name="Anna"), key=KEY)

        rows = customers("C1", "C2", "C3", name=["Berta", "Anna", "Clara"])

        assert app.update("customer", rows, key=KEY) == Written(updated=1, unchanged=2)
        assert app.count(of_customers()) == 2

    def test_delete_takes_the_named_rows(self, app: App) -> None:
        app.write("customer", customers("C1", "C2", "C3"), key=KEY)

        assert app.delete("customer", customers("C1", "C3", "C9")) == 2
        assert [row["number"] for row in held(app, of_customers())] == ["C2"]

    def test_nothing_to_write_is_nothing_written(self, app: App) -> None:
        assert app.write("customer", customers(), key=KEY) == Written()
        assert app.update("customer", customers(), key=KEY) == Written()
        assert app.delete("customer", customers()) == 0


class Refusing:
    @pytest.mark.parametrize("operation", ["write", "update"])
    @pytest.mark.parametrize(
        ("numbers", "key", "reason"),
        [
            pytest.param(["C1", None], KEY, "number is null in 1 rows", id="null"),
            pytest.param(["C1", "C1"], KEY, "is repeated", id="repeated"),
            pytest.param(["C1"], ("rank",), "rank is not among", id="absent"),
            pytest.param(["C1"], (), "need a key", id="none"),
        ],
    )
    def test_a_bad_key_is_a_fault_of_the_caller(
        self, app: App, operation: str, numbers: list[Any], key: tuple[str, ...], reason: str
    ) -> None:
        with pytest.raises(ValueError, match=reason):
            getattr(app, operation)("customer", customers(*numbers), key=key)

    def test_a_null_among_the_keys_to_delete_is_refused(self, app: App) -> None:
        with pytest.raises(ValueError, match="number is null"):
            app.delete("customer", customers("C1", None))

    @pytest.mark.parametrize("fresh", [True, False])
    @pytest.mark.parametrize(
        "bad",
        [
            pytest.param({"name": ["x", "y" * 61]}, id="too long"),
            pytest.param({"groupid": [None, A_UUID]}, id="points at nothing"),
        ],
    )
    def test_one_bad_row_keeps_all_out(
        self, shop: Workshop, app: App, bad: dict[str, Any], fresh: bool
    ) -> None:
        if shop.kind == "sqlite" and "name" in bad:
            pytest.skip("SQLite enforces no length")
        with pytest.raises(RowsRefusedError) as caught:
            app.write("customer", customers("C1", "C2", **bad), key=KEY, fresh=fresh)

        assert caught.value.table == "customer"
        assert app.count(of_customers()) == 0

    def test_a_missing_value_that_must_be_is_refused(self, app: App) -> None:
        rows = pa.table({"id": [A_UUID], "name": ["x"]})

        with pytest.raises(RowsRefusedError):
            app.write("customer", rows, key=["id"])

    def test_a_second_unique_set_is_refused(self, app: App) -> None:
        app.write("group", pa.table({"id": [A_UUID], "code": ["G1"]}), key=["id"])
        other = pa.table({"id": [A_UUID.replace("6f", "7f")], "code": ["G1"]})

        with pytest.raises(RowsRefusedError):
            app.write("group", other, key=["id"], fresh=True)

    def test_deleting_what_others_point_at_is_refused(self, app: App) -> None:
        app.write("group", pa.table({"id": [A_UUID], "code": ["G1"]}), key=["code"])
        app.write("customer", customers("C1", groupid=A_UUID), key=KEY)

        with pytest.raises(RowsRefusedError):
            app.delete("group", pa.table({"code": ["G1"]}))

        assert app.count(asking("group", "code")) == 1

    @pytest.mark.parametrize("operation", ["write", "update"])
    def test_unknown_names_are_named(self, app: App, operation: str) -> None:
        rows = customers("C1").append_column("nmae", pa.array(["x"]))

        with pytest.raises(MissingColumnError, match="Did you mean 'name'"):
            getattr(app, operation)("customer", rows, key=KEY)
        with pytest.raises(MissingTableError):
            getattr(app, operation)("nothing", rows, key=KEY)

    def test_unknown_names_of_a_query_are_named(self, app: App) -> None:
        with pytest.raises(MissingColumnError):
            app.read(of_customers("nmae"))
        with pytest.raises(MissingTableError):
            app.read(asking("nothing", "x"))
        with pytest.raises(MissingColumnError):
            app.fetch(of_customers("nmae"), customers("C1"))


class Reading:
    def test_lookups_nest(self, app: App) -> None:
        app.write("group", pa.table({"id": [A_UUID], "code": ["G1"]}), key=["code"])
        app.write("customer", customers("C1", groupid=A_UUID, name="Anna"), key=KEY)
        boss = app.read(of_customers("id"))["id"][0].as_py()
        app.write("customer", customers("C2", parentid=boss), key=KEY)

        rows = held(app, of_customers("parentid.name", "parentid.groupid.code", "groupid.code"))

        assert [list(row.values())[1:] for row in rows] == [
            ["C1", None, None, "G1"],
            ["C2", "Anna", "G1", None],
        ]

    def test_a_lookup_may_be_declared_by_the_map(self, shop: Workshop) -> None:
        shop.create(
            table("unit", text("code"), text("title"), key=("code",)),
            table("item", text("k"), text("unit"), key=("k",)),
        )
        app = shop.open()
        app.write("unit", pa.table({"code": ["kg"], "title": ["Kilogram"]}), key=["code"])
        app.write("item", pa.table({"k": ["1", "2"], "unit": ["kg", "??"]}), key=["k"])

        query = asking("item", "k", "unit.title", lookups={"unit": Reference("unit", "code")})

        assert [row["unit.title"] for row in held(app, query)] == ["Kilogram", None]

    @pytest.mark.parametrize("kind", ["customeridtype", "customerid_type", None])
    def test_a_polymorphic_lookup_finds_its_table(self, shop: Workshop, kind: str | None) -> None:
        """The type tells it even where two tables hold the same id."""
        kinds = [text(kind)] if kind else []
        shop.create(
            table("account", uuid("id"), text("accountnumber"), key=("id",)),
            table("contact", uuid("id"), text("person"), key=("id",)),
            table("deal", text("k"), uuid("customerid"), *kinds, key=("k",)),
        )
        app = shop.open()
        other = A_UUID.replace("6f", "7f")
        app.write("account", pa.table({"id": [A_UUID], "accountnumber": ["A1"]}), key=["id"])
        same: list[str | None] = [A_UUID] if kind else []
        people = [f"P{number}" for number in range(1, 2 + len(same))]
        app.write("contact", pa.table({"id": [other, *same], "person": people}), key=["id"])
        rows = pa.table(
            {"k": ["1", "2", "3", "4"], "customerid": [A_UUID, other, None, *(same or [None])]}
            | ({kind: ["account", "contact", None, "contact"]} if kind else {})
        )
        app.write("deal", rows, key=["k"])

        path = "customerid.Account(accountnumber).Contact(person)"

        found = [row[path] for row in held(app, asking("deal", "k", path))]
        assert found == ["A1", "P1", None, "P2" if kind else None]

    def test_companies_limit_the_rows(self, app: App) -> None:
        rows = customers("C1", "C2", "C3", company=["USMF", "DEMF", "USMF"])
        app.write("customer", rows, key=KEY)
        (company,) = paths("company")

        def counted(*companies: str) -> int:
            query = of_customers(company=company, companies=companies)
            assert app.read(query).num_rows == app.count(query)
            return app.count(query)

        assert [counted("USMF"), counted("DEMF", "USMF"), counted("x"), counted()] == [2, 3, 0, 0]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("name eq 'Anna'", ["C1"]),
            ("name ne 'Anna'", ["C2"]),
            ("name eq null", ["C3"]),
            ("credit gt 2.5", ["C2"]),
            ("credit eq 1.5 or rank eq 7", ["C1", "C3"]),
            ("startswith(name, 'B') and not (rank eq 1)", ["C2"]),
            ("contains(name, '%')", ["C2"]),
            ("groupid.code eq 'G1'", ["C1"]),
        ],
    )
    def test_filters_choose_rows(self, app: App, text: str, expected: list[str]) -> None:
        app.write("group", pa.table({"id": [A_UUID], "code": ["G1"]}), key=["code"])
        rows = customers(
            "C1",
            "C2",
            "C3",
            name=["Anna", "B%b", None],
            credit=[Decimal("1.5"), Decimal("10.5"), None],
            rank=[1, 2, 7],
            groupid=[A_UUID, None, None],
        )
        app.write("customer", rows, key=KEY)

        query = of_customers(filter=parse_filter(text))

        assert [row["number"] for row in held(app, query)] == expected
        assert app.count(query) == len(expected)

    @pytest.mark.parametrize("more", [0, 500], ids=["few keys", "many keys"])
    def test_fetch_gives_each_named_row_once(self, app: App, more: int) -> None:
        app.write("customer", customers("C1", "C2", "it's", name="Anna"), key=KEY)
        numbers = ["C1", "C1", "it's", "C9", None, *(f"X{i}" for i in range(more))]

        found = app.fetch(of_customers("name"), customers(*numbers))

        assert sorted(found["number"].to_pylist()) == ["C1", "it's"]
        assert found.column_names == ["company", "number", "name"]

    def test_fetch_of_no_keys_gives_no_rows(self, app: App) -> None:
        app.write("customer", customers("C1"), key=KEY)

        assert app.fetch(of_customers("credit"), customers()).num_rows == 0

    def test_fetch_finds_rows_by_a_key_behind_a_lookup(self, app: App) -> None:
        app.write("group", pa.table({"id": [A_UUID], "code": ["G1"]}), key=["code"])
        app.write("customer", customers("C1", "C2", groupid=[A_UUID, None]), key=KEY)
        query = asking("customer", "number", "groupid.code", key=("number", "groupid.code"))
        keys = pa.table({"groupid.code": ["G1", "G1"], "number": ["C1", "C2"]})

        assert app.fetch(query, keys).to_pylist() == [{"number": "C1", "groupid.code": "G1"}]

    def test_an_empty_table_has_the_right_types(self, app: App) -> None:
        result = app.read(of_customers("credit", "rank", "id", "groupid.code"))

        assert [str(kind) for kind in result.schema.types] == [
            *["string"] * 2, "decimal128(38, 10)", "int64", "string", "string",
        ]  # fmt: skip


class Cutting:
    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    def test_ranges_hold_every_row_once(self, app: App, size: int) -> None:
        numbers = [f"C{i}" for i in range(7)]
        app.write("customer", customers(*numbers), key=KEY)

        parts = app.partitions(of_customers(), size=size)

        found = [
            row["number"]
            for part in parts
            for row in app.read(of_customers(), within=part).to_pylist()
        ]
        assert sorted(found) == numbers
        assert parts[0].low is None
        assert parts[-1].high is None
        assert len(parts) == -(-7 // size)

    def test_an_empty_table_is_one_range(self, app: App) -> None:
        (part,) = app.partitions(of_customers(), size=10)

        assert (part.low, part.high) == (None, None)

    def test_rows_that_belong_together_are_never_parted(self, shop: Workshop) -> None:
        shop.create(table("rate", number("id"), text("entity"), typed("f", NAIVE), key=("id",)))
        app = shop.open()
        entities = [None, "a", "a", "a", "b", "b", "c", None]
        starts = [datetime(2026, 1, 1 + i) for i in range(8)]  # noqa: DTZ001
        rows = pa.table({"id": range(8), "entity": entities, "f": pa.array(starts, NAIVE)})
        app.write("rate", rows, key=["id"])
        query = asking("rate", "id", "entity")

        parts = app.partitions(query, size=2, together=["entity"])

        found = [app.read(query, within=part)["entity"].to_pylist() for part in parts]
        assert len(parts) > 1
        assert sorted(map(str, chain.from_iterable(found))) == sorted(map(str, entities))
        assert all(sum(entity in part for part in found) == 1 for entity in ("a", "b", "c"))

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            pytest.param(number("k", nullable=False), [-5, 0, 7, 70, 2**60], id="number"),
            pytest.param(
                typed("k", pa.date32()),
                [date(1900 + 20 * i, 1, 1) for i in range(5)],
                id="date",
            ),
            pytest.param(
                typed("k", UTC_TYPE),
                [datetime(2026, 1, 1, i, 30, 0, i, tzinfo=UTC) for i in range(5)],
                id="instant",
            ),
            pytest.param(
                money("k", 28, 10),
                [Decimal(v) for v in ("-2.5", "0", "3.0000000001", "20", "100")],
                id="money",
            ),
            pytest.param(text("k", nullable=False), ["", "a'b", "é", "Z", "z\\"], id="text"),
        ],
    )
    def test_every_type_of_key_can_be_cut(
        self, shop: Workshop, column: Any, values: list[Any]
    ) -> None:
        shop.create(table("cut", column, number("n"), key=("k",)))
        app = shop.open()
        rows = pa.table({"k": pa.array(values, column.type), "n": range(len(values))})
        app.write("cut", rows, key=["k"])
        query = asking("cut", "k", "n")

        parts = app.partitions(query, size=1)

        found = [app.read(query, within=part)["k"].to_pylist() for part in parts]
        assert sorted(len(part) for part in found) == [1] * len(values)
        assert sorted(chain.from_iterable(found)) == sorted(values)

    def test_a_table_without_a_key_cannot_be_cut(self, shop: Workshop) -> None:
        shop.create(table("loose", text("k")))

        with pytest.raises(NoKeyError, match="no primary key and no unique index"):
            shop.open().partitions(asking("loose", "k"), size=10)


class Together:
    def test_two_writers_lose_nothing(self, app: App) -> None:
        """Both write the same keys and keys of their own, at once."""
        faults: list[BaseException] = []

        def work(own: str) -> None:
            try:
                for turn in range(5):
                    same = [f"S{i}" for i in range(20)]
                    rows = customers(*same, f"{own}{turn}", name=own)
                    app.write("customer", rows, key=KEY)
            except BaseException as fault:  # noqa: BLE001 - raised in the main thread
                faults.append(fault)

        threads = [threading.Thread(target=work, args=(own,)) for own in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert faults == []
        assert app.count(of_customers()) == 30

    def test_readers_in_many_threads_see_whole_writes(self, app: App) -> None:
        numbers = [f"C{i}" for i in range(50)]
        app.write("customer", customers(*numbers, rank=0), key=KEY)
        seen: list[set[int]] = []

        def look() -> None:
            seen.extend(set(app.read(of_customers("rank"))["rank"].to_pylist()) for _ in range(10))

        threads = [threading.Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        for turn in range(1, 6):
            app.write("customer", customers(*numbers, rank=turn), key=KEY)
        for thread in threads:
            thread.join()

        assert len(seen) == 30
        assert all(len(ranks) == 1 for ranks in seen)


class Views:
    def test_a_view_is_read_and_never_written(self, sql_shop: Workshop) -> None:
        sql_shop.create(table("base", text("k"), key=("k",)))
        quote = sql_shop.quote
        sql_shop.execute(f"CREATE VIEW {quote('seen')} AS SELECT k FROM base")
        app = sql_shop.open()
        app.write("base", pa.table({"k": ["1"]}), key=["k"])

        assert app.schema("seen").read_only == "a view"
        assert held(app, asking("seen", "k")) == [{"k": "1"}]
        with pytest.raises(ReadOnlyTableError, match="a view"):
            app.write("seen", pa.table({"k": ["2"]}), key=["k"])
