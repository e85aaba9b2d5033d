"""Names that do not exist, places that cannot be written, and lists that are long."""

from __future__ import annotations

from pathlib import Path

import pytest

from dualwrite.sandbox.population import SMALLEST
from tests.cli.conftest import GROUPS, Call, as_json

ASKING = (
    ("errors", "--map"),
    ("errors", "retry", "--map"),
    ("conflicts", "--map"),
    ("activity", "--map"),
    ("status",),
    ("queue",),
    ("reconcile",),
    ("pause",),
    ("sync",),
)


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_a_map_that_is_not_there_is_refused_with_near_names(
    call: Call, project: Path, words: tuple[str, ...]
) -> None:
    call("run", "groups", "--project", project)

    done = call(*words, "gruops", "--project", project)

    assert done.code == 1
    assert done.err.startswith("there is no map 'gruops'. Did you mean 'groups'?")


def test_a_map_of_the_journal_whose_file_is_gone_can_still_be_asked_about(
    call: Call, project: Path
) -> None:
    call("run", "groups", "--project", project)
    (project / "maps" / "groups.yaml").unlink()

    assert "1 row rejected" in call("errors", "--map", "groups", "--project", project).out


@pytest.mark.parametrize("more", [(), ("--csv", "held.csv")])
def test_a_rule_that_is_not_there_is_refused_with_near_names(
    call: Call, project: Path, more: tuple[str, ...]
) -> None:
    done = call("errors", "--rule", "convertable", *more, "--project", project)

    assert done.code == 1
    assert done.err.startswith("there is no rule 'convertable'. Did you mean 'convertible'")
    assert done.err.endswith("\n  See the rules that hold rows: dualwrite errors\n")


@pytest.mark.parametrize("rule", ["required", "refused by the app", "kept at resume"])
def test_a_rule_that_holds_no_row_is_no_mistake(call: Call, project: Path, rule: str) -> None:
    assert call("errors", "--rule", rule, "--project", project).code == 0


@pytest.mark.parametrize("place", ["none/held.csv", "."])
def test_a_file_that_cannot_be_written_is_said(call: Call, project: Path, place: str) -> None:
    done = call("errors", "--csv", project / place, "--project", project)

    assert done.code == 1
    assert done.err.startswith(f"{project / place}: cannot be written (")
    assert done.err.endswith("Name another place, or give this user the right to write there.\n")


@pytest.mark.parametrize("command", [("init",), ("sandbox", "create")])
def test_a_folder_that_cannot_be_made_is_said(
    call: Call, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("no folder")

    done = call(*command, tmp_path / "file" / "box")

    assert done.code == 1
    assert "cannot be written (Not a directory). No app was touched." in done.err


def test_the_help_names_the_smallest_sandbox(call: Call, tmp_path: Path) -> None:
    assert f"x>={SMALLEST}" in call("sandbox", "create", "--help").out
    assert call("sandbox", "create", tmp_path / "box", "--rows", SMALLEST - 1).code == 2


def test_held_rows_are_shown_by_id_and_key(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    key = as_json(call, "errors", "--project", project)["rejected"][0]["key"]["GROUPID"]

    assert f"\n  id 1 ({key})\n" in call("errors", "--project", project).out

    rule = as_json(call, "errors", "--project", project)["rejected"][0]["rule"]
    shown = call("errors", "--rule", rule, "--project", project).out
    assert "Direction" in shown
    assert "finops->dataverse" in shown


def test_maps_lists_the_own_ones_first_with_titles_and_tables(call: Call, project: Path) -> None:
    lines = call("maps", "--project", project).out.splitlines()

    assert lines[0] == "The project's own maps:"
    assert lines[1].split() == ["Map", "Title", "Tables", "Status"]
    assert lines[3].split("  ") == [
        "groups",
        "Customer groups",
        "CustGroup = msdyn_group",
        "not running",
    ]
    assert "Standard maps:" in lines
    listed = as_json(call, "maps", "--project", project)["maps"]
    assert listed[0]["map"] == "groups"
    assert len(listed) > 40


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (("--own",), ["groups", "units"]),
        (("--own", "--find", "CUSTOMER GROUPS"), ["groups"]),
        (("--find", "custgroup2"), ["units"]),
        (("--status", "running"), ["groups"]),
        (("--find", "nothing is called so"), []),
    ],
)
def test_maps_can_be_filtered(
    call: Call, project: Path, filters: tuple[str, ...], names: list[str]
) -> None:
    call("run", "groups", "--project", project)
    other = GROUPS.replace("groups", "units", 1).replace("CustGroup", "CustGroup2")
    (project / "maps" / "units.yaml").write_text(other.replace("Customer groups", "Units"))

    found = as_json(call, "maps", *filters, "--project", project)["maps"]

    assert [each["map"] for each in found] == names


def test_status_shows_the_maps_that_are_named(call: Call, project: Path) -> None:
    (project / "maps" / "units.yaml").write_text(GROUPS.replace("groups", "units", 1))
    call("run", "groups", "--project", project)

    assert "groups" in call("status", "groups", "--project", project).out
    assert call("status", "units", "--project", project).out == (
        "Not running: units. Start it with: dualwrite run MAP\n"
    )
