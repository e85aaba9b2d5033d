"""Properties of dated writes: after any write in any mode the table is valid."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.effective import Fault, find_faults, plan_delete, plan_write, writing
from tests.effective.tables import ALLOW, FORBID, day, number, table, texts_of

LAST = 40
NEVER = 10_000

spans = st.tuples(st.integers(1, LAST), st.one_of(st.none(), st.integers(0, 12))).map(
    lambda span: (span[0], None if span[1] is None else span[0] + span[1])
)
rows = st.tuples(st.sampled_from("AB"), spans, st.sampled_from("xyz")).map(
    lambda row: (row[0], *row[1], row[2])
)
batches = st.lists(rows, max_size=6)
modes = st.sampled_from(["new", "correction", "effective"])
nows = st.integers(1, LAST)
kinds = st.sampled_from([FORBID, ALLOW])


@st.composite
def histories(draw, periods):
    """A sound table."""
    made = []
    for entity in "AB":
        at = draw(st.integers(1, 10))
        for length in draw(st.lists(st.integers(1, 8), max_size=5)):
            gap = 0 if periods is FORBID else draw(st.integers(0, 3))
            made.append([entity, at + gap, at + gap + length - 1, draw(st.sampled_from("xyz"))])
            at += gap + length
        if made and made[-1][0] == entity and draw(st.booleans()):
            made[-1][2] = None
    return table(*(tuple(row) for row in draw(st.permutations(made))))


def days_of(rows):
    """The slow obvious model: what is valid on each day, by entity."""
    days = {}
    for row in rows.to_pylist():
        last = number(row["TO"]) if row["TO"] else LAST + 20
        for at in range(number(row["FROM"]), last + 1):
            assert (row["ID"], at) not in days, "two rows on one day"
            days[row["ID"], at] = row["V"]
    return days


def assert_sound(rows, periods):
    assert not find_faults(rows, periods).fault.any()
    days = days_of(rows)
    for entity in {entity for entity, _ in days}:
        own = [row for row in rows.to_pylist() if row["ID"] == entity]
        assert sum(row["TO"] is None for row in own) <= 1
        assert all(row["TO"] is None or row["FROM"] <= row["TO"] for row in own)
        if periods is FORBID:
            at = [day for name, day in days if name == entity]
            assert len(at) == max(at) - min(at) + 1


@st.composite
def writes(draw):
    """A batch with starts moved here and there, and the moment of its write."""
    batch = draw(batches)
    was = draw(st.dictionaries(st.integers(0, 5), st.integers(1, LAST), max_size=2))
    was = {row: start for row, start in was.items() if row < len(batch)}
    return table(*batch, was=was or None), draw(modes), day(draw(nows))


@given(st.data(), kinds)
def test_no_sequence_of_writes_and_deletes_ever_makes_two_rows_valid_on_one_day(data, periods):
    existing = data.draw(histories(periods))

    for _ in range(data.draw(st.integers(1, 4))):
        if existing.num_rows and data.draw(st.booleans()):
            keys = data.draw(st.sets(st.integers(0, existing.num_rows - 1), max_size=3))
            changes = plan_delete(
                existing, existing.take(pa.array(sorted(keys), pa.int64())), periods
            )
        else:
            incoming, mode, now = data.draw(writes())
            changes = plan_write(existing, incoming, periods, mode, now=now)
        existing = changes.apply(existing, periods)
        assert_sound(existing, periods)


@given(st.data(), kinds, batches, modes, nows)
def test_a_write_changes_no_day_but_its_own(data, periods, batch, mode, now):
    existing = data.draw(histories(periods))

    changes = plan_write(existing, table(*batch), periods, mode, now=day(now))

    before, after = days_of(existing), days_of(changes.apply(existing, periods))
    refused = set(changes.rejected["row"].to_pylist())
    accepted = [row for n, row in enumerate(batch) if n not in refused]
    starts = {(row["ID"], number(row["FROM"])): row for row in existing.to_pylist()}
    free = set()
    for entity, start, end, _ in accepted:
        free |= {(entity, at) for at in range(start, (end or LAST + 20) + 1)}
        updated = starts.get((entity, start))
        if updated is not None:
            last = number(updated["TO"]) if updated["TO"] else LAST + 20
            free |= {(entity, at) for at in range(start, last + 1)}
    assert {at: v for at, v in before.items() if at not in free} == {
        at: v for at, v in after.items() if at not in free
    }


@given(st.data(), kinds, st.lists(rows, max_size=6, unique_by=lambda row: row[:2]), modes, nows)
def test_an_accepted_row_is_valid_on_its_days(data, periods, batch, mode, now):
    """From now on at least where a period is followed, and until a later row takes over."""
    existing = data.draw(histories(periods))

    changes = plan_write(existing, table(*batch), periods, mode, now=day(now))

    after = days_of(changes.apply(existing, periods))
    refused = set(changes.rejected["row"].to_pylist())
    expected = {}
    for n, (entity, start, end, value) in enumerate(batch):
        if n not in refused:
            first = start if mode == "correction" or start > now else max(start, now)
            days = range(first, (end or LAST + 20) + 1)
            expected |= {(entity, at): value for at in days}
    assert {at: after.get(at) for at in expected} == expected


@given(st.data(), kinds, modes)
def test_the_vectorised_plan_equals_the_plan_entity_by_entity(data, periods, mode):
    existing = data.draw(histories(periods))
    incoming = table(*data.draw(batches))
    now = day(data.draw(nows))

    at_once = plan_write(existing, incoming, periods, mode, now=now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_closed", _all_collide)
        one_by_one = plan_write(existing, incoming, periods, mode, now=now)

    assert texts_of(at_once.apply(existing, periods)) == texts_of(
        one_by_one.apply(existing, periods)
    )
    assert at_once.rejected.equals(one_by_one.rejected)
    assert texts_of(at_once.updates) == texts_of(one_by_one.updates)


def _all_collide(rows, colliding, *, gaps):
    colliding[:] = True
    return rows


@given(st.data(), kinds, batches, modes, nows)
def test_a_batch_that_was_written_completely_changes_nothing_the_second_time(
    data, periods, batch, mode, now
):
    existing = data.draw(histories(periods))
    incoming = table(*batch)

    first = plan_write(existing, incoming, periods, mode, now=day(now))
    existing = first.apply(existing, periods)
    second = plan_write(existing, incoming, periods, mode, now=day(now))

    if not first.rejected.num_rows and not find_faults(incoming, ALLOW).fault.any():
        assert texts_of(second.apply(existing, periods)) == texts_of(existing)


@given(st.data(), batches, modes, nows)
def test_the_order_of_the_held_rows_does_not_matter(data, batch, mode, now):
    existing = data.draw(histories(FORBID))
    other = existing.take(
        pa.array(data.draw(st.permutations(range(existing.num_rows))), pa.int64())
    )

    plans = [
        plan_write(each, table(*batch), FORBID, mode, now=day(now)) for each in (existing, other)
    ]

    assert texts_of(plans[0].apply(existing, FORBID)) == texts_of(plans[1].apply(other, FORBID))


@given(st.data())
def test_a_delete_undoes_the_insert_that_closed_the_period_before(data):
    existing = data.draw(histories(FORBID))
    entity, start, _, value = data.draw(rows)
    incoming = table((entity, start, None, value))
    periods = replace(FORBID)

    written = plan_write(existing, incoming, periods, "correction")
    if written.inserts.num_rows and not written.rejected.num_rows:
        after = written.apply(existing, periods)
        back = plan_delete(after, incoming, periods).apply(after, periods)
        closed = {row["TO"] for row in existing.to_pylist() if row["ID"] == entity}
        if None in closed:
            assert texts_of(back) == texts_of(existing)


def test_each_fault_has_a_rule():
    assert [fault.name for fault in Fault][1:] == [
        "NO_START",
        "REVERSED",
        "BEYOND",
        "OVERLAP",
        "GAP",
    ]
