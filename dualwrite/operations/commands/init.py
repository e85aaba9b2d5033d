"""A new project folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dualwrite.errors import writing
from dualwrite.link import Side, write_config
from dualwrite.operations.results import CommandResult

_GITIGNORE = """\
# The journal and crash reports: they hold rows of your business.
.dualwrite/
reports/
# Addresses and passwords.
.env
"""


@dataclass(frozen=True, slots=True)
class NewProject(CommandResult):
    """A project folder, and what was created in it."""

    project: Path
    made: tuple[Path, ...]

    def as_dict(self) -> dict[str, Any]:
        """`project` and `made`."""
        return {"project": str(self.project), "made": [str(path) for path in self.made]}


def init_project(
    folder: Path,
    *,
    urls: Mapping[Side, str],
    companies: Sequence[str] = (),
    name: str | None = None,
) -> NewProject:
    """Create `dualwrite.toml`, `maps/`, `expectations/` and `.gitignore` in a folder.

    Args:
        folder: The folder; it is created where there is none.
        urls: The database of each app; `${NAME}` is filled in from the environment later.
        companies: The legal entities that take part; none for maps whose rows belong to none.
        name: The name of the link; the folder's name if None.

    Raises:
        ConfigError: There is a `dualwrite.toml` already; it is left as it is.
        UnwritableFileError: The folder cannot be written.
    """
    with writing(folder):
        return _made(folder, urls, companies, name)


def _made(
    folder: Path, urls: Mapping[Side, str], companies: Sequence[str], name: str | None
) -> NewProject:
    folder.mkdir(parents=True, exist_ok=True)
    config = write_config(
        folder, name=name or folder.resolve().name, companies=companies, urls=urls
    )
    made = [config]
    for sub in ("maps", "expectations"):
        (folder / sub).mkdir(exist_ok=True)
        made.append(folder / sub)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text(_GITIGNORE, encoding="utf-8")
        made.append(ignore)
    return NewProject(folder, tuple(made))
