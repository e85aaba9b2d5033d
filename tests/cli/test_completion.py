"""A shell completes commands, options and names of maps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dualwrite.cli.completion import ASKED
from tests.cli.conftest import Call


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dualwrite rec", ["reconcile"]),
        ("dualwrite maps sh", ["show"]),
        ("dualwrite run --dr", ["--dry-run"]),
        ("dualwrite run gro", ["groups"]),
        ("dualwrite run groups customers-v3--a", ["customers-v3--accounts"]),
        ("dualwrite errors --map gr", ["groups"]),
        ("dualwrite maps show grou", ["groups"]),
        ("dualwrite decimals widen --map gro", ["groups"]),
        ("dualwrite sync nothing-is-called-so", []),
    ],
)
def test_what_is_offered(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv(ASKED, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))

    done = call()

    assert (done.code, done.out.split()) == (0, offered)


def test_maps_are_those_of_the_project_that_is_named(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["dualwrite", "run", "--project", str(project), "group"]
    monkeypatch.setenv(ASKED, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", "4")

    assert call().out.split() == ["groups"]


def test_a_catalogue_that_cannot_be_read_offers_nothing(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(project / "maps")
    (project / "maps").touch()
    monkeypatch.chdir(project)
    monkeypatch.setenv(ASKED, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "dualwrite run groups")
    monkeypatch.setenv("COMP_CWORD", "2")

    done = call()

    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(call: Call, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    done = call("completion", shell)

    assert done.code == 0
    assert f"{ASKED}=complete_{shell}" in done.out


def test_bash_completes(project: Path, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    program = tmp_path / "bin" / "dualwrite"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom dualwrite.cli.main import app\napp()\n")
    program.chmod(0o755)
    typed = (
        'eval "$(dualwrite completion bash)"; COMP_WORDS=(dualwrite pause gro); COMP_CWORD=2; '
        '_dualwrite_completion dualwrite; echo "${COMPREPLY[@]}"'
    )
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    place = os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [bash, "-c", typed], cwd=project, env=place, capture_output=True, text=True, check=True
    )

    assert done.stdout == "groups\n"


def test_an_unknown_shell_is_refused(call: Call) -> None:
    done = call("completion", "tcsh")

    assert done.code == 2
    assert "bash" in done.err
