"""What became of a batch, and what a job did with one map."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.errors import DualWriteError
from dualwrite.journal.records import BatchRecord, Counts, key_text
from dualwrite.journal.store import Journal
from dualwrite.logs import BATCH, Counted
from dualwrite.sync.batch.batch import Batch, BatchContext, RowsFrom
from dualwrite.sync.batch.held import Held
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.batch.outcomes import ACKNOWLEDGED, STAYS, Mask, Outcome
from dualwrite.sync.capture.changes import Changes

Progress = Callable[[str, int, int], None]
"""Called after each partition: the map, partitions done, partitions in all."""


def silent(name: str, done: int, total: int) -> None:
    """Report no progress."""
    del name, done, total


@dataclass(frozen=True)
class BatchResult:
    """What became of the n rows of one batch; its counts are counts of their outcomes.

    `keys` (m, k), by source path, are those of the rows that were dealt with in full: what the
    journal holds of them is settled by this batch.
    """

    batch: Batch
    counts: Counts
    held: Held
    keys: pa.Table
    last: bool = True
    """Whether the last part of its entries was carried, so that they may be acknowledged."""

    @property
    def direction(self) -> str:
        """`finops->dataverse` or the other."""
        return self.batch.route.source.direction

    @property
    def entries(self) -> Changes:
        """The changes behind the rows; there are some where the rows came from a queue."""
        assert self.batch.entries is not None
        return self.batch.entries

    @property
    def acknowledged(self) -> Changes:
        """The changes of the rows that are across, or whose record is in the journal."""
        return self.entries.filter(self.batch.outcomes.among(*ACKNOWLEDGED))

    @property
    def stays(self) -> Changes:
        """The changes of the rows that stay in the queue."""
        return self.entries.filter(self.batch.outcomes.among(*STAYS))

    @property
    def needs_wider_route(self) -> Mask:
        """Rows for which the route was too narrow."""
        return self.batch.outcomes.among(Outcome.NEEDS_WIDER_ROUTE)


def result_of(batch: Batch, *, late: bool = False, last: bool = True) -> BatchResult:
    """Count the outcomes of a batch.

    Of a `late` one, rows and keys were counted when the rows were first written.
    """
    outcomes, written = batch.outcomes, batch.written
    left = outcomes.count(*STAYS, Outcome.NOT_WANTED)
    disputed = 0
    if batch.decision is not None:
        disputed = pc.sum(batch.conflicts).as_py()
    same = outcomes.count(Outcome.UNCHANGED, Outcome.SUPERSEDED)
    counts = Counts(
        read=0 if late else len(batch) - left,
        written=written.inserted + written.updated,
        unchanged=0 if late else same + written.unchanged,
        deleted=outcomes.count(Outcome.DELETED),
        rejected=len(batch.held.rejected) if last else 0,
        parked=len(batch.held.parked) if last else 0,
        conflicts=disputed or 0,
    )
    keys = batch.rows.select(list(batch.route.flow.source_key))
    if late:
        keys = keys.slice(0, 0)
    elif left:
        keys = keys.filter(pc.invert(outcomes.among(*STAYS, Outcome.NOT_WANTED)))
    return BatchResult(batch, counts, batch.held, keys.drop_null(), last)


def log_batch(context: BatchContext, result: BatchResult, started: float) -> None:
    """Log the line of a batch; `started` is by `time.perf_counter`."""
    if not BATCH.wanted:
        return
    batch = result.batch
    BATCH.log(
        map=batch.route.table_map.name,
        direction=result.direction,
        run=context.run,
        rows_from=batch.rows_from.name.lower(),
        rows=len(batch),
        outcomes=Counted(batch.outcomes.by_name()),
        counts=Counted(result.counts.as_dict()),
        seconds=round(time.perf_counter() - started, 6),
        dry_run=context.dry_run,
    )


def log_rows(map_name: str, direction: str, outcome: Outcome, counts: Counts) -> None:
    """Log the line of queued rows that end before a batch is made of them."""
    BATCH.log(
        map=map_name,
        direction=direction,
        run=None,
        rows_from=RowsFrom.QUEUE.name.lower(),
        rows=counts.read,
        outcomes=Counted({outcome.name.lower(): counts.read}),
        counts=Counted(counts.as_dict()),
        seconds=0.0,
        dry_run=False,
    )


@dataclass
class Totals:
    """What became of the rows of some batches, by direction (`finops->dataverse`)."""

    counts: dict[str, Counts] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    keys: dict[str, tuple[pa.Table, ...]] = field(default_factory=dict)
    """Keys, by source path, of all rows that were dealt with."""

    def records(self, journal: Journal, map_name: str) -> dict[str, BatchRecord]:
        """What to journal of these batches, by direction.

        A key that was dealt with is discarded from what the journal holds, unless it is held anew.
        """
        found = {}
        for direction, counts in self.counts.items():
            held = self.held.get(direction, Held())
            before = HeldChanges(journal, map_name, direction)
            cleared = before.among(*self.keys.get(direction, ()))
            cleared -= {key_text(key) for key in held.keys}
            found[direction] = BatchRecord(counts, held.rejected, held.parked, cleared)
        return found

    def add(self, result: BatchResult) -> None:
        """Add the result of one batch."""
        direction = result.direction
        self.counts[direction] = self.counts.get(direction, Counts()) + result.counts
        self.held[direction] = self.held.get(direction, Held()) + result.held
        self.keys[direction] = (*self.keys.get(direction, ()), result.keys)


@dataclass
class MapResult:
    """What a run did with one map."""

    map: str
    seconds: float = 0.0
    counts: dict[str, Counts] = field(default_factory=dict)
    note: str = ""
    """Why nothing was carried."""
    stuck: bool = False
    """Whether a person must act first; else it goes on by itself."""
    held: list[tuple[str, object]] = field(default_factory=list)
    fault: DualWriteError | None = None
    """The error behind the note, where it is one."""

    def add(self, totals: Totals) -> None:
        """Add the counts of some batches."""
        for direction, counts in totals.counts.items():
            self.counts[direction] = self.counts.get(direction, Counts()) + counts
