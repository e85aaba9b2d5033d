"""Finds the conversions that lead from one unit to another, and refuses contradictory ones.

The conversions of a variant take precedence over those of its product, and these over the
standard ones: the path is searched among the first alone, then with the second added, then with
the third, and of two conversions between the same units only the more specific one counts.
The path with the fewest conversions is taken; of equally short ones that over the base unit.

Conversions are judged in the order of what they say, whatever the order of their rows.
Those of one scope that form a cycle must lead back to the same quantity.  If they do not,
it is unknown which one is wrong, so all of the cycle are refused, as is any invalid conversion.
A path that needs a refused conversion is refused too: a detour would give a quantity that the
refused conversion was entered to prevent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from dualwrite.units.model import Conversion, Formula, Rounding, Unit, decimal_text

Scope = tuple[str | None, str | None]
STANDARD: Scope = (None, None)


@dataclass(frozen=True, slots=True)
class ConversionPath:
    """How one unit becomes another: one of `formula` and `trouble` is None."""

    formula: Formula | None
    trouble: str | None
    rounding: Rounding | None = None
    """The rounding of the last conversion, if it has its own."""


@dataclass
class _Edge:
    """One conversion in the graph."""

    row: int
    conversion: Conversion
    fault: str | None

    @cached_property
    def _formula(self) -> Formula:
        return self.conversion.formula

    def line(self, start: str) -> Formula:
        forward = start == self.conversion.from_unit
        return self._formula if forward else self._formula.inverse()

    def other(self, unit: str) -> str:
        conversion = self.conversion
        return conversion.to_unit if unit == conversion.from_unit else conversion.from_unit


@dataclass(slots=True)
class _Reached:
    """A unit in the spanning tree of one scope."""

    to_root: Formula
    parent: str | None = None
    edge: _Edge | None = None
    depth: int = 0


@dataclass(slots=True)
class Graph:
    """All conversions between units, by scope."""

    units: Mapping[str, Unit]
    _edges: dict[Scope, dict[str, list[_Edge]]] = field(default_factory=dict)

    def add(self, row: int, conversion: Conversion, fault: str | None) -> None:
        known = self._edges.setdefault(conversion.scope, {})
        edge = _Edge(row, conversion, fault)
        for end in (conversion.from_unit, conversion.to_unit):
            known.setdefault(end, []).append(edge)

    def refuse_contradictions(self) -> list[tuple[int, str]]:
        """Refuse the conversions of contradictory cycles; return their rows and the reasons."""
        for edges in self._edges.values():
            for found in edges.values():
                found.sort(key=_order)
        return sorted(
            found for edges in self._edges.values() for found in self._contradictions(edges)
        )

    @property
    def products(self) -> list[str]:
        """The products with conversions of their own."""
        return sorted({product for product, _ in self._edges if product is not None})

    @property
    def variants(self) -> list[str]:
        """The variants with conversions of their own, whatever their products."""
        return sorted({variant for _, variant in self._edges if variant is not None})

    def way(self, from_: str, to: str, product: str | None, variant: str | None) -> ConversionPath:
        """The way between two known units."""
        if from_ == to:
            return ConversionPath(Formula(), None)
        own: list[Scope] = [] if variant is None else [(product, variant)]
        own += [] if product is None else [(product, None)]
        scopes = [scope for scope in [*own, STANDARD] if scope in self._edges]
        for most in range(1, len(scopes) + 1):
            straight = self._straight(from_, to, scopes[:most])
            path = [straight] if straight else self._path(from_, to, scopes[:most])
            if path is not None:
                return _along(path, from_)
        return ConversionPath(None, self._nothing(from_, to))

    def _nothing(self, from_: str, to: str) -> str:
        classes = self.units[from_].unit_class, self.units[to].unit_class
        trouble = f"nothing converts {from_!r} to {to!r}"
        if classes[0] == classes[1]:
            return trouble
        between = f"between {classes[0]} and {classes[1]}"
        return f"{trouble}: {between} only the product's own conversion does, and it has none"

    def _straight(self, from_: str, to: str, scopes: Sequence[Scope]) -> _Edge | None:
        """The most specific conversion between just these two units."""
        found = (
            edge
            for scope in scopes
            for edge in self._edges[scope].get(from_, ())
            if edge.other(from_) == to
        )
        return next(found, None)

    def _path(self, from_: str, to: str, scopes: Sequence[Scope]) -> list[_Edge] | None:
        """The fewest conversions from one unit to another."""
        came: dict[str, _Edge | None] = {from_: None}
        queue = deque([from_])
        while queue and to not in came:
            here = queue.popleft()
            for there, edge in self._next(here, scopes):
                if there not in came:
                    came[there] = edge
                    queue.append(there)
        if to not in came:
            return None
        path: list[_Edge] = []
        here = to
        while (step := came[here]) is not None:
            path.append(step)
            here = step.other(here)
        return path[::-1]

    def _next(self, unit: str, scopes: Sequence[Scope]) -> list[tuple[str, _Edge]]:
        """The units one conversion away, each by its most specific one."""
        found: dict[str, _Edge] = {}
        for scope in scopes:
            for edge in self._edges[scope].get(unit, ()):
                found.setdefault(edge.other(unit), edge)
        return sorted(found.items(), key=lambda each: (not self.units[each[0]].is_base, each[0]))

    def _contradictions(self, edges: Mapping[str, list[_Edge]]) -> Iterator[tuple[int, str]]:
        """Compare every conversion that closes a cycle with the others of the cycle."""
        every = {edge.row: edge for found in edges.values() for edge in found}
        if len(every) < 2:
            return
        tree: dict[str, _Reached] = {}
        for start in sorted(edges, key=lambda unit: (not self.units[unit].is_base, unit)):
            if start not in tree:
                _grow(tree, start, edges)
        in_tree = {each.edge.row for each in tree.values() if each.edge is not None}
        for edge in sorted(every.values(), key=_order):
            if edge.row in in_tree or _is_refused(edge):
                continue
            trouble = _disagreement(tree, edge)
            if trouble is not None:
                for refused in [edge, *_round(tree, edge)]:
                    if refused.fault is None:
                        refused.fault = trouble
                        yield refused.row, trouble


def _order(edge: _Edge) -> tuple[str, ...]:
    """The order in which conversions are judged and tried: by what they say, not by their rows."""
    said = edge.conversion
    return said.from_unit, said.to_unit, repr(said)


def _is_refused(edge: _Edge) -> bool:
    """Whether it is refused already, so that it cannot contradict others."""
    return edge.fault is not None


def _grow(tree: dict[str, _Reached], start: str, edges: Mapping[str, list[_Edge]]) -> None:
    tree[start] = _Reached(Formula())
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for edge in edges[here]:
            there = edge.other(here)
            if there not in tree and not _is_refused(edge):
                formula = edge.line(there).then(tree[here].to_root)
                tree[there] = _Reached(formula, here, edge, tree[here].depth + 1)
                queue.append(there)


def _disagreement(tree: Mapping[str, _Reached], edge: _Edge) -> str | None:
    """How a conversion contradicts the rest of its cycle; None if it does not."""
    from_, to = edge.conversion.from_unit, edge.conversion.to_unit
    other = tree[from_].to_root.then(tree[to].to_root.inverse())
    own = edge.conversion.formula
    if own == other:
        return None
    ways = (own.of(1), other.of(1))
    texts = [decimal_text(each) for each in ways]
    texts = texts if texts[0] != texts[1] else [str(each) for each in ways]
    return (
        f"the conversions between {from_!r} and {to!r} disagree: 1 {from_} is "
        f"{texts[0]} {to} by one path and {texts[1]} {to} by another"
    )


def _round(tree: Mapping[str, _Reached], edge: _Edge) -> Iterator[_Edge]:
    """The conversions of the tree that form the rest of the cycle."""
    one, two = edge.conversion.from_unit, edge.conversion.to_unit
    while one != two:
        if tree[one].depth < tree[two].depth:
            one, two = two, one
        step = tree[one]
        assert step.edge is not None
        assert step.parent is not None
        yield step.edge
        one = step.parent


def _along(path: Sequence[_Edge], start: str) -> ConversionPath:
    fault = next((edge.fault for edge in path if edge.fault is not None), None)
    if fault is not None:
        return ConversionPath(None, fault)
    formula = path[0].line(start)
    here = path[0].other(start)
    for edge in path[1:]:
        formula = formula.then(edge.line(here))
        here = edge.other(here)
    return ConversionPath(formula, None, path[-1].conversion.rounding)
