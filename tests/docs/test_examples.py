"""The examples of the how-to pages run as they stand."""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from dualwrite.tablemap.reading import read_map_text
from tests.docs.conftest import Shell
from tests.docs.pages import DOCS, Block, blocks, section, text_of

DATED, PROGRAM = (
    text_of(DOCS / "how-to" / name) for name in ("dated-tables.md", "keep-in-step.md")
)
SANDBOX = "dualwrite sandbox create box --rows 50\ncd box\n"
ADDRESSES = "cds-postal-address-history-v2--msdyn-postaladdresses"


def the(text: str, *languages: str) -> Block:
    """The one block of a part of a page."""
    (found,) = blocks(text, *languages)
    return found


def test_the_rows_of_a_day_are_read_as_the_page_says(shell: Shell, tmp_path: Path) -> None:
    part = section(DATED, "Read the rows of a day")
    shell(f"{SANDBOX}dualwrite run {ADDRESSES} --with-related")

    printed = shell(the(part, "sh").text)
    shown = json.loads(shell(f"dualwrite rows {ADDRESSES} --all --json"))

    assert "LOCATIONID" in printed
    assert "rows written to history.csv." in printed
    assert (tmp_path / "box" / "history.csv").read_text(encoding="utf-8").count("\n") > 1
    assert set(shown) == {"map", "side", "rows", "more"}


def test_rows_of_a_day_are_taken_from_any_arrow_table() -> None:
    days = {
        "VALIDFROM": [date(2026, 1, 1), date(2027, 7, 1)],
        "VALIDTO": [date(2027, 6, 30), date(2154, 12, 31)],
    }
    known: dict[str, Any] = {"table": pa.table({"PRICE": [1, 2], **days})}
    text = the(section(DATED, "Read the rows of a day"), "python").text

    exec(text.replace("as_of(table", "found = as_of(table"), known)

    assert known["found"]["PRICE"].to_pylist() == [2]


def test_a_map_of_both_sides_says_what_the_page_shows() -> None:
    """The page shows the lines of the standard map that are about its dates."""
    shown = the(section(DATED, "Both sides have dates"), "yaml").text
    standard = next(DOCS.parent.glob(f"maps/*/{ADDRESSES}.yaml"))

    lines = {line.split("#")[0].strip() for line in text_of(standard).splitlines()}
    assert {line.strip() for line in shown.splitlines()} - lines == set()


def test_the_projection_of_the_page_runs(shell: Shell, tmp_path: Path) -> None:
    text = the(section(DATED, "One side has no dates"), "yaml").text
    shell(SANDBOX)
    box = tmp_path / "box"
    (box / "maps" / "current-addresses.yaml").write_text(text, encoding="utf-8")
    printed = shell("dualwrite run current-addresses\ndualwrite sync")

    assert read_map_text(text, box / "maps" / "current-addresses.yaml").name == "current-addresses"
    assert "1 map runs" in printed
    with sqlite3.connect(box / "dataverse.db") as crm:
        [(rows,)] = crm.execute("SELECT COUNT(*) FROM msdyn_currentaddress").fetchall()
    crm.close()
    assert rows > 0


def test_a_program_writes_both_sides_as_the_page_says(shell: Shell, tmp_path: Path) -> None:
    shell(
        "dualwrite sandbox create contoso --rows 50\n"
        "dualwrite run customers-v3--accounts --with-related --project contoso"
    )
    text = the(section(PROGRAM, "From a program"), "python").text
    exec(text, {})

    with sqlite3.connect(tmp_path / "contoso" / "dataverse.db") as crm:
        query = "SELECT creditlimit FROM account WHERE accountnumber = 'C-1'"
        [(limit,)] = crm.execute(query).fetchall()
    crm.close()
    assert str(limit).startswith("500.00")
