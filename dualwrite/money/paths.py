"""Finds the exchange rates that lead from one currency to another on a day.

The first of these that is valid on the day counts: the rate of the pair; the reciprocal of the
rate of the reversed pair; two rates over the pivot currency of the rate type; two rates over
another common currency, in alphabetical order; and else the fewest rates that lead there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.money.ratetable import RateTable

NONE = pa.scalar(None, pa.int64())

Step = tuple[int, bool]
"""The position of a rate, and whether its reciprocal is meant."""


class RatePaths:
    """Finds paths in a table of rates."""

    def __init__(self, table: RateTable, pivots: Mapping[str, str]) -> None:
        self.table = table
        codes = {name: code for code, name in enumerate(table.currencies.to_pylist())}
        self._pivots = {
            code: codes.get(pivots[name])
            for code, name in enumerate(table.types.to_pylist())
            if name in pivots
        }
        self._over: dict[tuple[int, int, int], list[int]] = {}
        self._long: dict[tuple[int, int, int], bool] = {}
        self._far: dict[tuple[int, int, int, int], list[Step] | None] = {}

    def legs(
        self, types: pa.Array, froms: pa.Array, tos: pa.Array, days: pa.Array
    ) -> tuple[pa.Array, pa.Array]:
        """The position of each row's rate, and of the second one where two are needed.

        Shapes: all (n,) int64 codes, none null; so are both results.  A result is 2 x position,
        plus 1 where the reciprocal is meant; null where there is no rate.
        """
        first = self._leg(types, froms, tos, days)
        second = pa.nulls(len(first), pa.int64())
        missing = first.is_null()
        if not pc.any(missing).as_py():
            return first, second
        paths = self._over_third(*(each.filter(missing) for each in (types, froms, tos, days)))
        return (
            pc.replace_with_mask(first, missing, paths[0]),
            pc.replace_with_mask(second, missing, paths[1]),
        )

    def _leg(self, types: pa.Array, froms: pa.Array, tos: pa.Array, days: pa.Array) -> pa.Array:
        table = self.table
        straight = pc.multiply(table.find(table.pair_codes(types, froms, tos), days), 2)
        if not straight.null_count:
            return straight
        reversed_ = pc.multiply(table.find(table.pair_codes(types, tos, froms), days), 2)
        return pc.coalesce(straight, pc.add(reversed_, 1))

    def _over_third(
        self, types: pa.Array, froms: pa.Array, tos: pa.Array, days: pa.Array
    ) -> tuple[pa.Array, pa.Array]:
        """The two rates over the first common currency for which both are valid on the day."""
        distinct, place = self._triples(types, froms, tos)
        thirds = [self.over(*triple) for triple in distinct]
        first = second = pa.nulls(len(types), pa.int64())
        for turn in range(max(map(len, thirds), default=0)):
            third = pa.array(
                [each[turn] if turn < len(each) else None for each in thirds], pa.int64()
            ).take(place)
            third = pc.if_else(first.is_null(), third, NONE)
            here = self._leg(types, froms, third, days)
            on = self._leg(types, third, tos, days)
            both = pc.and_(here.is_valid(), on.is_valid())
            first, second = pc.if_else(both, here, first), pc.if_else(both, on, second)
            if not first.null_count:
                break
        return first, second

    def _triples(
        self, types: pa.Array, froms: pa.Array, tos: pa.Array
    ) -> tuple[list[tuple[int, int, int]], pa.Array]:
        """Each type and pair once, none of them null, and for each row the place among them."""
        codes = self.table.pair_codes(types, froms, tos)
        distinct = pc.unique(codes).drop_null()
        count = len(self.table.currencies)
        triples = [
            (code // count // count, code // count % count, code % count)
            for code in distinct.to_pylist()
        ]
        return triples, pc.index_in(codes, value_set=distinct)

    def over(self, type_: int, from_: int, to: int) -> list[int]:
        """The currencies that have a rate with both on any day, in order of preference."""
        key = (type_, from_, to)
        if key not in self._over:
            known = self._neighbours.get(type_, {})
            self._over[key] = self._in_order(type_, known.get(from_, set()) & known.get(to, set()))
        return self._over[key]

    def far(self, type_: int, from_: int, to: int, day: int) -> list[Step] | None:
        """The shortest path of more than two rates from one currency to another on a day."""
        key = (type_, from_, to, day)
        if key not in self._far:
            self._far[key] = self._search(type_, from_, to, day)
        return self._far[key]

    def may_be_far(self, types: pa.Array, froms: pa.Array, tos: pa.Array) -> pa.BooleanArray:
        """Which rows' currencies could have a path of more than two rates on any day."""
        distinct, place = self._triples(types, froms, tos)
        may = pa.array([self._has_long_path(*triple) for triple in distinct], pa.bool_())
        return pc.fill_null(may.take(place), fill_value=False)

    def _has_long_path(self, type_: int, from_: int, to: int) -> bool:
        key = (type_, from_, to)
        if key not in self._long:
            known = self._neighbours.get(type_, {})
            ends = known.get(to, set()) - {from_}
            self._long[key] = any(
                (ends - {start}) & _reached(known, start, {from_, to})
                for start in known.get(from_, set()) - {to}
            )
        return self._long[key]

    def _search(self, type_: int, from_: int, to: int, day: int) -> list[Step] | None:
        neighbours = self._neighbours.get(type_, {})
        reached: dict[int, list[Step]] = {from_: []}
        edge = [from_]
        while edge and to not in reached:
            beyond = []
            for here in edge:
                for there in self._in_order(type_, neighbours.get(here, set()) - reached.keys()):
                    step = self._step(type_, here, there, day)
                    if step is not None:
                        reached[there] = [*reached[here], step]
                        beyond.append(there)
            edge = beyond
        return reached.get(to)

    def _step(self, type_: int, from_: int, to: int, day: int) -> Step | None:
        count = len(self.table.currencies)
        for pair, reversed_ in (((from_, to), False), ((to, from_), True)):
            place = self.table.find_one((type_ * count + pair[0]) * count + pair[1], day)
            if place is not None:
                return place, reversed_
        return None

    def _in_order(self, type_: int, currencies: set[int]) -> list[int]:
        pivot = self._pivots.get(type_)
        return sorted(currencies, key=lambda code: (code != pivot, code))

    @cached_property
    def _neighbours(self) -> dict[int, dict[int, set[int]]]:
        """By rate type, the currencies with which each has a rate on any day."""
        count = len(self.table.currencies)
        found: dict[int, dict[int, set[int]]] = {}
        for pair in self.table.pairs.to_pylist():
            type_, from_, to = pair // count // count, pair // count % count, pair % count
            of_type = found.setdefault(type_, {})
            of_type.setdefault(from_, set()).add(to)
            of_type.setdefault(to, set()).add(from_)
        return found


def _reached(known: Mapping[int, set[int]], start: int, without: set[int]) -> set[int]:
    """The currencies that can be reached from `start`, not over those of `without`."""
    found = {start}
    edge = [start]
    while edge:
        new = known[edge.pop()] - found - without
        found |= new
        edge += new
    return found
