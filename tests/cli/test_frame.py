"""What all commands have in common: failures, Ctrl-C, colours, and a quick status."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dualwrite import __version__
from dualwrite.cli import main, output
from dualwrite.cli.commands import commands
from dualwrite.journal import database
from dualwrite.journal.records import BatchRecord, MapStatus, Rejection
from dualwrite.journal.store import Journal
from dualwrite.link import load_link
from tests.cli.conftest import Call

ALL = [
    *(["status"], ["activity"], ["errors"], ["check"], ["maps"], ["reconcile", "m"]),
    *(["run", "m"], ["stop", "m"], ["errors", "discard", "1"], ["errors", "retry", "--all"]),
    *(["maps", "check"], ["sync"], ["live"], ["pause", "m"], ["resume", "m"], ["queue", "m"]),
    *(["conflicts"], ["conflicts", "show", "1"], ["conflicts", "undo", "1"]),
    ["conflicts", "resolve", "1", "--take", "finops"],
]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_reports_a_wrong_config(call: Call, project: Path, words: list[str]) -> None:
    config = project / "dualwrite.toml"
    config.write_text(config.read_text().replace("companies", "compnies"))

    done = call(*words, "--project", project)

    assert done.code == 1
    assert "Did you mean 'companies'?" in done.err + done.out
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "words", [["status"], ["activity"], ["errors"], ["run", "m"]], ids=" ".join
)
def test_a_missing_variable_is_named(
    call: Call, project: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM", raising=False)
    config = project / "dualwrite.toml"
    config.write_text(config.read_text().replace("sqlite:///dataverse.db", "${CRM}"))

    done = call(*words, "--project", project)

    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"{config}:14: url needs the environment variable CRM, which is not set\n"
        "  Nothing was read or written.\n"
    )


@pytest.mark.parametrize("words", [["status"], ["activity"]], ids=" ".join)
def test_a_failure_is_a_json_document_too(call: Call, tmp_path: Path, words: list[str]) -> None:
    done = call(*words, "--project", tmp_path, "--json")

    error = json.loads(done.out)["error"]
    assert done.code == 1
    assert error["kind"] == "ConfigError"
    assert error["message"] == done.err.rstrip("\n")


def test_a_locked_journal_is_reported(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    with Journal.open(load_link(project).journal_url) as journal:
        journal.maps.set_status("groups", MapStatus.RUNNING, reason="test")
    holder = sqlite3.connect(project / ".dualwrite" / "journal.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    done = call("pause", "groups", "--project", project)
    status = call("status", "--project", project)
    holder.close()

    assert done.code == 1
    assert done.err.startswith("journal: busy (database is locked).")
    assert status.code == 0


def test_a_fault_of_ours_leaves_its_traceback_in_a_file_without_passwords(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **_more: object) -> None:
        msg = "no idea what postgresql://erp:s3cret@h/db means"
        raise RuntimeError(msg)

    monkeypatch.setattr("dualwrite.operations.queries.maps.list_maps", broken)

    done = call("maps", "--project", project)

    [log] = (project / ".dualwrite").glob("crash-*.log")
    assert done.code == 1
    assert done.err == (
        "A fault in dualwrite itself stopped the command (RuntimeError). "
        "What was committed stays, nothing half-written was kept.\n"
        f"  The details are in {log}; send it to us; it contains no password.\n"
    )
    assert "Traceback" in log.read_text()
    assert "s3cret" not in log.read_text() + done.err + done.out


@pytest.mark.parametrize(
    "place", ["dualwrite.operations.queries.maps.list_maps", "dualwrite.cli.main.print_status"]
)
def test_ctrl_c_prints_what_was_kept(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def interrupted(*_: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)

    done = call("maps" if "maps" in place else "status", "--project", project)

    assert (done.code, done.out, done.err) == (
        130,
        "",
        (
            "Stopped by Ctrl-C. What was committed stays, nothing half-written was kept.\n"
            "  Repeat the command: it continues where it stopped.\n"
        ),
    )


def test_a_reader_that_closes_the_pipe_is_not_a_fault(project: Path) -> None:
    shell = f"{sys.executable} -m dualwrite.cli.main maps --project {project} | head -1"

    done = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False)

    assert done.stdout.startswith("The project's own maps")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "fault", "usage"),
    [
        (
            ["status", "--jsn"],
            "there is no option --jsn. Did you mean --json?",
            "[OPTIONS] [MAP]...",
        ),
        (["stauts"], "there is no command 'stauts'. Did you mean 'status'?", None),
        (["run"], "MAP is missing", "[OPTIONS] {MAP}..."),
        (["stop", "--project", "box"], "MAP is missing", "[OPTIONS] {MAP}..."),
        (
            ["errors", "retry"],
            "say which rows: ID..., --map NAME or --all",
            "[OPTIONS] [ID]...",
        ),
        (
            ["run", "m", "--master", "me"],
            "--master: 'me' is not one of 'finops', 'dataverse', 'newest', 'fill-blanks'",
            "[OPTIONS] {MAP}...",
        ),
        (
            ["activity", "--limit", "0"],
            "--limit: input should be greater than or equal to 1",
            "[OPTIONS]",
        ),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_wrong_usage_exits_with_2_and_shows_the_usage(
    call: Call, words: list[str], fault: str, usage: str | None
) -> None:
    done = call(*words)

    depth = 2 if words[0] == "errors" else 1
    name = "dualwrite" if usage is None else f"dualwrite {' '.join(words[:depth])}"
    assert (done.code, done.out, done.err) == (
        2,
        "",
        (
            f"{name}: {fault}\n"
            f"  Usage: {name} {usage or '[OPTIONS] COMMAND [ARGS]...'}\n"
            f"  More: {name} --help\n"
        ),
    )


def test_an_option_without_its_value_is_reported(call: Call) -> None:
    done = call("run", "m", "--project")

    assert (done.code, done.err) == (
        2,
        "Option '--project' requires an argument\n  More: dualwrite --help\n",
    )


def test_a_group_of_commands_without_one_shows_its_help(call: Call) -> None:
    done = call("sandbox")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: dualwrite sandbox")


def test_wrong_usage_is_a_json_document_too(call: Call) -> None:
    done = call("run", "--json")

    assert json.loads(done.out) == {
        "error": {"kind": "UsageError", "message": done.err.rstrip("\n")}
    }


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").out == f"dualwrite {__version__}\n"


def test_no_color_may_be_given_anywhere(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (["maps", "--no-color"], ["--no-color", "status"]):
        monkeypatch.setenv("NO_COLOR", "")
        call(*words, "--project", project)
        assert os.environ["NO_COLOR"] == "1"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["status"], (Path(), False)),
        (["status", "--json"], (Path(), True)),
        (["status", "--project", "box", "--json"], (Path("box"), True)),
        (["--no-color", "status", "--project=box"], (Path("box"), False)),
        (["status", "--help"], None),
        (["status", "extra"], None),
        (["status", "--project"], None),
        (["--json", "status"], None),
        (["run", "status"], None),
        ([], None),
    ],
    ids=str,
)
def test_only_a_plain_status_is_answered_quickly(
    words: list[str], expected: tuple[Path, bool] | None
) -> None:
    assert main.plain_status(words) == expected


def test_the_quick_status_prints_what_the_command_prints(
    call: Call, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(load_link(project).journal_url) as journal:
        journal.held.record(
            "groups", {"a->b": BatchRecord(rejected=[Rejection({"A": "1"}, "r", "x", {})])}
        )

    for words in (["status"], ["status", "--json"]):
        short = call(*words, "--project", project).out
        with pytest.raises(SystemExit):
            commands([*words, "--project", str(project)])
        assert capsys.readouterr().out == short


def test_status_imports_nothing_heavy(project: Path) -> None:
    """It must answer in half a second as a whole process."""
    Journal.open(load_link(project).journal_url).close()
    heavy = {"sqlalchemy", "alembic", "pyarrow", "pandas", "pydantic", "typer", "rich"}
    code = (
        "import sys; from dualwrite.cli.main import app; app(); "
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )

    words = [sys.executable, "-c", code, "status", "--json", "--project", str(project)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words",
    [
        *([], ["run"], ["errors"], ["errors", "retry"], ["sandbox", "create"], ["sync"], ["live"]),
        *(["pause"], ["resume"], ["stop"], ["queue"], ["check"], ["status"], ["conflicts"]),
        *(["conflicts", "show"], ["conflicts", "resolve"], ["conflicts", "undo"]),
    ],
)
def test_help_teaches_with_an_example(call: Call, words: list[str]) -> None:
    done = call(*words, "--help")

    assert done.code == 0
    assert f"dualwrite {' '.join(words)}".strip() in done.out.partition("\n")[2]
    assert all(len(line) <= 80 for line in done.out.splitlines())


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("accounts-and-more--of.this.name.still", ["accounts-and-more--", "of.this.name.still"]),
        ("msdyn_customergroupid.msdyn_groupid", ["msdyn_customergroupid.", "msdyn_groupid"]),
        ("msdyn_creditlimitismandatory", ["msdyn_", "creditlimitismandatory"]),
        ("1234567890123456789012345", ["1234567890123456789012", "345"]),
        ("a. b is -5 and much -> wide", ["a. b is -5 and much ->", "wide"]),
    ],
    ids=["halves", "path", "joint", "no joint", "words"],
)
def test_a_long_name_breaks_where_a_reader_would(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    cell: str,
    lines: list[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "30")

    output.print_table(["Map", "Rows"], [[cell, "100,00"]], numbers=["Rows"])

    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == f"{'-' * 22}  ------"
    assert printed[2:] == [f"{lines[0]:<22}  100,00", *lines[1:]]
