"""From a verdict to what the journal keeps of the rows held back.

Only failing rows become Python objects.  A row is told in its source's own terms,
as a person would find it there; a row that fails one rule and lacks a parent too
is rejected, for a parent alone would not help it.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.journal.records import Key, Parking, Rejection
from dualwrite.rules import Verdict
from dualwrite.sync.way import Way

REFUSED = "refused by the app"
"""The rule's name where no rule of ours but the app itself said no."""


@dataclass(frozen=True, slots=True)
class Held:
    """Rows held back in one direction."""

    rejected: tuple[Rejection, ...] = ()
    parked: tuple[Parking, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Of all of them."""
        return [*(row.key for row in self.rejected), *(row.key for row in self.parked)]

    def __add__(self, other: Held) -> Held:
        return Held(self.rejected + other.rejected, self.parked + other.parked)


def hold(
    way: Way, source: pa.Table, ready: pa.Table, verdict: Verdict, refused: Mapping[int, str]
) -> Held:
    """Describe every row that did not pass.

    Shapes: `source` and `ready` are aligned, n rows each; `refused` maps a row's number
    among those that passed to the app's reason.
    """
    numbers = _failing(verdict, refused)
    if not numbers:
        return Held()
    names = list(way.flow.source_key)
    taken = source.take(numbers)
    keys = keys_of(taken.select(names))
    rows = [{name: _plain(value) for name, value in row.items()} for row in taken.to_pylist()]
    at = {number: place for place, number in enumerate(numbers)}
    rejected: dict[int, Rejection] = {}
    parked: dict[int, Parking] = {}
    for failure in sorted(verdict.failures, key=lambda failure: failure.rule.parks):
        rule = failure.rule
        told = ready.select(list(dict.fromkeys(rule.columns))).take(failure.indices).to_pylist()
        for number, row in zip(failure.indices.to_pylist(), told, strict=True):
            if number in rejected or number in parked:
                continue
            key, whole = keys[at[number]], rows[at[number]]
            if rule.parks:
                parked[number] = Parking(key, rule.waits_for(row), rule.reason(row), whole)
            else:
                rejected[number] = Rejection(
                    key, rule.name, rule.reason(row), whole, column=rule.about, mend=rule.mend
                )
    for number, reason in _of_all(verdict, refused).items():
        rejected[number] = Rejection(keys[at[number]], REFUSED, reason, rows[at[number]])
    return Held(tuple(rejected.values()), tuple(parked.values()))


def _failing(verdict: Verdict, refused: Mapping[int, str]) -> list[int]:
    """The numbers of all rows held back, ascending."""
    held = pc.indices_nonzero(pc.invert(verdict.passed)).to_pylist()
    return sorted({*held, *_of_all(verdict, refused)})


def _of_all(verdict: Verdict, refused: Mapping[int, str]) -> dict[int, str]:
    """Refused rows by their number among all rows, not among those that passed."""
    if not refused:
        return {}
    passed = pc.indices_nonzero(verdict.passed)
    return {passed[number].as_py(): reason for number, reason in refused.items()}


def keys_of(keys: pa.Table) -> list[Key]:
    """Each key as texts, in Arrow's own spelling, by which `retry` finds the row again."""
    texts = [keys[name].cast(pa.string()) for name in keys.column_names]
    rows: list[Key] = pa.table(texts, names=keys.column_names).to_pylist()
    return rows


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, no digit lost."""
    match value:
        case None | str() | bool() | int():
            return value
        case decimal.Decimal():
            return format(value, "f")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)
