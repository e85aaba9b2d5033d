"""Our classes in a suite of a data engineer's own: a pandas frame, no map, no project."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import great_expectations as gx
import pandas as pd
import pyarrow as pa
import pytest

from expectations.catalogue import (
    EXPECTATIONS,
    ExpectColumnValuesToBeFromTo,
    ExpectColumnValuesToBeOneOf,
    ExpectColumnValuesToKeepCurrencyPrecision,
    ExpectPeriodsNotToOverlap,
    ExpectQuantityToConvertBetweenUnits,
    ExpectRowsToMeetOutsideRule,
    ExpectRowsToMeetOwnRule,
)

ORDERS = pd.DataFrame(
    {
        "order": ["1", "2", "3", "4"],
        "price": pd.array(
            [Decimal("10.25"), Decimal("10.255"), Decimal("10.5"), Decimal(1)],
            dtype=pd.ArrowDtype(pa.decimal128(18, 4)),
        ),
        "currency": ["EUR", "EUR", "JPY", "EURO"],
        "qty": [2, 2, 7, 24],
        "unit": ["box", "tin", "pcs", "pcs"],
        "from": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-02-10", "2026-03-01"]).date,
        "to": pd.to_datetime(["2026-01-31", "2026-02-28", "2026-02-20", "2026-03-31"]).date,
        "item": ["A", "A", "A", "A"],
    }
)
BOX: dict[str, Any] = {"units": ["box: Quantity 0"], "conversions": ["1 box = 12 pcs"]}


def run(frame: pd.DataFrame, *expectations: Any) -> Any:
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("orders")
        .add_dataframe_asset("orders")
        .add_batch_definition_whole_dataframe("whole")
    )
    suite = context.suites.add(gx.ExpectationSuite("orders", expectations=list(expectations)))
    definition = gx.ValidationDefinition(name="orders", data=batch, suite=suite)
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": ["order"]}
    return context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": frame}, result_format=form
    )


@pytest.mark.parametrize(
    ("expectation", "keys", "sentence"),
    [
        (
            ExpectColumnValuesToKeepCurrencyPrecision(
                column="price", currency="currency", precision=18, scale=4
            ),
            ["2", "3", "4"],
            (
                "price has no more decimals than the currency in currency, "
                "and at most 14 digits before the point."
            ),
        ),
        (
            ExpectQuantityToConvertBetweenUnits(
                quantity="qty", unit="unit", to_symbol="pcs", **BOX
            ),
            ["2"],
            "qty converts from unit into pcs.",
        ),
        (
            ExpectQuantityToConvertBetweenUnits(
                quantity="qty", unit="unit", to_symbol="box", **BOX
            ),
            ["2", "3"],
            "qty converts from unit into box.",
        ),
        (
            ExpectColumnValuesToBeFromTo(column="price", low="1", high="10.254"),
            ["2", "3"],
            "price is from 1 to 10.254.",
        ),
        (
            ExpectColumnValuesToBeOneOf(column="unit", values=["box", "pcs"]),
            ["2"],
            "unit is one of box, pcs.",
        ),
        (
            ExpectPeriodsNotToOverlap(entity=["item"], start="from", end="to", gaps="allow"),
            ["2", "3"],
            None,
        ),
    ],
    ids=lambda each: type(each).__name__ if hasattr(each, "expectation_type") else "",
)
def test_it_names_the_rows_that_fail(expectation, keys, sentence):
    (result,) = run(ORDERS, expectation).results

    assert result.exception_info["raised_exception"] is False
    assert result.result["partial_unexpected_list"] == keys
    assert result.result["unexpected_percent"] == 25 * len(keys)
    if sentence is not None:
        assert expectation.sentence(result.expectation_config.kwargs) == sentence


def test_what_a_project_adds_is_described_in_words():
    own = ExpectRowsToMeetOwnRule(
        type="AtMost", column="price", options='{"column": "price", "most": 7}', file="orders.py"
    )
    pair = ExpectRowsToMeetOutsideRule(
        type="ExpectColumnPairValuesToBeEqual",
        column="price",
        others=("cost",),
        options='{"column_A": "price", "column_B": "cost", "ignore_row_if": "never"}',
    )

    assert (
        own.sentence(own.configuration.kwargs)
        == "price meets the project's own rule AtMost, most 7."
    )
    assert pair.sentence(pair.configuration.kwargs) == (
        "price, cost: ExpectColumnPairValuesToBeEqual, ignore_row_if never."
    )


def test_a_suite_that_was_stored_gives_the_same_result():
    suite = gx.ExpectationSuite(
        "orders",
        expectations=[
            ExpectQuantityToConvertBetweenUnits(
                quantity="qty", unit="unit", to_symbol="pcs", severity="warning", **BOX
            )
        ],
    )
    again = gx.ExpectationSuite(**suite.to_json_dict())

    (result,) = run(ORDERS, *again.expectations).results

    assert result.result["partial_unexpected_list"] == ["2"]


@pytest.mark.parametrize("kind", EXPECTATIONS.values(), ids=lambda kind: kind.__name__)
def test_each_documents_its_options_and_gives_an_example(kind):
    text = kind.__doc__ or ""
    words = [f"{name}:" for name in kind.parameters()]

    assert [word for word in words if word not in text] == []
    assert f"{kind.__name__}(" in text
    assert kind.template
