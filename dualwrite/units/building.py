"""Builds a unit system from its tables, and collects the rows that are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa

from dualwrite.units.graph import Graph
from dualwrite.units.model import Unit, UnitClass
from dualwrite.units.reading import conversions_of, units_of


class Built(NamedTuple):
    """The parts of a unit system."""

    units: Mapping[str, Unit]
    faults: Mapping[str, str]
    """Units that cannot be used, and why."""
    graph: Graph
    problems: pa.Table


_PROBLEMS = pa.schema([("table", pa.string()), ("row", pa.int64()), ("reason", pa.string())])


def build(units: pa.Table, conversions: pa.Table) -> Built:
    """Read both tables, whose columns `UnitSystem.from_tables` describes."""
    known: dict[str, Unit] = {}
    faults: dict[str, str] = {}
    problems: list[dict[str, str | int]] = []

    def note(table: str, row: int, reason: str) -> None:
        problems.append({"table": table, "row": row, "reason": reason})

    bases: dict[str, str] = {}
    for row, unit, fault in units_of(units):
        reason = f"unit {unit.symbol!r} is listed twice" if unit.symbol in known else fault
        if reason is not None:
            note("units", row, reason)
            faults.setdefault(unit.symbol, reason)
        base = bases.setdefault(unit.unit_class, unit.symbol) if unit.is_base else unit.symbol
        if base != unit.symbol:
            note("units", row, f"class {unit.unit_class!r} has a base unit already: {base!r}")
        known.setdefault(unit.symbol, unit if base == unit.symbol else replace(unit, is_base=False))
    graph = Graph(known)
    for row, conversion, fault in conversions_of(conversions, known):
        if fault is not None:
            note("conversions", row, fault)
        if conversion is not None and conversion.from_unit != conversion.to_unit:
            graph.add(row, conversion, fault)
    for row, reason in graph.refuse_contradictions():
        note("conversions", row, reason)
    return Built(known, faults, graph, pa.Table.from_pylist(problems, _PROBLEMS))


def classes_of(units: Iterable[Unit]) -> dict[str, UnitClass]:
    """The classes of the units, by name."""
    members: dict[str, list[Unit]] = {}
    for unit in units:
        members.setdefault(unit.unit_class, []).append(unit)
    return {
        name: UnitClass(
            name,
            tuple(unit.symbol for unit in own),
            base=next((unit.symbol for unit in own if unit.is_base), None),
            system=next((unit.symbol for unit in own if unit.is_system), None),
        )
        for name, own in members.items()
    }
