"""The quick look must say what the journal itself says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dualwrite.journal.glance import glance
from dualwrite.journal.records import MapStatus, Parking, Rejection, Share
from dualwrite.journal.store import Journal


def test_it_says_what_the_journal_says(journal: Journal, url: str) -> None:
    share = Share(
        rejected=[Rejection({"A": "1"}, "required", "x", {})],
        parked=[Parking({"A": "2"}, "customer 7", "x", {})],
    )
    journal.record("m", {"finops->dataverse": share})
    journal.set_status("m", MapStatus.RUNNING, reason="test")
    journal.set_last_cycle("m")
    journal.set_queues("n", {"finops": "q"})

    assert glance(url) == journal.maps()
    assert len(journal.maps()) == 2


def test_a_journal_that_is_not_there_yet_knows_no_map(tmp_path: Path) -> None:
    assert glance(f"sqlite:///{tmp_path}/journal.db") == []
    assert not (tmp_path / "journal.db").exists()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "oracle://x/y"])
def test_what_it_cannot_read_it_leaves_to_the_journal(url: str) -> None:
    assert glance(url) is None


def test_an_empty_file_is_left_to_the_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()

    assert glance(f"sqlite:///{tmp_path}/journal.db") is None


def test_it_imports_nothing_heavy() -> None:
    heavy = {"sqlalchemy", "alembic", "pyarrow", "pandas", "pydantic", "psycopg"}
    code = f"import sys, dualwrite.journal.glance; print(sorted({heavy!r} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"
