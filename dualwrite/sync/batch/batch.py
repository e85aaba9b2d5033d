"""The value that travels: a batch of rows, and what the stages have found of it so far.

A `Batch` is immutable; each stage of `dualwrite.sync.batch.pipeline` returns a new one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.transactions import Writing, Written
from dualwrite.errors import RowsRefusedError
from dualwrite.link import Side
from dualwrite.rules import Verdict
from dualwrite.sync.batch.decide import Decision, Policy, conflict_policy
from dualwrite.sync.batch.gate import Gate, rules_only
from dualwrite.sync.batch.held import Held
from dualwrite.sync.batch.held_changes import HeldChanges, split_ids
from dualwrite.sync.batch.outcomes import (
    DECIDED,
    STAYS,
    Mask,
    Outcome,
    Outcomes,
    constant,
    flat,
    marked,
)
from dualwrite.sync.batch.target import TargetState
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.capture.origins import Origins
from dualwrite.sync.routes.lookups import Finder
from dualwrite.sync.routes.route import Route
from dualwrite.sync.session import Session
from dualwrite.translate.rows import fit

_LATER: Any = None
"""A field that a later stage sets."""


class RowsFrom(Enum):
    """Where the rows of a batch come from, and so what each side states of them."""

    QUEUE = "changed rows: each side states the columns that it has changed"
    HELD = "held rows, tried again: only the columns that waited are stated"
    TABLE = "rows of a whole table: each side states all columns"


class Takes(Enum):
    """Which rows a job wants, or a route can carry, by what the target holds."""

    ALL = "every row"
    NEW = "rows that the target does not hold"
    PRESENT = "rows that the target holds"
    UNTOUCHED = "rows that an application neither holds locked nor has changed; they are there"
    UNMOVED = "held rows that the target's side has not changed itself"
    KNOWN = "rows that the target holds or has held"
    CLEAN = "rows that both sides hold and only the source has changed"

    def others(self, state: TargetState) -> Mask:
        """The rows that are not taken."""
        match self:
            case Takes.ALL:
                others = constant(False, len(state.found))
            case Takes.NEW:
                others = pc.or_(state.found, state.locked)
            case Takes.PRESENT:
                others = pc.invert(pc.or_(state.found, state.locked))
            case Takes.UNTOUCHED:
                others = pc.or_(state.locked, state.changed)
            case Takes.UNMOVED:
                others = state.changed
            case Takes.KNOWN:
                others = pc.invert(pc.or_(state.found, state.changed))
            case Takes.CLEAN:
                others = pc.invert(pc.and_not(state.found, state.changed))
        return others

    @property
    def rest(self) -> Outcome:
        """What becomes of the other rows."""
        match self:
            case Takes.ALL | Takes.NEW | Takes.PRESENT | Takes.UNTOUCHED:
                return Outcome.NOT_WANTED
            case Takes.UNMOVED:
                return Outcome.STAYS_HELD
            case Takes.KNOWN | Takes.CLEAN:
                return Outcome.NEEDS_WIDER_ROUTE


@dataclass(frozen=True)
class Carrying:
    """How a job has its batches carried.

    Args:
        policy: Who wins what both sides state.
        takes: Which rows are wanted, or fit the route; the others end as `takes.rest`.
        fresh: The target holds none of the keys: nothing is looked for.
        last: This pass carries the last part of its entries: they are applied with it, and
            what of its rows is held is counted then.
        overrides: A person has chosen the side that the rows come from: it also wins over what
            the target's side has changed or deleted since.
        late: An earlier pass has counted the rows: columns are carried that it left out.
    """

    policy: Policy
    takes: Takes = Takes.ALL
    fresh: bool = False
    last: bool = True
    late: bool = False
    overrides: bool = False


@dataclass(frozen=True)
class BatchContext:
    """What every batch of one map has in common.

    Args:
        session: The project.
        finder: Resolves lookups; shared by the maps of a job.
        captures: The queues that are installed, by side.
        epoch: That of the map's lease.
        gate: Judges each batch.
        dry_run: Nothing is written.
        policy: In the place of the map's own conflict policy: a person has decided.
        recording: Whether held rows and conflicts go to the journal within the transaction;
            else the caller records them.
        run: The number of the initial sync, for the log.
    """

    session: Session
    finder: Finder
    captures: Mapping[Side, Capture] = field(default_factory=dict)
    epoch: int = 0
    gate: Gate = rules_only
    dry_run: bool = False
    policy: Policy | None = None
    recording: bool = True
    run: int | None = None
    closed: defaultdict[Side, list[pa.Array]] = field(default_factory=lambda: defaultdict(list))
    """Ids of a side's own entries that a conflict has dealt with in this cycle."""
    came: defaultdict[Side, list[Changes]] = field(default_factory=lambda: defaultdict(list))
    """Of those, rows of that side that are new under their key."""
    stamps: dict[Side, int] = field(default_factory=dict)
    """The stamp of the last record in the other side's inbox, by source: of the open transaction,
    or of the last that was committed."""
    begun: defaultdict[Side, pa.Array] = field(default_factory=lambda: defaultdict(_no_ids))
    """Ids of a side's entries of which all has crossed but the lookups that come last."""
    held: dict[Side, HeldChanges] = field(default_factory=dict)
    """What the journal holds back of a side's changes."""
    released: list[int] = field(default_factory=list)
    """Held rows that a conflict dealt with, until that is committed."""
    recorded: list[str] = field(default_factory=list)
    """Tokens of the conflicts that were journalled in the open transaction."""

    def conflict_policy(self, route: Route) -> Policy:
        """Who wins a conflict on this route."""
        return self.policy or conflict_policy(route.table_map, route.source)

    def origin(self, route: Route, side: Side) -> Origin:
        """Who writes on a side of the route."""
        capture = self.captures.get(side)
        return self._origins.of(route.table_map, side, capture, self.epoch)

    @cached_property
    def _origins(self) -> Origins:
        return Origins(self.session)

    def close(self, writing: Writing, side: Side, ids: pa.Array) -> None:
        """Acknowledge a side's own entries, in a transaction in its app: a conflict covers them."""
        queued, held = split_ids(ids)
        writing.acknowledge(self.captures[side], queued)
        self.closed[side].append(queued)
        self.released.extend(held)

    @contextmanager
    def transaction(self, route: Route) -> Iterator[Writing | None]:
        """A transaction in the target of a route; none in a dry run.

        Once it is committed, held rows that its conflicts dealt with are discarded.  Where the
        commit is refused, its conflicts are discarded from the journal: nothing was decided.
        """
        if self.dry_run:
            yield None
            return
        self.released.clear()
        self.recorded.clear()
        closed = {side: len(ids) for side, ids in self.closed.items()}
        stamps, begun = dict(self.stamps), dict(self.begun)
        journal, target = self.session.journal, route.target
        committed = False
        try:
            with self.session.apps[target].writing(self.origin(route, target)) as writing:
                yield writing
            committed = True
        except RowsRefusedError:
            for side, ids in self.closed.items():
                del ids[closed.get(side, 0) :]
            journal.conflicts.discard(route.table_map.name, self.recorded)
            raise
        finally:
            if not committed:
                for kept, before in ((self.stamps, stamps), (self.begun, begun)):
                    kept.clear()
                    kept.update(before)
        if self.released:
            journal.held.discard(self.released)
            self.released.clear()


@dataclass(frozen=True)
class Ready:
    """m rows of a batch that are to be written, or to be held with their reason.

    Shapes: `rows` (m, c) as the target gate judges them, `numbers` (m,) their places in the batch.
    """

    rows: pa.Table
    numbers: pa.Array
    verdict: Verdict


@dataclass(frozen=True)
class Batch:
    """n rows of one route, with n different keys.

    Shapes: all fields are aligned with `rows` (n, c), as read from the source and named by source
    path; a delete has its keys only.  `entries` are the changes behind the rows (none where the
    rows were read from the table).  `verdict` is that of the first gate.
    """

    route: Route
    rows: pa.Table
    rows_from: RowsFrom
    entries: Changes | None = None
    outcomes: Outcomes = _LATER
    translated: pa.Table = _LATER
    verdict: Verdict = _LATER
    target: TargetState = _LATER
    decision: Decision = _LATER
    ready: Ready = _LATER
    written: Written = field(default_factory=Written)
    held: Held = field(default_factory=Held)
    of: int = 0
    """How many rows the batch had of which this is a part."""

    def __post_init__(self) -> None:
        if self.outcomes is None:
            object.__setattr__(self, "outcomes", Outcomes.none(self.rows.num_rows))
        object.__setattr__(self, "of", max(self.of, self.rows.num_rows))

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def part(self, low: int, high: int) -> Batch:
        """The rows from one number up to another, as they were before the pipeline."""
        n = high - low
        if n == len(self):
            return self
        numbers = pa.array(range(low, high), pa.int64())
        entries = None if self.entries is None else self.entries.take(numbers)
        rows = self.rows.slice(low, n)
        part = Batch(self.route, rows, self.rows_from, entries, of=len(self))
        if self.decision is None:
            return part
        here = marked(numbers, len(self))
        return replace(
            part,
            translated=self.translated.slice(low, n),
            verdict=self.verdict.filter(here),
            decision=self.decision.part(low, n),
        )

    def end(self, where: Mask, outcome: Outcome) -> Batch:
        """With an outcome for the rows of `where` that are still on their way."""
        return replace(self, outcomes=self.outcomes.end(where, outcome))

    @property
    def conflicts(self) -> Mask:
        """The rows in conflict whose decision was carried out.

        Of a table, also those that are held here: what they lost goes back all the same.  A held
        row that is tried again is none: it is not taken where the other side has changed.
        """
        if self.rows_from is RowsFrom.HELD:
            return constant(False, len(self))
        if self.rows_from is RowsFrom.QUEUE:
            return pc.and_(self.decision.disputed, self.outcomes.among(*DECIDED))
        left = self.outcomes.among(*STAYS, Outcome.NOT_WANTED, Outcome.SUPERSEDED)
        return pc.and_(pc.and_not(self.decision.disputed, left), self.verdict.passed)

    @property
    def changed_text(self) -> pa.Array | None:
        """Which columns each row's entries state, as an entry spells it; None for all."""
        return None if self.entries is None else self.entries.changed

    @cached_property
    def target_keys(self) -> pa.Table:
        """The keys as the target spells them."""
        names = list(self.route.flow.key)
        return fit(self.translated.select(names), self.route.key_flow)


def _no_ids() -> pa.Array:
    return pa.array([], pa.int64())


def where(rows: pa.Table, mask: Mask) -> pa.Table:
    """The rows that the mask keeps; nothing is copied where it keeps all."""
    return rows if flat(mask).true_count == rows.num_rows else rows.filter(mask)


def numbers_of(mask: Mask) -> pa.Array:
    """The places where a mask holds."""
    return pc.indices_nonzero(flat(mask)).cast(pa.int64())
