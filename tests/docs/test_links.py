"""Links, paths, commands and symbols in the pages exist."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dualwrite.cli.commands import commands as cli
from dualwrite.journal.records import MapStatus
from tests.docs.pages import PAGES, ROOT, anchors, code_words, commands, name_of, prose, text_of

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_SYMBOL = re.compile(r"(?:dualwrite|expectations|tasks|flows|tests|benchmarks)(?:\.\w+)+")
_PATH = re.compile(
    r"(?:dualwrite|docs|maps|tests|flows|tasks|expectations|benchmarks|deployments)/[\w./-]*"
    r"|\.ci/\w+|[A-Z]+\.md|constraints\.txt|pyproject\.toml"
)
# Of a project folder, not of this one.
_THEIRS = {"maps/", "expectations/", "maps/values/"}
_THEIRS_TOO = re.compile(r"maps/values/[\w-]+\.yaml|maps/terms-of-delivery--.*")

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


_EVENT = re.compile(r"dualwrite\.(map|quality|rows|conflict|cycle)\.[\w-]+")
"""Names of events that the flows emit; each map status is one."""


@every_page
def test_every_link_resolves(page):
    for link in _LINK.findall(prose(text_of(page))):
        if link.startswith(("http:", "https:")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(text_of(target)), link


@every_page
def test_every_path_exists(page):
    for word in code_words(text_of(page)):
        if _PATH.fullmatch(word) and word not in _THEIRS and not _THEIRS_TOO.fullmatch(word):
            assert (ROOT / word).exists() or (page.parent / word).exists(), word


@every_page
def test_every_symbol_exists(page):
    for word in code_words(text_of(page)):
        if _SYMBOL.fullmatch(word) and not word.endswith((".toml", ".md")):
            assert _resolves(word), word


def _resolves(dotted: str) -> bool:
    if _EVENT.fullmatch(dotted):
        moves = {f"dualwrite.map.{status.value.replace(' ', '-')}" for status in MapStatus}
        return dotted in moves or f'"{dotted}"' in text_of(ROOT / "tasks" / "events.py")
    module, rest = dotted, []
    while module:
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError:
            module, _, name = module.rpartition(".")
            rest.insert(0, name)
            continue
        for name in rest:
            found = getattr(found, name, None)
        return found is not None
    return False


@every_page
def test_every_command_exists(page):
    in_prose = [word for word in code_words(text_of(page)) if word.startswith("dualwrite ")]
    for line in [*commands(text_of(page)), *in_prose]:
        parse(shlex.split(line.replace("[", "").replace("]", ""))[1:], line)


def parse(words: list[str], line: str) -> None:
    """Hold a command line against the command it calls, and no more."""
    command: Any = typer.main.get_command(cli)
    everywhere = command.params  # the options of the root may stand anywhere
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words[0]]
        words = words[1:]
    if hasattr(command, "commands"):
        assert not words or words[0].startswith("-"), f"{line}: there is no command {words[0]}"
    known = [*everywhere, *command.params]
    options = {name: each for each in known for name in (*each.opts, *each.secondary_opts)}
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            continue
        name, has_value, _ = word.partition("=")
        assert name in options or name in ("--help", "-h"), f"{line}: there is no {name}"
        option = options.get(name)
        if option is None or has_value or getattr(option, "is_flag", False):
            continue
        # prose may speak of an option alone: `dualwrite run --master`
        words = words[1:]


@pytest.mark.parametrize(
    "line", ["run a --with-relatives", "errors retry --every", "synch a", "maps shoe a"]
)
def test_a_wrong_command_is_detected(line):
    with pytest.raises(AssertionError):
        parse(line.split(), line)


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(text_of(index))
    }
    decisions = index.parent / "decisions"

    pages = {page for page in (ROOT / "docs").rglob("*.md") if page.parent != decisions}

    assert pages - linked - {index} == set()


def test_no_line_of_a_page_is_too_long():
    """Long lines of prose are hard to review; tables and code may be long."""
    for page in PAGES:
        if Path("docs") / "decisions" in page.relative_to(ROOT).parents:
            continue
        long = [line for line in prose(text_of(page)).splitlines() if len(line) > 150]
        assert [line for line in long if not line.startswith(("|", "_", "`"))] == []
