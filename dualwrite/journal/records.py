"""The contents of the journal as plain data, without database or Arrow types.

A *held* row was not written: it is *rejected* by a rule or by an app, or *parked* until another
row arrives.  A key is held at most once in each direction, with the newest reason.  All held
rows share one sequence of ids, and no id is used twice, so that an id alone names a row on the
command line.  Conflicts have their own sequence.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from dualwrite.journal.lag import Lag
from dualwrite.link import Side

Key = Mapping[str, str | None]


class MapStatus(Enum):
    """The status of a map, as users read it."""

    NOT_RUNNING = "not running"
    INITIALIZING = "initializing"
    RUNNING = "running"
    PAUSED = "paused"
    RESUMING = "resuming"


class RunOutcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class HeldKind(StrEnum):
    """Why a row is held."""

    REJECTED = "rejected"
    PARKED = "parked"


class ConflictKind(StrEnum):
    """What the two sides did to the row."""

    UPDATE = "update"
    DELETE = "delete"
    """One side deleted the row, the other changed it."""


class ConflictOutcome(StrEnum):
    """Which version both sides have after the decision."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"
    MERGED = "merged"
    """Each side won some columns."""
    KEPT = "kept"
    """A row that one side had deleted was kept."""
    WAITS = "waits"
    """A person must decide."""


class ConflictStatus(StrEnum):
    """Whether a conflict waits for a person."""

    OPEN = "open"
    CLOSED = "closed"
    UNDONE = "undone"
    """It was decided, and the decision was undone."""


def key_text(key: Key) -> str:
    """The canonical text of a key: compact JSON, its columns in the given order."""
    return json.dumps(dict(key), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of rows of one direction, by their outcome."""

    read: int = 0
    written: int = 0
    unchanged: int = 0
    deleted: int = 0
    rejected: int = 0
    parked: int = 0
    conflicts: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            *(mine + its for mine, its in zip(self.values(), other.values(), strict=True))
        )

    def values(self) -> tuple[int, ...]:
        """The numbers in the order of the fields."""
        return tuple(getattr(self, name) for name in COUNTED)

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return dict(zip(COUNTED, self.values(), strict=True))


COUNTED = tuple(each.name for each in fields(Counts))


@dataclass(frozen=True, slots=True)
class MapRecord:
    """A map's status, with the numbers of its held rows and open conflicts."""

    name: str
    status: MapStatus
    since: datetime
    last_cycle_at: datetime | None = None
    rejected: int = 0
    parked: int = 0
    conflicts: int = 0
    queues: Mapping[str, str] = field(default_factory=dict)
    """Side name to the change queue of that app; empty without capture."""
    pending: Mapping[str, int] = field(default_factory=dict)
    """Side name to the number of entries in its change queue after the last cycle."""
    waits: str | None = None
    """Why the map does not sync now: an app is unreachable, its tables changed, a guard."""
    waits_since: datetime | None = None
    """Since when it has not synced, for this reason or another; None where it does."""
    unseen: tuple[str, ...] = ()
    """How rows can change unseen on either side, one line each."""
    lag: Lag | None = None
    """Of the last 15 minutes in both directions; None when no change was synced."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The state in which an app was left for a map, to recognise one restored from a backup."""

    epoch: int
    """The newest epoch that the app has seen; a lower one there means an older copy."""
    capture: str
    """Fingerprint of the installed capture."""
    valid_as_of: str | None = None
    """For which time the currently valid dated rows were last determined; None if not needed."""
    applied: int = 0
    """The stamp that the app's inbox had; a lower one there means an older copy."""
    given: int = 0
    """The highest id of the app's queue that the app knows to be acknowledged."""
    unseen: tuple[str, ...] = ()
    """How rows of the app can change so that the capture does not see it, one line each."""
    companies: tuple[str, ...] = ()
    """The companies whose rows were carried last; empty for a global map."""


@dataclass(frozen=True, slots=True)
class Run:
    """An initial sync or another long job of a map.

    `finished_at` is None while it runs, and after a crash.
    """

    id: int
    map: str
    kind: str
    options: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime | None = None
    outcome: RunOutcome | None = None
    reason: str | None = None
    counts: Mapping[str, Counts] = field(default_factory=dict)
    """Totals of the finished partitions, by direction (`finops->dataverse`)."""


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """A key range of a table that is synced as one unit; bounds as in `apps.query.KeyRange`."""

    direction: str
    phase: int
    number: int
    columns: tuple[str, ...]
    low: tuple[str, ...] | None
    high: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Partition:
    """A planned partition, and when it was finished."""

    plan: PartitionPlan
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that a rule or the other app rejected."""

    key: Key
    rule: str
    reason: str
    row: Mapping[str, Any]
    column: str = ""
    """The column that the rule checks; '' for the row as a whole, or when the app rejected it."""
    cure: str = ""
    """What a person can do about it."""
    changed: tuple[str, ...] | None = None
    """Columns of the source whose change has not reached the target; None means all."""


@dataclass(frozen=True, slots=True)
class Parking:
    """A row that waits for another row, which `waits_for` names."""

    key: Key
    waits_for: str
    reason: str
    row: Mapping[str, Any]
    changed: tuple[str, ...] | None = None
    """As in `Rejection`."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """What one batch did in one direction: counts, rows to hold, and keys to release.

    `cleared` are the keys (as `key_text` writes them) that are no longer held.
    """

    counts: Counts = field(default_factory=Counts)
    rejected: Sequence[Rejection] = ()
    parked: Sequence[Parking] = ()
    cleared: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A held row as stored; `cause` is the rule that rejected it, or the row it waits for."""

    id: int
    kind: HeldKind
    map: str
    direction: str
    key: Key
    cause: str
    reason: str
    row: Mapping[str, Any]
    at: datetime
    """When it was last rejected or parked."""
    column: str = ""
    cure: str = ""
    changed: tuple[str, ...] | None = None
    """Columns of the source that changed since it was first held; None means all."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The held rows that share a cause, and how many they are."""

    map: str
    direction: str
    kind: HeldKind
    cause: str
    reason: str
    """The reason of one of the rows."""
    rows: int
    column: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row that changed on both sides since they last agreed."""

    key: Key
    """By finops columns."""
    token: str
    """Identifies the conflict: recorded again after a crash, it has the same token."""
    kind: ConflictKind
    policy: str
    outcome: ConflictOutcome
    rows: Mapping[Side, Mapping[str, Any] | None]
    """The version of each side, by its own columns; None where the row was deleted."""
    changed: Mapping[Side, tuple[str, ...] | None] = field(default_factory=dict)
    """The columns that each side had changed, by its own names; None means all."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column to the side that won it."""
    status: ConflictStatus = ConflictStatus.CLOSED


@dataclass(frozen=True, slots=True)
class StoredConflict:
    """A conflict with its id and times."""

    id: int
    map: str
    at: datetime
    closed_at: datetime | None
    """None while it is open."""
    conflict: Conflict


class Backlog(NamedTuple):
    """What of a map waits in the journal."""

    open_conflicts: int
    held_rows: int


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the activity log."""

    id: int
    at: datetime
    map: str | None
    event: str
    text: str
    detail: Mapping[str, Any] | None = None
