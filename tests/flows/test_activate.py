"""The flow `activate_effective` writes a future row on its day and deletes an expired one."""

from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import flows.activate_effective
from dualwrite.link import Side, write_config
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import open_session
from flows.activate_effective import activate_effective
from tasks.dated import summary_text
from tasks.sessions import close_sessions

ADDRESSES = """\
map: addresses
title: Where a location is today
finops: {table: Address, key: [LOCATION]}
dataverse: {table: address, key: [location]}
columns:
  - LOCATION > location
  - CITY > city
effective: {entity: [LOCATION], from: VALIDFROM, to: VALIDTO, gaps: allow}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "box"
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "addresses.yaml").write_text(ADDRESSES, encoding="utf-8")
    urls = {side: f"sqlite:///{side.value}.db" for side in Side}
    write_config(folder, name="box", companies=["USMF"], urls=urls)
    tables = {
        "finops": "Address (LOCATION VARCHAR(9) NOT NULL, VALIDFROM DATE NOT NULL, VALIDTO DATE, "
        "CITY VARCHAR(20), PRIMARY KEY (LOCATION, VALIDFROM))",
        "dataverse": "address (location VARCHAR(9) NOT NULL PRIMARY KEY, city VARCHAR(20))",
    }
    for app, table in tables.items():
        execute(folder, app, f"CREATE TABLE {table}")
    rows = [("L1", "2000-01-01", "2126-12-31", "Oslo"), ("L1", "2127-01-01", None, "Bergen")]
    for row in rows:
        execute(folder, "finops", "INSERT INTO Address VALUES (?, ?, ?, ?)", *row)
    with open_session(folder) as session:
        run_maps(session, make_plan(session, ["addresses"]), RunOptions())
    yield folder
    close_sessions()


def execute(folder: Path, app: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / f"{app}.db")
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def shown(folder: Path) -> list[tuple[object, ...]]:
    return execute(folder, "dataverse", "SELECT location, city FROM address")


def test_a_future_address_appears_on_its_day(prefect_server, project):
    assert shown(project) == [("L1", "Oslo")]
    (before,) = asyncio.run(
        activate_effective(project, None, dt.datetime(2126, 12, 31, tzinfo=dt.UTC))
    )
    assert (before.entities, shown(project)) == (0, [("L1", "Oslo")])

    (there,) = asyncio.run(
        activate_effective(project, ["addresses"], dt.datetime(2127, 1, 1, tzinfo=dt.UTC))
    )

    assert summary_text(there) == (
        "addresses: 1 row begins or ends by 2127-01-01; 1 written, 0 deleted"
    )
    assert shown(project) == [("L1", "Bergen")]


def test_the_command_takes_a_test_clock(prefect_server, project, monkeypatch):
    app = flows.activate_effective.typer.Typer()
    app.command()(flows.activate_effective.main)

    done = CliRunner().invoke(app, ["--project", str(project), "--now", "2127-01-01", "addresses"])

    assert (done.exit_code, done.output) == (
        0,
        "addresses: 1 row begins or ends by 2127-01-01; 1 written, 0 deleted\n",
    )
    assert shown(project) == [("L1", "Bergen")]
