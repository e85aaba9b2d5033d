"""The commands of a checkout are the same wherever they are written down."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT

ROW = re.compile(r"^\| `just (?P<recipe>[\w-]+)` \| (?P<commands>.+?) \|", re.MULTILINE)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def recipes() -> dict[str, list[str]]:
    """The commands of each recipe of the justfile, without what is put in from outside."""
    found: dict[str, list[str]] = {}
    for line in read("justfile").splitlines():
        if head := re.match(r"([\w-]+)[^:#]*:$", line):
            found[head[1]] = []
        elif line.startswith("    "):
            list(found.values())[-1].append(re.sub(r" \{\{\w+\}\}", "", line.strip()))
    del found["default"]
    return found


def workflow(name: str) -> Any:
    return yaml.safe_load(read(f".github/workflows/{name}.yml"))


def test_contributing_has_every_recipe_with_its_commands() -> None:
    rows = ROW.finditer(read("CONTRIBUTING.md"))

    assert {row["recipe"]: re.findall(r"`([^`]+)`", row["commands"]) for row in rows} == recipes()


def test_the_readme_installs_and_tests_as_the_recipes_do() -> None:
    install, test = recipes()["install"], recipes()["test"]

    assert f"\n{install[0]} && {test[0]}\n" in read("README.md")


def test_a_commit_is_checked_as_lint_does_and_formatted() -> None:
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]

    formatted = [command.replace(" --check", "") for command in recipes()["lint"]]
    assert [hook["entry"] for hook in hooks] == formatted
    assert not any(hook["pass_filenames"] for hook in hooks)


@pytest.mark.parametrize("command", recipes()["lint"])
def test_ci_checks_as_lint_does(command: str) -> None:
    assert f"\nstep {command}\n" in read(".ci/run")
    steps = workflow("ci")["jobs"]["test"]["steps"]
    assert command in [step.get("run") for step in steps]


def test_every_python_that_is_supported_is_tested() -> None:
    supported = set(re.findall(r"Python :: (3\.\d+)", read("pyproject.toml")))
    matrix = workflow("ci")["jobs"]["test"]["strategy"]["matrix"]

    assert set(matrix["python"]) == supported
    extremes = {each["dependencies"]: each["python"] for each in matrix["include"]}
    assert extremes == {"oldest": min(supported), "newest": max(supported)}


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / ".github/workflows").iterdir()))
def test_a_workflow_may_read_the_code_and_nothing_else(name: str) -> None:
    found = workflow(name)

    assert found["permissions"] == {}
    for job in found["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        checkout = job["steps"][0]
        assert checkout["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("script", sorted(p.name for p in (ROOT / ".ci").iterdir()))
def test_a_script_of_ci_calls_what_is_there(script: str) -> None:
    text = read(f".ci/{script}")

    for called in re.findall(r"(?<![\w/])\.ci/(\w+)", text):
        assert Path(ROOT / ".ci" / called).is_file()
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert (ROOT / module.replace(".", "/") / "__main__.py").is_file()
