"""Periods sound: at any time at most one row of an entity is valid, and from is not after to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pyarrow as pa

from dualwrite.effective import Fault, Findings, Periods, find_faults, written
from dualwrite.effective.periods import Gaps, Kind, Tick
from dualwrite.effective.soundness import after_of, before_of
from dualwrite.gate_column import plain_name
from dualwrite.rules.rule import Rule
from dualwrite.rules.wording import shown

_COLLISION = "collision"
"""Under this name `evidence` gives the fault of a row, its period and the other one."""
_NO_END = "to no end"


@dataclass(frozen=True)
class PeriodsSound(Rule):
    """Each period has a start, no end before it, and overlaps no other of its entity.

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

    @classmethod
    def of(cls, periods: Periods, *, held: bool = False) -> Self:
        """The rule over a table with these periods."""
        return cls(**vars(periods), held=held)

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
        return f"{plain_name(self.start)}, {plain_name(self.end)}"

    @property
    def cure(self) -> str:
        joint = "on the last day before" if self.kind == "date" else f"one {self.tick} before"
        if not self.end_inclusive:
            joint = "where"
        allow = ", or write `gaps: allow` in the map" if self.gaps == "forbid" else ""
        return (
            f"correct {plain_name(self.start)} and {plain_name(self.end)} at the source: "
            f"each period ends {joint} the next one starts, and only the last one has no end{allow}"
        )

    def failing(self, table: pa.Table) -> pa.BooleanArray:
        return pa.array(self._findings(table).fault != Fault.NONE)

    def evidence(self, table: pa.Table, rows: pa.Array) -> list[dict[str, Any]]:
        """The row's own columns, its fault, and the other period where there is one."""
        found = self._findings(table)
        return [
            row | {_COLLISION: self._collision(found, number)}
            for row, number in zip(super().evidence(table, rows), rows.to_pylist(), strict=True)
        ]

    def reason(self, row: Mapping[str, Any], /) -> str:
        fault, own, other = row.get(_COLLISION) or self._alone(row)
        entity = ", ".join(f"{name} {shown(row[name])}" for name in self.entity)
        start, end = shown(row[self.start]), shown(row[self.end])
        first, last = plain_name(self.start), plain_name(self.end)
        match fault:
            case Fault.NO_START:
                return f"{first} has no value, so the row of {entity} begins nowhere"
            case Fault.REVERSED:
                return f"{first} is {start} and {last} {end}: it ends before it begins"
            case Fault.BEYOND:
                return (
                    f"{start} to {end} is beyond 2154-12-31, the last day; "
                    "no end is null, 2154-12-31 or 9999-12-31"
                )
            case Fault.GAP:
                return f"{own} leaves a gap next to {other}, both of {entity}"
            case _:
                endless = own.endswith(_NO_END) and _NO_END in other
                why = ", and both have no end" if endless else ""
                return f"{own} overlaps {other}, both of {entity}{why}"

    def _findings(self, table: pa.Table) -> Findings:
        return find_faults(table, self.periods, beside_held=self.held)

    def _collision(self, found: Findings, number: int) -> tuple[int, str, str]:
        """The fault of a row, its period, and the one that it collides with."""
        own = found.placed.begins[number], found.placed.ends[number]
        other = found.other_begins[number], found.other_ends[number]
        where = " in the target" if found.other_held[number] else ""
        fault = int(found.fault[number])
        if fault not in (Fault.OVERLAP, Fault.GAP):
            return fault, "", ""
        return fault, self._written(*own), f"{self._written(*other)}{where}"

    def _written(self, begins: int, ends: int) -> str:
        return written(int(begins), int(ends), self.periods)

    def _alone(self, row: Mapping[str, Any]) -> tuple[int, str, str]:
        """The same from the row alone, which does not know the other row of the batch."""
        found = self._findings(pa.table({name: pa.array([row[name]]) for name in self.columns}))
        collision = self._collision(found, 0)
        if collision[0]:
            return collision
        own = self._written(found.placed.begins[0], found.placed.ends[0])
        return Fault.OVERLAP, own, "another row of the batch"
