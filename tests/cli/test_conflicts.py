"""Conflicts on the command line: listed, shown side by side, decided, taken back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Call, as_json, change, journal_of, rows_of


def update_of(side: str, name: str) -> str:
    table, key = ("CustGroup", "GROUPID") if side == "finops" else ("msdyn_group", "msdyn_groupid")
    column = "DESCRIPTION" if side == "finops" else "msdyn_description"
    return f"UPDATE {table} SET {column} = '{name}' WHERE {key} = '10'"


def in_conflict(call: Call, project: Path, policy: str) -> Path:
    """Both sides call group 10 otherwise, under a policy."""
    file = project / "maps" / "groups.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("columns:", f"conflicts: {{policy: {policy}}}\ncolumns:"))
    call("run", "groups", "--project", project)
    for side in ("finops", "dataverse"):
        change(project / f"{side}.db", update_of(side, f"of {side}"))
    call("sync", "--project", project)
    return project


@pytest.fixture
def asked(call: Call, project: Path) -> Path:
    """A conflict waits for a person."""
    return in_conflict(call, project, "ask")


def names(project: Path) -> tuple[str, str]:
    """What each side calls group 10."""
    [finops] = [r[1] for r in rows_of(project / "finops.db", "CustGroup") if r[0] == "10"]
    [other] = [r[1] for r in rows_of(project / "dataverse.db", "msdyn_group") if r[0] == "10"]
    return finops, other


def test_a_conflict_that_waits_is_listed(call: Call, asked: Path) -> None:
    done = call("conflicts", "--project", asked)

    lines = done.out.splitlines()
    assert re.fullmatch(
        r" 1  groups  10   update  waits for a decision  [\d-]{10} [\d:]{8}", lines[2]
    )
    assert lines[-1] == "To decide: dualwrite conflicts resolve ID --take finops|dataverse"
    assert max(map(len, lines)) <= 80
    assert names(asked) == ("of finops", "of dataverse")


def test_a_message_says_that_there_is_no_conflict(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    assert call("conflicts", "--project", project).out == "No conflict waits for a decision.\n"
    assert call("conflicts", "--all", "--project", project).out == "No conflict is on record.\n"
    assert as_json(call, "conflicts", "--project", project) == {"conflicts": []}


def test_both_versions_are_shown_side_by_side(call: Call, asked: Path) -> None:
    lines = call("conflicts", "show", "1", "--project", asked).out.splitlines()

    assert lines[0].startswith("Conflict 1 of groups, 10, 2")
    assert lines[1:] == [
        "  policy ask: waits for a decision",
        "Finops       Has          Dataverse          Has             Won",
        "-----------  -----------  -----------------  --------------  ---",
        "GROUPID      10           msdyn_groupid      10",
        "DESCRIPTION  * of finops  msdyn_description  * of dataverse",
        "",
        "* changed there since both sides last agreed",
    ]


def test_a_conflict_is_shown_when_its_map_is_gone(call: Call, asked: Path) -> None:
    (asked / "maps" / "groups.yaml").unlink()

    out = call("conflicts", "show", "1", "--project", asked).out

    assert "  finops: DESCRIPTION = of finops\n" in out
    assert "  dataverse: msdyn_description = of dataverse\n" in out


def test_a_conflict_for_a_script(call: Call, asked: Path) -> None:
    shown = as_json(call, "conflicts", "show", "1", "--project", asked)

    assert as_json(call, "conflicts", "--project", asked) == {"conflicts": [shown]}
    assert (shown["map"], shown["key"], shown["status"]) == ("groups", {"GROUPID": "10"}, "open")
    assert shown["finops"]["DESCRIPTION"] == "of finops"
    assert shown["dataverse"]["msdyn_description"] == "of dataverse"
    assert shown["changed"] == {"finops": ["DESCRIPTION"], "dataverse": ["msdyn_description"]}
    assert shown["closed_at"] is None


@pytest.mark.parametrize("side", ["finops", "dataverse"])
def test_a_person_decides_and_the_next_cycle_carries_it(call: Call, asked: Path, side: str) -> None:
    done = call("conflicts", "resolve", "1", "--take", side, "--project", asked)
    call("sync", "--project", asked)

    assert done.out == (
        f"groups: conflict 1 (10) is closed: {side} wins\n"
        "The next cycle carries it: dualwrite sync groups\n"
    )
    assert names(asked) == (f"of {side}", f"of {side}")
    assert call("conflicts", "--project", asked).out == "No conflict waits for a decision.\n"


def test_one_conflict_that_cannot_be_decided_stops_no_other(call: Call, asked: Path) -> None:
    words = ("conflicts", "resolve", "7", "1", "--take", "finops", "--project", asked)

    done = call(*words)
    again = as_json(call, *words, code=1)["conflicts"]

    assert done.code == 1
    assert done.err == (
        "conflict 7: there is none. Nothing was changed.\n"
        "  dualwrite conflicts lists those that wait, dualwrite conflicts --all every one.\n"
    )
    assert "conflict 1 (10) is closed" in done.out
    assert [each["error"]["kind"] for each in again] == ["NoSuchConflictError"] * 2


def test_a_side_has_to_be_named(call: Call, asked: Path) -> None:
    assert call("conflicts", "resolve", "1", "--project", asked).code == 2


def test_what_a_policy_decided_can_be_taken_back(call: Call, project: Path) -> None:
    in_conflict(call, project, "finops")
    assert names(project) == ("of finops", "of finops")
    assert " update  finops " in call("conflicts", "--all", "--project", project).out

    done = call("conflicts", "undo", "1", "--project", project)
    call("sync", "--project", project)

    assert done.out.startswith("groups: conflict 1 (10) is undone\n")
    assert names(project) == ("of dataverse", "of dataverse")
    assert "finops, undone" in call("conflicts", "--all", "--project", project).out


@pytest.mark.parametrize("words", [["show", "9"], ["undo", "9"]], ids=" ".join)
def test_an_unknown_conflict_is_reported(call: Call, project: Path, words: list[str]) -> None:
    done = call("conflicts", *words, "--project", project)

    assert done.code == 1
    assert done.err.startswith("conflict 9: there is none. Nothing was changed.\n")


def test_conflicts_of_one_map_only(call: Call, asked: Path) -> None:
    assert as_json(call, "conflicts", "--map", "groups", "--project", asked)["conflicts"]
    assert (
        as_json(call, "conflicts", "--map", "customers-v3--accounts", "--project", asked)[
            "conflicts"
        ]
        == []
    )
    with journal_of(asked) as journal:
        assert journal.maps.all()[0].conflicts == 1
