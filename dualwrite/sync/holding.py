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

    def __add__(self, other: Held) -> Held:
        return Held(self.rejected + other.rejected, self.parked + other.parked)


def hold(
    way: Way, source: pa.Table, ready: pa.Table, verdict: Verdict, refused: Mapping[int, str]
) -> Held:
    """Describe every row that did not pass.

    Shapes: `source` and `ready` are aligned, n rows each; `refused` maps a row's number
    among those that passed to the app's reason.
    """
    rejected: dict[int, Rejection] = {}
    parked: dict[int, Parking] = {}
    names = way.flow.source_key

    def entry(index: int) -> tuple[Key, Mapping[str, Any]]:
        row = source.slice(index, 1).to_pylist()[0]
        return {name: _text(row[name]) for name in names}, {k: _plain(v) for k, v in row.items()}

    for failure in verdict.failures:
        if failure.rule.severity != "critical":
            continue
        for index in failure.indices.to_pylist():
            if index in rejected or (index in parked and failure.rule.parks):
                continue
            key, row = entry(index)
            reason = failure.rule.reason(ready.slice(index, 1).to_pylist()[0])
            if failure.rule.parks:
                parked[index] = Parking(
                    key, failure.rule.waits_for(ready.slice(index, 1).to_pylist()[0]), reason, row
                )
            else:
                rejected[index] = Rejection(key, failure.rule.name, reason, row)
                parked.pop(index, None)
    for index, reason in _of_all(verdict.passed, refused).items():
        key, row = entry(index)
        rejected[index] = Rejection(key, REFUSED, reason, row)
    return Held(tuple(rejected.values()), tuple(parked.values()))


def _of_all(passed: Any, refused: Mapping[int, str]) -> dict[int, str]:
    if not refused:
        return {}
    numbers = [i for i, ok in enumerate(passed.to_pylist()) if ok]
    return {numbers[i]: reason for i, reason in refused.items()}


def _text(value: Any) -> str | None:
    plain = _plain(value)
    return plain if plain is None or isinstance(plain, str) else str(plain)


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
