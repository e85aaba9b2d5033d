"""The page that says where things are names what is there, and the layers are all on it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.layers import ABOVE, APPS, BATCH, ENGINE, SQL, SYNC, contract
from tests.docs.pages import DOCS, ROOT, section, text_of

PAGE = text_of(DOCS / "architecture.md")
NAMED = re.compile(r"`(?P<file>[\w/]+\.py)`: (?P<names>`[\w.]+`(?:, `[\w.]+`)*)")
FIRST_FOUR = {
    "a row is rejected, or parked": "Pipeline._gate_source",
    "a conflict is decided": "decide",
    "an entry is acknowledged": "DirectionWorker.acknowledge_batch",
    "PostgreSQL's triggers are made": "PostgresqlCapture.install",
}


def places() -> list[tuple[str, str]]:
    """Every function or class that the page names, with its file."""
    return [
        (found["file"], name)
        for found in NAMED.finditer(PAGE)
        for name in re.findall(r"`([\w.]+)`", found["names"])
    ]


def defined(file: Path) -> set[str]:
    """The functions and classes of a file, methods with their class."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (each for each in node.body if isinstance(each, ast.FunctionDef))
            names |= {f"{node.name}.{each.name}" for each in inner}
    return names


@pytest.mark.parametrize(("file", "name"), places())
def test_a_function_stands_in_the_file_that_the_page_names(file: str, name: str) -> None:
    assert name in defined(ROOT / file)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w.]+/[\w./]*)`", PAGE))))
def test_a_path_of_the_page_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("question", "name"), FIRST_FOUR.items())
def test_the_first_four_questions_have_their_answer(question: str, name: str) -> None:
    (row,) = re.findall(rf"^\| {question} \| (.*) \|$", PAGE, re.MULTILINE)

    assert f"`{name}`" in row


def test_every_layer_of_the_engine_is_explained() -> None:
    table = section(PAGE, "Layers")
    rooms = [name for layer in contract(ENGINE) for name in layer]

    for name in (*ABOVE, *(f"dualwrite/{room}" for room in rooms)):
        assert f"`{name}/`" in table or f"`{name}.py`" in table, name


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        (SYNC, "dualwrite/sync"),
        (BATCH, "dualwrite/sync/batch"),
        (APPS, "dualwrite/apps"),
        (SQL, "dualwrite/apps/sql"),
    ],
)
def test_a_picture_has_every_module_of_its_folder(name: str, folder: str) -> None:
    drawn = {module for layer in contract(name) for module in layer}
    there = {
        each.stem
        for each in (ROOT / folder).iterdir()
        if each.suffix == ".py" or (each / "__init__.py").exists()
    }

    assert drawn == there - {"__init__"}
