"""Comparing both sides through a map in bounded memory: checksums, then rows where they differ.

Rows are compared as the sync itself would compare them: translated, null-safe, only in columns
that the map carries.  A row that the journal holds is reported as such: it differs for a known
reason.  What changes meanwhile is no difference: a row that is not the same is read again, and
one that is in a queue is `pending`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.query import Query
from dualwrite.apps.unreadable import any_unreadable, unreadable_of
from dualwrite.journal.records import key_text
from dualwrite.link import Side
from dualwrite.sync.batch.keys import keys_of
from dualwrite.sync.batch.outcomes import Mask, constant, some
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.reconcile.checksums import suspects
from dualwrite.sync.routes.counterparts import counterparts
from dualwrite.sync.routes.reading import batches, reading
from dualwrite.sync.routes.route import Route, compile_route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.amounts import keep_equivalent
from dualwrite.translate.compare import differs
from dualwrite.translate.keys import key_text as key_texts
from dualwrite.translate.rows import comparable, translate

SHOWN = 100


class Difference(Enum):
    """How a row is not the same."""

    DIFFER = "differ"
    ONLY = "only"
    PENDING = "pending"
    """It differs, and its change is queued."""


Found = Callable[[Difference, Side, pa.Table], None]
"""Called with rows that are not the same: how, and on which side they were read."""


@dataclass
class Comparison:
    """What `reconcile` found.  `rows` holds the first hundred that are not the same."""

    map: str
    same: int = 0
    differ: int = 0
    only: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    pending: int = 0
    """Rows whose change is queued and not carried yet."""
    held: int = 0
    """How many of those that differ, or have no counterpart, the journal holds."""
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def unexplained(self) -> int:
        """Rows that are not the same and not held."""
        return self.differ + sum(self.only.values()) - self.held


def reconcile(
    session: Session,
    table_map: TableMap,
    *,
    found: Found | None = None,
    believed: Collection[Side] = tuple(Side),
    progress: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Compare every row that the map takes part in.

    Rows that only the target holds are found by reading that side too; in a map that flows one
    way they are counted, not named, for nothing translates them back.

    Args:
        session: The project.
        table_map: The map.
        found: Called with all rows that are not the same, batch by batch.
        believed: Sides whose queues count: what is queued there is pending.
        progress: Called with how many more rows were compared.
    """
    result = Comparison(table_map.name)
    sides = [side for side in Side if table_map.flows_from(side)]
    routes = {side: compile_route(session, table_map, side) for side in sides}
    queries = {side: reading(session, table_map, side) for side in Side}
    source, target = sides[0], sides[0].other
    read = batches(session, source, queries[source]), batches(session, target, queries[target])
    suspected = suspects(routes[source], routes.get(target), read, progress)
    if not suspected.any():
        result.same = suspected.rows
    for side in sides if suspected.any() else ():
        first = side is source
        comparing = _Comparing(session, routes, queries[side], side, believed, alone=not first)
        recording = _Recording(session, result, side, found)
        for whole in batches(session, side, queries[side]):
            rows = whole.filter((suspected.of if first else suspected.across)(whole))
            if first:
                result.same += whole.num_rows - rows.num_rows
            if not rows.num_rows:
                continue
            compared = comparing.compare(rows)
            same = rows.num_rows - _count(compared.unlike)
            # what changed, or crossed, between the two reads is compared again
            compared = comparing.again(compared)
            waits = comparing.pending(compared)
            result.pending += _count(waits)
            recording.add(Difference.ONLY, compared.rows.filter(pc.and_not(compared.only, waits)))
            if first:
                pending = compared.rows.filter(pc.and_(compared.unequal, waits))
                if found is not None and pending.num_rows:
                    found(Difference.PENDING, side, pending)
                differ = pc.and_not(compared.unequal, waits)
                columns = {name: mask.filter(differ) for name, mask in compared.columns.items()}
                theirs = compared.theirs.filter(differ)
                recording.add(Difference.DIFFER, compared.rows.filter(differ), columns, theirs)
                result.same += same + compared.rows.num_rows - _count(compared.unlike)
    if len(sides) == 1:
        known = result.same + result.differ + result.pending
        result.only[target] = max(0, session.apps[target].count(queries[target]) - known)
    return result


@dataclass(frozen=True)
class _Compared:
    """n rows of one side and their counterparts: which have none, which differ, and where."""

    rows: pa.Table
    out: pa.Table
    theirs: pa.Table
    only: Mask
    unequal: Mask
    columns: Mapping[str, Mask]

    @property
    def unlike(self) -> Mask:
        """Rows that are not the same."""
        return pc.or_(self.only, self.unequal)


class _Comparing:
    """Compares rows of one side; with `alone` only those without a counterpart count."""

    def __init__(
        self,
        session: Session,
        routes: Mapping[Side, Route],
        query: Query,
        source: Side,
        believed: Collection[Side],
        *,
        alone: bool,
    ) -> None:
        self._session, self._source, self._alone = session, source, alone
        self._route, self._back = routes[source], routes.get(source.other)
        table_map = self._route.table_map
        self._own = query
        self._across = reading(session, table_map, source.other, filtered=False)
        captures = installed(session, table_map)
        self._captures = {side: each for side, each in captures.items() if side in believed}

    def compare(self, rows: pa.Table) -> _Compared:
        """Compare rows as they were read with what the other side holds now."""
        out = translate(rows, self._route.flow)
        theirs, here, _ = counterparts(self._session, self._route, self._across, out)
        only = pc.invert(here)
        if self._alone:
            return _Compared(rows, out, theirs, only, constant(False, len(here)), {})
        columns = unequal_columns(self._route, self._back, rows, out, theirs)
        for name, read in (("unreadable", rows), ("unreadable across", theirs)):
            if any_unreadable(read):
                columns[name] = unreadable_of(read).is_valid()
        unequal = pc.and_(here, reduce(pc.or_, columns.values(), constant(False, len(here))))
        return _Compared(rows, out, theirs, only, unequal, columns)

    def again(self, compared: _Compared) -> _Compared:
        """Read the rows that were not the same once more, and compare those."""
        keys = compared.rows.filter(compared.unlike).select([str(p) for p in self._own.key])
        if not keys.num_rows:
            return self.compare(compared.rows.slice(0, 0))
        return self.compare(self._session.apps[self._source].fetch(self._own, keys))

    def pending(self, compared: _Compared) -> Mask:
        """Which rows that are not the same have an entry in a queue."""
        if not some(compared.unlike):
            return compared.unlike
        own = compared.rows.select([str(path) for path in self._own.key])
        there = compared.out.select(list(self._route.flow.key))
        queued = pc.or_(self._queued(self._source, own), self._queued(self._source.other, there))
        return pc.and_(compared.unlike, queued)

    def _queued(self, side: Side, keys: pa.Table) -> Mask:
        capture = self._captures.get(side)
        if capture is None:
            return constant(False, keys.num_rows)
        names = [str(path) for path in capture.key]
        asked = keys.rename_columns(names)
        with self._session.apps[side].writing() as looking:
            entries = looking.entries(capture, asked)
        return pc.is_in(key_texts(asked, names), value_set=key_texts(entries.keys, names))


def unequal_columns(
    route: Route, back: Route | None, rows: pa.Table, out: pa.Table, theirs: pa.Table
) -> dict[str, Mask]:
    """For each column of the map, by its path on the side that takes it: the rows that disagree."""
    held = comparable(theirs, route.flow)
    ready = keep_equivalent(out, held, route.flow)
    columns = {name: differs(ready[name], held[name]) for name in route.flow.names}
    if back is not None:
        own = comparable(rows, back.flow)
        ready = keep_equivalent(translate(theirs, back.flow), own, back.flow)
        for column in back.flow.columns:
            if str(column.source) not in route.two_way:
                name = str(column.target)
                columns[name] = differs(ready[name], own[name])
    return columns


class _Recording:
    """Counts rows that are not the same, keeps the first hundred, gives all to the caller."""

    def __init__(
        self, session: Session, result: Comparison, side: Side, found: Found | None
    ) -> None:
        self.result, self.side, self.found = result, side, found
        table_map = session.map(result.map)
        self.key = [str(path) for path in table_map.end(side).key]
        self.key_across = [str(path) for path in table_map.end(side.other).key]
        self.held = session.journal.held.keys(result.map, side.direction)
        self.held_across = session.journal.held.keys(result.map, side.other.direction)

    def add(
        self,
        kind: Difference,
        rows: pa.Table,
        columns: Mapping[str, Mask] | None = None,
        across: pa.Table | None = None,
    ) -> None:
        """Add rows of one kind, the columns that differ by row, and the rows' counterparts."""
        if not rows.num_rows:
            return
        if kind is Difference.ONLY:
            self.result.only[self.side] += rows.num_rows
        else:
            self.result.differ += rows.num_rows
        if self.found is not None:
            self.found(kind, self.side, rows)
        # without held rows only the first hundred rows need their keys
        if not self.held and not self.held_across and len(self.result.rows) >= SHOWN:
            return
        keys = keys_of(rows.select(self.key))
        waits = [key_text(key) in self.held for key in keys]
        if across is not None and self.held_across:
            # the counterpart may be held on its way to this side
            other = keys_of(across.select(self.key_across))
            waits = [
                w or key_text(k) in self.held_across for w, k in zip(waits, other, strict=True)
            ]
        self.result.held += sum(waits)
        what = "differ" if kind is Difference.DIFFER else f"only_{self.side.value}"
        for number in range(min(len(keys), SHOWN - len(self.result.rows))):
            row: dict[str, Any] = {"key": dict(keys[number]), "what": what, "held": waits[number]}
            if columns is not None:
                row["columns"] = [name for name, mask in columns.items() if mask[number].as_py()]
            self.result.rows.append(row)


def _count(mask: Mask) -> int:
    return int(pc.sum(mask).as_py() or 0)
