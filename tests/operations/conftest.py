"""The small project of the command line's tests, and what is in its databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.cli.conftest import call, project
from tests.cli.test_rows import dated

__all__ = ["call", "contents", "dated", "project"]


def contents(folder: Path) -> dict[str, list[str]]:
    """Both apps and the journal, as SQL text."""
    found = {}
    for file in (
        folder / "finops.db",
        folder / "dataverse.db",
        folder / ".dualwrite" / "journal.db",
    ):
        connection = sqlite3.connect(file)
        try:
            found[file.name] = list(connection.iterdump())
        finally:
            connection.close()
    return found
