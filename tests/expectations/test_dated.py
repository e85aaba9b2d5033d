"""Dated rows judged by Great Expectations: the same rows are held, and the pages list them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dualwrite.journal.store import Journal
from expectations.checking import check_tables
from expectations.gate import GreatExpectationsGate
from expectations.report import Answer, QualityReport
from tests.sync.dated import DATED, Dated, make_dated
from tests.sync.world import TO_D, TO_F

PERIODS = "expect_periods_not_to_overlap"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Dated]:
    journal = tmp_path / "journal.db"
    Journal.open(f"sqlite:///{journal}").close()
    made = make_dated(tmp_path / "box", DATED, journal)
    yield made
    made.close()


def test_great_expectations_hold_back_what_the_rule_holds_back(world):
    world.there(("B", "26-01-01", "none", 20))
    world.here(("A", "26-01-01", "26-06-30", 10), ("A", "26-06-30", "never", 11))
    world.here(("C", "26-01-01", "never", 30), ("B", "26-03-01", "never", 21))
    gate = GreatExpectationsGate()

    world.run("prices", gate=gate)

    assert world.causes() == [
        (TO_F, "2026-01-01 00:00:00.000000Z", "periods_sound"),
        (TO_D, "2026-01-01", "periods_sound"),
        (TO_D, "2026-03-01", "periods_sound"),
        (TO_D, "2026-06-30", "periods_sound"),
    ]
    assert PERIODS in {each.type for each in answers(gate.report)}


def test_whole_tables_are_checked_on_both_sides(world):
    world.here(("A", "26-01-01", "never", 10))
    world.run("prices")
    world.there(("A", "26-03-01", "none", 11))

    report = check_tables(world.open(), world.session.map("prices"))

    assert {each.type for each in answers(report) if each.failing} == {PERIODS}


def answers(report: QualityReport) -> list[Answer]:
    return [each for suite in report.suites.values() for each in suite.values()]
