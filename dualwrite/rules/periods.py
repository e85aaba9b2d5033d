"""Periods sound: at any time at most one row of an entity is valid, and from is not after to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from dualwrite.effective import Fault, Findings, Periods, find_faults, written
from dualwrite.effective.periods import Gaps, Kind, Tick
from dualwrite.effective.soundness import after_of, before_of
from dualwrite.rules.rule import Rule
from dualwrite.rules.wording import shown

_OTHER = "other period"
"""Under this name `told` gives the fault of a row and the period that it collides with."""
_NO_END = "to no end"


@dataclass(frozen=True)
class PeriodsSound(Rule):
    """Each period has a start, no end before it, and no other of its entity in its way.

    The parameters are those of `dualwrite.effective.Periods`.  With `held` the table also has
    the four columns `before:<start>`, `before:<end>`, `after:<start>` and `after:<end>` that
    `dualwrite.effective.beside` lays there, and rows are judged against what the target holds
    too.  Without it a table is judged by itself; with gaps forbidden it must then hold the
    whole histories of its entities.
    """

    name: ClassVar[str] = "periods_sound"

    entity: tuple[str, ...] = ()
    start: str = ""
    end: str = ""
    kind: Kind = "date"
    gaps: Gaps = "forbid"
    end_inclusive: bool = True
    tick: Tick = "second"
    held: bool = False

    @property
    def periods(self) -> Periods:
        """The same parameters as the kernel takes them."""
        return Periods(
            self.entity, self.start, self.end, self.kind, self.gaps, self.end_inclusive, self.tick
        )

    @property
    def columns(self) -> tuple[str, ...]:
        own = (*self.entity, self.start, self.end)
        if not self.held:
            return own
        beside = (before_of(self.periods), after_of(self.periods))
        return own + tuple(name for each in beside for name in (each.start, each.end))

    @property
    def about(self) -> str:
        return f"{self.start}, {self.end}"

    @property
    def mend(self) -> str:
        forbidden = self.gaps == "forbid"
        joint = "on the last day before" if self.kind == "date" else "on the last tick before"
        if not self.end_inclusive:
            joint = "where"
        allow = ", or write `gaps: allow` in the map" if forbidden else ""
        return (
            f"at the source, let each period end {joint} the next one starts, "
            f"and only the last one have no {self.end}{allow}"
        )

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return pa.array(self._findings(table).fault != Fault.NONE)

    def told(self, table: pa.Table, rows: pa.Array) -> list[dict[str, Any]]:
        """Beside the row's own columns, what is the matter and with which other period."""
        found = self._findings(table)
        numbers = rows.to_pylist()
        return [
            row | {_OTHER: self._fault(found, number)}
            for row, number in zip(super().told(table, rows), numbers, strict=True)
        ]

    def reason(self, row: Mapping[str, Any], /) -> str:
        fault, other = row.get(_OTHER) or self._alone(row)
        entity = ", ".join(f"{name} {shown(row[name])}" for name in self.entity)
        start, end = shown(row[self.start]), shown(row[self.end])
        match fault:
            case Fault.NO_START:
                return (
                    f"{self.start} has no value, so nobody can say when the row of {entity} begins"
                )
            case Fault.REVERSED:
                return f"{self.start} is {start}, and {self.end} lies before it: {end}"
            case Fault.BEYOND:
                return (
                    f"{start} to {end} reaches beyond 2154-12-31, the last day; "
                    "no end is null, 2154-12-31 or 9999-12-31"
                )
            case Fault.GAP:
                return f"{self._own(row)} leaves a gap beside {other}, both of {entity}"
            case _:
                own = self._own(row)
                endless = own.endswith(_NO_END) and _NO_END in other
                why = ", and both have no end" if endless else ""
                return f"{own} overlaps {other}, both of {entity}{why}"

    def _findings(self, table: pa.Table) -> Findings:
        return find_faults(table, self.periods, beside_held=self.held)

    def _own(self, row: Mapping[str, Any]) -> str:
        found = self._findings(_table_of(row, self.columns))
        return self._period(int(found.placed.begins[0]), int(found.placed.ends[0]))

    def _period(self, begins: int, ends: int) -> str:
        return f"{self.start} {written(begins, ends, self.periods)}"

    def _fault(self, found: Findings, number: int) -> tuple[int, str]:
        begins, ends = int(found.other_begins[number]), int(found.other_ends[number])
        where = " in the target" if found.other_held[number] else ""
        return int(found.fault[number]), f"{written(begins, ends, self.periods)}{where}"

    def _alone(self, row: Mapping[str, Any]) -> tuple[int, str]:
        """As `told` says it, from the row alone: another row of the batch has no name then."""
        fault, other = self._fault(self._findings(_table_of(row, self.columns)), 0)
        return (fault, other) if fault else (Fault.OVERLAP, "another row of the batch")


def _table_of(row: Mapping[str, Any], columns: tuple[str, ...]) -> pa.Table:
    return pa.table({name: pa.array([row[name]]) for name in columns})
