"""The gate of Great Expectations returns the verdict of the rules, whatever the rows."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import great_expectations as gx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualwrite.link import Side
from dualwrite.rules import (
    RULES,
    Between,
    Convertible,
    CurrencyPrecision,
    Finite,
    FloatDigits,
    KeyExact,
    KeyPresent,
    KeyUnique,
    Length,
    LocalTime,
    Matches,
    MoneyExact,
    OneOf,
    Outside,
    Own,
    PeriodsSound,
    QuantityConvertible,
    QuantityConverts,
    Readable,
    Required,
    Resolvable,
    Rule,
    Scale,
    SecondFraction,
    ValueMapTotal,
    Verdict,
    WholeNumberRange,
    judge,
)
from dualwrite.rules.expected import DERIVED_ONLY, FACES
from dualwrite.rules.outside import ROW_BY_ROW
from dualwrite.sync.routes.route import Route
from expectations.catalogue import EXPECTATIONS
from expectations.gate import GreatExpectationsGate, NotEvaluatedError
from tests.rules import own_example

ROUTE = cast(
    "Route",
    SimpleNamespace(
        table_map=SimpleNamespace(name="accounts", title="Customers"),
        source=Side.FINOPS,
        target=Side.DATAVERSE,
        flow=SimpleNamespace(source_key=("ID",), columns=()),
        rules=(),
    ),
)
SCHEMA = pa.schema(
    {
        "source:ID": pa.string(),
        "unreadable:": pa.string(),
        "id": pa.string(),
        "name.of.it": pa.string(),
        "source:AMOUNT": pa.string(),
        "amount": pa.decimal128(38, 10),
        "wide": pa.decimal256(50, 12),
        "day": pa.int64(),
        "source:FACTOR": pa.float64(),
        "source:HOLD": pa.string(),
        "hold": pa.int64(),
        "ref:owner": pa.string(),
        "many:owner": pa.bool_(),
        "owner.code": pa.string(),
        "source:CUR": pa.string(),
        "source:UNIT": pa.string(),
        "unit:amount": pa.string(),
        "back:amount": pa.decimal128(38, 10),
        "from": pa.date32(),
        "to": pa.date32(),
        "nothing": pa.null(),
    }
)
texts = st.none() | st.sampled_from(["", "A", "B", "Æøå€", "long enough"])
days = st.none() | st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 9))
amounts = st.none() | st.decimals(-10_000, 10_000, places=10)


def a_row(draw: st.DrawFn) -> dict[str, Any]:
    key = draw(texts)
    return {
        "source:ID": key,
        "id": key,
        "name.of.it": draw(texts),
        "source:AMOUNT": draw(texts),
        "amount": draw(amounts),
        "wide": draw(amounts),
        "day": draw(st.none() | st.integers(-(2**40), 2**40)),
        "source:FACTOR": draw(st.none() | st.floats()),
        "source:HOLD": draw(texts),
        "hold": draw(st.none() | st.just(1)),
        "ref:owner": draw(texts),
        "many:owner": draw(st.booleans()),
        "owner.code": draw(texts),
        "source:CUR": draw(
            st.none() | st.sampled_from(["", "EUR", "JPY", "KWD", "CHF", "XX", "2026-03-29 02:30"])
        ),
        "source:UNIT": draw(texts),
        "unit:amount": draw(texts),
        "back:amount": draw(amounts),
        "from": draw(days),
        "to": draw(days),
        "nothing": None,
    }


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = [a_row(draw) for _ in range(draw(st.integers(0, 6)))]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    return pa.concat_tables([table, table.slice(1)]) if draw(st.booleans()) else table


@st.composite
def all_rules(draw: st.DrawFn) -> list[Rule]:
    severity: Any = draw(st.sampled_from(["critical", "warning"]))
    owner = {"column": "ref:owner", "ambiguous": "many:owner", "parts": ("owner.code",)}
    return [
        Readable(severity),
        KeyPresent(key=("id", "name.of.it")),
        PeriodsSound(severity, ("id",), "from", "to"),
        KeyUnique(severity, key=("id",)),
        Convertible(source="source:AMOUNT", target="amount", type="a decimal(10, 2)"),
        ValueMapTotal(severity, "source:HOLD", "hold", ("A", "B"), ("B",)),
        Finite(column="source:FACTOR"),
        QuantityConverts(
            severity, "source:AMOUNT", "unit:amount", "source:UNIT", "", "back:amount"
        ),
        MoneyExact(
            severity, draw(st.sampled_from(["source:FACTOR", "source:AMOUNT", "amount"])), 2
        ),
        Required(severity, draw(st.sampled_from(["name.of.it", "nothing"]))),
        FloatDigits(severity, "amount"),
        KeyExact(severity, "name.of.it", "day"),
        Length(severity, "name.of.it", draw(st.integers(0, 12))),
        Length(severity, "name.of.it", draw(st.integers(0, 12)), unit="bytes"),
        Scale(severity, draw(st.sampled_from(["amount", "wide"])), 10, draw(st.integers(0, 10))),
        CurrencyPrecision(
            severity,
            draw(st.sampled_from(["amount", "wide", "day"])),
            currency="source:CUR",
            precision=10,
            scale=draw(st.integers(0, 4)),
            kind=draw(st.sampled_from(["amount", "price", "cash"])),
            policy=draw(st.sampled_from(["reject", "round:half_even"])),
        ),
        WholeNumberRange(severity, "day", -(2**31), 2**31 - 1),
        SecondFraction(severity, draw(st.sampled_from(["name.of.it", "day"])), 3),
        LocalTime(severity, "source:CUR", "Europe/Berlin", "UTC", draw(st.booleans())),
        Resolvable(**owner, tables=("team",)),
        Between(severity, draw(st.sampled_from(["amount", "wide", "day"])), "-0.5", "99.5"),
        OneOf(severity, "source:CUR", ("EUR", "JPY")),
        Matches(severity, "name.of.it", "^[A-Z]"),
        QuantityConvertible(
            severity,
            draw(st.sampled_from(["amount", "day"])),
            unit="source:UNIT",
            to_symbol="ea",
            units=("A: Quantity 2", "B: Quantity"),
            conversions=("1 A = 12 ea",),
        ),
        Own(severity, "AtMost", "day", '{"column": "day", "most": 7}', own_example.__file__),
    ]


def as_data(verdict: Verdict) -> dict[str, Any]:
    def plain(failures: tuple[Any, ...]) -> list[Any]:
        return [(failure.rule, failure.indices.to_pylist()) for failure in failures]

    return {
        "passed": verdict.passed.to_pylist(),
        "parked": verdict.parked.to_pylist(),
        "failures": plain(verdict.failures),
        "warnings": plain(verdict.warnings),
        "key": verdict.key if len(verdict.passed) else (),
    }


def test_the_rules_below_are_all_rules():
    assert set(EXPECTATIONS) == set(RULES.values())


def test_a_map_may_name_a_rule_as_its_expectation_too():
    called = {rule.name: face.__name__ for rule, face in EXPECTATIONS.items()}

    assert {n: face for n, face in called.items() if n not in DERIVED_ONLY} == FACES


def test_what_great_expectations_judges_row_by_row_is_there():
    assert [name for name in ROW_BY_ROW if not hasattr(gx.expectations, name)] == []


@settings(max_examples=40, deadline=None)
@given(rows=tables(), rules=all_rules())
def test_the_gate_returns_exactly_the_verdict_of_the_rules(rows, rules):
    assert {type(rule) for rule in rules} == set(RULES.values()) - {Outside}

    verdict = GreatExpectationsGate()(ROUTE, rows, rules)

    plain = as_data(judge(rows, rules))
    assert as_data(verdict) == (plain if rows.num_rows else plain | {"key": ()})


@settings(max_examples=5, deadline=None)
@given(rows=tables())
def test_so_does_great_expectations_own(rows):
    long = '{"column": "name.of.it", "max_value": 3}'
    outside = Outside("critical", "ExpectColumnValueLengthsToBeBetween", "name.of.it", options=long)
    rules = [outside, Length("warning", "name.of.it", 3)]

    verdict = GreatExpectationsGate()(ROUTE, rows, rules)

    plain = as_data(judge(rows, rules))
    assert as_data(verdict) == (plain if rows.num_rows else plain | {"key": ()})
    assert verdict.passed.to_pylist() == [
        len(text or "") <= 3 for text in rows["name.of.it"].to_pylist()
    ]


def test_the_last_digit_of_a_long_amount_is_seen():
    rows = pa.table(
        {
            "source:ID": ["1", "2"],
            "amount": pa.array(
                [Decimal("12345678901234567.1234567891"), Decimal("12345678901234567.1234567890")],
                pa.decimal128(38, 10),
            ),
        }
    )

    verdict = GreatExpectationsGate()(ROUTE, rows, [Scale(column="amount", precision=38, scale=9)])

    assert verdict.passed.to_pylist() == [False, True]


def test_threads_do_not_mix_their_batches():
    gate = GreatExpectationsGate()
    rule = Length(column="name", length=3)
    batches = [pa.table({"name": ["x" * n, "abc"], "source:ID": [str(n), "0"]}) for n in range(8)]

    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda rows: gate(ROUTE, rows, [rule]), batches))

    assert [v.passed.to_pylist() for v in verdicts] == [[n <= 3, True] for n in range(8)]
    [(suite, answer)] = gate.report.failing()
    assert (suite, answer.rows, answer.failing) == ("accounts, finops to dataverse", 16, 4)
    assert sorted(answer.keys) == ["4", "5", "6", "7"]


def test_an_expectation_that_cannot_be_evaluated_is_no_failing_row():
    rows = pa.table({"name": [1]})

    with pytest.raises(NotEvaluatedError) as caught:
        GreatExpectationsGate()(ROUTE, rows, [Length(column="name", length=3)])

    assert str(caught.value) == (
        "accounts, finops to dataverse: expect_column_values_to_fit_length could not be evaluated "
        "(Function 'binary_length' has no kernel matching input types (int64)). "
        "Nothing of this batch was written.\n"
        "  Run the map without Great Expectations: dualwrite run, or quality=false."
    )
