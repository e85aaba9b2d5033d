"""The layers as the import contracts of `pyproject.toml` hold them, as pictures."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from tests.docs.pages import ROOT

ABOVE = ("flows", "tasks", "expectations")
"""What stands above the engine, in a contract of its own."""
ENGINE, SYNC, BATCH, APPS, SQL = (
    "the rooms of the engine",
    "the layers of sync",
    "the layers of the batch pipeline",
    "the layers of apps",
    "the layers of SQL apps",
)


def contract(name: str) -> list[list[str]]:
    """The layers of a contract, the highest first; each the modules that stand side by side."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts: list[Any] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    (found,) = (each for each in contracts if each["name"] == name)
    return [[part.strip() for part in layer.split("|")] for layer in found["layers"]]


def pictures() -> str:
    """The whole, then the inside of sync, of its pipeline, and of the apps."""
    engine = [[name] for name in ABOVE] + contract(ENGINE)
    parts = (
        ("The whole", engine),
        ("Inside `dualwrite/sync/`", contract(SYNC)),
        ("Inside `dualwrite/sync/batch/`", contract(BATCH)),
        ("Inside `dualwrite/apps/`", contract(APPS)),
        ("Inside `dualwrite/apps/sql/`", contract(SQL)),
    )
    return "\n\n".join(f"{title}:\n\n{_picture(layers)}" for title, layers in parts)


def _picture(layers: Sequence[Sequence[str]]) -> str:
    return "\n".join(["```mermaid", "flowchart TB", *_lines(layers), "```"])


def _lines(layers: Sequence[Sequence[str]]) -> Iterator[str]:
    """A box for each layer, an arrow from each to the next lower one."""
    for number, names in enumerate(layers, 1):
        yield f'  l{number}["{" &nbsp;|&nbsp; ".join(names)}"]'
    yield "  " + " --> ".join(f"l{number}" for number in range(1, len(layers) + 1))
