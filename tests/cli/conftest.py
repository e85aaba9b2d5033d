"""A small project on two SQLite files, and the command line called as a shell would."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dualwrite.cli import main
from dualwrite.link import Side, write_config

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


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["dualwrite", *map(str, words)])
        capsys.readouterr()
        try:
            main.app()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        told = capsys.readouterr()
        return Done(code, told.out, told.err)

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
