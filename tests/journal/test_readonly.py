"""A journal whose file or folder cannot be written can be looked at."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from dualwrite.errors import ConfigError
from dualwrite.journal.overview import read_overview
from dualwrite.journal.readonly import reading_uri
from dualwrite.journal.store import Journal


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal that was closed, in a folder that says it cannot be written."""
    found = tmp_path / "journal.db"
    with Journal.open(f"sqlite:///{found}") as journal:
        journal.activity.log(None, "note", "it was here")
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) == found)
    return found


def test_it_is_read(file: Path) -> None:
    with Journal.open(f"sqlite:///{file}") as journal:
        assert [line.text for line in journal.activity.newest(None, 5)] == ["it was here"]
    assert read_overview(f"sqlite:///{file}") == []
    assert {path.name for path in file.parent.iterdir()} == {"journal.db"}


def test_what_would_write_is_refused(file: Path) -> None:
    with (
        Journal.open(f"sqlite:///{file}") as journal,
        pytest.raises(ConfigError, match="the file cannot be written"),
    ):
        journal.activity.log(None, "note", "more")


def test_a_log_beside_the_file_is_read_too(file: Path) -> None:
    file.with_name("journal.db-wal").write_bytes(b"x")

    assert str(reading_uri(file)).endswith("journal.db?mode=ro")


def test_a_file_that_can_be_written_or_is_not_there_is_opened_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite3.connect(tmp_path / "journal.db").close()
    (tmp_path / "journal.db").touch()
    assert reading_uri(tmp_path / "journal.db") is None

    monkeypatch.setattr(os, "access", lambda *_: False)
    assert reading_uri(tmp_path / "none.db") is None
