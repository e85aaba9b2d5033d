"""Properties of all flow files, and of the engine below them."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore
from prefect.flows import load_flow_from_entrypoint

ROOT = Path(__file__).parents[2]
FLOWS = sorted(path for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__")
TAKEN = sys.stdlib_module_names | packages_distributions().keys() | {"tasks", "tests"}
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("prefect", "great_expectations", "pandas"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
"""


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flow_file_does_not_shadow_a_module(path):
    """Prefect puts the folder of the flow first on sys.path."""
    assert path.stem not in TAKEN


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flow_is_named_after_its_file_and_described(path):
    flow = load_flow_from_entrypoint(f"{path}:{path.stem}", use_placeholder_flow=False)

    assert flow.name == path.stem
    assert flow.description


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_each_parameter_is_described(path):
    flow = load_flow_from_entrypoint(f"{path}:{path.stem}", use_placeholder_flow=False)

    parameters = flow.parameters.properties
    assert [name for name, about in parameters.items() if not about.get("description")] == []


def test_the_engine_and_its_command_line_need_neither_prefect_nor_great_expectations():
    engine = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "dualwrite").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py") and "migrations" not in path.parts
    ]
    imports = "\n".join(f"import {name}" for name in sorted(engine))

    done = subprocess.run(
        [sys.executable, "-c", BLOCK + imports],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0


def test_the_automation_of_the_documentation_is_valid_and_reacts_to_our_event():
    text = (ROOT / "deployments" / "automation-quality.yaml").read_text(encoding="utf-8")

    automation = AutomationCore.model_validate(yaml.safe_load(text))

    assert automation.trigger.expect == {"dualwrite.quality.failed"}
    assert [action.type for action in automation.actions] == ["call-webhook"]
