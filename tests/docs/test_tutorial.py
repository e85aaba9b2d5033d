"""The commands of the tutorial run in order, and print every line that it shows."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import sqlalchemy as sa

from tests.docs.pages import DOCS, Block, blocks, section, text_of
from tests.servers.running import Server

TUTORIAL = text_of(DOCS / "tutorial.md")
ON_SERVERS = "The same on PostgreSQL or MariaDB"
COMMAND_LINE = text_of(DOCS / "reference" / "command-line.md")


def lines_of(text: str) -> set[str]:
    return {line.rstrip() for line in text.splitlines()}


def test_the_tutorial_prints_what_it_shows(shell):
    printed = ""
    for block in blocks(TUTORIAL.partition(f"## {ON_SERVERS}")[0], "sh", "text"):
        if block.language == "sh":
            printed = shell(block.text)
            continue
        shown = lines_of(block.text) - {"...", ""}
        assert shown - lines_of(printed) == set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_the_tutorial_works_on_a_server(kind, request, shell):
    server: Server = request.getfixturevalue(f"{kind}_server")
    url = sa.make_url(server.url)
    if kind == "postgresql":
        url = url.set(password="secret") if url.password in (None, "") else url
    else:
        url = url.set(database=None)
    shown_url = "postgresql://postgres:secret@localhost"
    (block,) = blocks(section(TUTORIAL, ON_SERVERS), "sh")
    assert shown_url in block.text
    text = block.text.removeprefix("cd ..\n").replace("--rows 200", "--rows 50 --replace")
    text = text.replace(shown_url, f"'{url.render_as_string(hide_password=False)}'")

    printed = shell(text)

    assert "only finops, held" in printed
    server.execute("DROP DATABASE pgbox_finops", "DROP DATABASE pgbox_dataverse")


def shapes() -> list[tuple[str, Any]]:
    """The commands of the reference with the JSON that each prints."""
    found = re.findall(
        r"^`dualwrite ([^`]+)`[^\n]*(?:\n[^\n]+)*\n\n```json\n(.*?)```",
        section(COMMAND_LINE, "JSON"),
        re.DOTALL | re.MULTILINE,
    )
    return [(command, json.loads(text)) for command, text in found]


def test_every_command_prints_the_json_of_the_reference(shell):
    shell("dualwrite sandbox create box --rows 50\ncd box")
    documented = shapes()
    assert len(documented) == len(blocks(section(COMMAND_LINE, "JSON"), "json"))
    for command, shape in documented:
        printed = shell(f"dualwrite {command}")
        hold(json.loads(printed[printed.index("{\n") :]), shape, command)


def test_the_csv_has_the_columns_of_the_page(shell, tmp_path):
    page = text_of(DOCS / "how-to" / "held-rows.md")
    documented = page.partition("one line for each row: ")[2].partition("`key` and")[0]
    shell("dualwrite sandbox create box --rows 50\ncd box\ndualwrite errors --csv held.csv")

    heads = (tmp_path / "box" / "held.csv").read_text(encoding="utf-8").split()[0].split(",")

    assert re.findall(r"`(\w+)`", documented) == heads


OPTIONAL = {"columns", "note", "title", "version", "finops", "dataverse"}


def hold(found: Any, shape: Any, where: str) -> None:
    """The members of a document are those of its shape; `{}` stands for any."""
    if isinstance(shape, dict) and shape:
        assert isinstance(found, dict), where
        assert found.keys() - shape.keys() <= {"columns"}, where
        assert shape.keys() - found.keys() <= OPTIONAL, where
        for name, inner in shape.items():
            if name in found:
                hold(found[name], inner, f"{where}: {name}")
    elif isinstance(shape, list) and shape:
        assert isinstance(found, list), where
        for each in found:
            hold(each, shape[0], where)
    else:
        assert isinstance(found, dict | list) == isinstance(shape, dict | list), where


def test_a_block_is_recognised_by_its_language():
    assert blocks("```sh\na\n```\n\n```text\nb\n```\n", "text") == [Block("text", "b\n")]
