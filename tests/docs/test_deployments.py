"""`deployments/`: what it deploys works on any project."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "deployments"
DEPLOYED: list[dict[str, Any]] = yaml.safe_load((FOLDER / "prefect.yaml").read_text())[
    "deployments"
]


def test_every_deployment_has_a_name_of_its_own() -> None:
    names = [each["name"] for each in DEPLOYED]

    assert len(set(names)) == len(names) == 6


def test_no_deployment_names_a_map() -> None:
    assert not [each["name"] for each in DEPLOYED if "maps" in each["parameters"]]


def test_each_entrypoint_takes_the_parameters() -> None:
    for each in DEPLOYED:
        file, _, name = each["entrypoint"].partition(":")
        tree = ast.parse((FOLDER.parent / file).read_text())
        flow = next(
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        )
        arguments = [argument.arg for argument in flow.args.args]
        required = arguments[: len(arguments) - len(flow.args.defaults)]
        assert set(required) <= each["parameters"].keys() <= set(arguments), each["name"]


def test_the_worker_of_compose_gets_the_variables_of_the_project() -> None:
    worker = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["worker"]

    assert worker["env_file"] == [{"path": "${DUALWRITE_PROJECT}/.env", "required": False}]
