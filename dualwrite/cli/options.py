"""Options that every command shares, so that they read the same everywhere.

`errors` and `maps` are commands and have commands below them; an option
of the upper one applies to the lower one too: `dualwrite errors --project box discard 3`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

HERE = Path()


class SideWord(StrEnum):
    """A side as an option has it; without imports of the engine, to be quick."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"


class LogForm(StrEnum):
    """How log lines are written; without the engine's imports, to be quick."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least level of the log lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_ROOT_OPTIONS = {"--no-color": 0, "--log": 1, "--log-level": 1}
"""Options of the root that may stand anywhere, with the number of values of each."""


def root_options_first(words: Sequence[str]) -> list[str]:
    """The words with the root's options before the command: people write them where they like."""
    first: list[str] = []
    others: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            others += [word, *left]
            break
        if word.partition("=")[0] not in _ROOT_OPTIONS:
            others.append(word)
            continue
        values = 0 if "=" in word else _ROOT_OPTIONS[word]
        first += [word, *left[:values]]
        del left[:values]
    return [*first, *others]


def _project(ctx: typer.Context, given: Path) -> Path:
    above = ctx.parent.params.get("project") if ctx.parent else None
    return above if given == HERE and isinstance(above, Path) else given


def _as_json(ctx: typer.Context, given: bool) -> bool:
    return given or bool(ctx.parent and ctx.parent.params.get("as_json"))


def map_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The maps whose names begin so, the project's own and standard ones, for a shell to offer."""
    from dualwrite.tablemap.catalogue import Catalogue

    named = ctx.params.get("project") or (ctx.parent and ctx.parent.params.get("project"))
    try:
        names = Catalogue.load(Path(named or HERE) / "maps").names()
    except Exception:  # noqa: BLE001 - a shell that asks what fits has no use for a reason
        return []
    return [name for name in names if name.startswith(incomplete)]


Project = Annotated[
    Path,
    typer.Option(
        "--project",
        metavar="DIR",
        help="The project folder, with dualwrite.toml in it.",
        show_default="the current folder",
        callback=_project,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON document for scripts; messages go to stderr.",
        callback=_as_json,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="Of many maps show all, also those with nothing to tell."),
]
MapNames = Annotated[
    list[str],
    typer.Argument(
        metavar="MAP", autocompletion=map_names, help="Maps, as dualwrite maps lists them."
    ),
]
