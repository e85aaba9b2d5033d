"""The rows that the last dry run of each map would hold, in a file of their own.

The file is a journal beside the project's, in which nothing but such rows is kept: they are never
retried, never counted, and never among the rows that are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dualwrite.errors import DualWriteError
from dualwrite.journal.held import HeldRowStore
from dualwrite.journal.store import Journal
from dualwrite.link import Link


def file_of(link: Link) -> Path:
    """Where a project keeps the rows of its dry runs; there is no such file before the first."""
    return link.project / ".dualwrite" / "dry-run.db"


@contextmanager
def kept_rows(link: Link) -> Iterator[HeldRowStore | None]:
    """The rows of the project's dry runs; None where there was none yet.

    Raises:
        TransientError, PermanentError: The file cannot be read.
    """
    file = file_of(link)
    if not file.exists():
        yield None
        return
    with _open(file) as journal:
        yield journal.held


@contextmanager
def rows_to_keep(link: Link) -> Iterator[HeldRowStore | None]:
    """Where a dry run may put its rows; None where the project's folder cannot be written."""
    try:
        journal = _open(file_of(link))
        journal.activity.log(None, "dry run", "begun")
    except DualWriteError:
        yield None
        return
    with journal:
        yield journal.held


def _open(file: Path) -> Journal:
    return Journal.open(f"sqlite:///{file}", app_name="dry-run.db")
