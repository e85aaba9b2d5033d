"""The steps of docs/how-to/add-a-map.md work as written."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dualwrite.apps.app import App
from dualwrite.apps.opening import open_app
from dualwrite.link import Side
from dualwrite.sandbox.project import create_sandbox
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.checks import check

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-map.md"
NAME = "terms-of-delivery--msdyn-termsofdeliveries"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("how-to") / "box"
    create_sandbox(folder, rows=50)
    subprocess.run([sys.executable, "-c", block("python")], cwd=folder, check=True)
    return folder


@pytest.fixture
def apps(project: Path) -> Iterator[dict[Side, App]]:
    opened = {side: open_app(side, f"sqlite:///{project / side.value}.db") for side in Side}
    yield opened
    for app in opened.values():
        app.close()


def findings_of(project: Path, apps: dict[Side, App], text: str) -> list[str]:
    (project / "maps" / f"{NAME}.yaml").write_text(text, encoding="utf-8")
    catalogue = Catalogue.load(project / "maps")
    if catalogue.findings():
        return [str(finding) for finding in catalogue.findings()]
    table_map = catalogue.get(NAME)
    found = check(table_map, lambda side, table: apps[side].schema(table), catalogue=catalogue)
    return [str(finding) for finding in found]


def test_the_map_of_the_page_has_no_fault(project, apps):
    assert findings_of(project, apps, block("yaml")) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("ISCASHONDELIVERY ><", "ISCASHONDELIVERY =", id="plain sign"),
        pytest.param("msdyn_termsdescription", "msdyn_termsdescripton", id="misspelt"),
    ],
)
def test_the_faults_of_the_page_are_reported_as_shown(project, apps, right, wrong):
    (fault,) = findings_of(project, apps, block("yaml").replace(right, wrong))

    message = fault.splitlines()[0].removeprefix(str(project / "maps") + "/")
    assert message in PAGE.read_text(encoding="utf-8")
