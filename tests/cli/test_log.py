"""`--log`: lines on stderr that agree with the journal and with what the command prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dualwrite.cli.options import root_options_first
from dualwrite.journal.records import Counts
from tests.cli.conftest import Call, change, journal_of

pytestmark = pytest.mark.usefixtures("engine_loggers")

CHANGES = (
    "UPDATE CustGroup SET DESCRIPTION = 'Retailers' WHERE GROUPID = '10'",
    "INSERT INTO CustGroup VALUES ('40', 'Another much too long description')",
    "DELETE FROM CustGroup WHERE GROUPID = '20'",
)
DIRECTIONS = ("finops->dataverse", "dataverse->finops")


@pytest.fixture
def running(call: Call, project: Path) -> Path:
    assert call("run", "groups", "--project", project).code == 0
    change(project / "finops.db", *CHANGES)
    change(project / "dataverse.db", "INSERT INTO msdyn_group VALUES ('50', 'New')")
    return project


def documents(err: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in err.splitlines()]


def test_the_journal_the_command_and_the_log_have_the_same_counts(
    call: Call, running: Path
) -> None:
    done = call("sync", "--json", "--log", "json", "--project", running)

    [printed] = json.loads(done.out)["maps"]
    batches = [line for line in documents(done.err) if line["event"] == "batch"]
    with journal_of(running) as journal:
        stored = journal.cycles.totals("groups")
    for direction in DIRECTIONS:
        mine = [line["counts"] for line in batches if line["direction"] == direction]
        logged = sum((Counts(**each) for each in mine), Counts())
        assert logged == stored[direction][0]
        shown = logged.as_dict()
        del shown["conflicts"]
        assert printed[direction] == shown
    assert printed["finops->dataverse"]["written"] == printed["finops->dataverse"]["deleted"] == 1
    assert printed["finops->dataverse"]["rejected"] == 1


def test_there_are_no_lines_unless_they_are_asked_for(call: Call, running: Path) -> None:
    assert call("sync", "--log", "text", "--project", running).err.count(" INFO batch groups") == 4
    change(running / "finops.db", CHANGES[0])

    assert call("sync", "--project", running).err == ""


def test_a_level_alone_asks_for_text(call: Call, running: Path) -> None:
    assert call("sync", "--log-level=warning", "--project", running).err == ""
    assert " DEBUG lease.released groups" in (
        call("--log-level", "debug", "sync", "--project", running).err
    )


def test_a_form_that_there_is_not_is_wrong_usage(call: Call, running: Path) -> None:
    done = call("sync", "--log", "xml", "--project", running)

    assert done.code == 2
    assert "'xml' is not one of 'text', 'json'" in done.err


def test_no_line_holds_a_password_or_a_value(
    call: Call, running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = running / "dualwrite.toml"
    text = config.read_text(encoding="utf-8")
    url = "postgresql://erp:hush-hush@127.0.0.1:9/erp?password=hush-hush"
    config.write_text(text.replace("sqlite:///finops.db", url), encoding="utf-8")

    for form in ("text", "json"):
        err = call("sync", "--log", form, "--log-level", "debug", "--project", running).err
        assert "lease.taken" in err
        assert "hush" not in err
    config.write_text(text, encoding="utf-8")
    err = call("sync", "--log", "json", "--log-level", "debug", "--project", running).err
    assert len(documents(err)) > 3
    assert not [each for each in ("Retailers", "Another", "New") if each in err]


def test_the_options_of_the_root_may_stand_anywhere() -> None:
    words = ["errors", "--log", "json", "discard", "--log-level=debug", "--no-color", "3"]

    assert root_options_first(words) == [
        *("--log", "json", "--log-level=debug", "--no-color"),
        *("errors", "discard", "3"),
    ]
    assert root_options_first(["queue", "--", "--log"]) == ["queue", "--", "--log"]
