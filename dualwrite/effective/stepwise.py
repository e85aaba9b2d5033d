"""Plans the writes to one entity with conflicting periods, row by row in the batch's order.

A row with a start that the target does not have is an *insert* in every mode: it closes the
period in which it starts.  Otherwise it is an *update* of the row with this start (or with
`was:<start>`), and the mode decides how:

    new         the values are valid from now on: the row that is valid now is closed and a new
                one begins; also where that row is a successor of the one that is updated
    correction  the row itself changes; where its bounds change, its neighbours' change with it
    effective   `new` where the row is valid now, else `correction`

A row changes no periods but its own and those it closes or moves.  A later row of the batch may
resolve a conflict, so the final state decides: rows that then overlap, leave time without a row
that had one, or leave a forbidden gap are refused, the later ones first, and the others are
planned again without them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

Mode = Literal["new", "correction", "effective"]
Span = tuple[int, int]

_ATTEMPTS = 20
"""How often the refused rows of an entity are tried again."""


@dataclass(slots=True)
class Row:
    """A row of the plan: its period, its origin, and the row whose values it has."""

    begins: int
    ends: int
    origin: int
    """Its number among the existing rows, -1 for a new one."""
    payload: int
    """The number of the row that has its values: existing rows first, then incoming ones."""
    by: int = -1
    """The position in the batch of the row that wrote or moved it last."""
    overlaps_for_now: bool = False
    """Whether it overlaps a row that a later one of the batch may still move."""

    @property
    def span(self) -> Span:
        return (self.begins, self.ends)


@dataclass(frozen=True, slots=True)
class IncomingRow:
    """An incoming row."""

    begins: int
    ends: int
    was: int
    """The present start of the row that it updates."""
    payload: int


@dataclass(frozen=True, slots=True)
class RefusedWrite:
    """A refused row by its position in the batch, the rule, and the conflicting period."""

    place: int
    rule: str
    other: Span


@dataclass(frozen=True)
class Terms:
    """The parameters of a write that all entities share."""

    mode: Mode
    now: int
    gaps: bool
    """True where gaps are forbidden."""
    values: dict[int, int]
    """A number for each payload; equal values have equal numbers."""


def write_entity(
    held: Sequence[Row], batch: Sequence[IncomingRow], terms: Terms
) -> tuple[list[Row], list[RefusedWrite]]:
    """The rows of one entity after a batch, sorted by start, and the refused rows of the batch."""
    known = _gaps_between(held)
    overlap = _first_overlap(held)
    if overlap is not None:
        plan = _Pass(held, batch, terms, frozenset())
        if not plan.refused and not plan.faults(known):
            return plan.rows, []
        return list(held), [
            RefusedWrite(place, "target_unsound", overlap) for place in range(len(batch))
        ]
    left_out: dict[int, RefusedWrite] = {}
    tried = 0
    while True:
        plan = _Pass(held, batch, terms, frozenset(left_out))
        faults = plan.faults(known)
        if not faults:
            return plan.rows, [*left_out.values(), *plan.refused]
        # the target had no overlaps, so one of two conflicting rows is of the batch
        assert all(fault.place >= 0 for fault in faults)
        # a refused row may fit once another is left out; the number of attempts is limited
        tried += 1
        for fault in faults if tried <= _ATTEMPTS else faults + plan.refused:
            left_out.setdefault(fault.place, fault)


def _gaps_between(rows: Sequence[Row]) -> list[Span]:
    stretches = _stretches(rows)
    return [(one[1], other[0]) for one, other in pairwise(stretches)]


def _first_overlap(rows: Sequence[Row]) -> Span | None:
    furthest: Row | None = None
    for row in rows:
        if furthest is not None and furthest.ends > row.begins:
            return row.span
        furthest = row
    return None


@dataclass
class _LostTime:
    """Time after an insert that lost its row when the period around the insert was closed."""

    place: int
    closed: Span
    lost: Span


@dataclass
class _Pass:
    """One pass over a batch."""

    held: Sequence[Row]
    batch: Sequence[IncomingRow]
    terms: Terms
    left_out: frozenset[int]
    rows: list[Row] = field(init=False)
    refused: list[RefusedWrite] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = [replace(row) for row in self.held]
        self._lost_times: dict[int, list[_LostTime]] = {}
        self._last_write = {
            start: place
            for place, write in enumerate(self.batch)
            if place not in self.left_out
            for start in (write.was, write.begins)
        }
        for place, write in enumerate(self.batch):
            if place not in self.left_out:
                self._write(place, write)

    def _write(self, place: int, write: IncomingRow) -> None:
        at = self._at(write.was)
        if at is None and write.was != write.begins:
            at = self._at(write.begins)
        problem = self._insert(place, write) if at is None else self._update(place, write, at)
        if problem is not None:
            self.refused.append(problem)

    def _at(self, begins: int) -> int | None:
        at = bisect_left(self.rows, begins, key=_begins)
        return at if at < len(self.rows) and self.rows[at].begins == begins else None

    def _insert(self, place: int, write: IncomingRow) -> RefusedWrite | None:
        at = bisect_left(self.rows, write.begins, key=_begins)
        behind = self.rows[at] if at < len(self.rows) else None
        # a row that no later row of the batch touches stays in conflict
        over = behind is not None and behind.begins < write.ends
        if behind is not None and over and self._last_write.get(behind.begins, -1) < place:
            return RefusedWrite(place, "overlap", behind.span)
        former = self.rows[at - 1] if at else None
        if former is not None and former.ends > write.begins:
            if former.ends > write.ends:
                lost_time = _LostTime(place, former.span, (write.ends, former.ends))
                self._lost_times.setdefault(id(former), []).append(lost_time)
            former.ends = write.begins
        new = Row(write.begins, write.ends, -1, write.payload, place, overlaps_for_now=over)
        insort(self.rows, new, key=_begins)
        return None

    def _update(self, place: int, write: IncomingRow, at: int) -> RefusedWrite | None:
        succeeding = None if self.terms.mode == "correction" else self._follower(write, at)
        if succeeding is not None:
            at, write = succeeding, replace(write, begins=self.rows[succeeding].begins)
        row, terms = self.rows[at], self.terms
        current = row.begins <= terms.now < min(row.ends, write.ends)
        if terms.mode == "correction" or (terms.mode == "effective" and not current):
            problem = self._correct(place, write, at)
        else:
            problem = self._follow(place, write, row, current=current)
        if problem is None:
            self._lost_times.pop(id(row), None)
        return problem

    def _follow(
        self, place: int, write: IncomingRow, row: Row, *, current: bool
    ) -> RefusedWrite | None:
        now = self.terms.now
        changed = self._changed(row, write)
        if write.begins != row.begins:
            return RefusedWrite(place, "moves_start", row.span)
        if changed and not current:
            return RefusedWrite(place, "not_current", row.span)
        if changed and row.begins < now:
            row.ends, row.by = now, place
            insort(self.rows, Row(now, write.ends, -1, write.payload, place), key=_begins)
        elif changed or write.ends != row.ends:
            row.ends, row.payload, row.by = write.ends, write.payload, place
        return None

    def _changed(self, row: Row, write: IncomingRow) -> bool:
        return self.terms.values[row.payload] != self.terms.values[write.payload]

    def _follower(self, write: IncomingRow, at: int) -> int | None:
        """The row valid now that succeeded the one at `at` and has the end of the incoming row.

        An app without dates still sends one row where the target has two by now.
        """
        now = self.terms.now
        if not write.begins <= now < write.ends or self.rows[at].ends > now:
            return None
        current = bisect_right(self.rows, now, key=_begins) - 1
        row = self.rows[current]
        return current if current > at and row.ends == write.ends else None

    def _correct(self, place: int, write: IncomingRow, at: int) -> RefusedWrite | None:
        row = self.rows[at]
        if not self._changed(row, write) and (write.begins, write.ends) == row.span:
            return None
        former = self.rows[at - 1] if at else None
        behind = self.rows[at + 1] if at + 1 < len(self.rows) else None
        # an overlap caused by another row of the batch is checked in the final state
        before = former if former is not None and former.ends <= row.begins else None
        after = behind if behind is not None and behind.begins >= row.ends else None
        starts_move = before is not None and (
            before.ends > write.begins or (self.terms.gaps and before.ends == row.begins)
        )
        ends_move = after is not None and (
            after.begins < write.ends or (self.terms.gaps and after.begins == row.ends)
        )
        if former is not None and write.begins <= former.begins:
            return RefusedWrite(place, "covers", former.span)
        if behind is not None and (
            write.begins >= behind.begins
            if after is None
            else ends_move and write.ends >= after.ends
        ):
            return RefusedWrite(place, "covers", behind.span)
        if before is not None and starts_move and before.ends != write.begins:
            before.ends, before.by = write.begins, place
        if after is not None and ends_move and after.begins != write.ends:
            after.begins, after.by = write.ends, place
        row.begins, row.ends = write.begins, write.ends
        row.payload, row.by = write.payload, place
        return None

    def faults(self, known: Sequence[Span]) -> list[RefusedWrite]:
        """The rows to leave out because of the final state: overlaps, else lost time, else gaps.

        `known` are the gaps that existed before.
        """
        overlaps, gaps = [], []
        reach: Row | None = None
        for row in self.rows:
            if reach is not None and reach.ends != row.begins:
                first, last = sorted((reach, row), key=_blame_order)
                gap = (reach.ends, row.begins)
                if reach.ends > row.begins:
                    overlaps.append(RefusedWrite(last.by, "overlap", first.span))
                elif self.terms.gaps and not any(
                    _holds(each, gap) for each in _near(known, gap[0])
                ):
                    gaps.append(RefusedWrite(last.by, "gap", first.span))
            if reach is None or row.ends > reach.ends:
                reach = row
        return overlaps or self._lost() or gaps

    def _lost(self) -> list[RefusedWrite]:
        lost_times = [lost_time for each in self._lost_times.values() for lost_time in each]
        stretches = _stretches(self.rows) if lost_times else []
        return [
            RefusedWrite(lost_time.place, "inside", lost_time.closed)
            for lost_time in lost_times
            if not any(_holds(each, lost_time.lost) for each in _near(stretches, lost_time.lost[0]))
        ]


def _stretches(rows: Sequence[Row]) -> list[Span]:
    """The uninterrupted times that rows cover, in order."""
    found: list[Span] = []
    for row in rows:
        if found and row.begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], row.ends))
        else:
            found.append(row.span)
    return found


def _near(stretches: Sequence[Span], at: int) -> Sequence[Span]:
    """The one stretch that can contain `at`, if any."""
    number = bisect_right(stretches, at, key=_first)
    return stretches[number - 1 : number] if number else ()


def _holds(outer: Span, inner: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _blame_order(row: Row) -> tuple[bool, int]:
    return row.overlaps_for_now, row.by


def _first(span: Span) -> int:
    return span[0]


def _begins(row: Row) -> int:
    return row.begins
