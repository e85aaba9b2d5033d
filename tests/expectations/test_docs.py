"""Suites, reports and pages: small, exact, and readable without a network."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import great_expectations as gx
import pyarrow as pa
import pytest

from dualwrite.link import Side, write_config
from dualwrite.rules import (
    Convertible,
    CurrencyPrecision,
    KeyUnique,
    Length,
    Required,
    Resolvable,
    Rule,
    Scale,
    ValueMapTotal,
)
from expectations import history
from expectations.catalogue import EXPECTATIONS, expectation_of, rule_of
from expectations.docs import FOLDER, publish, sentence
from expectations.expectation import named
from expectations.gate import GreatExpectationsGate
from expectations.report import About, Answer, QualityReport, WorstRow
from tests.expectations.test_gate import ROUTE

RULES: list[Rule] = [
    KeyUnique(key=("company", "id")),
    Length("warning", "name", 30),
    Scale(column="amount", precision=19, scale=4),
    ValueMapTotal(source="source:HOLD", target="hold", known=("No", "<b>")),
]


def a_report(names: list[str]) -> QualityReport:
    gate = GreatExpectationsGate()
    rows = pa.table({"source:ID": [f"<{name}>" for name in names], "name": names})
    gate(ROUTE, rows, [Length(column="name", length=3)])
    return gate.take()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_comes_back_from_a_suite_written_to_json(rule):
    suite = gx.ExpectationSuite(name="s", expectations=[expectation_of(rule)])

    written = json.loads(json.dumps(suite.to_json_dict()))
    [read] = gx.ExpectationSuite(name="s", expectations=written["expectations"]).expectations

    kwargs = read.configuration.kwargs
    assert rule_of(read.expectation_type, kwargs, read.severity) == rule


def test_no_parameter_of_an_expectation_is_a_float():
    kinds: Any = {
        field.outer_type_
        for expectation in EXPECTATIONS.values()
        for name, field in expectation.__fields__.items()
        if name in expectation.parameters()
    }

    assert kinds <= {str, int, bool, list[str], tuple[str, ...], tuple[int, ...]}


def test_reports_add_up():
    report = a_report(["abc", "abcd"])
    report.merge(a_report(["abcde"]))

    [(suite, answer)] = report.failing()
    assert suite == "accounts, finops to dataverse"
    assert (answer.rows, answer.failing, answer.keys) == (3, 2, ("<abcd>", "<abcde>"))


def test_what_was_taken_is_not_counted_again():
    gate = GreatExpectationsGate()
    gate(ROUTE, pa.table({"name": ["abcd"]}), [Length(column="name", length=3)])

    assert len(gate.take().failing()) == 1
    assert gate.take() == QualityReport()


MONEY = {"column": "amount", "precision": 19, "scale": 4}
CUR, COMPANY = {"currency": "source:CUR"}, {"company": "source:COMPANY"}
ROUNDED = {"code": "EUR", "policy": "round:half_even"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Length(column="name", length=2000), "name has at most 2,000 characters."),
        (
            Scale(column="amount", precision=19, scale=4),
            "amount has at most 15 digits before the point and 4 after it.",
        ),
        (
            Scale(column="amount", precision=9, scale=0),
            "amount has at most 9 digits before the point and none after it.",
        ),
        (
            Convertible(source="source:A", target="n", type="a decimal(9, 4)"),
            "A can be converted to a number with at most 5 digits before the point and 4 after it.",
        ),
        (
            Convertible(source="source:A", target="day", type="a whole number"),
            "A can be converted to a whole number.",
        ),
        (
            CurrencyPrecision(**MONEY, **CUR),
            (
                "amount has no more decimals than the currency in CUR, "
                "and at most 15 digits before the point."
            ),
        ),
        (
            CurrencyPrecision(**MONEY, **COMPANY, kind="cash"),
            (
                "amount can be paid in the cash of the currency of the company in COMPANY, "
                "and has at most 15 digits before the point."
            ),
        ),
        (
            CurrencyPrecision(**MONEY, code="JPY", kind="price"),
            "amount is a price in JPY with at most 15 digits before the point and 4 after it.",
        ),
        (
            CurrencyPrecision(**MONEY, **ROUNDED),
            "amount is rounded as EUR asks, and then has at most 15 digits before the point.",
        ),
        (
            Resolvable(
                column="ref:owner", ambiguous="many:owner", parts=("owner.code",), tables=("user",)
            ),
            "owner finds its row in user.",
        ),
    ],
)
def test_a_sentence_reads_as_one(rule, expected):
    config = expectation_of(rule).configuration

    assert sentence(Answer(config.type, config.kwargs, "critical", 1, 0)) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (None, "(blank)"),
        ("", "(blank)"),
        (dt.date(2026, 7, 1), "2026-07-01"),
        (dt.datetime(2026, 7, 1, tzinfo=dt.UTC), "2026-07-01"),
        (dt.datetime(2026, 7, 1, 8, 30, tzinfo=dt.UTC), "2026-07-01 08:30:00 UTC"),
        (dt.datetime(2026, 7, 1, 8, 30), "2026-07-01 08:30:00"),  # noqa: DTZ001 - as an app has it
        (Decimal("1E+3"), "1000"),
        (12, "12"),
    ],
)
def test_a_key_is_written_as_people_write_it(part, expected):
    assert named({"company": "USMF", "part": part}) == f"USMF, {expected}"


def test_a_page_names_the_key_columns_the_source_of_a_column_and_the_cure(tmp_path):
    report = a_report(["abc", "abcd"])
    [suite] = report.suites
    report.about[suite] = About("accounts", "Customers", "ERP to X", ("ID",), {"name": "TITLE"})

    page = publish(report, tmp_path, what="a test")

    index = page.read_text(encoding="utf-8")
    assert "ERP to X; from TITLE" in index
    assert '<div class="soft">ID</div>' in index
    text = (page.parent / "accounts-finops-to-dataverse.html").read_text(encoding="utf-8")
    assert re.search(r"name\W.*from TITLE", text)
    assert re.search(r"<th[^>]*>\s*ID\s*</th>", text)
    assert "To fix it: shorten it at the source, or write {truncate: 3} in the map" in text
    assert "50 % of rows" in text


def test_a_report_shows_the_titles_of_the_apps(tmp_path):
    urls = {side: f"sqlite:///{side.value}.db" for side in Side}
    config = write_config(tmp_path, name="x", companies=[], urls=urls)
    text = re.sub(r"(\[apps\.finops\].*\n)", r'\1title = "Contoso ERP"\n', config.read_text())
    config.write_text(text, encoding="utf-8")
    report = a_report(["abc", "abcd"])

    page = publish(report, tmp_path, what="a test")

    one = (page.parent / "accounts-finops-to-dataverse.html").read_text(encoding="utf-8")
    for shown in (page.read_text(encoding="utf-8"), one):
        assert "Contoso ERP (finops) to Dataverse" in shown
        assert "ERP to Dataverse" not in shown.replace("Contoso ERP (finops)", "")


def test_one_row_of_a_million_that_fails_leaves_no_hundred_per_cent(tmp_path):
    report = a_report(["abcd"])
    [answers] = report.suites.values()
    [asked] = answers
    answers[asked] = replace(answers[asked], rows=1_000_000)

    page = publish(report, tmp_path, what="a test")

    text = (page.parent / "accounts-finops-to-dataverse.html").read_text(encoding="utf-8")
    assert "99.99 % of rows" in text


def test_pages_name_failing_rows_by_key_and_show_no_value(tmp_path):
    page = publish(a_report(["abc", "secret"]), tmp_path, what="a test")

    index = page.read_text(encoding="utf-8")
    suite = (page.parent / "accounts-finops-to-dataverse.html").read_text(encoding="utf-8")
    assert "a test" in index
    assert "1 of 2 rows do not." in suite
    assert "&lt;secret&gt;" in suite
    assert "<secret>" not in suite


def test_with_values_a_page_and_a_file_say_why_rows_failed(tmp_path):
    gate = GreatExpectationsGate(values=True)
    rows = pa.table({"source:ID": ["<C1>", "C2"], "name": ["<much>", "ab"], "memo": ["abcd", None]})
    rules = [Length(column="name", length=3), Length(column="memo", length=3)]
    gate(ROUTE, rows, [*rules, Required(column="memo")])

    page = publish(gate.take(), tmp_path, what="a test")

    name = "accounts-finops-to-dataverse"
    text = (page.parent / f"{name}.html").read_text(encoding="utf-8")
    with (page.parent / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        found = [(row["key"], row["column"], row["rule"]) for row in csv.DictReader(stream)]
    # the causes of a row stand on lines of their own, the row with most of them first
    first = text.index("name has 6 characters where 3 fit: &#39;&lt;much&gt;&#39;")
    assert first < text.index("memo has 4 characters where 3 fit") < text.index("(required)")
    assert found == [
        ("<C1>", "name", "length"),
        ("<C1>", "memo", "length"),
        ("C2", "memo", "required"),
    ]
    assert f'<a href="{name}.csv">' in text
    assert "With values of rows" in text
    assert "dualwrite errors --map " in text
    publish(a_report(["abc", "secret"]), tmp_path, what="a test")
    assert list(page.parent.glob("*.csv")) == []


def test_what_is_kept_of_causes_does_not_grow_with_the_table():
    gate = GreatExpectationsGate(values=True)
    for start in (0, 1500):
        names = pa.array(["abcd"] * 1500)
        keys = pa.array([str(start + number) for number in range(1500)])
        gate(ROUTE, pa.table({"source:ID": keys, "name": names}), [Length(column="name", length=3)])

    [causes] = gate.take().causes.values()

    assert [each.key for each in causes] == [str(number) for number in range(1000)]


def test_words_of_a_map_are_text_on_a_page_not_markup(tmp_path):
    gate = GreatExpectationsGate()
    rows = pa.table({"source:<i>": ["x"], "<u>": pa.nulls(1, pa.string())})
    gate(ROUTE, rows, [ValueMapTotal(source="source:<i>", target="<u>", known=("<b>",))])

    page = publish(gate.take(), tmp_path, what="<s>")

    for path in page.parent.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert [tag for tag in ("<i>", "<u>", "<b>", "<s>") if tag in text] == []


def test_pages_of_an_earlier_report_are_replaced(tmp_path):
    page = publish(a_report(["abc"]), tmp_path, what="first")
    publish(QualityReport(), tmp_path, what="second")

    assert [path.name for path in page.parent.glob("*.html")] == ["index.html"]


def rows_of(*names: str | None) -> QualityReport:
    gate = GreatExpectationsGate()
    keys = [f"C{number}" for number in range(len(names))]
    table = pa.table({"source:ID": keys, "name": pa.array(names, pa.string())})
    short = pa.array([name and name[:1] for name in names], pa.string())
    table = table.append_column("memo", short)
    gate(
        ROUTE,
        table,
        [Length(column="name", length=3), Required(column="name"), Required(column="memo")],
    )
    return gate.take()


def test_the_rows_with_most_faults_come_first_each_with_its_columns():
    report = rows_of("abcd", None, "abc")
    report.merge(rows_of("abc", "abc", "abc", None))

    [rows] = report.worst.values()
    assert rows == (
        WorstRow("C1", ("name", "memo")),
        WorstRow("C3", ("name", "memo")),
        WorstRow("C0", ("name",)),
    )


def index_of(report: QualityReport, folder: Path) -> str:
    text = publish(report, folder, what="tables", trend=True).read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", text)


def test_the_first_page_lists_what_to_correct_and_the_trend(tmp_path):
    first = index_of(rows_of("abcd", "abcde", None), tmp_path)

    assert "4 findings in 1 of 1 list." in first
    assert "name has at most 3 characters." in first
    assert "shorten it at the source, or write {truncate: 3} in the map" in first
    assert re.findall(r'<div class="key">(\w+)</div>', first)[:2] == ["C0", "C1"]
    assert "first report" in first

    better = index_of(rows_of("abcd", "abc"), tmp_path)
    assert "1 finding in 1 of 1 list. 3 findings fewer than before." in better
    assert "findings of the last 2 reports: 4, 1" in better
    assert '<span class="soft change">\N{MINUS SIGN}1</span>' in better

    assert "Every row meets every rule." in index_of(rows_of("abc"), tmp_path)


def test_a_list_that_was_not_checked_before_is_no_part_of_the_comparison(tmp_path):
    index_of(rows_of("abcd"), tmp_path)
    both = rows_of("abcd")
    [suite] = both.suites
    both.suites["another"] = dict(both.suites[suite])

    text = index_of(both, tmp_path)

    assert "2 findings in 2 of 2 lists. As many as before in the 1 list checked earlier." in text


def test_a_report_of_rows_that_passed_by_is_no_part_of_the_trend(tmp_path):
    index_of(rows_of("abcd"), tmp_path)
    publish(rows_of("abcd", "abcd"), tmp_path, what="a cycle")

    entries = history.read(tmp_path / FOLDER).entries

    assert [each["suites"]["accounts, finops to dataverse"]["findings"] for each in entries] == [1]


def test_a_line_that_a_crash_cut_off_is_passed_over_and_the_file_stays_short(tmp_path):
    index_of(rows_of("abcd"), tmp_path)
    file = tmp_path / FOLDER / history.FILE
    line = file.read_text(encoding="utf-8")
    file.write_text(line * (history.KEPT + 5) + line[:20], encoding="utf-8")

    index_of(rows_of("abcd"), tmp_path)

    assert len(history.read(tmp_path / FOLDER).entries) == history.KEPT
