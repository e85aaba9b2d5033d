"""A sandbox: a project folder and two sample apps full of business data, faults included.

The data is the same each time for the same number of customers.  The folder is like any
project's; nothing in it, and nothing in the engine, knows that it is a sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualwrite.apps.opening import open_app
from dualwrite.errors import ConfigError, writing
from dualwrite.link import Side, safe_url, write_config
from dualwrite.operations.results import CommandResult
from dualwrite.sandbox.databases import PASSWORD_VARIABLE, Databases, in_files, on_server
from dualwrite.sandbox.filling import Filler, Progress
from dualwrite.sandbox.population import SMALLEST
from dualwrite.sandbox.reference import COMPANIES
from dualwrite.sandbox.schema import create_tables

_GITIGNORE = """\
# The journal, the sample apps and the reports.
.dualwrite/
*.db
*.db-*
reports/
"""


@dataclass(frozen=True, slots=True)
class SandboxSummary(CommandResult):
    """What was created."""

    folder: Path
    urls: Mapping[Side, str]
    """Where the apps are, as dualwrite.toml says it: without a password."""
    rows: Mapping[tuple[Side, str], int]
    """Rows of each table."""
    export: str | None
    """The variable that must hold the password, percent-encoded, where there is one."""

    def total(self, side: Side) -> int:
        """All rows of a side."""
        return sum(count for (where, _), count in self.rows.items() if where is side)

    def as_dict(self) -> dict[str, Any]:
        """`project`, `urls`, the `rows` of each table by side, and `export`."""
        return {
            "project": str(self.folder),
            "urls": {side.value: safe_url(url) for side, url in self.urls.items()},
            "rows": {
                side.value: {table: n for (at, table), n in self.rows.items() if at is side}
                for side in Side
            },
            "export": self.export,
        }


def create_sandbox(
    directory: Path,
    *,
    rows: int = 2000,
    on: str = "sqlite",
    replace: bool = False,
    progress: Progress | None = None,
) -> SandboxSummary:
    """Create a project folder with two sample apps.

    Args:
        directory: The folder to make; an empty one will do.
        rows: How many customers the ERP has, not counting the faulty ones; everything
            else follows from it.
        on: `sqlite`, or the URL of a database server on which two databases are created.
        replace: Drop databases of the same names on that server first.
        progress: Called while rows are written.

    Raises:
        ConfigError: The folder is not empty, there are too few rows, or the server will not.
    """
    if rows < SMALLEST:
        msg = (
            f"a sandbox has at least {SMALLEST} customers, and {rows} were asked for. "
            "Nothing was created."
        )
        raise ConfigError(msg)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        msg = (
            f"{directory}: is there already and not an empty folder. Nothing was created.\n"
            "  Choose another folder, or empty this one."
        )
        raise ConfigError(msg)
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    databases = in_files(directory) if on == "sqlite" else on_server(on, directory, replace=replace)
    filler = _filled(databases, rows, progress)
    _project(directory, databases)
    return SandboxSummary(
        folder=directory,
        urls=databases.written,
        rows=dict(filler.written),
        export=PASSWORD_VARIABLE if databases.needs_password else None,
    )


def _filled(databases: Databases, rows: int, progress: Progress | None) -> Filler:
    for side in Side:
        create_tables(databases.urls[side], side)
    apps = {side: open_app(side, databases.urls[side]) for side in Side}
    try:
        filler = Filler(apps, rows, progress or (lambda *_: None))
        filler.fill()
    finally:
        for app in apps.values():
            app.close()
    return filler


def _project(directory: Path, databases: Databases) -> None:
    write_config(
        directory, name=directory.absolute().name, companies=COMPANIES, urls=databases.written
    )
    for name in ("maps", "expectations"):
        (directory / name).mkdir(exist_ok=True)
    (directory / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
