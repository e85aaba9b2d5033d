"""Comparing both sides through a map in bounded memory: checksums, then rows where they differ.

Rows are compared as the sync itself would compare them: told in the other side's
terms, null-safe, only in columns that the map carries.  A row that the journal
holds back is reported as such: it differs for a known reason.  What changes meanwhile is
no difference: a row that is not the same is read again, and one that stands in a queue
is `pending`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.journal.records import key_text
from dualwrite.link import Side
from dualwrite.sync.batch.keys import keys_of
from dualwrite.sync.batch.outcomes import Mask
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.reconcile.checksums import Suspects, suspects
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


class Kind(Enum):
    """How a row is not the same."""

    DIFFER = "differ"
    ONLY = "only"
    PENDING = "pending"
    """It differs, and its change is on its way."""


Found = Callable[[Kind, Side, pa.Table], None]
"""Told of rows that are not the same: how, and on which side they were read."""


@dataclass
class Comparison:
    """What `reconcile` found.  `rows` holds the first hundred that are not the same."""

    map: str
    same: int = 0
    differ: int = 0
    only: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    pending: int = 0
    """Rows whose change is on its way: queued, not carried yet."""
    held: int = 0
    """How many of those that differ or stand alone the journal holds back."""
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def unexplained(self) -> int:
        """Rows that are not the same and not held back."""
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

    Rows that only the side across holds are found by walking that side too; in a map
    that flows one way they are counted, not named, for nothing tells them back.

    Args:
        session: The project.
        table_map: The map.
        found: Told of all rows that are not the same, batch by batch.
        believed: Sides whose queues are asked what is on its way.
        progress: Told how many rows more were compared.

    Raises:
        TransientError, PermanentError: From the apps.
    """
    result = Comparison(table_map.name)
    sides = [side for side in Side if table_map.flows_from(side)]
    doubted = _doubted(session, table_map, sides[0], progress)
    if not doubted.there():
        result.same = doubted.rows
    for number, source in enumerate(sides if doubted.there() else ()):
        comparing = _Comparing(session, table_map, source, believed, alone=number > 0)
        noting = _Noting(session, result, source, found)
        for whole in batches(session, source, reading(session, table_map, source)):
            rows = whole.filter((doubted.across if number else doubted.of)(whole))
            if number == 0:
                result.same += whole.num_rows - rows.num_rows
            if not rows.num_rows:
                continue
            looked = comparing.look(rows)
            same = rows.num_rows - _count(looked.suspect)
            # what changed, or crossed, between the two reads is looked at again
            looked = comparing.again(looked)
            waits = comparing.waiting(looked)
            result.pending += _count(waits)
            stands = pc.invert(waits)
            noting.note(Kind.ONLY, looked.rows.filter(pc.and_(looked.only, stands)))
            if number == 0:
                on_its_way = looked.rows.filter(pc.and_(looked.unequal, waits))
                if found is not None and on_its_way.num_rows:
                    found(Kind.PENDING, source, on_its_way)
                differ = pc.and_(looked.unequal, stands)
                picked = {name: mask.filter(differ) for name, mask in looked.columns.items()}
                noting.note(
                    Kind.DIFFER, looked.rows.filter(differ), picked, looked.theirs.filter(differ)
                )
                result.same += same + looked.rows.num_rows - _count(looked.suspect)
    if len(sides) == 1:
        across = reading(session, table_map, sides[0].other)
        known = result.same + result.differ + result.pending
        beyond = session.apps[sides[0].other].count(across) - known
        result.only[sides[0].other] = max(0, beyond)
    return result


def _doubted(
    session: Session, table_map: TableMap, source: Side, progress: Callable[[int], None]
) -> Suspects:
    """Where both sides are not the same, by checksums."""
    flows_back = table_map.flows_from(source.other)
    route = compile_route(session, table_map, source)
    back = compile_route(session, table_map, source.other) if flows_back else None
    mine, theirs = (
        batches(session, side, reading(session, table_map, side)) for side in (source, source.other)
    )
    return suspects(route, back, (mine, theirs), progress)


@dataclass(frozen=True)
class _Looked:
    """n rows of one side held against the other: which stand alone, which differ, and where."""

    rows: pa.Table
    out: pa.Table
    theirs: pa.Table
    only: Mask
    unequal: Mask
    columns: Mapping[str, Mask]

    @property
    def suspect(self) -> Mask:
        """Rows that are not the same."""
        return pc.or_(self.only, self.unequal)


class _Comparing:
    """Compares rows of one side; on the second walk only those that stand `alone` count."""

    def __init__(
        self,
        session: Session,
        table_map: TableMap,
        source: Side,
        believed: Collection[Side],
        *,
        alone: bool,
    ) -> None:
        self._session, self._source, self._alone = session, source, alone
        self._way = compile_route(session, table_map, source)
        flows_back = table_map.flows_from(source.other)
        self._back = compile_route(session, table_map, source.other) if flows_back else None
        self._own = reading(session, table_map, source)
        self._across = reading(session, table_map, source.other, filtered=False)
        captures = installed(session, table_map)
        self._captures = {side: each for side, each in captures.items() if side in believed}

    def look(self, rows: pa.Table) -> _Looked:
        """Compare rows as they were read with what the other side holds now."""
        out = translate(rows, self._way.flow)
        theirs, here = counterparts(self._session, self._way, self._across, out)
        only = pc.invert(here)
        if self._alone:
            return _Looked(rows, out, theirs, only, pc.and_not(only, only), {})
        columns = unequal_columns(self._way, self._back, rows, out, theirs)
        return _Looked(rows, out, theirs, only, pc.and_(here, _any(columns, len(here))), columns)

    def again(self, looked: _Looked) -> _Looked:
        """Read the rows that were not the same once more, and compare those."""
        keys = looked.rows.filter(looked.suspect).select([str(p) for p in self._own.key])
        if not keys.num_rows:
            return self.look(looked.rows.slice(0, 0))
        return self.look(self._session.apps[self._source].fetch(self._own, keys))

    def waiting(self, looked: _Looked) -> Mask:
        """Which rows that are not the same stand in a queue: their change is on its way."""
        if not _count(looked.suspect):
            return looked.suspect
        own = looked.rows.select([str(path) for path in self._own.key])
        there = looked.out.select(list(self._way.flow.key))
        waits = pc.or_(self._queued(self._source, own), self._queued(self._source.other, there))
        return pc.and_(looked.suspect, waits)

    def _queued(self, side: Side, keys: pa.Table) -> Mask:
        capture = self._captures.get(side)
        if capture is None:
            return pa.repeat(pa.scalar(value=False), keys.num_rows)
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
    told = keep_equivalent(out, held, route.flow)
    columns = {name: differs(told[name], held[name]) for name in route.flow.names}
    if back is not None:
        own = comparable(rows, back.flow)
        told = keep_equivalent(translate(theirs, back.flow), own, back.flow)
        for column in back.flow.columns:
            if str(column.source) not in route.two_way:
                name = str(column.target)
                columns[name] = differs(told[name], own[name])
    return columns


class _Noting:
    """Counts rows that are not the same, keeps the first hundred, tells the caller of all."""

    def __init__(
        self, session: Session, result: Comparison, side: Side, found: Found | None
    ) -> None:
        self.result, self.side, self.found = result, side, found
        table_map = session.map(result.map)
        self.key = [str(path) for path in table_map.end(side).key]
        self.key_across = [str(path) for path in table_map.end(side.other).key]
        self.held = session.journal.held.keys(result.map, side.direction)
        self.held_across = session.journal.held.keys(result.map, side.other.direction)

    def note(
        self,
        kind: Kind,
        rows: pa.Table,
        columns: Mapping[str, Mask] | None = None,
        across: pa.Table | None = None,
    ) -> None:
        """Take in rows of one kind.

        `columns` says which columns disagree in which row; `across` are the rows' counterparts,
        where they have some.
        """
        if not rows.num_rows:
            return
        if kind is Kind.ONLY:
            self.result.only[self.side] += rows.num_rows
        else:
            self.result.differ += rows.num_rows
        if self.found is not None:
            self.found(kind, self.side, rows)
        if not self.held and not self.held_across and len(self.result.rows) >= SHOWN:
            return
        keys = keys_of(rows.select(self.key))
        waits = [key_text(key) in self.held for key in keys]
        if across is not None and self.held_across:
            # the counterpart may be held back on its way here
            other = keys_of(across.select(self.key_across))
            waits = [
                w or key_text(k) in self.held_across for w, k in zip(waits, other, strict=True)
            ]
        for number, (key, held) in enumerate(zip(keys, waits, strict=True)):
            self.result.held += held
            if len(self.result.rows) < SHOWN:
                self.result.rows.append(self._entry(kind, key, number, columns, held=held))

    def _entry(
        self,
        kind: Kind,
        key: Mapping[str, str | None],
        number: int,
        columns: Mapping[str, Mask] | None,
        *,
        held: bool,
    ) -> dict[str, Any]:
        what = "differ" if kind is Kind.DIFFER else f"only_{self.side.value}"
        entry: dict[str, Any] = {"key": dict(key), "what": what, "held": held}
        if columns is not None:
            entry["columns"] = [name for name, mask in columns.items() if mask[number].as_py()]
        return entry


def _any(columns: Mapping[str, Mask], size: int) -> Mask:
    total: Any = pa.chunked_array([pa.repeat(False, size)], pa.bool_())
    for mask in columns.values():
        total = pc.or_(total, mask)
    return total


def _count(mask: Mask) -> int:
    return int(pc.sum(mask).as_py() or 0)
