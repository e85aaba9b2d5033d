"""The names that programs import from `dualwrite`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dualwrite
from tests.cli.conftest import Call, rows_of


def test_every_public_name_is_there_and_no_other_is_offered() -> None:
    assert len(dualwrite.__all__) <= 25
    for name in dualwrite.__all__:
        assert getattr(dualwrite, name).__class__ is not None
    assert set(dualwrite.__all__) <= set(dir(dualwrite))
    with pytest.raises(AttributeError, match="no attribute 'write'"):
        dualwrite.write  # noqa: B018 - the access is what is tested


def test_importing_the_package_loads_no_module_of_it() -> None:
    code = (
        "import sys, dualwrite; "
        "print([each for each in sys.modules if each.startswith(('dualwrite.', 'pyarrow'))])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_write_both_has_the_rows_on_both_sides(call: Call, project: Path) -> None:
    assert call("run", "groups", "--project", project).code == 0

    done = dualwrite.write_both(
        project, "groups", "finops", [{"GROUPID": "60", "DESCRIPTION": "Online"}]
    )

    assert done.as_dict() == {"inserted": 1, "updated": 0, "unchanged": 0, "across": 1}
    assert ("60", "Online") in rows_of(project / "finops.db", "CustGroup")
    assert ("60", "Online") in rows_of(project / "dataverse.db", "msdyn_group")
    with pytest.raises(dualwrite.NotTogetherError):
        dualwrite.write_both(
            project, "groups", "finops", [{"GROUPID": "61", "DESCRIPTION": "x" * 40}]
        )
    assert len(rows_of(project / "finops.db", "CustGroup")) == 4


def test_the_package_says_that_it_has_types() -> None:
    assert (Path(dualwrite.__file__).parent / "py.typed").exists()
