"""Every standard map is valid, by itself and for the tables of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dualwrite.apps.app import App
from dualwrite.apps.opening import open_app
from dualwrite.link import Side
from dualwrite.sandbox.people import EXAMPLES
from dualwrite.sandbox.schema import create_tables, sandbox_tables
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.checks import check
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.model import TableMap, ValueMap
from dualwrite.tablemap.reading import read_map

CATALOGUE = Catalogue.load(None)
NAMES = CATALOGUE.names()


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Side, App]]:
    folder = tmp_path_factory.mktemp("apps")
    urls = {side: f"sqlite:///{folder / side.value}.db" for side in Side}
    for side, url in urls.items():
        create_tables(url, side)
    opened = {side: open_app(side, url) for side, url in urls.items()}
    yield opened
    for app in opened.values():
        app.close()


def test_there_are_maps():
    assert len(NAMES) == 48


@pytest.mark.parametrize("name", NAMES)
def test_a_standard_map_has_no_fault(name, apps):
    found = check(
        CATALOGUE.get(name), lambda side, table: apps[side].schema(table), catalogue=CATALOGUE
    )

    assert [str(finding) for finding in found if finding.severity == "error"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_standard_map_is_named_after_its_dataverse_table(name):
    table = CATALOGUE.get(name).end(Side.DATAVERSE).table.replace("_", "-")
    plural = name.partition("--")[2]

    assert plural in (f"{table}s", f"{table}es", f"{table[:-1]}ies")


@pytest.mark.parametrize("name", NAMES)
def test_a_company_specific_map_has_its_company_column(name):
    table_map = CATALOGUE.get(name)
    first = table_map.columns[0].notation

    writes_it = (str(first.finops), str(first.dataverse)) == (
        "DATAAREAID",
        "msdyn_company.cdm_companycode",
    )
    assert writes_it == table_map.is_company_specific()
    for side in Side:
        company = table_map.end(side).company
        assert company is None or table_map.end(side).key[0] == company


@pytest.mark.parametrize("name", NAMES)
def test_a_standard_map_has_a_description_and_modified_columns(name):
    table_map = CATALOGUE.get(name)

    assert CATALOGUE.entry(name).file.read_text(encoding="utf-8").startswith("# ")
    assert str(table_map.end(Side.FINOPS).modified) == "MODIFIEDDATETIME"
    assert str(table_map.end(Side.DATAVERSE).modified) == "modifiedon"
    for side in Side:
        text = table_map.end(side).filter
        assert text is None or parse_filter(text) is not None


def test_every_sandbox_table_belongs_to_a_map():
    for side in Side:
        mapped = {table_map.end(side).table for table_map in [*CATALOGUE, *examples()]}
        assert mapped == set(sandbox_tables(side))


def examples() -> list[TableMap]:
    """Maps of the sandbox that are no standard ones."""
    return [read_map(path, CATALOGUE.shared_values) for path in sorted(EXAMPLES.glob("*.yaml"))]


@pytest.mark.parametrize("table_map", examples(), ids=lambda table_map: table_map.name)
def test_an_example_has_no_fault(table_map, apps):
    found = check(table_map, lambda side, table: apps[side].schema(table), catalogue=CATALOGUE)

    assert [str(finding) for finding in found if finding.severity == "error"] == []


def test_every_shared_value_map_is_used():
    used = {found.name for found in _value_maps()}
    files = {file.stem for folder in CATALOGUE.values_dirs for file in folder.glob("*.yaml")}

    assert used - {None} == files


def test_every_value_map_is_invertible():
    for found in _value_maps():
        left, right = zip(*found.pairs, strict=True)
        assert len(set(left)) == len(left)
        assert len(set(right)) == len(right)


def _value_maps() -> list[ValueMap]:
    return [
        transform.value_map
        for table_map in CATALOGUE
        for column in table_map.columns
        for transform in column.transforms
        if transform.value_map is not None
    ]
