"""The rule over periods: which rows fail, and the whole text of the reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.effective import beside
from dualwrite.rules import explain, judge
from dualwrite.rules.periods import PeriodsSound
from tests.effective.tables import FORBID, table
from tests.effective.test_laws import batches
from tests.rules.gate import failing

RULE = PeriodsSound(entity=("ID",), start="FROM", end="TO")
HELD = replace(RULE, held=True)

REASONS = [
    (["A ?-9"], "FROM has no value, so the row of ID 'A' begins nowhere"),
    (["A 9-8"], "FROM is 2030-01-09 and TO 2030-01-08: it ends before it begins"),
    (
        ["A 1-60000"],
        (
            "2030-01-01 to 2194-04-10 is beyond 2154-12-31, the last day; "
            "no end is null, 2154-12-31 or 9999-12-31"
        ),
    ),
    (
        ["A 1-4", "A 3-9"],
        "2030-01-01 to 2030-01-04 overlaps 2030-01-03 to 2030-01-09, both of ID 'A'",
    ),
    (
        ["A 1-", "A 9-"],
        (
            "2030-01-01 to no end overlaps 2030-01-09 to no end, both of ID 'A', "
            "and both have no end"
        ),
    ),
    (
        ["A 6-9", "A 1-4"],
        ("2030-01-06 to 2030-01-09 leaves a gap next to 2030-01-01 to 2030-01-04, both of ID 'A'"),
    ),
]


@pytest.mark.parametrize(("rows", "reason"), REASONS)
def test_the_reason_has_both_periods(rows, reason):
    rows = table(*rows)

    first = explain(rows, judge(rows, [RULE]))[0]

    assert (first["rule"], first["reason"]) == ("periods_sound", reason)


def test_the_reason_names_what_the_target_holds():
    rows = beside(table("A 5-9"), table("A 1-6"), FORBID)

    assert explain(rows, judge(rows, [HELD]))[0]["reason"] == (
        "2030-01-05 to 2030-01-09 overlaps 2030-01-01 to 2030-01-06 in the target, both of ID 'A'"
    )
    assert HELD.reason(rows.to_pylist()[0]) == explain(rows, judge(rows, [HELD]))[0]["reason"]


def test_of_one_row_alone_the_rule_cannot_name_the_other():
    rows = table("A 1-4", "A 3-9")

    assert RULE.reason(rows.to_pylist()[0]) == (
        "2030-01-01 to 2030-01-04 overlaps another row of the batch, both of ID 'A'"
    )


def test_instants_are_written_in_utc():
    kind = pa.timestamp("us", "UTC")
    noon = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
    rows = pa.table(
        {
            "ID": ["A", "A"],
            "FROM": pa.array([noon, noon.replace(hour=18)], kind),
            "TO": pa.array([noon.replace(hour=18), None], kind),
        }
    )

    found = explain(rows, judge(rows, [replace(RULE, kind="instant")]))

    assert found[0]["reason"] == (
        "2030-01-01T12:00:00Z to 2030-01-01T18:00:00Z overlaps "
        "2030-01-01T18:00:00Z to no end, both of ID 'A'"
    )
    assert failing(replace(RULE, kind="instant", end_inclusive=False), rows) == [False, False]


@pytest.mark.parametrize(
    ("rule", "cure"),
    [
        (
            RULE,
            (
                "correct FROM and TO at the source: each period ends on the last day "
                "before the next one starts, "
                "and only the last one has no end, or write `gaps: allow` in the map"
            ),
        ),
        (
            replace(RULE, gaps="allow", kind="instant"),
            (
                "correct FROM and TO at the source: each period ends one second "
                "before the next one starts, "
                "and only the last one has no end"
            ),
        ),
        (
            replace(RULE, gaps="allow", end_inclusive=False),
            (
                "correct FROM and TO at the source: each period ends where the next one starts, "
                "and only the last one has no end"
            ),
        ),
    ],
)
def test_the_cure_fits_how_ends_are_written(rule, cure):
    assert rule.cure == cure


def test_its_columns_are_entity_and_bounds_and_the_held_ones_on_request():
    assert RULE.columns == ("ID", "FROM", "TO")
    assert HELD.columns == (
        "ID", "FROM", "TO", "before:FROM", "before:TO", "after:FROM", "after:TO"
    )  # fmt: skip
    assert RULE.about == "FROM, TO"


def test_the_parameters_make_the_same_rule_again():
    kwargs = HELD.to_kwargs() | {"entity": ["ID"]}

    assert PeriodsSound.from_kwargs(kwargs) == HELD


@pytest.mark.parametrize("rows", [[], ["A 1-"]])
def test_a_table_that_is_sound_or_empty(rows):
    assert failing(RULE, table(*rows)) == [False] * len(rows)


def test_rows_in_several_chunks_are_one_table():
    rows = pa.concat_tables([table("A 1-4"), table("A 3-9")])

    assert failing(RULE, rows) == [True, True]


@given(batches, st.randoms())
def test_the_order_of_the_rows_does_not_matter(batch, random):
    places = list(range(len(batch)))
    random.shuffle(places)
    rows = table(*batch)

    shuffled = failing(RULE, rows.take(pa.array(places, pa.int64())))

    assert [shuffled[places.index(at)] for at in range(len(batch))] == failing(RULE, rows)


def test_no_end_may_be_spelled_differently_from_row_to_row():
    never = dt.date(2154, 12, 31)
    rows = table("A 1-", "A 9-").set_column(2, "TO", pa.array([never, dt.date(9999, 12, 31)]))

    assert failing(RULE, rows) == [True, True]
