"""Suites, reports and pages: small, exact, and readable without a network."""

from __future__ import annotations

import json
from typing import Any

import great_expectations as gx
import pyarrow as pa
import pytest

from dualwrite.rules import KeyUnique, Length, Rule, Scale, ValueMapTotal
from expectations.catalogue import EXPECTATIONS, expectation_of
from expectations.docs import publish, sentence
from expectations.gate import GreatExpectationsGate
from expectations.report import Answer, Report
from tests.expectations.test_gate import WAY

RULES: list[Rule] = [
    KeyUnique(key=("company", "id")),
    Length("warning", "name", 30),
    Scale(column="amount", precision=19, scale=4),
    ValueMapTotal(source="source:HOLD", target="hold", known=("No", "<b>")),
]


def a_report(names: list[str]) -> Report:
    gate = GreatExpectationsGate()
    rows = pa.table({"source:ID": [f"<{name}>" for name in names], "name": names})
    gate(WAY, rows, [Length(column="name", length=3)])
    return gate.take()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_comes_back_from_a_suite_written_to_json(rule):
    suite = gx.ExpectationSuite(name="s", expectations=[expectation_of(rule)])

    written = json.loads(json.dumps(suite.to_json_dict()))
    [read] = gx.ExpectationSuite(name="s", expectations=written["expectations"]).expectations

    assert read.to_rule() == rule


def test_no_parameter_of_an_expectation_is_a_float():
    kinds: Any = {
        field.outer_type_
        for expectation in EXPECTATIONS.values()
        for name, field in expectation.__fields__.items()
        if name in expectation.parameters()
    }

    assert kinds == {str, int, list[str], tuple[str, ...]}


def test_reports_add_up():
    report = a_report(["abc", "abcd"])
    report.merge(a_report(["abcde"]))

    [(suite, answer)] = report.failing()
    assert suite == "accounts, finops to dataverse"
    assert (answer.rows, answer.failing, answer.keys) == (3, 2, ("<abcd>", "<abcde>"))


def test_what_was_taken_is_not_counted_again():
    gate = GreatExpectationsGate()
    gate(WAY, pa.table({"name": ["abcd"]}), [Length(column="name", length=3)])

    assert len(gate.take().failing()) == 1
    assert gate.take() == Report()


def test_a_sentence_reads_as_one():
    answer = Answer(
        "expect_column_values_to_fit_length", {"column": "name", "length": 3}, "critical", 1, 0
    )

    assert sentence(answer) == "name has at most 3 characters."


def test_pages_name_failing_rows_by_key_and_show_no_value(tmp_path):
    page = publish(a_report(["abc", "secret"]), tmp_path, what="a test")

    index = page.read_text(encoding="utf-8")
    suite = (page.parent / "accounts-finops-to-dataverse.html").read_text(encoding="utf-8")
    assert "a test" in index
    assert "1 of 2 rows do not." in suite
    assert "&lt;secret&gt;" in suite
    assert "<secret>" not in suite


def test_words_of_a_map_are_text_on_a_page_not_markup(tmp_path):
    gate = GreatExpectationsGate()
    rows = pa.table({"source:<i>": ["x"], "<u>": pa.nulls(1, pa.string())})
    gate(WAY, rows, [ValueMapTotal(source="source:<i>", target="<u>", known=("<b>",))])

    page = publish(gate.take(), tmp_path, what="<s>")

    for path in page.parent.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert [tag for tag in ("<i>", "<u>", "<b>", "<s>") if tag in text] == []


def test_pages_of_an_earlier_report_are_replaced(tmp_path):
    page = publish(a_report(["abc"]), tmp_path, what="first")
    publish(Report(), tmp_path, what="second")

    assert [path.name for path in page.parent.glob("*.html")] == ["index.html"]
