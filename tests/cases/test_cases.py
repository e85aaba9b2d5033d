"""The runner of the cases: what it finds, what it runs, and how it judges."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases import __main__ as program
from tests.cases import preloaded
from tests.cases.found import Case, chosen, find
from tests.cases.judges import JUDGES, judge
from tests.cases.judges.table import Judge, into
from tests.cases.output import Output, Verdict, rows
from tests.cases.running import HOME, end_all, run_limited
from tests.cases.servers import copy, with_ports


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of cases, one of each kind, and what is none."""
    for path in (
        "public/case_07/run.sh",
        "public/lib.sh",
        "exact/case_01_repro.py",
        "exact/lib.py",
        "tried/values.sh",
        "tried/lib.sh",
        "corners/char-blanks/run.sh",
        "torture/t03_restore.py",
        "torture/repro_identity.py",
        "torture/torture.py",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("echo 55471\n")
    return tmp_path


def test_every_kind_of_case_is_found(folder: Path) -> None:
    assert [case.name for case in find(folder)] == [
        "tried/values",
        "exact/case_01_repro",
        "corners/char-blanks",
        "public/case_07",
        "torture/repro_identity",
        "torture/t03_restore-live",
        "torture/t03_restore-stop",
    ]


def test_a_name_means_a_case_or_all_that_begin_so(folder: Path) -> None:
    cases = find(folder)

    assert [case.name for case in chosen(cases, ["values", "t03"])] == [
        "tried/values",
        "torture/t03_restore-live",
        "torture/t03_restore-stop",
    ]
    assert chosen(cases, ["public/case_07"]) == chosen(cases, ["case_07"])
    with pytest.raises(LookupError, match="no case is called case_99"):
        chosen(cases, ["case_99"])


@pytest.mark.parametrize(("more", "code"), [((), 2), (("--if-present",), 0)])
def test_absent_cases_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], code: int
) -> None:
    assert program.main(["--cases", str(tmp_path / "none"), *more]) == code
    assert "There are no cases in" in capsys.readouterr().out


def test_the_list_runs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--cases", str(folder), "--list", "tried"]) == 0
    assert capsys.readouterr().out.split()[0] == "tried/values"


def test_a_case_that_does_not_end_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    script = f"echo begun; CASES_WORK={tmp_path} setsid sleep 60 & sleep 60"

    text, code, seconds = run_limited(("bash", "-c", script), tmp_path, dict(os.environ), 0.5)
    end_all(tmp_path)

    assert (text, code) == ("begun\n", None)
    assert seconds < 30
    assert "sleep 60" not in _processes(tmp_path)


def _processes(folder: Path) -> str:
    """The command lines of the processes whose environment names the folder."""
    found = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in found.splitlines() if f"CASES_WORK={folder}" in line)


def test_ports_are_replaced_all_at_once(folder: Path, tmp_path: Path) -> None:
    copy(folder / "public", tmp_path / "copied", {"55471": "40000"})

    assert (tmp_path / "copied/case_07/run.sh").read_text() == "echo 40000\n"
    assert with_ports("55471 55472", {"55471": "55472", "55472": "1"}) == "55472 1"


CASE = Case("public/case_98", Path("run.sh"), (), 9)


def test_a_crash_a_late_end_and_a_complaint_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judge(CASE, Output("all well")) == (Verdict.NOT_JUDGED, "no judge yet")
    assert judge(CASE, Output("x\nOverflowError: 1\n"))[0] is Verdict.WRONG

    monkeypatch.setitem(JUDGES, CASE.name, lambda output: "" if "B" in output.text else "no B")

    assert judge(CASE, Output("A")) == (Verdict.WRONG, "no B")
    assert judge(CASE, Output("B")) == (Verdict.RIGHT, "")
    assert judge(CASE, Output("B\nOverflowError: 1\n"))[0] is Verdict.WRONG
    assert judge(CASE, Output("B", code=None)) == (Verdict.WRONG, "did not end within 9 s")


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_no_judge_finds_right_what_printed_nothing(name: str) -> None:
    """A case that fails to start prints nothing of what is looked for."""
    assert JUDGES[name](Output("bash: not found"))


def test_a_judge_is_put_into_the_table_by_each_name() -> None:
    table: dict[str, Judge] = {}

    @into(table, "a", "b")
    def right(output: Output) -> str:
        return output.text

    assert table == {"a": right, "b": right}


TEXT = """\
$ dualwrite run t
1 map runs
[rc 0]
--- dataverse
code | level
A | 0
+------+-------+
| B    | 1 | x |
$ dualwrite errors
No row waits.
[rc=3]
"""


def test_an_output_has_steps_parts_and_rows() -> None:
    output = Output(TEXT)

    steps = [(step.command, step.code) for step in output.steps()]
    assert steps == [("dualwrite run t", 0), ("dualwrite errors", 3)]
    assert output.steps("dualwrite errors")[0].text == "No row waits.\n"
    assert rows(output.after("--- dataverse", "$ ")) == [
        ("code", "level"),
        ("A", "0"),
        ("B", "1", "x"),
    ]


def test_the_held_rows_and_conflicts_of_a_project_are_at_hand() -> None:
    output = Output("", projects={"c1": {"errors": {"rejected": [{"key": 1}], "parked": []}}})

    assert output.held("c1") == [{"key": 1}]
    assert output.held("c2") == output.conflicts("c1") == []


@pytest.fixture
def forking(tmp_path: Path) -> Iterator[str]:
    """The address of a server whose `dualwrite` is a function of this test."""
    address = tmp_path / "socket"
    code = (
        "import sys, time; from tests.cases import preloaded as p\n"
        "def app():\n"
        "    print(sys.argv[1:], flush=True)\n"
        "    if 'wait' in sys.argv: time.sleep(60)\n"
        "    sys.exit(7)\n"
        "p._import_all = lambda: None\n"
        "import dualwrite.cli.main as m; m.app = app\n"
        f"p.serve({str(address)!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=HOME)
    while not address.exists():
        assert process.poll() is None
        time.sleep(0.02)
    yield str(address)
    process.terminate()
    process.wait()


def _program(forking: str, tmp_path: Path) -> Path:
    path = tmp_path / "dualwrite"
    path.write_text(preloaded.PROGRAM.format(python=sys.executable, address=forking))
    path.chmod(0o755)
    return path


def test_a_command_is_forked_with_its_arguments_streams_and_code(
    forking: str, tmp_path: Path
) -> None:
    asked = [_program(forking, tmp_path), "sync", "--all"]

    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("['sync', '--all']\n", 7)


def test_a_command_whose_caller_is_killed_ends(forking: str, tmp_path: Path) -> None:
    asked = [_program(forking, tmp_path), "wait"]
    process = subprocess.Popen(asked, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"['wait']\n"

    process.kill()

    # the forked command holds the other end of the pipe until it ends
    ended = threading.Thread(target=process.stdout.read)
    ended.start()
    ended.join(20)
    assert not ended.is_alive()
    process.stdout.close()
    process.wait()


def test_a_socket_that_hears_nothing_is_no_server(tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    listening.close()

    done = subprocess.run(
        [_program(str(tmp_path / "socket"), tmp_path), "sync"], capture_output=True, check=False
    )

    assert done.returncode == 1
