"""What `dualwrite status` tells, and that it stays quick."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dualwrite.cli import status_table
from dualwrite.journal.records import (
    Conflict,
    ConflictKind,
    ConflictOutcome,
    ConflictStatus,
    Counts,
)
from dualwrite.link import Side
from dualwrite.operations import pending
from tests.cli.conftest import Call, as_json, change, journal_of

THERE = Side.FINOPS.direction


def test_status_shows_what_waits(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)

    assert call("status", "--project", project).out == (
        "Map     Status   Pending  Rejected  Parked\n"
        "------  -------  -------  --------  ------\n"
        "groups  running        0         1       0\n"
        "\n"
        "1 row waits; dualwrite errors says why.\n"
    )


def test_status_shows_lag_last_cycle_conflicts_and_why_a_map_waits(
    call: Call, project: Path
) -> None:
    call("run", "groups", "--project", project)
    change(project / "dataverse.db", "INSERT INTO msdyn_group VALUES ('40', 'New')")
    conflict = Conflict(
        {"GROUPID": "10"},
        "t",
        ConflictKind.UPDATE,
        "ask",
        ConflictOutcome.WAITS,
        {},
        status=ConflictStatus.OPEN,
    )
    with journal_of(project) as journal:
        journal.cycles.record("groups", {THERE: Counts(written=3)}, {THERE: {20: 3}})
        journal.conflicts.record("groups", [conflict])
        journal.maps.set_waits("groups", "finops: no answer (refused). No loss.\n  Check it.")

    done = call("status", "--project", project)

    assert done.out == (
        "Map     Status   Pending  Rejected  Parked  Conflicts   Lag  Last cycle\n"
        "------  -------  -------  --------  ------  ---------  ----  ----------\n"
        "groups  running        1         1       0          1  7 ms     0 s ago\n"
        "\n"
        "Lag: 95 of 100 changes of the last 15 minutes were across within it.\n"
        "\n"
        "groups waits: finops: no answer (refused). No loss.\n"
        "\n"
        "1 conflict waits for a decision: dualwrite conflicts\n"
        "\n"
        "1 row waits; dualwrite errors says why.\n"
    )
    [shown] = as_json(call, "status", "--project", project)["maps"]
    assert shown["pending"] == {"finops": 0, "dataverse": 1}
    assert shown["conflicts"] == 1
    assert shown["lag"] == {"p50": 0.0067, "p95": 0.0067, "p99": 0.0067}
    assert shown["waits"].startswith("finops: no answer")


def test_an_unreachable_app_is_shown_as_of_the_last_cycle(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    with journal_of(project) as journal:
        journal.cycles.record("groups", {}, pending={Side.FINOPS: 2, Side.DATAVERSE: 1200})
    (project / "dataverse.db").rename(project / "elsewhere.db")

    done = call("status", "--project", project)

    assert "groups  running    1,200" in done.out
    assert "\nPending in dataverse: as of the last cycle; dataverse was not asked.\n" in done.out
    [shown] = as_json(call, "status", "--project", project)["maps"]
    assert shown["pending"] == {"finops": 0, "dataverse": 1200}
    assert shown["pending_as_of_last_cycle"] == ["dataverse"]


def test_a_long_queue_is_not_counted_to_its_end(
    call: Call, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pending, status_table):
        monkeypatch.setattr(module, "AT_MOST", 2)
    call("run", "groups", "--project", project)
    rows = ", ".join(f"('{number}', 'x')" for number in range(40, 45))
    change(project / "dataverse.db", f"INSERT INTO msdyn_group VALUES {rows}")

    assert "groups  running       2+" in call("status", "--project", project).out


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_queues_are_counted_through_the_bare_driver(
    kind: str, fresh_database: Callable[[str], str], tmp_path: Path
) -> None:
    import sqlalchemy as sa

    from dualwrite.sandbox.schema.creating import driver_url

    url = f"sqlite:///{tmp_path}/a b.db" if kind == "sqlite" else fresh_database(kind)
    engine = sa.create_engine(driver_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE "dualwrite_q_Odd ""name" (id INTEGER)')
        connection.exec_driver_sql('INSERT INTO "dualwrite_q_Odd ""name" VALUES (1), (2)')
    engine.dispose()

    assert pending._count(url, ['dualwrite_q_Odd "name']) == {'dualwrite_q_Odd "name': 2}
    assert pending._count(url, ["dualwrite_q_gone"]) is None


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "mysql://h/d"])
def test_an_app_that_cannot_be_asked_quickly_is_not_asked(url: str) -> None:
    assert pending._count(url, ["q"]) is None


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        (timedelta(seconds=-5), "0 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=30), "30 h ago"),
        (timedelta(days=9), "9 d ago"),
    ],
    ids=str,
)
def test_the_age_of_the_last_cycle_is_shown_in_one_unit(since: timedelta, shown: str) -> None:
    assert status_table._ago(since) == shown


def test_counting_imports_nothing_heavy(call: Call, project: Path) -> None:
    call("run", "groups", "--project", project)
    with journal_of(project) as journal:
        journal.cycles.record("groups", {})
    heavy = {"sqlalchemy", "alembic", "pyarrow", "pandas", "pydantic", "typer", "rich", "psycopg"}
    code = (
        "import sys; from dualwrite.cli.main import app; app(); "
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )

    words = [sys.executable, "-c", code, "status", "--project", str(project)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
