"""Periods in ticks and sorting: the fast implementation agrees with a simple one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualwrite.effective import Periods
from dualwrite.effective.periods import order_of, place

lines = st.lists(st.one_of(st.integers(-9, 9), st.integers(-(2**63), 2**63 - 1)), max_size=12)


@given(lines)
def test_the_sort_by_entity_and_start_is_stable(line):
    order = order_of(np.array(line, np.int64))

    assert order.tolist() == sorted(range(len(line)), key=line.__getitem__)


@given(st.lists(st.integers(0, 3), max_size=30))
def test_the_sort_of_many_equal_rows_is_stable(line):
    order = order_of(np.array(line, np.int64))

    assert order.tolist() == sorted(range(len(line)), key=line.__getitem__)


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
@pytest.mark.parametrize("tick", ["second", "millisecond", "microsecond"])
def test_a_day_has_the_tick_of_its_midnight(kind, tick):
    days = [date(1969, 12, 30), date(2026, 2, 28)]
    midnights = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
    periods = Periods(("id",), "from", "to", kind="instant", tick=tick)

    def placed(values: pa.Array) -> list[int]:
        nothing = pa.nulls(2, pa.timestamp("us", "UTC"))
        return place(pa.table({"from": values, "to": nothing}), periods).begins.tolist()

    assert placed(pa.array(days, kind)) == placed(pa.array(midnights, pa.timestamp("us", "UTC")))
