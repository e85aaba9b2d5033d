"""The filters by which an app chooses the rows of a dated table that are valid."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from dualwrite.sync.routes.validity import Clocks, changing, valid_between, valid_now
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.periods import DatedEnd

DAYS, MOMENTS = pa.date32(), pa.timestamp("us", "UTC")
NOON = datetime(2026, 6, 15, 12, 0, 0, 500_000, UTC)
LATER = datetime(2026, 6, 16, 12, tzinfo=UTC)


def ends(*, inclusive: bool) -> DatedEnd:
    return DatedEnd((ColumnPath(("ITEM",)),), ColumnPath(("S",)), ColumnPath(("E",)), inclusive)


@pytest.mark.parametrize(
    ("inclusive", "kind", "valid"),
    [
        (True, DAYS, "S lt 2026-06-16 and (E ge 2026-06-15 or E eq null)"),
        (False, DAYS, "S lt 2026-06-16 and (E gt 2026-06-15 or E eq null)"),
        (True, MOMENTS, "S lt 2026-06-15T12:00:01Z and (E ge 2026-06-15T12:00:00Z or E eq null)"),
        (
            False,
            MOMENTS,
            "S lt 2026-06-15T12:00:00.500001Z and (E gt 2026-06-15T12:00:00.500000Z or E eq null)",
        ),
    ],
)
def test_what_is_valid_at_a_moment(inclusive: bool, kind: pa.DataType, valid: str) -> None:
    assert valid_between(ends(inclusive=inclusive), kind, NOON, NOON).text == valid


def test_a_day_begins_at_the_midnight_of_the_company_of_the_row() -> None:
    evening = datetime(2026, 6, 15, 23, tzinfo=UTC)
    company = ColumnPath(("CO",))
    zones = [("Europe/Berlin", ("DEMF", "demf")), ("America/New_York", ("USMF",))]
    clocks = Clocks("UTC", company, [*zones, ("Europe/Paris", ("FRRT",))])

    found = valid_now(None, ends(inclusive=True), DAYS, evening, clocks)

    assert found == parse_filter(found.text)
    assert found.text == (
        "((CO eq 'DEMF' or CO eq 'demf' or CO eq 'FRRT') and "
        "(S lt 2026-06-17 and (E ge 2026-06-16 or E eq null))) or "
        "((CO eq 'USMF') and (S lt 2026-06-16 and (E ge 2026-06-15 or E eq null)))"
    )
    at_noon = valid_now(None, ends(inclusive=True), DAYS, NOON, clocks)
    assert at_noon == valid_between(ends(inclusive=True), DAYS, NOON, NOON)
    times = valid_now(None, ends(inclusive=True), MOMENTS, evening, clocks)
    assert times == valid_now(None, ends(inclusive=True), MOMENTS, evening)


def test_without_a_company_a_day_begins_at_the_midnight_of_the_link() -> None:
    evening = datetime(2026, 6, 15, 23, tzinfo=UTC)

    found = changing(ends(inclusive=True), DAYS, NOON, evening, Clocks("Europe/Berlin"))

    assert found.text == (
        "(S ge 2026-06-16 and S lt 2026-06-17) or (E ge 2026-06-15 and E lt 2026-06-16)"
    )


@pytest.mark.parametrize(
    ("inclusive", "changes"),
    [
        (True, "(S ge 2026-06-16 and S lt 2026-06-17) or (E ge 2026-06-15 and E lt 2026-06-16)"),
        (False, "(S ge 2026-06-16 and S lt 2026-06-17) or (E gt 2026-06-15 and E le 2026-06-16)"),
    ],
)
def test_what_begins_or_ends_between_two_days(inclusive: bool, changes: str) -> None:
    assert changing(ends(inclusive=inclusive), DAYS, NOON, LATER).text == changes
