"""On a narrow screen every command breaks its lines between words, and its tables fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dualwrite.cli import output
from dualwrite.cli.commands import commands
from tests.cli.conftest import GROUPS, Call, change
from tests.cli.test_rows import dated

__all__ = ["dated"]


def names(command: Any, above: str = "") -> Iterator[str]:
    """Every command, as it is called."""
    for name, each in getattr(command, "commands", {}).items():
        called = f"{above} {name}".strip()
        yield called
        yield from names(each, called)


ALL = list(names(typer.main.get_command(commands)))

COMMANDS = [
    *("check", "check --verbose", "maps", "maps --own", "maps show groups", "maps check"),
    *("status", "activity", "errors", "errors --rule length", "errors --dry-run", "queue groups"),
    *("conflicts", "conflicts --all", "conflicts show 1", "reconcile groups"),
    *("run groups more --dry-run", "run groups more --initial-sync", "run grups", "sync"),
    *("live --for 0", "decimals widen --dry-run", "decimals undo --dry-run", "pause groups"),
    *("stop groups", "stop groups --drop-queue --dry-run", "resume groups --keep-queue"),
    *("reconcile groups --repair --master finops", "conflicts resolve 1 --take finops"),
    *("conflicts undo 1", "errors retry --all", "errors discard 1", "errors retry 99"),
    *("check --repair", "maps check broken", "run broken"),
    *("init .", "sandbox create .", "rows groups", "run groups --master me", "sync --away"),
]
"""Command lines in a project that has something to tell."""


@pytest.fixture
def busy(project: Path, call: Call) -> Path:
    """Two maps run, a row is held, a conflict is open, changes wait, and a map is at fault."""
    text = GROUPS + "conflicts: {policy: ask}\n"
    (project / "maps" / "groups.yaml").write_text(text, encoding="utf-8")
    more = GROUPS.replace("map: groups", "map: more")
    (project / "maps" / "more.yaml").write_text(more, encoding="utf-8")
    broken = GROUPS.replace("map: groups", "map: broken").replace("DESCRIPTION =", "DESCRIPTIN ><")
    (project / "maps" / "broken.yaml").write_text(broken, encoding="utf-8")
    call("run", "groups", "more", "--dry-run", "--project", project)
    call("run", "groups", "more", "--project", project)
    for file, table, column, key in (
        ("finops.db", "CustGroup", "DESCRIPTION", "GROUPID"),
        ("dataverse.db", "msdyn_group", "msdyn_description", "msdyn_groupid"),
    ):
        change(project / file, f"UPDATE {table} SET {column} = '{file[:4]}' WHERE {key} = '10'")
    call("sync", "groups", "--project", project)
    change(project / "finops.db", "INSERT INTO CustGroup VALUES ('50', 'New')")
    return project


def told(call: Call, words: str, folder: Path) -> str:
    where = () if words.startswith(("init", "sandbox")) else ("--project", folder)
    done = call(*words.split(), *where)
    return done.out + done.err


@pytest.mark.parametrize("columns", [80, 60])
def test_lines_are_broken_between_words(
    call: Call, busy: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.chdir(busy)
    monkeypatch.setenv("COLUMNS", str(columns))

    for words in COMMANDS:
        shown = told(call, words, busy)
        assert shown, words
        _hold(shown, columns)


def test_every_command_is_among_them() -> None:
    """But what prints a program for a shell."""
    shown = (*COMMANDS, "completion bash")
    assert [name for name in ALL if not any(f"{w} ".startswith(f"{name} ") for w in shown)] == []


@pytest.mark.parametrize("columns", [80, 60])
def test_dated_rows_fit(
    call: Call, dated: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    _hold(told(call, "rows prices --all", dated), columns)


@pytest.mark.parametrize("words", ["", *ALL])
def test_the_help_fits(call: Call, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    lines = call(*words.split(), "--help").out.splitlines()

    # examples are typed as they stand
    assert [line for line in lines if len(line) > 60 and "  dualwrite " not in line] == []


def _hold(shown: str, columns: int) -> None:
    """Each line fits, or is one word."""
    for line in shown.splitlines():
        assert len(line) <= columns or len(line.split()) == 1, line


def test_no_word_of_a_table_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = ["Map", "Status", "Rejected", "Conflicts", "What was said"]
    row = ["customers-v3--accounts", "initializing", "1,234", "17", "everything is wonderful today"]
    whole = {piece for cell in (*heads, *row) for word in cell.split() for piece in _pieces(word)}
    for columns in range(100, 20, -1):
        monkeypatch.setenv("COLUMNS", str(columns))

        output.print_table(heads, [row, row], numbers=["Rejected"])

        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= max(columns, 24)
        words = {word.rstrip(":") for word in shown.split()} - {"", *re.findall("-+", shown)}
        assert words <= whole


def _pieces(word: str) -> set[str]:
    """The word, and what it may be broken into."""
    parts = re.split(output._JOINTS, word)
    return {"".join(parts[first:last]) for first, last in combinations(range(len(parts) + 1), 2)}
