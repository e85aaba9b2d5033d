"""Pause, resume, stop, sync, live and queue, as a person and as a script would call them."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from dualwrite.journal.records import MapStatus
from tests.cli.conftest import Call, as_json, change, journal_of, rows_of

RETAIL = "UPDATE CustGroup SET DESCRIPTION = 'Retailers' WHERE GROUPID = '10'"
NEW = "INSERT INTO msdyn_group VALUES ('40', 'New')"


class Terminal(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def running(call: Call, project: Path) -> Path:
    """Groups run, one of them held."""
    assert call("run", "groups", "--project", project).code == 0
    return project


def test_sync_carries_what_changed_on_either_side(call: Call, running: Path) -> None:
    change(running / "finops.db", RETAIL)
    change(running / "dataverse.db", NEW, "DELETE FROM msdyn_group WHERE msdyn_groupid = '20'")

    done = call("sync", "--project", running)

    assert (done.code, done.out) == (
        0,
        (
            "                          Read   Written   Deleted  Rejected    Parked Conflicts\n"
            "groups\n"
            "  to dataverse               1         1         0         0         0         0\n"
            "  to finops                  2         1         1         0         0         0\n"
            "\n"
            "1 map; 3 rows read, 2 written, 1 deleted, 0 equal, 0 held.\n"
        ),
    )
    assert max(map(len, done.out.splitlines())) <= 80
    assert ("10", "Retailers") in rows_of(running / "dataverse.db", "msdyn_group")
    assert [row[0] for row in rows_of(running / "finops.db", "CustGroup")] == ["10", "30", "40"]
    assert call("sync", "--project", running).out == "Nothing was pending in 1 map.\n"


def test_sync_for_a_script(call: Call, running: Path) -> None:
    change(running / "finops.db", RETAIL)

    [shown] = as_json(call, "sync", "groups", "--project", running)["maps"]

    assert shown["finops->dataverse"] == {
        "read": 1,
        "written": 1,
        "unchanged": 0,
        "deleted": 0,
        "rejected": 0,
        "parked": 0,
    }
    assert shown["conflicts"] == 0


def test_sync_where_no_map_runs(call: Call, project: Path) -> None:
    assert call("sync", "--project", project).out == (
        "No map runs: nothing was synced. Start one with: dualwrite run MAP\n"
    )


def test_a_map_that_was_named_and_waits_is_a_failure(call: Call, running: Path) -> None:
    call("pause", "groups", "--project", running)

    done = call("sync", "groups", "--project", running)

    assert done.code == 1
    assert "paused: nothing was synced" in done.out
    assert call("sync", "--project", running).code == 0


def test_a_paused_map_lets_its_changes_queue(call: Call, running: Path) -> None:
    assert call("pause", "groups", "--project", running).out == (
        "groups: paused; changes queue in both apps until it is resumed\n"
    )
    change(running / "finops.db", RETAIL)
    call("sync", "--project", running)

    [shown] = as_json(call, "status", "--project", running)["maps"]
    assert (shown["status"], shown["pending"]) == ("paused", {"finops": 1, "dataverse": 0})
    assert ("10", "Retail") in rows_of(running / "dataverse.db", "msdyn_group")


def test_a_resumed_map_catches_up_and_runs(call: Call, running: Path) -> None:
    call("pause", "groups", "--project", running)
    change(running / "finops.db", RETAIL)

    done = call("resume", "groups", "--project", running)
    call("sync", "--project", running)

    assert done.out == (
        "groups: resuming; the next cycles carry what has queued (dualwrite sync groups),\n"
        "  then it runs\n"
    )
    [shown] = as_json(call, "status", "--project", running)["maps"]
    assert (shown["status"], shown["pending"]["finops"]) == ("running", 0)
    assert ("10", "Retailers") in rows_of(running / "dataverse.db", "msdyn_group")


@pytest.mark.parametrize("word", [None, "--initial-sync", "--skip-initial-sync"])
def test_a_paused_map_is_not_run(call: Call, running: Path, word: str | None) -> None:
    call("pause", "groups", "--project", running)
    change(running / "finops.db", RETAIL)

    done = call("run", "groups", *([word] if word else []), "--project", running)

    assert (done.code, done.out) == (
        1,
        (
            "groups\n"
            "  paused, nothing copied; dualwrite resume groups lets it go on, dualwrite stop\n"
            "  groups ends it\n"
            "\n"
            "0 maps run; 0 rows read, 0 written, 0 equal, 0 held.\n"
        ),
    )
    assert as_json(call, "status", "--project", running)["maps"][0]["status"] == "paused"


def test_a_kept_queue_is_synced_by_a_retry(call: Call, running: Path) -> None:
    call("pause", "groups", "--project", running)
    change(running / "finops.db", RETAIL)

    call("resume", "groups", "--keep-queue", "--project", running)

    [row] = as_json(call, "errors", "--rule", "kept at resume", "--project", running)["rejected"]
    assert row["key"] == {"GROUPID": "10"}
    call("errors", "retry", row["id"], "--project", running)
    assert ("10", "Retailers") in rows_of(running / "dataverse.db", "msdyn_group")


def test_a_dropped_queue_is_named_by_its_file(call: Call, running: Path) -> None:
    call("pause", "groups", "--project", running)
    change(running / "finops.db", RETAIL)

    [shown] = as_json(call, "resume", "groups", "--drop-queue", "--project", running)["maps"]

    finops, _ = (Path(file) for file in shown["files"])
    assert shown["status"] == "running"
    assert re.fullmatch(r"groups-\d{8}T\d{6}Z-finops\.csv", finops.name)
    with finops.open(newline="", encoding="utf-8") as stream:
        [row] = csv.DictReader(stream)
    assert (row["GROUPID"], row["op"], row["changed"]) == ("10", "u", "DESCRIPTION")
    assert ("10", "Retail") in rows_of(running / "dataverse.db", "msdyn_group")


@pytest.mark.parametrize("command", ["resume", "stop"])
def test_a_dry_run_counts_what_would_be_dropped(call: Call, running: Path, command: str) -> None:
    call("pause", "groups", "--project", running)
    change(running / "finops.db", RETAIL)
    words = [command, "groups", "--drop-queue", "--dry-run", "--project", running]

    done = call(*words)

    assert done.out == (
        "groups: 1 queued change would be dropped\nA dry run: nothing was changed.\n"
    )
    assert as_json(call, *words)["maps"][0]["queues"]["finops"]["pending"] == 1
    [shown] = as_json(call, "status", "--project", running)["maps"]
    assert (shown["status"], shown["pending"]["finops"]) == ("paused", 1)


@pytest.mark.parametrize(("answer", "status", "pending"), [("n", "paused", 1), ("y", "running", 0)])
def test_a_person_is_asked_before_a_queue_is_dropped(
    call: Call,
    running: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: str,
    pending: int,
) -> None:
    call("pause", "groups", "--project", running)
    change(running / "finops.db", RETAIL)
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))

    done = call("resume", "groups", "--drop-queue", "--project", running)

    assert "Export 1 queued change to .dualwrite/exports and drop them?" in done.out
    [shown] = as_json(call, "status", "--project", running)["maps"]
    assert (shown["status"], shown["pending"]["finops"]) == (status, pending)


def test_a_dry_run_refuses_a_map_that_there_is_not(call: Call, running: Path) -> None:
    done = call("stop", "grups", "--drop-queue", "--dry-run", "--project", running)

    assert done.code == 1
    assert "there is no map 'grups'. Did you mean 'groups'?" in done.err


def test_a_script_is_told_what_goes_with_dropping(call: Call, running: Path) -> None:
    done = call("resume", "groups", "--dry-run", "--project", running)

    assert done.code == 2
    assert "--dry-run and --yes go with --drop-queue" in " ".join(done.err.split())


def test_only_one_option_for_the_queue_may_be_given(call: Call, running: Path) -> None:
    done = call("resume", "groups", "--keep-queue", "--drop-queue", "--project", running)

    assert done.code == 2
    assert "take one of --catch-up, --keep-queue and --drop-queue" in done.err


def test_each_map_has_its_result(call: Call, running: Path) -> None:
    done = call("pause", "group", "groups", "--project", running, "--json")

    assert done.code == 1
    assert done.err.startswith("there is no map 'group'. Did you mean 'groups'?")
    shown = as_json(call, "pause", "group", "groups", "--project", running, code=1)["maps"]
    assert shown[0]["error"]["kind"] == "UnknownMapError"
    assert shown[1] == {
        "map": "groups",
        "status": "paused",
        "note": "was paused already, nothing changed",
    }


def test_stop_ends_what_was_cut_off(call: Call, project: Path) -> None:
    with journal_of(project) as journal:
        journal.runs.start("groups", "initial sync", {})
        journal.maps.set_status("groups", MapStatus.INITIALIZING, reason="test")

    assert call("stop", "groups", "--project", project).out == "groups: stopped\n"

    with journal_of(project) as journal:
        assert journal.maps.status("groups") is MapStatus.NOT_RUNNING
        assert [run.outcome for run in journal.runs.newest()] == ["cancelled"]


def test_stop_leaves_nothing_of_ours_about_the_map_in_the_apps(call: Call, running: Path) -> None:
    call("stop", "groups", "--project", running)

    for file in ("finops.db", "dataverse.db"):
        left = rows_of(running / file, "sqlite_master")
        assert [name for kind, name, *_ in left if kind == "trigger" or "_q_" in name] == []


def test_a_map_that_does_not_run_is_not_stopped(call: Call, project: Path) -> None:
    done = call("stop", "groups", "--project", project)

    assert done.out == "groups: was not running, nothing changed\n"
    assert as_json(call, "status", "--project", project) == {"maps": []}
    shown = as_json(call, "stop", "groups", "--project", project)
    assert shown == {
        "maps": [
            {
                "map": "groups",
                "status": "not running",
                "note": "was not running, nothing changed",
            }
        ]
    }


def test_live_runs_for_the_given_time(call: Call, running: Path) -> None:
    change(running / "finops.db", RETAIL)

    done = call("live", "--for", "0.3", "--project", running)

    assert done.code == 0
    assert re.search(r"^\d\d:\d\d:\d\d groups: 1 to dataverse$", done.out, re.MULTILINE)
    assert "\nIn all:\n" in done.out
    assert done.err == "Live. Ctrl-C stops it; what is not across yet stays in the queues.\n"
    assert ("10", "Retailers") in rows_of(running / "dataverse.db", "msdyn_group")


def test_live_where_nothing_changes(call: Call, running: Path) -> None:
    assert call("live", "--for", "0", "--project", running).out == (
        "Nothing changed on either side.\n"
    )
    assert as_json(call, "live", "--for", "0", "--project", running) == {"maps": []}


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_live_ends_well_when_it_is_asked_to(call: Call, running: Path) -> None:
    asked = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    asked.start()

    done = call("live", "--project", running)

    asked.join()
    assert (done.code, done.out) == (0, "Nothing changed on either side.\n")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_queue_of_a_map_is_shown_with_what_changed(call: Call, running: Path) -> None:
    change(running / "finops.db", RETAIL)
    change(running / "dataverse.db", NEW)

    shown = call("queue", "groups", "--project", running).out.splitlines()

    assert shown[0] == "finops: 1 change waits."
    assert re.fullmatch(r"[\d-]{10} [\d:]{8}  update  10   DESCRIPTION", shown[3])
    assert shown[5] == "dataverse: 1 change waits."
    assert re.fullmatch(r"[\d-]{10} [\d:]{8}  insert  40 *", shown[8])


def test_the_queue_is_narrowed_by_side_and_key(call: Call, running: Path) -> None:
    change(
        running / "finops.db",
        RETAIL,
        "INSERT INTO CustGroup VALUES ('A10', 'x'), ('B20', 'y'), ('C10', 'z')",
    )
    words = ("queue", "groups", "--side", "finops", "--project", running)

    queues = as_json(call, *words, "--key", "a1")["queues"]
    done = call(*words, "--limit", "1")

    assert list(queues) == ["finops"]
    assert queues["finops"]["pending"] == 4
    [entry] = queues["finops"]["entries"]
    assert (entry["what"], entry["key"], entry["changed"]) == ("insert", {"GROUPID": "A10"}, None)
    assert entry["at"].endswith("Z")
    assert done.out.startswith("finops: 4 changes wait; 1 change shown.\n")


def test_a_queue_is_written_to_a_file(call: Call, running: Path, tmp_path: Path) -> None:
    change(running / "finops.db", RETAIL)
    file = tmp_path / "waiting.csv"
    words = ("queue", "groups", "--csv", file, "--project", running)

    assert call(*words).code == 2
    assert as_json(call, *words, "--side", "finops") == {"file": str(file), "entries": 1}
    assert file.read_text(encoding="utf-8").startswith('"GROUPID","op","changed","at"')


def test_a_map_that_does_not_run_has_no_queue(call: Call, project: Path) -> None:
    assert call("queue", "groups", "--project", project).out == (
        "groups has no queue: it does not run. Start it with: dualwrite run groups\n"
    )
