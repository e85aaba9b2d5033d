"""Functions of the user's own: found beside the project, and checked before a run needs them."""

import sys

import pytest

from dualwrite.tablemap.functions import FunctionError, find_beside, load_function
from tests.tablemap.shop import findings_of


@pytest.fixture(autouse=True)
def same_path(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_a_module_beside_the_project_is_found(tmp_path):
    (tmp_path / "beside_us.py").write_text("def clean(values):\n    return values\n")

    find_beside(tmp_path)
    find_beside(tmp_path)

    assert load_function("beside_us:clean")("x") == "x"
    assert sys.path.count(str(tmp_path)) == 1


def test_a_module_beside_the_project_hides_none_of_pythons_own(tmp_path):
    find_beside(tmp_path)

    assert sys.path[-1] == str(tmp_path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere_at_all:f", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("math:nothing", "math has no function 'nothing'"),
        ("math:pi", "math has no function 'pi'"),
        ("broken_off:f", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_function_that_cannot_be_had(tmp_path, name, reason):
    (tmp_path / "broken_off.py").write_text("1 / 0\n")
    find_beside(tmp_path)

    with pytest.raises(FunctionError) as refused:
        load_function(name)

    assert str(refused.value) == reason


def test_a_check_imports_each_function_of_a_map():
    both = "{python: {function: nowhere_at_all:f, inverse: math:nothing}}"

    cure = "  put its module beside dualwrite.toml, or install it where dualwrite runs"
    assert findings_of(("NAME = name", f"NAME >< name: {both}")) == [
        (
            "8: DW1128 NAME >< name: math:nothing cannot be imported: "
            f"math has no function 'nothing'\n{cure}"
        ),
        (
            "8: DW1128 NAME >< name: nowhere_at_all:f cannot be imported: "
            f"ModuleNotFoundError: No module named 'nowhere_at_all'\n{cure}"
        ),
    ]


def test_a_function_that_is_there_is_no_fault():
    both = "{python: {function: math:sqrt, inverse: math:exp}}"

    assert findings_of(("NAME = name", f"NAME >< name: {both}")) == []
