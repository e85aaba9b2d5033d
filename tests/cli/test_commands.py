"""Every command on a small project, as a person and as a script would call it."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from dualwrite.link import load_link
from tests.cli.conftest import Call, as_json, change, journal_of, rows_of


def test_init_makes_a_project_that_loads(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "contoso"
    urls = ["--finops", "sqlite:///erp.db", "--dataverse", "sqlite:///crm.db"]

    done = call("init", folder, "--company", "USMF", "--company", "DEMF", *urls)

    assert done.out == (
        f"A new project is in {folder}.\n"
        "  1. Say in dualwrite.toml how the two apps are reached.\n"
        f"  2. dualwrite check --project {folder}\n"
        f"  3. dualwrite maps --project {folder}        lists what can be kept equal\n"
    )
    assert load_link(folder).companies == ("USMF", "DEMF")
    assert {path.name for path in folder.iterdir()} == {
        "dualwrite.toml",
        "maps",
        "expectations",
        ".gitignore",
    }


def test_init_asks_for_no_companies(call: Call, tmp_path: Path) -> None:
    """Only a map whose rows belong to companies needs them: its check says so."""
    urls = ["--finops", "sqlite:///erp.db", "--dataverse", "sqlite:///crm.db"]
    call("init", tmp_path / "shop", *urls)

    done = call("check", "--project", tmp_path / "shop")

    assert load_link(tmp_path / "shop").companies == ()
    assert done.out.startswith("ok    link: shop\n")


def test_init_leaves_a_project_as_it_is(call: Call, project: Path) -> None:
    before = (project / "dualwrite.toml").read_text()

    done = call("init", project)

    assert done.code == 1
    assert "is there already, and was left as it is" in done.err
    assert (project / "dualwrite.toml").read_text() == before


def test_init_for_a_script(call: Call, tmp_path: Path) -> None:
    shown = as_json(call, "init", tmp_path / "x")

    assert shown["project"] == str(tmp_path / "x")
    assert f"{tmp_path}/x/dualwrite.toml" in shown["made"]


def test_status_before_any_run(call: Call, project: Path) -> None:
    assert call("status", "--project", project).out == (
        "No map has run yet. Choose one with dualwrite maps, then: dualwrite run MAP\n"
    )
    assert as_json(call, "status", "--project", project) == {"maps": []}


def test_a_dry_run_reports_and_writes_nothing(call: Call, project: Path) -> None:
    done = call("run", "groups", "--dry-run", "--project", project)

    assert done.out == (
        "                            Read     Written       Equal    Rejected      Parked\n"
        "groups\n"
        "  to dataverse                 3           1           1           1           0\n"
        "\n"
        "A dry run: nothing was written.\n"
        "\n"
        "1 map; 3 rows read, 1 to write, 1 equal, 1 to hold: dualwrite errors --dry-run\n"
    )
    assert rows_of(project / "dataverse.db", "msdyn_group") == [("10", "Retail")]
    assert as_json(call, "status", "--project", project) == {"maps": []}


def test_errors_shows_what_the_last_dry_run_would_hold(
    call: Call, project: Path, tmp_path: Path
) -> None:
    call("run", "groups", "--dry-run", "--project", project)

    told = call("errors", "--dry-run", "--project", project).out
    [row] = as_json(call, "errors", "--dry-run", "--project", project)["rejected"]
    exported = as_json(call, "errors", "--dry-run", "--csv", tmp_path / "x", "--project", project)

    assert told == (
        "groups, finops->dataverse: 1 row rejected by length of msdyn_description\n"
        "  msdyn_description has 27 characters where 20 fit: 'A much too long\n"
        "  description' would become 'A much too long desc'\n"
        "  To fix it: shorten it at the source, or write {truncate: 20} in the map\n"
        "  id 1 (30)\n"
        "\n"
        "Nothing is held: so it was at the last dry run of each map.\n"
        "Correct the cause, then: dualwrite run MAP --dry-run\n"
    )
    assert (row["key"], row["rule"]) == ({"GROUPID": "30"}, "length")
    assert exported["rows"] == 1
    listed = call("errors", "--dry-run", "--rule", "length", "--project", project).out
    assert "30   msdyn_description" in listed
    # none of them is held, counted or retried
    assert as_json(call, "errors", "--project", project) == {"rejected": [], "parked": []}
    assert as_json(call, "status", "--project", project) == {"maps": []}
    assert as_json(call, "errors", "retry", "--all", "--project", project) == {"retried": []}
    refused = call("errors", "--dry-run", "retry", "1", "--project", project)
    assert (refused.code, "there is none to retry" in refused.err) == (2, True)


def test_each_dry_run_of_a_map_replaces_what_the_one_before_kept(call: Call, project: Path) -> None:
    call("run", "groups", "--dry-run", "--project", project)
    change(project / "finops.db", "UPDATE CustGroup SET DESCRIPTION = 'x' WHERE GROUPID = '30'")

    done = call("run", "groups", "--dry-run", "--project", project)

    assert "0 to hold." in done.out
    assert call("errors", "--dry-run", "--project", project).out == (
        "The last dry run of each map found no row to hold, or there was none yet.\n"
    )


def test_before_any_dry_run_there_is_nothing_to_show(call: Call, project: Path) -> None:
    assert as_json(call, "errors", "--dry-run", "--project", project) == {
        "rejected": [],
        "parked": [],
    }
    assert not (project / ".dualwrite" / "dry-run.db").exists()


def test_a_dry_run_counts_also_where_the_project_cannot_be_written(
    call: Call, project: Path
) -> None:
    (project / ".dualwrite" / "dry-run.db").mkdir(parents=True)

    done = call("run", "groups", "--dry-run", "--project", project)

    assert (done.code, done.out.splitlines()[-1]) == (
        0,
        "1 map; 3 rows read, 1 to write, 1 equal, 1 to hold.",
    )


def test_a_run_copies_and_sets_aside(call: Call, project: Path) -> None:
    done = call("run", "groups", "--project", project)

    assert done.out == (
        "                            Read     Written       Equal    Rejected      Parked\n"
        "groups\n"
        "  to dataverse                 3           1           1           1           0\n"
        "\n"
        "1 map runs; 3 rows read, 1 written, 1 equal, 1 held: dualwrite errors\n"
    )
    assert rows_of(project / "dataverse.db", "msdyn_group") == [
        ("10", "Retail"),
        ("20", "Wholesale"),
    ]
    assert as_json(call, "status", "--project", project) == {
        "maps": [
            {
                "map": "groups",
                "status": "running",
                "pending": {"finops": 0, "dataverse": 0},
                "pending_as_of_last_cycle": [],
                "rejected": 1,
                "parked": 0,
                "conflicts": 0,
                "last_cycle_at": None,
                "lag": None,
                "waits": None,
                "waits_since": None,
                "unseen": [],
            }
        ]
    }


def test_a_run_for_a_script(call: Call, project: Path) -> None:
    shown = as_json(call, "run", "groups", "--project", project)

    [result] = shown["maps"]
    assert result["map"] == "groups"
    assert result["finops->dataverse"] == {
        "read": 3,
        "written": 1,
        "unchanged": 1,
        "deleted": 0,
        "rejected": 1,
        "parked": 0,
    }


def test_a_run_says_how_many_rows_the_master_decided(call: Call, project: Path) -> None:
    with sqlite3.connect(project / "dataverse.db") as crm:
        crm.execute("UPDATE msdyn_group SET msdyn_description = 'of the CRM'")

    planned = call("run", "groups", "--dry-run", "--project", project)
    done = call("run", "groups", "--project", project)

    assert "1 row has other values on the other side: the master decides" in planned.out
    assert "1 row had other values on the other side: the master decided" in done.out
    assert "of the CRM" in call("conflicts", "show", "1", "--project", project).out


def test_a_map_that_runs_is_not_copied_again(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    done = call("run", "groups", "--project", project)

    assert done.out == (
        "groups\n"
        "  already running, nothing copied; --initial-sync compares every row again\n"
        "\n"
        "1 map runs; 0 rows read, 0 written, 0 equal, 0 held.\n"
    )


def test_the_initial_sync_can_be_skipped(call: Call, project: Path) -> None:
    call("run", "groups", "--skip-initial-sync", "--project", project)

    assert rows_of(project / "dataverse.db", "msdyn_group") == [("10", "Retail")]
    assert as_json(call, "status", "--project", project)["maps"][0]["status"] == "running"


def test_a_map_that_another_worker_has_is_refused(call: Call, project: Path) -> None:
    with journal_of(project) as journal, journal.leases.take("groups", "test", 60):
        done = call("run", "groups", "--project", project)

    assert done.code == 1
    assert done.err.startswith("groups: another worker has its lease (process ")
    assert rows_of(project / "dataverse.db", "msdyn_group") == [("10", "Retail")]


@pytest.mark.parametrize(
    "command", ["run", "stop", "pause", "resume", "sync", "live", "queue", "reconcile"]
)
def test_an_unknown_map_is_reported(call: Call, project: Path, command: str) -> None:
    done = call(command, "group", "--project", project)

    assert done.code == 1
    assert done.err.startswith("there is no map 'group'. Did you mean 'groups'")


def test_errors_groups_by_cause_and_names_the_ids(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    done = call("errors", "--project", project)

    assert done.out == (
        "groups, finops->dataverse: 1 row rejected by length of msdyn_description\n"
        "  msdyn_description has 27 characters where 20 fit: 'A much too long\n"
        "  description' would become 'A much too long desc'\n"
        "  To fix it: shorten it at the source, or write {truncate: 20} in the map\n"
        "  id 1 (30)\n"
        "\n"
        "Correct the cause, then: dualwrite errors retry ID...\n"
        "Or remove the rows from the journal: dualwrite errors discard ID...\n"
    )


def test_the_reason_of_a_group_is_shown_as_an_example(call: Call, project: Path) -> None:
    with sqlite3.connect(project / "finops.db") as erp:
        erp.execute("INSERT INTO CustGroup VALUES ('40', 'Another that is much too long')")
    erp.close()
    call("run", "groups", "--project", project)

    shown = call("errors", "--project", project).out.splitlines()

    assert shown[0] == ("groups, finops->dataverse: 2 rows rejected by length of msdyn_description")
    assert shown[1].startswith("  for example: msdyn_description has ")


def test_no_line_of_the_errors_is_too_long(call: Call, project: Path) -> None:
    long = "groups-of-customers-that-pay-late--msdyn-groups"
    text = (project / "maps" / "groups.yaml").read_text()
    (project / "maps" / f"{long}.yaml").write_text(text.replace("map: groups", f"map: {long}"))
    call("run", long, "--project", project)

    shown = call("errors", "--project", project).out.splitlines()
    retried = call("errors", "retry", "--all", "--project", project).out.splitlines()

    assert shown[:2] == [
        f"{long}, finops->dataverse: 1 row",
        "    rejected by length of msdyn_description",
    ]
    assert max(map(len, shown + retried)) <= 80


def test_errors_for_a_script(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    shown = as_json(call, "errors", "--project", project)

    [row] = shown["rejected"]
    assert shown["parked"] == []
    assert (row["id"], row["map"], row["direction"]) == (1, "groups", "finops->dataverse")
    assert (row["key"], row["rule"]) == ({"GROUPID": "30"}, "length")
    assert row["row"]["DESCRIPTION"] == "A much too long description"


def test_errors_of_a_rule_are_listed_one_by_one(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    assert "30   msdyn_description" in call("errors", "--rule", "length", "--project", project).out
    assert call("errors", "--rule", "scale", "--project", project).out == (
        "No row waits under the rule 'scale'.\n"
    )


def test_errors_are_exported_with_their_values(call: Call, project: Path, tmp_path: Path) -> None:
    call("run", "groups", "--project", project)
    file = tmp_path / "rejected.csv"

    shown = as_json(call, "errors", "--csv", file, "--project", project)

    with file.open(newline="", encoding="utf-8") as stream:
        [row] = csv.DictReader(stream)
    assert shown == {"file": str(file), "rows": 1}
    assert (row["id"], row["kind"], row["cause"]) == ("1", "rejected", "length")
    assert row["column"] == "msdyn_description"
    assert row["cure"] == "shorten it at the source, or write {truncate: 20} in the map"
    assert json.loads(row["row"])["GROUPID"] == "30"


def test_a_corrected_row_is_retried(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    with sqlite3.connect(project / "finops.db") as erp:
        erp.execute("UPDATE CustGroup SET DESCRIPTION = 'Short' WHERE GROUPID = '30'")
    erp.close()

    done = call("errors", "retry", "1", "--project", project)

    assert done.out == (
        "groups, finops->dataverse:\n"
        "  1 written, 0 equal already, 0 rejected again, 0 parked, 0 gone\n"
    )
    assert ("30", "Short") in rows_of(project / "dataverse.db", "msdyn_group")
    assert call("errors", "--project", project).out == (
        "No row waits: nothing was rejected, nothing is parked.\n"
    )


def test_discard_forgets_rows(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    assert as_json(call, "errors", "discard", "1", "--project", project) == {"discarded": [1]}
    assert as_json(call, "errors", "--project", project) == {"rejected": [], "parked": []}


@pytest.mark.parametrize(
    ("command", "untouched"),
    [("discard", "Nothing was discarded."), ("retry", "Nothing was tried.")],
)
def test_unknown_ids_are_refused_before_anything_is_done(
    call: Call, project: Path, command: str, untouched: str
) -> None:
    call("run", "groups", "--project", project)

    done = call("errors", command, "1", "98", "99", "--project", project)

    assert (done.code, done.err) == (
        1,
        (
            f"no rows wait under the ids 98, 99. {untouched}\n"
            "  See the ids that there are: dualwrite errors\n"
        ),
    )
    assert len(as_json(call, "errors", "--project", project)["rejected"]) == 1


def test_the_project_may_be_named_before_the_lower_command(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    done = call("errors", "--project", project, "--json", "discard", "1")

    assert json.loads(done.out) == {"discarded": [1]}


def test_activity_is_listed_newest_last(call: Call, project: Path) -> None:
    assert call("activity", "--project", project).out == "Nothing has happened yet.\n"
    call("run", "groups", "--project", project)

    shown = as_json(call, "activity", "--map", "groups", "--project", project)["activity"]

    assert shown[0]["text"] == "initializing: initial sync started"
    assert shown[0]["at"].endswith("Z")
    assert "running: initial sync done" in call("activity", "--project", project).out


def test_reconcile_lists_what_is_not_the_same(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    shown = as_json(call, "reconcile", "groups", "--project", project)

    assert (shown["same"], shown["only_finops"], shown["held"]) == (2, 1, 1)
    assert "30   only finops, held" in call("reconcile", "groups", "--project", project).out
