"""What a project expects of its rows: in the map, in the folder, in YAML and in Python."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from dualwrite.rules import outside
from dualwrite.rules.outside import OutsideError
from dualwrite.tablemap.findings import MapError
from tests.rules import own_example
from tests.sync.stock import D, F, line

TEN = Path(own_example.__file__).read_text(encoding="utf-8")


def expecting(stock, *items):
    listed = "".join(f"  - {item}\n" for item in items)
    stock.change(("columns:", f"expect:\n{listed}columns:"))
    return stock


def folder(stock, **files):
    (stock.folder / "expectations").mkdir(exist_ok=True)
    for name, text in files.items():
        (stock.folder / "expectations" / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return stock


def test_a_rule_of_ours_by_its_name_rejects_into_either_side(stock):
    expecting(stock, "length: {column: item, length: 3}")
    stock.put(F, "Line", line("1", "1", ITEM="ABCD"), line("2", "1", ITEM="ABC"))
    stock.run()

    assert stock.held() == [
        ("1", "length", "item has 4 characters where 3 fit: 'ABCD' would become 'ABC'")
    ]

    stock.put(D, "line", {"id": "2", "item": "ABCDE"})
    stock.cycle()

    assert stock.held()[1:] == [
        ("2", "length", "ITEM has 5 characters where 3 fit: 'ABCDE' would become 'ABC'")
    ]


def test_a_rule_by_the_name_of_its_expectation_rejects_into_one_side_only(stock):
    expecting(stock, "ExpectColumnValuesToFitLength: {column: ITEM, length: 3, into: dataverse}")
    stock.put(F, "Line", line("1", "1", ITEM="ABC"))
    stock.run()

    stock.put(D, "line", {"id": "1", "item": "ABCDE"})
    stock.cycle()

    assert stock.held() == []
    assert stock.rows(F, "ITEM") == [("ABCDE",)]


def test_a_warning_lets_the_row_pass(stock):
    expecting(stock, "length: {column: item, length: 3, severity: warning}")
    stock.put(F, "Line", line("1", "1", ITEM="ABCD"))

    stock.run()

    assert (stock.held(), stock.rows(D, "item")) == ([], [("ABCD",)])


def test_a_file_of_the_folder_expects_it_of_the_maps_it_names(stock):
    folder(stock, stock_yaml="maps: [lines]\nexpect:\n  - required: {column: ITEM}\n")
    stock.put(F, "Line", line("1", "1"))

    stock.run()

    assert stock.held() == [("1", "required", "item must have a value and has none")]


def test_a_rule_of_the_user_s_own_judges_every_path(stock):
    folder(expecting(stock, "at_most: {column: QTY, most: 30}"), orders_py=TEN)
    stock.put(F, "Line", line("1", "3"), line("2", "2"))
    stock.run()

    assert stock.held() == [("1", "at_most", "quantity is 36.000, and at most 30 may be ordered")]
    (held,) = stock.journal.held.rejected("lines")
    assert (held.column, held.cure) == ("quantity", "order 30 or less")

    stock.put(F, "Line", {"ID": "2", "QTY": Decimal(3)})
    stock.cycle()

    assert [row[:2] for row in stock.held()] == [("1", "at_most"), ("2", "at_most")]
    assert stock.rows(D, "quantity") == [(Decimal(24),)]


def test_a_rule_over_two_columns_sees_both_when_one_changes(stock):
    pair = TEN.replace("return (self.column,)", "return (self.column, 'item')").replace(
        "pc.greater(column_of(table, self.column), self.most)",
        "pc.and_(pc.greater(column_of(table, self.column), self.most), "
        "pc.equal(column_of(table, 'item'), 'A'))",
    )
    folder(expecting(stock, "at_most: {column: QTY, most: 30, into: dataverse}"), orders_py=pair)
    stock.put(F, "Line", line("1", "2", ITEM="A"))
    stock.run()

    stock.put(F, "Line", {"ID": "1", "QTY": Decimal(3)})
    stock.cycle()

    assert [row[:2] for row in stock.held()] == [("1", "at_most")]


def test_python_that_no_map_expects_is_not_run(stock):
    folder(stock, orders_py="raise SystemError('was run')")
    stock.put(F, "Line", line("1", "1"))

    stock.run()

    assert stock.held() == []


def test_a_class_of_great_expectations_rejects_wherever_it_is_critical(stock):
    pytest.importorskip("great_expectations")
    expecting(
        stock,
        'ExpectColumnValuesToMatchRegex: {column: ITEM, regex: "^[A-Z]+$"}',
        "ExpectColumnValuesToNotBeNull: {column: CURRENCY, severity: warning}",
    )
    stock.put(F, "Line", line("1", "1", ITEM="a1"), line("2", "1", ITEM="OK"))
    stock.run()

    assert stock.held() == [
        (
            "1",
            "ExpectColumnValuesToMatchRegex",
            (
                "item is 'a1': ExpectColumnValuesToMatchRegex "
                '{"column": "item", "regex": "^[A-Z]+$"} is not met'
            ),
        )
    ]

    stock.put(F, "Line", {"ID": "2", "ITEM": "b2"})
    stock.cycle()

    assert [row[0] for row in stock.held()] == ["1", "2"]


def test_a_class_of_the_user_s_own_on_top_of_great_expectations_rejects_too(stock):
    gx = pytest.importorskip("great_expectations")
    assert gx
    code = (
        "import great_expectations as gx\n"
        "class ExpectItemCode(gx.expectations.ExpectColumnValuesToMatchRegex):\n"
        "    regex: str = '^[A-Z]+$'\n"
    )
    folder(expecting(stock, "ExpectItemCode: {column: ITEM}"), items_py=code)
    stock.put(F, "Line", line("1", "1", ITEM="a1"), line("2", "1", ITEM="OK"))

    stock.run()

    assert [row[:2] for row in stock.held()] == [("1", "ExpectItemCode")]


def test_without_great_expectations_a_map_that_needs_it_writes_nothing(stock, monkeypatch):
    monkeypatch.setitem(sys.modules, "expectations.outside", None)
    expecting(stock, "ExpectColumnValuesToNotBeNull: {column: ITEM}")
    stock.put(F, "Line", line("1", "1"))

    with pytest.raises(OutsideError) as caught:
        stock.run()

    assert str(caught.value) == (
        "ExpectColumnValuesToNotBeNull: cannot be evaluated (Great Expectations is not installed: "
        "import of expectations.outside halted; None in sys.modules). "
        "Nothing of this batch was written.\n"
        "  Install what it needs (pip install 'dualwrite[flows]', in a checkout), correct it, "
        "or make it `severity: warning`: then only quality reports evaluate it."
    )
    assert stock.rows(D, "id") == []


def test_without_a_package_that_evaluates_it_nothing_is_written_either(stock, monkeypatch):
    monkeypatch.setattr(outside, "_entry_point", lambda: None)
    expecting(stock, "ExpectColumnValuesToNotBeNull: {column: ITEM}")
    stock.put(F, "Line", line("1", "1"))

    with pytest.raises(OutsideError, match="no package provides the entry point great_exp"):
        stock.run()

    assert stock.rows(D, "id") == []


def test_an_expectation_that_cannot_be_evaluated_lets_nothing_pass(stock):
    pytest.importorskip("great_expectations")
    expecting(stock, "ExpectColumnValuesToMatchRegex: {column: ITEM, regexp: x}")
    stock.put(F, "Line", line("1", "1", ITEM="a1"))

    with pytest.raises(OutsideError, match="ExpectColumnValuesToMatchRegex: cannot be evaluated"):
        stock.run()

    assert stock.rows(D, "id") == []


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("lenght: {column: ITEM}", "expect: lenght: there is no expectation 'lenght'\n"),
        (
            "length: {column: ITEM, most: 3}",
            "expect: length: it has no option 'most'\n  known: column, length",
        ),
        ("length: {column: ITEM, length: long}", "expect: length: length is to be a whole number"),
        (
            "length: {column: ITEMS, length: 3}",
            "expect: length: it names a column that the map carries in no direction\n",
        ),
        ("length: {length: 3}", "expect: length: no column is named"),
        ("resolvable: {column: ITEM}", "expect: resolvable: there is no expectation 'resolvable'"),
        (
            "ExpectTableRowCountToEqual: {value: 1}",
            "expect: ExpectTableRowCountToEqual: there is no",
        ),
        ("broken: {column: ITEM}", "cannot be run: ValueError: no luck"),
    ],
)
def test_a_faulty_expectation_is_reported_with_its_line(stock, item, message):
    folder(
        expecting(stock, item), broken_py="class broken:\n    pass\nraise ValueError('no luck')\n"
    )

    with pytest.raises(MapError) as caught:
        stock.run()

    (finding,) = caught.value.findings
    assert str(finding).startswith(f"{stock.folder / 'maps' / 'lines.yaml'}:8: DW1132 ")
    assert message in str(finding)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maps: [line]\nexpect: []\n", "rules.yaml:1: DW1132 maps: there is no map 'line'"),
        ("maps: [lines]\n", "rules.yaml:1: DW1103 `expect:` is missing"),
        (
            "maps: [lines]\nexpect: [required]\n",
            "rules.yaml:2: DW1102 expect: no expectation with its options",
        ),
        (
            "maps: [lines]\nexpect:\n  - required: {column: ITEM, severity: bad}\n",
            "rules.yaml:3: DW1121 expect: required: severity: 'bad' is none of the words",
        ),
        ("- required", "rules.yaml:1: DW1102 a file of expectations is a mapping"),
    ],
)
def test_a_faulty_file_of_the_folder_is_reported(stock, text, message):
    folder(stock, rules_yaml=text)

    with pytest.raises(MapError) as caught:
        stock.run()

    assert message in str(caught.value)
