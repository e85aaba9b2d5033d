"""The names of the gate table's columns: printed and read back in one place."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.gate_column import GateColumn, Role, gate_name, plain_name

ROOT = Path(__file__).parents[2]
PATHS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?", fullmatch=True)
COLUMNS = st.builds(GateColumn, st.sampled_from(Role), PATHS)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (GateColumn(Role.TARGET, "a.b"), "a.b"),
        (GateColumn(Role.SOURCE, "a.b"), "source:a.b"),
        (GateColumn(Role.UNCAST, "a"), "value:a"),
        (GateColumn(Role.UNIT_PROBLEM, "a"), "unit:a"),
        (GateColumn(Role.RETURNED, "a"), "back:a"),
        (GateColumn(Role.REFERENCE, "a"), "ref:a"),
        (GateColumn(Role.AMBIGUOUS, "a"), "many:a"),
        (GateColumn(Role.PREVIOUS, "source:a"), "before:source:a"),
        (GateColumn(Role.NEXT, "a"), "after:a"),
        (GateColumn(Role.FORMER, "a"), "was:a"),
    ],
)
def test_every_role_has_its_name(column, name):
    assert str(column) == name
    assert GateColumn.parse(name) == column
    assert gate_name(column.role, column.path) == name


@given(COLUMNS)
def test_a_printed_column_is_read_back(column):
    assert GateColumn.parse(str(column)) == column


@given(COLUMNS, st.sampled_from(Role))
def test_the_plain_name_is_the_path_under_any_roles(column, role):
    assert plain_name(gate_name(role, column)) == column.path


@given(st.text())
def test_any_other_text_is_the_name_of_a_target_column(text):
    assert str(GateColumn.parse(text)) == text


def test_no_other_module_builds_or_splits_the_names():
    prefixes = {f"{role.value}:" for role in Role if role is not Role.TARGET}
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for folder in ("dualwrite", "expectations", "tasks", "flows")
        for file in (ROOT / folder).rglob("*.py")
        if file.name != "gate_column.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in prefixes
    ]

    assert found == []
