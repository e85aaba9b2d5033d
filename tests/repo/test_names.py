"""Names and words that were given up stay given up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "dualwrite"

FOLDERS = (
    "sync/way",
    "sync/captured",
    "sync/compared",
    "sync/conflicts",
    "sync/dated",
    "sync/digits",
    "sync/life",
    "sync/together",
)

MODULES = (
    "live",
    "apps.sql.capturing",
    "apps.sql.declaring",
    "sync.batch.amending",
    "sync.batch.back",
    "sync.batch.carry",
    "sync.batch.changes",
    "sync.batch.dating",
    "sync.batch.holding",
    "sync.batch.merge",
    "sync.batch.settling",
    "sync.batch.standing",
    "sync.batch.waiting",
    "sync.batch.winning",
    "sync.cycle.ahead",
    "sync.cycle.at_once",
    "sync.cycle.crossing",
    "sync.cycle.cycle",
    "sync.cycle.lane",
    "sync.cycle.pointing",
    "sync.cycle.removing",
    "sync.cycle.replaying",
    "sync.initial.rehearsing",
    "sync.plan",
    "sync.workers",
)

DEFINITIONS = (
    # classes and constants
    "AtOnce",
    "CALLED_BACK",
    "Carrier",
    "Crossed",
    "Crossing",
    "Cycles",
    "Door",
    "Fate",
    "Lane",
    "Manner",
    "Policies",
    "Standing",
    "Together",
    "Track",
    "Way",
    # functions, methods and fields
    "ailments",
    "carried",
    "compile_way",
    "cycles_of",
    "dirt",
    "expected_rules",
    "is_held",
    "mend",
    "reading_types",
    "rejected_by_rule",
    "set_last_cycle",
    "settle",
    "told",
    "touched_tables",
    "turn",
)

QUALIFIED = (
    ("apps/base.py", "App", "forget"),
    ("apps/capture.py", "Writing", "forget"),
    ("sync/cycle/runner.py", "CycleRunner", "once"),
)

SEVERAL = ("Link", "Session", "Changes", "Route", "Outcome", "Batch")
"""Classes of which there was more than one; each name is given once."""


def files() -> Iterator[Path]:
    return ENGINE.rglob("*.py")


def definitions() -> Iterator[tuple[str, Path]]:
    """Every class, function and field that the engine defines."""
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    yield name, path
                case ast.AnnAssign(target=ast.Name(id=name)):
                    yield name, path
                case ast.Assign(targets=[ast.Name(id=name)]) if name.isupper():
                    yield name, path


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_that_was_renamed_does_not_come_back(folder: str) -> None:
    assert not list((ENGINE / folder).glob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_was_renamed_does_not_come_back(module: str) -> None:
    assert not (ENGINE / f"{module.replace('.', '/')}.py").exists()


def test_no_definition_has_a_name_that_was_given_up() -> None:
    found = [(name, str(path.relative_to(ROOT))) for name, path in definitions()]

    assert [each for each in found if each[0] in DEFINITIONS] == []


@pytest.mark.parametrize(("module", "owner", "name"), QUALIFIED)
def test_no_method_has_a_name_that_was_given_up(module: str, owner: str, name: str) -> None:
    path = ENGINE / module
    classes = ast.walk(ast.parse(path.read_text())) if path.exists() else ()
    methods = {
        method.name
        for each in classes
        if isinstance(each, ast.ClassDef) and each.name == owner
        for method in each.body
        if isinstance(method, ast.FunctionDef)
    }

    assert name not in methods


@pytest.mark.parametrize("name", SEVERAL)
def test_a_class_name_is_given_once(name: str) -> None:
    classes = [
        path
        for path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name == name
    ]

    assert len(classes) <= 1, classes


def test_the_engine_speaks_plainly() -> None:
    """The two words stood for fourteen things; a test keeps them rare."""
    words = re.compile(r"(?i)\b(told|said)\b")

    assert sum(len(words.findall(path.read_text())) for path in files()) < 60
