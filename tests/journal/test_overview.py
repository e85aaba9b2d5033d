"""The overview agrees with the journal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dualwrite.journal.overview import read_overview
from dualwrite.journal.records import BatchRecord, MapStatus, Parking, Rejection
from dualwrite.journal.store import Journal


def test_the_overview_equals_the_maps_of_the_journal(journal: Journal, url: str) -> None:
    share = BatchRecord(
        rejected=[Rejection({"A": "1"}, "required", "x", {})],
        parked=[Parking({"A": "2"}, "customer 7", "x", {})],
    )
    journal.held.record("m", {"finops->dataverse": share})
    journal.maps.set_status("m", MapStatus.RUNNING, reason="test")
    journal.cycles.record("m", {})
    journal.maps.set_queues("n", {"finops": "q"})

    assert read_overview(url) == journal.maps.all()
    assert len(journal.maps.all()) == 2


def test_a_missing_journal_has_no_maps(tmp_path: Path) -> None:
    assert read_overview(f"sqlite:///{tmp_path}/journal.db") == []
    assert not (tmp_path / "journal.db").exists()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "oracle://x/y"])
def test_a_database_that_cannot_be_read_gives_none(url: str) -> None:
    assert read_overview(url) is None


def test_an_empty_file_gives_none(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()

    assert read_overview(f"sqlite:///{tmp_path}/journal.db") is None


def test_it_imports_nothing_heavy() -> None:
    heavy = {"sqlalchemy", "alembic", "pyarrow", "pandas", "pydantic", "psycopg"}
    code = f"import sys, dualwrite.journal.overview; print(sorted({heavy!r} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"
