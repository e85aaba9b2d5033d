"""A small project on two SQLite files, and the command line called as a shell would."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dualwrite.cli import main
from dualwrite.journal.store import Journal
from dualwrite.link import Side, load_link, write_config

GROUPS = """\
map: groups
title: Customer groups
version: 1.0.0.0
publisher: tests
finops:
  table: CustGroup
  key: [GROUPID]
dataverse:
  table: msdyn_group
  key: [msdyn_groupid]
columns:
  - GROUPID = msdyn_groupid
  - DESCRIPTION = msdyn_description
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Call = Callable[..., Done]


def _size(fallback: tuple[int, int] = (80, 24)) -> os.terminal_size:
    """The size of no terminal, wherever the tests run."""
    return os.terminal_size((int(os.environ.get("COLUMNS", fallback[0])), fallback[1]))


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    # as in a file: tables fit 80 columns, and a sentence is a line
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", _size)
    monkeypatch.setenv("TZ", "UTC")

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["dualwrite", *map(str, words)])
        capsys.readouterr()
        try:
            main.app()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "box"
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "groups.yaml").write_text(GROUPS, encoding="utf-8")
    write_config(
        folder,
        name="box",
        companies=["USMF"],
        urls={side: f"sqlite:///{side.value}.db" for side in Side},
    )
    with sqlite3.connect(folder / "finops.db") as erp:
        erp.execute(
            "CREATE TABLE CustGroup (GROUPID VARCHAR(10) NOT NULL PRIMARY KEY, "
            "DESCRIPTION VARCHAR(60))"
        )
        erp.executemany(
            "INSERT INTO CustGroup VALUES (?, ?)",
            [("10", "Retail"), ("20", "Wholesale"), ("30", "A much too long description")],
        )
    erp.close()
    with sqlite3.connect(folder / "dataverse.db") as crm:
        crm.execute(
            "CREATE TABLE msdyn_group (msdyn_groupid VARCHAR(10) NOT NULL PRIMARY KEY, "
            "msdyn_description VARCHAR(20))"
        )
        crm.execute("INSERT INTO msdyn_group VALUES ('10', 'Retail')")
    crm.close()
    return folder


def journal_of(project: Path) -> Journal:
    """The project's journal, opened."""
    return Journal.open(load_link(project).journal_url)


def as_json(call: Call, *words: object, code: int = 0) -> Any:
    """The JSON document of a command."""
    done = call(*words, "--json")
    assert done.code == code, done.err
    return json.loads(done.out)


def rows_of(file: Path, table: str) -> list[tuple[Any, ...]]:
    """All rows of a table, sorted."""
    connection = sqlite3.connect(file)
    try:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    finally:
        connection.close()


def change(file: Path, *statements: str) -> None:
    """What an application does, in one transaction."""
    connection = sqlite3.connect(file)
    try:
        with connection:
            for statement in statements:
                connection.execute(statement)
    finally:
        connection.close()
