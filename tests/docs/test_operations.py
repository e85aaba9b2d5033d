"""The pages for operators: their commands run, and their numbers are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from dualwrite.apps.sql.core.capturing import BRIEFLY
from dualwrite.link import DEFAULT_PARTITION_ROWS
from dualwrite.sync.capture.recovery import YOUNG
from dualwrite.sync.cycle import outages, pages
from dualwrite.sync.routes.plan import MASS_DELETE_ROWS, MASS_DELETE_SHARE
from dualwrite.sync.session.leases import LEASE_SECONDS
from tests.docs.conftest import Shell
from tests.docs.pages import DOCS, blocks, text_of

OPERATIONS, GUARANTEES = text_of(DOCS / "operations.md"), text_of(DOCS / "guarantees.md")
SANDBOX = """\
dualwrite sandbox create box --rows 50
cd box
dualwrite run --with-related customers-v3--accounts
"""


def test_the_commands_of_the_page_run(shell: Shell) -> None:
    shell(SANDBOX)

    for block in blocks(OPERATIONS, "sh"):
        shell(block.text)


def test_a_copy_of_the_journal_is_a_journal(shell: Shell, tmp_path: Path) -> None:
    shell(SANDBOX)
    before = shell("dualwrite status --json")
    (copy,) = (block for block in blocks(OPERATIONS, "sh") if "backup" in block.text)
    shell(copy.text)
    for file in (tmp_path / "box" / ".dualwrite").iterdir():
        file.unlink()

    (tmp_path / "box" / "journal-copy.db").rename(tmp_path / "box" / ".dualwrite" / "journal.db")

    assert shell("dualwrite status --json") == before


def test_what_stands_in_the_apps_has_the_names_of_the_page(shell: Shell, tmp_path: Path) -> None:
    shell(SANDBOX)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'box' / 'finops.db'}")

    ours = {n for n in sa.inspect(engine).get_table_names() if n.startswith("dualwrite_")}

    engine.dispose()
    named = set(re.findall(r"`(dualwrite_\w+)`", OPERATIONS))
    prefix = "dualwrite_q_"
    books = {name for name in ours if not name.startswith(prefix)}
    assert {prefix, *named} - {prefix} <= books
    assert books - named <= {"dualwrite_origin"}  # SQLite alone needs a marker


@pytest.mark.parametrize(
    "written",
    [
        f"more than {MASS_DELETE_SHARE * 100:.0f} % of a side's rows",
        f"and more than {MASS_DELETE_ROWS}, writes nothing",
        f"at most {pages.AT_MOST:,} entries of a queue",
        f"one batch: at most {pages.PAGE:,}",
        f"[dualwrite.toml](reference/configuration.md), {DEFAULT_PARTITION_ROWS:,})",
        f"after {YOUNG.total_seconds():.0f} seconds at the earliest",
    ],
)
def test_the_numbers_of_the_guarantees_are_those_of_the_code(written: str) -> None:
    assert written in flowed(GUARANTEES)


def test_the_times_that_the_pages_spell_out_are_those_of_the_code() -> None:
    assert "after half a second (MariaDB, MySQL: a second)" in flowed(GUARANTEES)
    assert BRIEFLY == 0.5
    assert "after half a second, doubled up to half a minute" in flowed(GUARANTEES)
    assert outages.BACK_OFF == (0.5, 30)
    assert "one on another machine after a minute at most" in flowed(OPERATIONS)
    assert LEASE_SECONDS == 60


def flowed(text: str) -> str:
    return re.sub(r"\s+", " ", text)
