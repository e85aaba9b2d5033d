"""The generated parts of the reference agree with the code."""

from __future__ import annotations

import pytest

from dualwrite.link import DEFAULT_JOURNAL, DEFAULT_PARTITION_ROWS, DEFAULT_WORKERS
from dualwrite.tablemap.codes import CODES
from tests.docs import generated
from tests.docs.pages import DOCS, name_of, text_of


@pytest.mark.parametrize("page", generated.PAGES, ids=name_of)
def test_the_page_is_up_to_date(page):
    """If not: python -m tests.docs.generated"""
    assert text_of(page) == generated.renewed(page)


def test_every_code_is_in_the_reference():
    text = text_of(DOCS / "reference" / "codes.md")

    assert [code for code in CODES if f"| {code} |" not in text] == []


def test_the_defaults_of_the_configuration_are_documented():
    text = text_of(DOCS / "reference" / "configuration.md")

    assert f"| `{DEFAULT_JOURNAL}` |" in text
    assert f"1 to 64 | {DEFAULT_WORKERS} |" in text
    assert f"size of the table | {DEFAULT_PARTITION_ROWS:,} |" in text
