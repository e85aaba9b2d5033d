"""The sandbox's small tables, from `reference.yaml`, and its dated exchange rates.

All rows are those of the ERP; `counterparts` makes the dataverse rows of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
from ruamel.yaml import YAML

from dualwrite.link import Side
from dualwrite.sandbox.drawing import below, exact, moments
from dualwrite.sandbox.schema import sandbox_tables

COMPANIES = ("USMF", "DEMF", "JPMF")
RATES = "ExchangeRateCDSEntity"

_MONTHS = 36
_NEVER = date(2154, 12, 31)
_MIDDLE = {"EUR": 1_0850, "GBP": 1_2700, "JPY": 6800, "KWD": 3_2500, "SEK": 8_9000}


@dataclass(frozen=True, slots=True)
class Small:
    """One small table, in the ERP's terms."""

    table: str
    finops: pa.Table
    """The ERP's rows: first those on both sides, then its own."""
    dataverse: pa.Table
    """The other side's rows: those on both sides, where it differs as it differs, then its own."""


def small_tables() -> Iterator[Small]:
    """Every small table, those that others point at first."""
    for name, entry in _content().items():
        both, own = entry["rows"], entry.get("finops", [])
        by_key = {_key(name, entry, row): row for row in entry.get("differs", [])}
        now = [by_key.get(_key(name, entry, row), row) for row in both]
        yield Small(
            name,
            _table(name, entry["columns"], both + own),
            _table(name, entry["columns"], now + entry.get("dataverse", [])),
        )
        if name == "ExchangeRateCurrencyPairEntity":
            yield _rates(entry)


def reference(table: str, column: str, *, shared: bool = True) -> list[Any]:
    """The values of a column of a small table: of the rows on both sides, or of the ERP's own."""
    entry = _content()[table]
    place = entry["columns"].index(column)
    return [row[place] for row in entry["rows" if shared else "finops"]]


@cache
def _content() -> Mapping[str, Mapping[str, Any]]:
    text = files("dualwrite.sandbox").joinpath("reference.yaml").read_text(encoding="utf-8")
    content: Mapping[str, Mapping[str, Any]] = YAML(typ="safe").load(text)
    return content


def _key(table: str, entry: Mapping[str, Any], row: list[Any]) -> tuple[Any, ...]:
    key = sandbox_tables(Side.FINOPS)[table].key
    return tuple(row[entry["columns"].index(name)] for name in key if name != "DATAAREAID")


def _table(name: str, columns: list[str], rows: list[list[Any]]) -> pa.Table:
    table = sandbox_tables(Side.FINOPS)[name]
    by_company = "DATAAREAID" in table.key
    companies = COMPANIES if by_company else ("",)
    arrays, names = [], []
    if by_company:
        names.append("DATAAREAID")
        arrays.append(pa.array([c for c in companies for _ in rows], pa.string()))
    for place, column in enumerate(columns):
        words = [None if row[place] is None else str(row[place]) for row in rows]
        names.append(column)
        arrays.append(
            pa.array(words * len(companies), pa.string()).cast(table.columns[column].arrow)
        )
    return with_moment(pa.table(arrays, names=names), salt=len(name))


def with_moment(rows: pa.Table, *, salt: int) -> pa.Table:
    """Add when each row last changed."""
    return rows.append_column("MODIFIEDDATETIME", moments(np.arange(rows.num_rows), salt))


def _rates(pairs: Mapping[str, Any]) -> Small:
    """A rate a month for each pair; the last one never ends, and the ERP has two years more."""
    all_pairs = pairs["rows"] + pairs["finops"]
    starts = [date(2024 + month // 12, month % 12 + 1, 1) for month in range(_MONTHS + 1)]
    rows = [
        (*pair[:3], starts[month], _NEVER if month == _MONTHS - 1 else _eve(starts[month + 1]))
        for pair in all_pairs
        for month in range(_MONTHS)
    ]
    numbers = np.arange(len(rows))
    middle = np.array([_MIDDLE[row[1]] for row in rows])
    unscaled = middle * 1_000_000 + below(400_000_000, numbers, 7)
    schema = sandbox_tables(Side.FINOPS)[RATES]
    names = ["EXCHANGERATETYPENAME", "FROMCURRENCYCODE", "TOCURRENCYCODE", "VALIDFROM", "VALIDTO"]
    arrays = [
        pa.array([row[place] for row in rows], schema.columns[name].arrow)
        for place, name in enumerate(names)
    ]
    rate = exact(unscaled, 10, schema.columns["RATE"].arrow)
    table = with_moment(pa.table([*arrays, rate], names=[*names, "RATE"]), salt=11)
    there = np.arange(len(pairs["rows"]) * _MONTHS)
    return Small(RATES, table, table.take(there[there % _MONTHS < 12]))


def _eve(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
