"""Money that the map rounds: what is sent, what it is judged by, and what is no change."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.rules import Convertible, CurrencyPrecision, MoneyExact, derive
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.translate.amounts import keep_equivalent
from dualwrite.translate.compare import differs
from dualwrite.translate.compiling import compile_flow
from dualwrite.translate.flow import Flow
from dualwrite.translate.rows import comparable, translate
from tests.translate.maps import CUSTOMERS, line, schema_of

CODES = ["EUR", "JPY", "KWD", "XAU", "XX", None]


def flow(source: Side, **money: object) -> Flow:
    """The customers, whose limit is money in the currency `PT = tc`, here text both."""
    columns = tuple(c for c in CUSTOMERS.columns if str(c.notation) not in _CONSTANTS)
    options = {"LIMIT": {"currency": "HOLD", **money}}
    table_map = replace(CUSTOMERS, money=options, columns=(*columns, line("HOLD = accountid")))
    return compile_flow(table_map, source, schema_of)


_CONSTANTS = {str(c.notation) for c in CUSTOMERS.columns if c.transforms}


def rows(way: Flow, *limits: tuple[str | None, str | None]) -> pa.Table:
    """Rows as the way reads them, of a limit and its currency each."""
    texts = {str(path): pa.nulls(len(limits), pa.string()) for path in way.reads}
    name, code = ("LIMIT", "HOLD") if way.source is Side.FINOPS else ("creditlimit", "accountid")
    scale = 6 if way.source is Side.FINOPS else 2
    amounts = [None if limit is None else Decimal(limit) for limit, _ in limits]
    return pa.table(
        {
            **texts,
            name: pa.array(amounts, pa.decimal128(20, scale)),
            code: pa.array([code for _, code in limits], pa.string()),
        }
    )


def numbers(table: pa.Table, name: str) -> list[Decimal | None]:
    return table[name].to_pylist()


def test_the_rules_of_money_replace_scale():
    rules = derive(flow(Side.FINOPS, precision={"round": "half_up"}, kind="price").facts())

    assert [rule for rule in rules if "LIMIT" in str(rule) or "creditlimit" in str(rule)] == [
        MoneyExact(column="source:LIMIT", scale=2),
        Convertible(source="source:LIMIT", target="creditlimit", type="a decimal(20, 2)"),
        CurrencyPrecision(
            column="creditlimit",
            currency="source:HOLD",
            precision=20,
            scale=2,
            kind="price",
            policy="round:half_up",
        ),
    ]


@pytest.mark.parametrize("mode", ["reject", {"round": "half_even"}])
def test_a_way_of_the_amount_alone_reads_its_currency_too(mode):
    way = flow(Side.FINOPS, precision=mode)
    narrow = replace(
        way, columns=tuple(c for c in way.columns if c.source == ColumnPath(("LIMIT",)))
    )

    assert [str(path) for path in narrow.reads] == ["LIMIT", "HOLD"]
    assert "source:HOLD" in translate(rows(narrow, ("1", "EUR")), narrow).column_names
    assert narrow.names == ("creditlimit",)


def test_the_rounded_amount_is_what_is_written():
    way = flow(Side.FINOPS, precision={"round": "half_even"})
    read = rows(way, ("10.005", "EUR"), ("10.5", "JPY"), ("1.005", "XX"), (None, "EUR"))

    translated = numbers(translate(read, way), "creditlimit")

    assert translated == [Decimal(10), Decimal(10), Decimal(1), None]


def test_a_rounded_amount_that_comes_back_is_no_change():
    back = flow(Side.DATAVERSE, precision={"round": "half_even"})
    there = rows(back, ("10.00", "EUR"), ("10.01", "EUR"), (None, "EUR"), ("5.00", "EUR"))
    own = pa.table({"LIMIT": [Decimal("10.005000"), Decimal("10.005"), Decimal("0.001"), None]})

    held = comparable(own, back)
    translated = keep_equivalent(translate(there, back), held, back)

    assert numbers(translated, "LIMIT") == [Decimal("10.005"), Decimal("10.01"), None, Decimal(5)]
    assert differs(translated["LIMIT"], held["LIMIT"]).to_pylist() == [False, True, True, True]


@settings(max_examples=40, deadline=None)
@given(
    limits=st.lists(
        st.tuples(
            st.none() | st.decimals(-(10**6), 10**6, places=6).map(str), st.sampled_from(CODES)
        ),
        max_size=6,
    ),
    mode=st.sampled_from(["half_even", "half_up", "up", "floor"]),
    kind=st.sampled_from(["amount", "price", "cash"]),
)
def test_what_was_sent_and_comes_back_changes_nothing(limits, mode, kind):
    options = {"precision": {"round": mode}, "kind": kind}
    way, back = flow(Side.FINOPS, **options), flow(Side.DATAVERSE, **options)
    read = rows(way, *limits)
    sent = numbers(translate(read, way), "creditlimit")
    there = rows(back, *((limit, code) for limit, (_, code) in zip(sent, limits, strict=True)))

    held = comparable(read.select(["LIMIT"]), back)
    translated = keep_equivalent(translate(there, back), held, back)

    assert not any(differs(translated["LIMIT"], held["LIMIT"]).to_pylist())
