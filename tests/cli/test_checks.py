from __future__ import annotations

import json
from pathlib import Path

from dualwrite.link import FILE_NAME
from tests.cli.conftest import Call, change, journal_of, rows_of


def test_check_reports_that_everything_is_in_place(call: Call, project: Path) -> None:
    done = call("check", "--project", project)

    assert done.code == 0
    assert done.out == (
        "ok    link: box, companies USMF\n"
        f"ok    journal: 0 maps known, at sqlite:///{project}/.dualwrite/journal.db\n"
        f"ok    finops: 1 table at sqlite:///{project}/finops.db\n"
        f"ok    dataverse: 1 table at sqlite:///{project}/dataverse.db\n"
        "ok    map groups: sound, 1 warning\n"
        "ok    rights on finops.CustGroup: select, insert, update, delete\n"
        "ok    rights on dataverse.msdyn_group: select, insert, update, delete\n"
        "\n"
        "Everything is in place.\n"
    )


def test_check_continues_after_a_fault_and_shows_the_fix(call: Call, project: Path) -> None:
    (project / "dataverse.db").rename(project / "elsewhere.db")

    done = call("check", "--project", project, "--json")

    items = {item["item"]: item for item in json.loads(done.out)["items"]}
    assert done.code == 1
    assert items["finops"]["ok"]
    assert not items["dataverse"]["ok"]
    assert items["dataverse"]["fix"]


def test_check_reports_a_map_at_fault(call: Call, project: Path) -> None:
    file = project / "maps" / "groups.yaml"
    file.write_text(file.read_text().replace("DESCRIPTION =", "DESCRIPTIN ="))

    done = call("check", "--project", project)

    assert done.code == 1
    assert "FAULT map groups: DW1022" in done.out
    assert "-> dualwrite maps check groups" in done.out
    assert done.out.endswith("\n1 item to repair.\n")


def test_check_without_a_project(call: Call, tmp_path: Path) -> None:
    done = call("check", "--project", tmp_path, "--json")

    assert done.code == 1
    [item] = json.loads(done.out)["items"]
    assert item["item"] == "link"
    assert item["fix"].startswith("Make a project with: dualwrite init DIR")


def test_maps_lists_the_standard_ones_and_the_projects_own(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    listed = json.loads(call("maps", "--project", project, "--json").out)["maps"]

    by_name = {each["map"]: each for each in listed}
    assert by_name["groups"]["status"] == "running"
    assert by_name["groups"]["from"] == "project"
    assert by_name["customers-v3--accounts"]["from"] == "standard"
    assert by_name["customers-v3--accounts"]["dataverse"] == "account"
    assert all(len(line) <= 80 for line in call("maps", "--project", project).out.splitlines())


def test_maps_marks_one_at_fault(call: Call, project: Path) -> None:
    (project / "maps" / "broken.yaml").write_text("map: broken\n")

    done = call("maps", "--project", project)

    assert done.out.endswith("\n1 at fault; dualwrite maps check says why.\n")


def test_maps_show_prints_the_contents_of_a_map(call: Call, project: Path) -> None:
    done = call("maps", "show", "groups", "--project", project)

    assert done.out == (
        "groups: Customer groups, version 1.0.0.0 by tests\n"
        f"  not running; {project}/maps/groups.yaml\n"
        "  finops: CustGroup, key GROUPID\n"
        "  dataverse: msdyn_group, key msdyn_groupid\n"
        "Finops          Dataverse          Transform\n"
        "-----------  -  -----------------  ---------\n"
        "GROUPID      =  msdyn_groupid\n"
        "DESCRIPTION  =  msdyn_description\n"
    )


def test_maps_show_for_a_script(call: Call, project: Path) -> None:
    done = call("maps", "show", "customers-v3--accounts", "--project", project, "--json")

    shown = json.loads(done.out)
    assert shown["finops"]["key"] == ["DATAAREAID", "CUSTOMERACCOUNT"]
    assert {
        "finops": None,
        "sign": ">>",
        "dataverse": "customertypecode",
        "transforms": ["default 3"],
    } in shown["columns"]


def test_maps_check_prints_each_fault_with_file_and_line(call: Call, project: Path) -> None:
    file = project / "maps" / "groups.yaml"
    file.write_text(file.read_text().replace("= msdyn_description", "= msdyn_descripton"))

    done = call("maps", "check", "groups", "--project", project)

    assert done.code == 1
    assert f"{file}:13: DW1025" in done.out
    assert "did you mean 'msdyn_description'" in done.out
    assert done.out.endswith("\n1 map checked: 1 fault, 0 warnings.\n")


def test_maps_check_of_a_file_needs_no_project(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("map: mine\ntitel: x\n")

    done = call("maps", "check", file, "--json")

    findings = json.loads(done.out)["findings"]
    assert done.code == 1
    assert {finding["file"] for finding in findings} == {str(file)}
    assert 2 in {finding["line"] for finding in findings}


def test_maps_check_with_nothing_to_check_explains_how(call: Call, project: Path) -> None:
    (project / "maps" / "groups.yaml").unlink()

    done = call("maps", "check", "--project", project)

    assert (done.code, done.out) == (0, "0 maps checked. Name a map, or run one first.\n")


def test_maps_check_prints_the_short_path_of_a_standard_map(call: Call, project: Path) -> None:
    done = call("maps", "check", "units--uoms", "--project", project)

    assert done.code == 1
    assert done.out.startswith("maps/units/units--uoms.yaml:")


def test_all_standard_maps_can_be_checked_outside_a_project(
    call: Call, tmp_path: Path, monkeypatch: object
) -> None:
    done = call("maps", "check", "--json")

    assert not (Path() / FILE_NAME).exists()
    assert done.code == 0
    assert len(json.loads(done.out)["checked"]) > 30


def test_check_looks_at_the_maps_at_work(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    out = call("check", "--project", project).out

    assert "ok    groups at work: running, its changes are captured\n" in out


def test_a_lost_queue_is_reported_and_repaired(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    with journal_of(project) as journal:
        queue = journal.maps.all()[0].queues["finops"]
    change(
        project / "finops.db",
        f'DROP TABLE "{queue}"',
        *(
            f'DROP TRIGGER "{name}"'
            for kind, name, *_ in rows_of(project / "finops.db", "sqlite_master")
            if kind == "trigger"
        ),
        "UPDATE CustGroup SET DESCRIPTION = 'Unseen' WHERE GROUPID = '10'",
    )

    shown = call("check", "--project", project)
    waits = call("sync", "--project", project)
    repaired = call("check", "--repair", "--project", project)
    call("sync", "--project", project)

    assert shown.code == 1
    assert f"FAULT groups at work: finops.CustGroup: queue {queue} is missing" in shown.out
    assert "-> dualwrite check groups --repair" in shown.out
    assert waits.code == 1
    assert repaired.code == 0
    assert "ok    repair of groups: installed again; rows that differ were queued: " in repaired.out
    assert "ok    groups at work: running, its changes are captured\n" in repaired.out
    assert ("10", "Unseen") in rows_of(project / "dataverse.db", "msdyn_group")
    assert call("check", "--project", project).code == 0


def test_a_queue_left_behind_is_removed_when_its_app_is_back(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    (project / "dataverse.db").rename(project / "elsewhere.db")
    stopped = call("stop", "groups", "--project", project)
    (project / "elsewhere.db").rename(project / "dataverse.db")

    shown = call("check", "--project", project)
    repaired = call("check", "groups", "--repair", "--project", project)

    assert stopped.code == 0
    assert "in dataverse could not be removed and goes on filling." in " ".join(stopped.out.split())
    assert shown.code == 1
    assert repaired.code == 0
    assert "ok    repair of groups: its queues were removed\n" in repaired.out
    left = rows_of(project / "dataverse.db", "sqlite_master")
    assert [name for kind, name, *_ in left if kind == "trigger" or "_q_" in name] == []


def test_a_column_that_two_maps_write_is_a_warning(call: Call, project: Path) -> None:
    file = project / "maps" / "groups.yaml"
    (project / "maps" / "again.yaml").write_text(file.read_text().replace("groups", "again"))

    done = call("maps", "check", "again", "--project", project)

    assert done.code == 0
    assert "again.yaml:13: DW1133 warning: DESCRIPTION" in done.out
    assert "written by the map 'groups' too" in " ".join(done.out.split())


def test_maps_of_different_rows_may_write_one_column(call: Call, project: Path) -> None:
    file = project / "maps" / "groups.yaml"
    text = file.read_text()
    for name, which in (("groups", "1"), ("again", "2")):
        found = text.replace("groups", name)
        found = found.replace("[GROUPID]", f"[GROUPID]\n  filter: GROUPID eq '{which}'")
        (project / "maps" / f"{name}.yaml").write_text(found)

    assert "DW1133" not in call("maps", "check", "again", "--project", project).out
