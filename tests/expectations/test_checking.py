"""Whole tables: both sides of every map, whatever the parts in which they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dualwrite.link import Side
from dualwrite.sandbox.project import create_sandbox
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.session import Session, open_session
from expectations.checking import check_tables
from expectations.report import QualityReport

ACCOUNTS = "customers-v3--accounts"
UNITS = "units--uoms"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder: Path = tmp_path_factory.mktemp("tables") / "box"
    create_sandbox(folder, rows=100)
    with open_session(folder) as opened:
        yield opened


def findings(report: QualityReport) -> dict[tuple[str, str], tuple[int, tuple[str, ...]]]:
    return {
        (suite, answer.asked): (answer.failing, tuple(sorted(answer.keys)))
        for suite, answer in report.failing()
    }


def test_a_two_way_map_is_held_to_its_rules_on_both_sides(session: Session) -> None:
    report = check_tables(session, session.map(ACCOUNTS))

    assert [about.direction for about in report.about.values()] == [
        "ERP to Dataverse",
        "Dataverse to ERP",
    ]
    assert {suite for suite, _ in report.failing()} == set(report.suites)


def test_the_far_side_of_a_one_way_map_is_looked_at_as_it_stands(session: Session) -> None:
    report = check_tables(session, session.map(UNITS))

    assert [about.direction for about in report.about.values()] == [
        "ERP to Dataverse",
        "Dataverse, as it stands",
    ]
    here, there = (answers.values() for answers in report.suites.values())
    assert {answer.type for answer in there} < {answer.type for answer in here}
    assert "expect_key_to_be_unique" in {answer.type for answer in there}
    query = reading(session, session.map(UNITS), Side.DATAVERSE)
    assert {answer.rows for answer in there} == {session.apps[Side.DATAVERSE].count(query)}


def test_it_does_not_matter_in_how_many_parts_a_table_is_read(session: Session) -> None:
    small = replace(session, link=replace(session.link, partition_rows=7))

    whole, parts = (check_tables(each, each.map(ACCOUNTS)) for each in (session, small))

    assert findings(parts) == findings(whole)
    assert {s: set(rows) for s, rows in parts.worst.items()} == {
        s: set(rows) for s, rows in whole.worst.items()
    }
