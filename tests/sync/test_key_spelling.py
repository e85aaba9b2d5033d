"""Keys that the two sides spell in their own ways: one row, or held; never another row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dualwrite.sync.cycle.runner import run_cycle
from dualwrite.sync.initial.planning import make_plan
from dualwrite.sync.initial.run import RunOptions, run_maps
from dualwrite.sync.session import Session, open_session
from dualwrite.tablemap.model import Master
from tests.apps.workshops import Workshop, workshop
from tests.servers.running import Server

MAP = """\
map: t
title: T
finops: {table: t, key: [k]}
dataverse: {table: u, key: [k]}
columns: [k = k, n = n]
"""
CAPITALS, SMALL = "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"


def _none(kind: str) -> Server:
    raise AssertionError(kind)


def project(folder: Path, finops: Workshop, dataverse: Workshop, companies: str = "") -> None:
    (folder / "maps").mkdir(parents=True)
    (folder / "maps" / "t.yaml").write_text(MAP)
    urls = {"finops": finops.url, "dataverse": dataverse.url}
    (folder / "dualwrite.toml").write_text(
        f'[link]\nname = "keys"\ncompanies = [{companies}]\n'
        + "".join(
            f'[apps.{name}]\nconnector = "sql"\nurl = "{url}"\n' for name, url in urls.items()
        )
    )


def run(session: Session) -> None:
    run_maps(session, make_plan(session, ["t"], master=Master.FINOPS), RunOptions(workers=1))


def rows(shop: Workshop, table: str) -> list[tuple[str, str]]:
    with shop.sql_hand() as hand:
        return sorted((str(k), str(n)) for k, n in hand.rows(f"SELECT k, n FROM {table}"))


def test_a_number_is_not_the_text_with_leading_zeros(
    tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    with (
        workshop("sqlite", fresh_database, _none) as f,
        workshop("sqlite", fresh_database, _none) as d,
    ):
        f.execute(
            "CREATE TABLE t (k INTEGER PRIMARY KEY, n TEXT)",
            "INSERT INTO t VALUES (7, 'erp'), (8, 'erp')",
        )
        d.execute(
            "CREATE TABLE u (k VARCHAR(10) PRIMARY KEY, n TEXT)",
            "INSERT INTO u VALUES ('007', 'crm'), ('09', 'nine')",
        )
        project(tmp_path, f, d)
        with open_session(tmp_path) as session:
            run(session)
            d.execute("UPDATE u SET n = 'edit' WHERE k IN ('007', '09')")
            run_cycle(session, ["t"])

            held = session.journal.held.rejected("t")
        assert rows(f, "t") == [("7", "erp"), ("8", "erp")]
        assert rows(d, "u") == [("007", "edit"), ("09", "edit"), ("7", "erp"), ("8", "erp")]
        assert sorted((h.key["k"], h.cause) for h in held) == [
            ("007", "key_exact"),
            ("09", "key_exact"),
        ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["char(36)", "char(36) COLLATE utf8mb4_bin"])
def test_an_identity_in_capitals_is_the_same_row_where_case_is_ignored(
    tmp_path: Path,
    fresh_database: Callable[[str], str],
    mariadb_server: Server,
    postgresql_server: Server,
    kind: str,
) -> None:
    servers = {"mariadb": mariadb_server, "postgresql": postgresql_server}
    with (
        workshop("mariadb", fresh_database, servers.__getitem__) as f,
        workshop("postgresql", fresh_database, servers.__getitem__) as d,
    ):
        f.execute(
            f"CREATE TABLE t (k {kind} PRIMARY KEY, n varchar(20)) COLLATE utf8mb4_general_ci",
            f"INSERT INTO t VALUES ('{CAPITALS}', 'erp')",
        )
        d.execute(
            "CREATE TABLE u (k uuid PRIMARY KEY, n varchar(20))",
            f"INSERT INTO u VALUES ('{SMALL}', 'crm')",
        )
        project(tmp_path, f, d)
        with open_session(tmp_path) as session:
            run(session)
            f.execute(f"UPDATE t SET n = 'one' WHERE k = '{CAPITALS}'")
            run_cycle(session, ["t"])
            first = rows(d, "u")
            d.execute("UPDATE u SET n = 'two'")
            run_cycle(session, ["t"])
            held = {h.cause for h in session.journal.held.rejected("t")}
        if kind == "char(36)":
            assert first == [(SMALL, "one")]
            assert rows(f, "t") == [(CAPITALS, "two")]
            assert held == set()
        else:
            assert first == [(SMALL, "crm")]
            assert (CAPITALS, "one") in rows(f, "t")
            assert held == {"key_exact"}
