"""Columns whose names are no plain words: as key, value, lookup, unit and currency column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.operations.queries.rows import rows
from dualwrite.tablemap.names import quoted
from tests.sync.pair import Pair, pair_of
from tests.sync.world import counts_of

F, D = Side.FINOPS, Side.DATAVERSE
KINDS = ("sqlite", "postgresql", "mariadb")
NAMES = (
    "20% off",
    "100%",
    "%s",
    "%(k)s",
    'say "x"',
    "it's",
    "a.b",
    "1st",
    "select",
    "größe",
    "q?m",
    "c:d",
    "b\\s",
    "{brace}",
    "$1",
    "`tick`",
    "a,b;--",
    "[x]",
    "none",
    "at",
)
"""What columns of values are called."""


@pytest.fixture(params=KINDS)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> Iterator[Pair]:
    kind = request.param
    with pair_of(
        tmp_path,
        (kind, kind),
        fresh_database,
        lambda each: request.getfixturevalue(f"{each}_server"),
    ) as made:
        yield made


def yaml(text: str) -> str:
    """A text in single quotes."""
    return "'{}'".format(text.replace("'", "''"))


def column_map(left: str, right: str | None = None) -> str:
    return yaml(f"{quoted(left)} = {quoted(right or left)}")


def tables(pair: Pair) -> None:
    for side in Side:
        quote = pair.shops[side].quote
        values = ", ".join(f"{quote(name)} VARCHAR(30)" for name in NAMES)
        pair.shops[side].execute(
            f"CREATE TABLE {quote('my grp')} ({quote('i d')} INTEGER PRIMARY KEY, "
            f"{quote('co%de')} VARCHAR(9) NOT NULL UNIQUE)",
            f"CREATE TABLE {quote('t%')} ({quote('order no')} VARCHAR(9) NOT NULL, "
            f"{quote('2nd key')} VARCHAR(9) NOT NULL, {values}, "
            f"{quote('my grp')} INTEGER, PRIMARY KEY ({quote('order no')}, {quote('2nd key')}), "
            f"FOREIGN KEY ({quote('my grp')}) REFERENCES {quote('my grp')} ({quote('i d')}))",
        )
    pair.execute(F, "INSERT INTO \"my grp\" VALUES (1, 'one'), (2, 'two')")
    pair.execute(D, "INSERT INTO \"my grp\" VALUES (10, 'one'), (20, 'two')")


MAP = f"""\
finops: {{table: t%, key: ['"order no"', '"2nd key"']}}
dataverse: {{table: t%, key: ['"order no"', '"2nd key"']}}
columns:
  - {column_map("order no")}
  - {column_map("2nd key")}
  - '"my grp"."co%de" = "my grp"."co%de"'
""" + "".join(f"  - {column_map(name)}\n" for name in NAMES)


def insert(pair: Pair, side: Side, number: str, text: str, group: int) -> None:
    row = {"order no": number, "2nd key": "k", "my grp": group}
    with pair.shops[side].hand() as hand:
        hand.insert("t%", {**row, **{name: f"{text} {n}" for n, name in enumerate(NAMES)}})


def held(pair: Pair, side: Side) -> list[tuple[object, ...]]:
    quote = pair.shops[side].quote
    names = ", ".join(map(quote, ("order no", *NAMES)))
    group = f"(SELECT {quote('co%de')} FROM {quote('my grp')} g WHERE g.{quote('i d')} = "
    with pair.shops[side].sql_hand() as hand:
        found = hand.rows(
            f"SELECT {names}, {group}t.{quote('my grp')}) FROM {quote('t%')} t ORDER BY 1"
        )
    return [tuple(row) for row in found]


def row(number: str, text: str, group: str, **changed: str) -> tuple[object, ...]:
    values = [changed.get(str(n), f"{text} {n}") for n, _ in enumerate(NAMES)]
    return (number, *values, group)


def test_initial_and_live(pair: Pair) -> None:
    tables(pair)
    insert(pair, F, "A", "erp", 1)
    insert(pair, F, "B", "erp", 2)
    insert(pair, D, "B", "crm", 10)
    insert(pair, D, "C", "crm", 20)
    with pair.open(odd=MAP):
        assert pair.findings("odd") == []
        pair.run("odd")
        first = [row("A", "erp", "one"), row("B", "erp", "two"), row("C", "crm", "two")]
        assert (held(pair, F), held(pair, D)) == (first, first)

        for n, name in enumerate(NAMES):
            with pair.shops[F if n % 2 else D].hand() as hand:
                hand.update("t%", {"order no": "A"}, **{name: "new"})
        with pair.shops[D].hand() as hand:
            hand.update("t%", {"order no": "B"}, **{"my grp": 10})
            hand.update("t%", {"order no": "C"}, **{"order no": "Z"})
        insert(pair, D, "N", "crm", 10)
        pair.cycle("odd")

        changed = {str(n): "new" for n, _ in enumerate(NAMES)}
        second = [
            row("A", "erp", "one", **changed),
            row("B", "erp", "one"),
            row("N", "crm", "one"),
            row("Z", "crm", "two"),
        ]
        assert pair.causes("odd") == []
        assert (held(pair, F), held(pair, D)) == (second, second)
        with pair.shops[F].hand() as hand:
            hand.delete("t%", {"order no": "N"})
        pair.cycle("odd")
        del second[2]
        assert (held(pair, F), held(pair, D)) == (second, second)
        assert pair.unexplained("odd") == 0
        assert [each for each in pair.cycle("odd") if counts_of(each)] == []


def test_many_rows(pair: Pair) -> None:
    """More than a statement takes along: by COPY, by LOAD DATA, by a staged table."""
    tables(pair)
    rows = [
        {"order no": f"A{n:05}", "2nd key": "k", "my grp": 1, **dict.fromkeys(NAMES, "x")}
        for n in range(1200)
    ]
    with pair.shops[F].hand() as hand:
        hand.insert("t%", *rows)
    with pair.open(odd=MAP):
        pair.run("odd")
        assert len(held(pair, D)) == 1200
        with pair.shops[D].hand() as hand:
            hand.update("t%", None, **dict.fromkeys(NAMES, "y"))
        pair.cycle("odd")
        assert {each[1:-1] for each in held(pair, F)} == {("y",) * len(NAMES)}


def test_units_and_currencies(pair: Pair) -> None:
    for side in Side:
        quote = pair.shops[side].quote
        kind = "DECIMAL_TEXT" if pair.shops[side].kind == "sqlite" else "DECIMAL"
        columns = ", ".join(f"{quote(n)} VARCHAR(9)" for n in ("cur%", "u nit", "1st state"))
        pair.shops[side].execute(
            f"CREATE TABLE m (k INTEGER PRIMARY KEY, {quote('amo unt')} {kind}(12, 4), "
            f"{quote('qty.')} {kind}(12, 4), {columns})"
        )
    pair.execute(
        F,
        "INSERT INTO m VALUES (1, '2.5000', '3.0000', 'EUR', 'dz', 'on')",
        "INSERT INTO m VALUES (2, '2.5000', '3.0000', 'JPY', 'dz', 'on')",
        "INSERT INTO m VALUES (3, '2.5000', '3.0000', 'XXX', 'dz', 'on')",
    )
    text = """\
finops: {table: m, key: [k], filter: 'k gt 0 and "cur%" ne ''XXX'''}
dataverse: {table: m, key: [k]}
columns:
  - k = k
  - '"amo unt" = "amo unt"'
  - '"qty." = "qty."'
  - '"cur%" = "cur%"'
  - '"u nit" = "u nit"'
  - '"1st state" >< "1st state"': {values: {"on": "1", "off": "0"}}
money: {'"amo unt"': {currency: '"cur%"'}}
quantity: {'"qty."': {unit: {finops: '"u nit"', dataverse: pcs}}}
conflicts: {policy: merge, columns: {'"amo unt"': finops}}
expect:
  - length: {column: '"u nit"', length: 9}
"""
    with pair.open(odd=text):
        assert pair.findings("odd") == []
        pair.run("odd")
        assert pair.causes("odd") == ["currency_precision"]
        (found,) = pair.rows(D, 'SELECT "amo unt", "qty.", "1st state" FROM m')
        assert (Decimal(str(found[0])), Decimal(str(found[1])), found[2]) == (
            Decimal("2.5"),
            Decimal(36),
            "1",
        )
        pair.execute(D, "UPDATE m SET \"qty.\" = '48.0000', \"amo unt\" = '7.2500'")
        pair.cycle("odd")
        found = pair.rows(F, 'SELECT "amo unt", "qty.", "1st state" FROM m WHERE k = 1')[0]
        assert (Decimal(str(found[0])), Decimal(str(found[1])), found[2]) == (
            Decimal("7.25"),
            Decimal(4),
            "on",
        )


def test_a_change_during_an_initial_sync_is_known_by_its_column(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `a.b` of the other app's own, and as the lookup column behind a path."""
    tables(pair)
    insert(pair, F, "A", "erp", 1)
    insert(pair, D, "A", "erp", 10)
    with pair.open(odd=MAP):
        app = pair.session.apps[F]
        read, done = app.read, list[str]()

        def meanwhile(query: Query, **options: Any) -> pa.Table:
            found = read(query, **options)
            if found.num_rows and not done:
                done.append("edited")
                with pair.shops[D].hand() as hand:
                    hand.update("t%", None, **{"a.b": "crm", "20% off": "crm", "my grp": 20})
            return found

        monkeypatch.setattr(app, "read", meanwhile)
        pair.run("odd")
        pair.cycle("odd")
        assert done
        changed = {str(NAMES.index(name)): "crm" for name in ("a.b", "20% off")}
        wanted = [row("A", "erp", "two", **changed)]
        assert (held(pair, F), held(pair, D)) == (wanted, wanted)


DATED = """\
finops: {table: p, key: ['"item no"', '"from %"']}
dataverse: {table: p, key: ['"item no"', '"from %"']}
columns:
  - '"item no" = "item no"'
  - '"from %" = "from %"'
  - '"to."  = "to."'
  - '"the price" = "the price"'
effective: {entity: ['"item no"'], from: '"from %"', to: '"to."', gaps: allow}
"""


def test_dated_rows(pair: Pair) -> None:
    for side in Side:
        pair.execute(
            side,
            'CREATE TABLE p ("item no" VARCHAR(9) NOT NULL, "from %" DATE NOT NULL, '
            '"to." DATE NOT NULL, "the price" INTEGER, PRIMARY KEY ("item no", "from %"))',
        )
    pair.execute(F, "INSERT INTO p VALUES ('A', '2020-01-01', '2020-12-31', 1)")
    with pair.open(dated=DATED):
        assert [each for each in pair.findings("dated") if "DW1030" not in each] == []
        pair.run("dated")
        pair.execute(D, "INSERT INTO p VALUES ('A', '2021-01-01', '2154-12-31', 2)")
        pair.execute(F, 'UPDATE p SET "the price" = 3')
        pair.cycle("dated")
        found = rows(pair.session, "dated", D, None, keys={"item no": "A", '"the price"': "3"})
        assert found.columns == ("item no", "from %", "to.", "the price")
        assert len(found.rows) == 1
        both = [pair.rows(side, 'SELECT "the price" FROM p ORDER BY "from %"') for side in Side]
        assert both == [[(3,), (2,)]] * 2
        assert pair.unexplained("dated") == 0
