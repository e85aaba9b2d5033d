"""Local times that their clocks skip, or show twice."""

# ruff: noqa: DTZ001 - times without a zone are what is tested
from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pytest

from dualwrite.rules import LocalTime
from tests.rules.gate import failing, gate, reasons

MARCH, OCTOBER = dt.datetime(2026, 3, 29, 2, 30), dt.datetime(2026, 10, 25, 1, 30)
FIRST = dt.datetime(2026, 10, 25, 0, 30)


def test_a_local_time_is_one_that_the_clocks_show():
    rule = LocalTime(source="source:T", zone="Europe/Berlin")
    times = [MARCH, dt.datetime(2026, 10, 25, 2, 30), None]

    for values in (pa.array(times, pa.timestamp("us")), pa.array([str(t) for t in times])):
        assert failing(rule, gate(source_T=values)) == [True, False, False]
    assert reasons(rule, gate(source_T=times)) == [
        "T is 2026-03-29T02:30:00, which the clocks of Europe/Berlin skip"
    ]
    assert failing(rule, gate(source_T=["no time", ""])) == [False, False]
    assert failing(replace(rule, zone="UTC"), gate(source_T=times)) == [False] * 3


def test_the_clocks_are_those_of_the_company():
    rule = LocalTime(
        source="source:T",
        zone="company",
        company="source:CO",
        companies=("DEMF", "JPMF"),
        zones=("Europe/Berlin", "Asia/Tokyo"),
        otherwise="Europe/Paris",
    )
    times = pa.array([MARCH] * 4 + [None])
    table = gate(source_T=times, source_CO=pa.array(["demf", "JPMF", "FRRT", None, "DEMF"]))

    assert failing(rule, table) == [True, False, True, True, False]
    assert [reason.rpartition("of ")[2] for reason in reasons(rule, table)] == [
        "Europe/Berlin skip",
        "Europe/Paris skip",
        "Europe/Paris skip",
    ]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_of_a_repeated_hour_a_key_has_the_first(zone):
    rule = LocalTime(source="source:T", into="Europe/Berlin", whole=True)
    table = gate(source_T=pa.array([FIRST, OCTOBER, None]).cast(pa.timestamp("us", zone)))
    z = "" if zone is None else "+00:00"

    (reason,) = reasons(rule, table)

    assert reason == (
        f"T is 2026-10-25T01:30:00{z}, in Europe/Berlin 2026-10-25T02:30:00, which comes twice: "
        f"it would come back as 2026-10-25T00:30:00{z}"
    )
