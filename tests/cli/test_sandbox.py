from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call


def test_a_folder_with_something_in_it_is_left_alone(call: Call, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()

    done = call("sandbox", "create", tmp_path)

    assert (done.code, done.err) == (
        1,
        (
            f"{tmp_path}: is there already and not an empty folder. Nothing was created.\n"
            "  Choose another folder, or empty this one.\n"
        ),
    )
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.slow
def test_a_sandbox_can_be_run_and_compared(call: Call, tmp_path: Path) -> None:
    """The first minutes of a new user."""
    box = tmp_path / "box"

    made = json.loads(call("sandbox", "create", box, "--json").out)
    check = call("check", "customers-v3--accounts", "--project", box)
    run = call("run", "customers-v3--accounts", "--with-related", "--project", box)
    compared = json.loads(
        call("reconcile", "customers-v3--accounts", "--project", box, "--json").out
    )

    assert made["rows"]["finops"]["CustCustomerV3Entity"] > 1000
    assert (check.code, run.code) == (0, 0)
    assert compared["same"] > 1000
    assert (
        compared["differ"] + compared["only_finops"] + compared["only_dataverse"]
        == (compared["held"])
    )
