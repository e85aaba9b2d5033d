"""The writes to one entity whose periods collide, row after row in the order of the batch.

A row that starts where the target has none is an *insert*, whatever the mode: it closes the
period that it starts in.  Otherwise it is an *update* of the row that starts there (or at
`was:<start>`), and the mode says how:

    new         the values hold from now on: the row that is valid now is closed, and a new
                one begins; so it is too where that row has followed the one that is meant
    correction  the row itself changes, and where its bounds move its neighbours' move along
    effective   new where the row is valid now, else correction

A row changes no period but its own and those it closes or moves.  What collides may be put
right by a later row of the batch, so the end decides: rows that then overlap, leave time
that had a row without one, or leave a forbidden gap are refused, the later ones first, and
the rest is gone through again without them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

Mode = Literal["new", "correction", "effective"]
Span = tuple[int, int]

_PATIENCE = 20
"""So many times the refused rows of an entity are tried again."""


@dataclass(slots=True)
class Row:
    """A row as it stands: its period, where it comes from, and whose values it has."""

    begins: int
    ends: int
    origin: int
    """Its number among the existing rows, -1 for a new one."""
    payload: int
    """The number of the row that has its values, existing rows first, then the incoming."""
    by: int = -1
    """The place in the batch of the row that wrote or moved it last."""
    hopes: bool = False
    """Whether it lies over a row that a later one of the batch may yet move away."""

    @property
    def span(self) -> Span:
        return (self.begins, self.ends)


@dataclass(frozen=True, slots=True)
class Write:
    """An incoming row."""

    begins: int
    ends: int
    was: int
    """Where the row that it updates starts now."""
    payload: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The place in the batch of a refused row, the rule and the period that it collides with."""

    place: int
    rule: str
    other: Span


@dataclass(frozen=True)
class Terms:
    """What holds for all entities of a write."""

    mode: Mode
    now: int
    gaps: bool
    """Whether gaps are forbidden."""
    values: dict[int, int]
    """Equal numbers for payloads with equal values."""


def write_entity(
    held: Sequence[Row], batch: Sequence[Write], terms: Terms
) -> tuple[list[Row], list[Refused]]:
    """The rows of one entity after a batch, by start, and what was refused of the batch."""
    known = _holes(held)
    overlap = _first_overlap(held)
    if overlap is not None:
        healed = _Course(held, batch, terms, frozenset())
        if not healed.refused and not healed.faults(known):
            return healed.rows, []
        return list(held), [
            Refused(place, "target_unsound", overlap) for place in range(len(batch))
        ]
    left_out: dict[int, Refused] = {}
    tried = 0
    while True:
        course = _Course(held, batch, terms, frozenset(left_out))
        faults = course.faults(known)
        if not faults:
            return course.rows, [*left_out.values(), *course.refused]
        # of two rows that collide one is of the batch: the target was sound before
        assert all(fault.place >= 0 for fault in faults)
        # a refused row may fit once another is left out; a hopeless batch is not tried for ever
        tried += 1
        for fault in faults if tried <= _PATIENCE else faults + course.refused:
            left_out.setdefault(fault.place, fault)


def _holes(rows: Sequence[Row]) -> list[Span]:
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
class _Debt:
    """Time behind an insert that lost its row when the period around it was closed."""

    place: int
    closed: Span
    lost: Span


@dataclass
class _Course:
    """One pass over a batch."""

    held: Sequence[Row]
    batch: Sequence[Write]
    terms: Terms
    left_out: frozenset[int]
    rows: list[Row] = field(init=False)
    refused: list[Refused] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = [replace(row) for row in self.held]
        self._debts: dict[int, list[_Debt]] = {}
        self._last_told = {
            start: place
            for place, write in enumerate(self.batch)
            if place not in self.left_out
            for start in (write.was, write.begins)
        }
        for place, write in enumerate(self.batch):
            if place not in self.left_out:
                self._write(place, write)

    def _write(self, place: int, write: Write) -> None:
        at = self._at(write.was)
        if at is None and write.was != write.begins:
            at = self._at(write.begins)
        problem = self._insert(place, write) if at is None else self._update(place, write, at)
        if problem is not None:
            self.refused.append(problem)

    def _at(self, begins: int) -> int | None:
        at = bisect_left(self.rows, begins, key=_begins)
        return at if at < len(self.rows) and self.rows[at].begins == begins else None

    def _insert(self, place: int, write: Write) -> Refused | None:
        at = bisect_left(self.rows, write.begins, key=_begins)
        behind = self.rows[at] if at < len(self.rows) else None
        # a row that the batch says nothing more of stays in the way
        over = behind is not None and behind.begins < write.ends
        if behind is not None and over and self._last_told.get(behind.begins, -1) < place:
            return Refused(place, "overlap", behind.span)
        former = self.rows[at - 1] if at else None
        if former is not None and former.ends > write.begins:
            if former.ends > write.ends:
                debt = _Debt(place, former.span, (write.ends, former.ends))
                self._debts.setdefault(id(former), []).append(debt)
            former.ends = write.begins
        new = Row(write.begins, write.ends, -1, write.payload, place, hopes=over)
        insort(self.rows, new, key=_begins)
        return None

    def _update(self, place: int, write: Write, at: int) -> Refused | None:
        followed = None if self.terms.mode == "correction" else self._follower(write, at)
        if followed is not None:
            at, write = followed, replace(write, begins=self.rows[followed].begins)
        row, terms = self.rows[at], self.terms
        current = row.begins <= terms.now < min(row.ends, write.ends)
        if terms.mode == "correction" or (terms.mode == "effective" and not current):
            problem = self._correct(place, write, at)
        else:
            problem = self._follow(place, write, row, current=current)
        if problem is None:
            self._debts.pop(id(row), None)
        return problem

    def _follow(self, place: int, write: Write, row: Row, *, current: bool) -> Refused | None:
        now = self.terms.now
        changed = self._changed(row, write)
        if write.begins != row.begins:
            return Refused(place, "moves_start", row.span)
        if changed and not current:
            return Refused(place, "not_current", row.span)
        if changed and row.begins < now:
            row.ends, row.by = now, place
            insort(self.rows, Row(now, write.ends, -1, write.payload, place), key=_begins)
        elif changed or write.ends != row.ends:
            row.ends, row.payload, row.by = write.ends, write.payload, place
        return None

    def _changed(self, row: Row, write: Write) -> bool:
        return self.terms.values[row.payload] != self.terms.values[write.payload]

    def _follower(self, write: Write, at: int) -> int | None:
        """The row valid now that has followed the one at `at`, and ends as the incoming row does.

        An app without dates goes on telling of one row where the target has two by now.
        """
        now = self.terms.now
        if not write.begins <= now < write.ends or self.rows[at].ends > now:
            return None
        current = bisect_right(self.rows, now, key=_begins) - 1
        row = self.rows[current]
        return current if current > at and row.ends == write.ends else None

    def _correct(self, place: int, write: Write, at: int) -> Refused | None:
        row = self.rows[at]
        if not self._changed(row, write) and (write.begins, write.ends) == row.span:
            return None
        former = self.rows[at - 1] if at else None
        behind = self.rows[at + 1] if at + 1 < len(self.rows) else None
        # a neighbour that a row of the batch has laid over this one is for the end to judge
        before = former if former is not None and former.ends <= row.begins else None
        after = behind if behind is not None and behind.begins >= row.ends else None
        starts_move = before is not None and (
            before.ends > write.begins or (self.terms.gaps and before.ends == row.begins)
        )
        ends_move = after is not None and (
            after.begins < write.ends or (self.terms.gaps and after.begins == row.ends)
        )
        if former is not None and write.begins <= former.begins:
            return Refused(place, "covers", former.span)
        if behind is not None and (
            write.begins >= behind.begins
            if after is None
            else ends_move and write.ends >= after.ends
        ):
            return Refused(place, "covers", behind.span)
        if before is not None and starts_move and before.ends != write.begins:
            before.ends, before.by = write.begins, place
        if after is not None and ends_move and after.begins != write.ends:
            after.begins, after.by = write.ends, place
        row.begins, row.ends = write.begins, write.ends
        row.payload, row.by = write.payload, place
        return None

    def faults(self, known: Sequence[Span]) -> list[Refused]:
        """What is wrong at the end, of the first kind that is: the rows to leave out.

        `known` are the holes that were there before.
        """
        overlaps, gaps = [], []
        reach: Row | None = None
        for row in self.rows:
            if reach is not None and reach.ends != row.begins:
                first, last = sorted((reach, row), key=lambda each: (each.hopes, each.by))
                hole = (reach.ends, row.begins)
                if reach.ends > row.begins:
                    overlaps.append(Refused(last.by, "overlap", first.span))
                elif self.terms.gaps and not any(
                    _holds(each, hole) for each in _near(known, hole[0])
                ):
                    gaps.append(Refused(last.by, "gap", first.span))
            if reach is None or row.ends > reach.ends:
                reach = row
        return overlaps or self._lost() or gaps

    def _lost(self) -> list[Refused]:
        debts = [debt for each in self._debts.values() for debt in each]
        stretches = _stretches(self.rows) if debts else []
        return [
            Refused(debt.place, "inside", debt.closed)
            for debt in debts
            if not any(_holds(each, debt.lost) for each in _near(stretches, debt.lost[0]))
        ]


def _stretches(rows: Sequence[Row]) -> list[Span]:
    """The times that rows cover without a break, in order."""
    found: list[Span] = []
    for row in rows:
        if found and row.begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], row.ends))
        else:
            found.append(row.span)
    return found


def _near(stretches: Sequence[Span], at: int) -> Sequence[Span]:
    """The one stretch that `at` can lie in, if any."""
    number = bisect_right(stretches, at, key=_first)
    return stretches[number - 1 : number] if number else ()


def _holds(outer: Span, inner: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _first(span: Span) -> int:
    return span[0]


def _begins(row: Row) -> int:
    return row.begins
