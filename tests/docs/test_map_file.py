"""The examples of map files are valid, and every key of a map is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dualwrite.link import load_link
from dualwrite.sync.routes.expectations import expectation_faults
from dualwrite.tablemap import reading
from dualwrite.tablemap.catalogue import Catalogue
from dualwrite.tablemap.expectations import with_folder
from dualwrite.tablemap.filters import parse_filter
from dualwrite.tablemap.reading import read_map_text
from dualwrite.tablemap.transforms import TRANSFORMS
from tests.docs.pages import DOCS, PAGES, blocks, code_words, name_of, section, text_of

MAP_FILE = DOCS / "reference" / "map-file.md"
SKELETON = {
    "map": "map: example",
    "title": "title: Example",
    "finops": "finops:\n  table: Item\n  key: [ITEMID]",
    "dataverse": "dataverse:\n  table: item\n  key: [code]",
    "columns": "columns:\n  - ITEMID = code",
}

BLOCKS = [
    pytest.param(block.text, id=f"{name_of(page)} {number}")
    for page in PAGES
    for number, block in enumerate(blocks(text_of(page), "yaml"))
    if "deployments" not in block.text and "prefect" not in block.text
]
OF_THE_FOLDER = [block for block in BLOCKS if "\nmaps: [" in f"\n{block.values[0]}"]
EXAMPLES = [block for block in BLOCKS if block not in OF_THE_FOLDER]


def whole(text: str) -> str:
    """A part of a map made a map, with whatever it leaves out."""
    content = YAML(typ="safe", pure=True).load(text)
    if isinstance(content, list):
        lines = "\n".join(f"  {line}" for line in text.splitlines())
        text, content = f"columns:\n  - ITEMID = code\n{lines}\n", {"columns": content}
    return text + "".join(f"{part}\n" for word, part in SKELETON.items() if word not in content)


@pytest.mark.parametrize("text", OF_THE_FOLDER)
def test_every_example_of_an_expectations_file_can_be_evaluated(text, tmp_path):
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "example.yaml").write_text(text, encoding="utf-8")
    standard = Catalogue.load(None)

    for name in YAML(typ="safe", pure=True).load(text)["maps"]:
        table_map = with_folder(standard.get(name), tmp_path, standard)
        assert table_map.expect
        assert list(expectation_faults(table_map, tmp_path)) == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_of_a_map_can_be_read(text):
    full = whole(text)
    name = re.search(r"^map: (\S+)$", full, re.MULTILINE)
    assert name is not None

    read = read_map_text(full, Path(f"{name[1]}.yaml"), Catalogue.load(None).shared_values)

    assert read.columns


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_example_of_a_configuration_can_be_read(page, tmp_path, monkeypatch):
    for block in blocks(text_of(page), "toml"):
        for name in re.findall(r"\$\{(\w+)\}", block.text):
            monkeypatch.setenv(name, "postgresql://me@localhost/x" if "URL" in name else "secret")
        (tmp_path / "dualwrite.toml").write_text(block.text, encoding="utf-8")

        assert load_link(tmp_path).name


def test_every_key_of_a_map_is_documented():
    known = {*reading._WORDS, *reading._END_WORDS}

    assert known - set(code_words(text_of(MAP_FILE))) == set()


def test_every_transform_is_documented_with_an_example():
    text = section(text_of(MAP_FILE), "Transforms")
    examples = "".join(block.text for block in blocks(text_of(MAP_FILE), "yaml"))

    assert TRANSFORMS.keys() - set(code_words(text)) == set()
    assert [kind for kind in TRANSFORMS if not re.search(rf"\b{kind}: ", examples)] == []


def test_the_table_of_transforms_shows_which_are_invertible():
    rows = re.findall(
        r"^\| (`.+?`) \| .* \| ([^|]+) \|$", section(text_of(MAP_FILE), "Transforms"), re.MULTILINE
    )
    documented = {
        kind: way != "none" for kinds, way in rows for kind in re.findall(r"`(\w+)`", kinds)
    }

    assert documented == {
        name: kind.reversible({"function": "m:f", "inverse": "m:g"})
        for name, kind in TRANSFORMS.items()
    }


def test_every_filter_of_the_page_is_valid():
    page = text_of(DOCS / "reference" / "filters.md")
    shown = [word for word in code_words(page) if re.search(r"\b(eq|ne|gt|ge|lt|le|in) |\('", word)]
    filters = [re.sub(r"\(A, 'x'\)", "(A, 'x')", word) for word in shown if " " in word]
    assert len(filters) > 10
    for text in filters:
        if text not in ("a and b", "a or b"):
            assert parse_filter(text)
