"""Which map needs which, and the order in which they run.

A lookup needs the rows that it points at: a map that writes a lookup into table T waits
for the maps that fill T.  `depends_on` adds what no lookup shows.  Where maps wait for
each other in a circle, or a table points at itself, some lookup columns are *deferred*:
the first pass leaves them empty and a second one fills them in.  Never deferred are key
columns, columns that take no null, and the entries of `depends_on`.

A lookup into a table that no map fills is no dependency: its rows are there, or come
from elsewhere, and a row that is not there is parked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from dualwrite.errors import PermanentError
from dualwrite.link import Side
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.notation import ColumnPath
from dualwrite.tablemap.schema import Reference

ReferenceOf = Callable[[Side, str, str], Reference | None]
"""(side, table, column) to what the column points at by foreign key, or None."""

NullableOf = Callable[[Side, str, str], bool]
"""(side, table, column) to whether the column takes null."""

Lookup = tuple[Side, str]
"""A lookup column of a map."""


@dataclass(frozen=True, slots=True)
class Need:
    """One reason why `map` comes after `needs`."""

    map: str
    needs: str
    lookup: Lookup | None
    """None where the map declares it by `depends_on`."""
    table: str

    def __str__(self) -> str:
        if self.lookup is None:
            return f"{self.map} after {self.needs}: it has depends_on"
        side, column = self.lookup
        return f"{self.map} after {self.needs}: {side.value} {column} points at {self.table}"


@dataclass(frozen=True, slots=True)
class Order:
    """The maps, those needed first."""

    levels: tuple[tuple[str, ...], ...]
    """Maps of one level do not wait for each other."""
    deferred: Mapping[str, frozenset[Lookup]]
    """Lookup columns that the second pass fills in; maps without any are not named."""
    needs: tuple[Need, ...]

    @property
    def sequence(self) -> tuple[str, ...]:
        """All maps, one after the other."""
        return tuple(name for level in self.levels for name in level)

    def why(self, name: str) -> tuple[str, ...]:
        """What the place of a map in the order comes from, a sentence a reason."""
        own = [need for need in self.needs if need.map == name]
        late = self.deferred.get(name, frozenset())
        return tuple(
            f"{need}, filled in by a second pass" if need.lookup in late else str(need)
            for need in own
        )


class CircleError(PermanentError):
    """Maps wait for each other, and no lookup column of the circle can be filled in later."""

    def __init__(self, circle: Sequence[str], reasons: Sequence[str]) -> None:
        self.circle, self.reasons = tuple(circle), tuple(reasons)
        listed = "\n  ".join(self.reasons)
        super().__init__(
            f"{', '.join(self.circle)}: the maps wait for each other. Nothing was written.\n"
            f"  {listed}\n"
            "  Let one of these columns be null, or take a depends_on away."
        )


def needs_of(maps: Iterable[TableMap], reference_of: ReferenceOf) -> tuple[Need, ...]:
    """Every reason why one of `maps` comes after another, or after itself; sorted."""
    maps = tuple(maps)
    filling: defaultdict[tuple[Side, str], list[str]] = defaultdict(list)
    for table_map in maps:
        for side in Side:
            if table_map.flows_from(side.other):
                filling[side, table_map.end(side).table.casefold()].append(table_map.name)
    names = {table_map.name for table_map in maps}

    found: set[Need] = set()
    for table_map in maps:
        for side, column, tables in written_lookups(table_map, reference_of):
            for table in tables:
                for other in filling[side, table.casefold()]:
                    found.add(Need(table_map.name, other, (side, column), table))
        found |= {
            Need(table_map.name, other, None, "")
            for other in table_map.depends_on
            if other in names
        }
    return tuple(sorted(found, key=_by_name))


def written_lookups(
    table_map: TableMap, reference_of: ReferenceOf
) -> tuple[tuple[Side, str, tuple[str, ...]], ...]:
    """The lookup columns that a map writes: (side, column, tables that it may point at)."""
    found: dict[Lookup, dict[str, None]] = {}
    for column in table_map.columns:
        for side in Side:
            path = column.end(side)
            if path is None or not path.is_lookup or not column.flows_from(side.other):
                continue
            tables = found.setdefault((side, path.column), {})
            tables.update(dict.fromkeys(_tables(table_map, side, path, reference_of)))
    return tuple((side, column, tuple(tables)) for (side, column), tables in found.items())


def order(
    maps: Iterable[TableMap],
    reference_of: ReferenceOf,
    nullable_of: NullableOf = lambda _side, _table, _column: True,
) -> Order:
    """Put maps into the order in which they run; the same maps always give the same order.

    Raises:
        CircleError: They wait for each other in a way that deferring cannot loosen.
    """
    by_name = {table_map.name: table_map for table_map in maps}
    needs = needs_of(by_name.values(), reference_of)

    def may_wait(need: Need) -> bool:
        if need.lookup is None:
            return False
        side, column = need.lookup
        end = by_name[need.map].end(side)
        is_key = any(path.column == column for path in end.key)
        return not is_key and nullable_of(side, end.table, column)

    deferred: defaultdict[str, set[Lookup]] = defaultdict(set)
    for need in needs:
        # Rows of one table come in any order, so what points at them waits in any case.
        if need.map == need.needs and need.lookup is not None and may_wait(need):
            deferred[need.map].add(need.lookup)
    while circle := _circle(by_name, needs, deferred):
        _loosen(circle, needs, deferred, may_wait)
    return Order(
        _levels(by_name, needs, deferred),
        {name: frozenset(deferred[name]) for name in sorted(deferred)},
        needs,
    )


def related(
    names: Iterable[str], maps: Iterable[TableMap], reference_of: ReferenceOf
) -> tuple[str, ...]:
    """The maps named and all that they need, directly or by others; sorted."""
    needs = needs_of(maps, reference_of)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [need.needs for need in needs if need.map == name]
    return tuple(sorted(found))


def _tables(
    table_map: TableMap, side: Side, path: ColumnPath, reference_of: ReferenceOf
) -> tuple[str, ...]:
    if path.targets:
        return tuple(table for table, _ in path.targets)
    end = table_map.end(side)
    reference = end.lookups.get(path.column) or reference_of(side, end.table, path.column)
    return () if reference is None else (reference.table,)


def _binding(needs: Sequence[Need], deferred: Mapping[str, set[Lookup]]) -> list[Need]:
    """The needs that the first pass has to heed."""
    return [
        need
        for need in needs
        if need.map != need.needs
        and (need.lookup is None or need.lookup not in deferred.get(need.map, ()))
    ]


def _sorter(
    names: Iterable[str], needs: Sequence[Need], deferred: Mapping[str, set[Lookup]]
) -> TopologicalSorter[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter({name: set() for name in sorted(names)})
    for need in _binding(needs, deferred):
        sorter.add(need.map, need.needs)
    return sorter


def _circle(
    names: Iterable[str], needs: Sequence[Need], deferred: Mapping[str, set[Lookup]]
) -> tuple[str, ...]:
    """Maps that wait for each other, the last for the first; empty if there are none."""
    try:
        _sorter(names, needs, deferred).prepare()
    except CycleError as error:
        # graphlib names each map before the one that needs it, the first again at the end.
        return tuple(error.args[1][:-1])
    return ()


def _loosen(
    circle: Sequence[str],
    needs: Sequence[Need],
    deferred: defaultdict[str, set[Lookup]],
    may_wait: Callable[[Need], bool],
) -> None:
    """Defer all lookups between two neighbours of the circle, the fewest that will do."""
    around = zip([*circle[1:], circle[0]], circle, strict=True)
    links = [[n for n in _binding(needs, deferred) if (n.map, n.needs) == pair] for pair in around]
    loose = [link for link in links if all(may_wait(need) for need in link)]
    if not loose:
        raise CircleError(sorted(circle), [str(need) for link in links for need in link])
    for need in min(loose, key=lambda link: (len(link), link[0].map, link[0].needs)):
        assert need.lookup is not None
        deferred[need.map].add(need.lookup)


def _levels(
    names: Iterable[str], needs: Sequence[Need], deferred: Mapping[str, set[Lookup]]
) -> tuple[tuple[str, ...], ...]:
    sorter = _sorter(names, needs, deferred)
    sorter.prepare()
    levels = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        levels.append(tuple(ready))
        sorter.done(*ready)
    return tuple(levels)


def _by_name(need: Need) -> tuple[str, str, str, str]:
    side, column = (need.lookup[0].value, need.lookup[1]) if need.lookup else ("", "")
    return (need.map, need.needs, side, column)
