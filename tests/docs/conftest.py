"""A shell for the blocks of the pages: one folder, this process's own command line."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dualwrite.cli import main

Shell = Callable[[str], str]


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Runs a block of lines in one folder, as a shell would; what they print."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> str:
        words = shlex.split(line)
        monkeypatch.setattr(sys, "argv", words)
        capsys.readouterr()
        code = None
        try:
            main.app()
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        assert not code, f"{line}: {printed.err}{printed.out}"
        return printed.err + printed.out

    def run(text: str) -> str:
        printed = ""
        for line in text.splitlines():
            match line.split()[0]:
                case "dualwrite":
                    printed += call(line)
                case "cd":
                    monkeypatch.chdir(line.split()[1])
                case "export":
                    monkeypatch.setenv(*line.removeprefix("export ").split("="))
                case "python":
                    subprocess.run([sys.executable, *shlex.split(line)[1:]], check=True)
                case other:
                    pytest.fail(f"a page calls {other}")
        return printed

    return run
