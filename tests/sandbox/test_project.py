"""A sandbox: the folder, the apps, the same rows each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
import sqlalchemy as sa

from dualwrite.apps.app import App
from dualwrite.apps.opening import open_app
from dualwrite.apps.query import Query
from dualwrite.errors import ConfigError
from dualwrite.link import Side, load_link
from dualwrite.sandbox.faults import FAULTS, expected
from dualwrite.sandbox.project import SandboxSummary, create_sandbox
from dualwrite.sandbox.schema import sandbox_tables
from dualwrite.tablemap.notation import ColumnPath

ROWS = 400


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SandboxSummary:
    return create_sandbox(tmp_path_factory.mktemp("made") / "box", rows=ROWS)


def read(app: App, table: str) -> pa.Table:
    known = sandbox_tables(app.side)[table]
    columns = tuple(ColumnPath((name,)) for name in known.columns)
    rows = app.read(Query(table=table, columns=columns))
    first = [known.id_column] if known.id_column else known.key
    return rows.sort_by([(name, "ascending") for name in first])


def everything(folder: Path) -> dict[tuple[Side, str], pa.Table]:
    found = {}
    for side in Side:
        app = open_app(side, f"sqlite:///{folder / side.value}.db")
        found |= {(side, table): read(app, table) for table in sandbox_tables(side)}
        app.close()
    return found


def test_the_same_number_of_customers_gives_the_same_rows(made, tmp_path):
    again = create_sandbox(tmp_path / "again", rows=ROWS)

    assert again.rows == made.rows
    assert everything(again.folder) == everything(made.folder)


def test_the_summary_counts_what_the_apps_hold(made):
    held = {at: rows.num_rows for at, rows in everything(made.folder).items() if rows.num_rows}

    assert held == made.rows
    assert made.total(Side.FINOPS) > made.total(Side.DATAVERSE) > ROWS


def test_the_erp_has_as_many_customers_as_were_asked_for_and_the_faulty_ones(made):
    faulty = sum(
        fault.count(ROWS)
        * sum(name.startswith("customers-v3") for name in (fault.map, *fault.holds_back))
        for fault in FAULTS
        if fault.side is Side.FINOPS
    )

    assert made.rows[Side.FINOPS, "CustCustomerV3Entity"] == ROWS + faulty


def test_the_folder_is_a_project(made):
    link = load_link(made.folder)

    assert link.name == "box"
    assert link.companies == ("USMF", "DEMF", "JPMF")
    assert sorted(path.name for path in made.folder.iterdir()) == [
        ".gitignore", "dataverse.db", "dualwrite.toml", "expectations", "finops.db", "maps",
    ]  # fmt: skip


def test_progress_ends_with_all_rows_of_each_kind(tmp_path):
    steps: dict[str, tuple[int, int]] = {}
    create_sandbox(
        tmp_path / "box",
        rows=50,
        progress=lambda kind, done, total: steps.update({kind: (done, total)}),
    )

    assert steps["customers"] == (55, 55)
    assert all(done == total for done, total in steps.values())


@pytest.mark.parametrize("column", ["ORGANIZATIONNAME", "PERSONLASTNAME", "PERSONHOBBIES"])
def test_texts_hurt_careless_readers(made, column):
    texts = (
        everything(made.folder)[Side.FINOPS, "DirPartyCDSEntity"][column].drop_null().to_pylist()
    )

    assert any(not text.isascii() for text in texts)
    assert any("'" in text or '"' in text for text in texts)


def test_a_folder_in_use_is_refused(made):
    with pytest.raises(ConfigError) as refusal:
        create_sandbox(made.folder)

    assert str(refusal.value) == (
        f"{made.folder}: is there already and not an empty folder. Nothing was created.\n"
        "  Choose another folder, or empty this one."
    )


def test_too_few_customers_are_refused(tmp_path):
    with pytest.raises(ConfigError) as refusal:
        create_sandbox(tmp_path / "box", rows=49)

    assert str(refusal.value) == (
        "a sandbox has at least 50 customers, and 49 were asked for. Nothing was created."
    )
    assert not (tmp_path / "box").exists()


def test_a_url_of_no_server_is_refused(tmp_path):
    with pytest.raises(ConfigError) as refusal:
        create_sandbox(tmp_path / "box", on="oracle://there")

    assert str(refusal.value) == (
        "a sandbox cannot be created there: the URL is none of a database server that we know. "
        "Nothing was created.\n"
        "  Write it as postgresql://user@host or mysql+pymysql://user@host."
    )


@pytest.fixture(params=["postgresql", "mariadb"])
def on_server(request, tmp_path, monkeypatch) -> Iterator[tuple[str, SandboxSummary]]:
    server = request.getfixturevalue(f"{request.param}_server")
    summary = create_sandbox(
        tmp_path / f"box {os.getpid()}", rows=ROWS, on=server.url, replace=True
    )
    password = sa.make_url(server.url).password
    assert (summary.export is None) == (not password)
    if summary.export is not None:
        assert str(password) not in (summary.folder / "dualwrite.toml").read_text()
        monkeypatch.setenv(summary.export, quote(str(password), safe=""))
    yield server.url, summary
    for side in Side:
        server.drop(load_link(summary.folder).apps[side].url)


def test_a_server_gets_the_same_rows_as_files(made, on_server):
    _, summary = on_server
    files = everything(made.folder)

    assert summary.rows == made.rows
    for side in Side:
        app = open_app(side, load_link(summary.folder).apps[side].url)
        for table in sandbox_tables(side).keys() & _COMPARED:
            assert _comparable(read(app, table)) == _comparable(files[side, table])
        app.close()


def test_databases_that_are_there_are_left_alone(tmp_path, on_server):
    url, summary = on_server
    folder = tmp_path / "elsewhere" / summary.folder.name

    with pytest.raises(ConfigError) as refusal:
        create_sandbox(folder, rows=ROWS, on=url)

    name = summary.folder.name.replace(" ", "_")
    assert str(refusal.value) == (
        f"the server already has the databases {name}_finops and {name}_dataverse. "
        "Nothing was created, and what is there was left as it is.\n"
        "  Choose another folder name, or repeat the command with --replace to drop them."
    )


_COMPARED = {"CustCustomerV3Entity", "DirPartyCDSEntity", "account", "msdyn_party"}


def _comparable(rows: pa.Table) -> list[dict[str, object]]:
    """Without the moment, which one database keeps in UTC and another without a zone."""
    return rows.drop_columns(rows.column_names[-1]).to_pylist()


def test_a_password_is_never_written():
    from dualwrite.sandbox.databases import _without_password

    written = _without_password(sa.make_url("postgresql+psycopg://me:p%40ss@host/box_finops"))

    assert written == "postgresql+psycopg://me:${DUALWRITE_SANDBOX_PASSWORD}@host/box_finops"


def test_the_faulty_rows_are_few_and_listed():
    assert sum(expected(2000).values()) == 115
    assert sum(expected(10_000).values()) == sum(expected(1_000_000).values()) == 419
