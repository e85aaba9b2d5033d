"""What the journal holds, as plain data: no database, no Arrow.

A row that waits is *held*: rejected by a rule or by an app, or parked until
another row is there.  A key of one direction is held once; the newest word on it
counts.  All held rows share one sequence of ids, never used twice, so that an id
alone names a row on the command line.  Conflicts have a sequence of their own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from dualwrite.journal.lag import Lag
from dualwrite.link import Side

Outcome = Literal["done", "failed", "cancelled", "refused"]
ConflictStatus = Literal["open", "settled", "undone"]
Key = Mapping[str, str | None]


class MapStatus(Enum):
    """Where a map stands; the words are the user's."""

    NOT_RUNNING = "not running"
    INITIALIZING = "initializing"
    RUNNING = "running"
    PAUSED = "paused"
    RESUMING = "resuming"


def key_text(key: Key) -> str:
    """The one text of a key: compact JSON, its columns in the given order."""
    return json.dumps(dict(key), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one direction, by what became of them."""

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
    """A map as the journal knows it, with how many of its rows wait."""

    name: str
    status: MapStatus
    since: datetime
    last_cycle_at: datetime | None = None
    rejected: int = 0
    parked: int = 0
    conflicts: int = 0
    queues: Mapping[str, str] = field(default_factory=dict)
    """Side name to the table in which that app queues dirty keys; empty without capture."""
    pending: Mapping[str, int] = field(default_factory=dict)
    """Side name to the entries that stood in its queue at the end of the last cycle."""
    waits: str | None = None
    """Why the map carries nothing now: an app is away, its tables have changed, a guard."""
    lag: Lag | None = None
    """Of the last quarter of an hour, both ways; None where nothing was carried."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What an app should show of a map: by another epoch it was restored from a backup."""

    epoch: int
    capture: str
    """Fingerprint of the capture that was installed."""
    looked: str | None = None
    """As of when it was last seen which dated rows show; where the map shows only those."""


@dataclass(frozen=True, slots=True)
class Run:
    """One piece of work on a map.  `finished_at` is None while it goes on, or after a crash."""

    id: int
    map: str
    kind: str
    options: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    counts: Mapping[str, Counts] = field(default_factory=dict)
    """By direction (`finops->dataverse`): what its finished partitions did."""


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """A stretch of a table, copied in one go; bounds as in `apps.base.KeyRange`."""

    direction: str
    phase: int
    number: int
    columns: tuple[str, ...]
    low: tuple[str, ...] | None
    high: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Partition:
    """A planned partition, and when it was done."""

    plan: PartitionPlan
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that a rule, or the other app, refused."""

    key: Key
    rule: str
    reason: str
    row: Mapping[str, Any]
    column: str = ""
    """What the rule looked at; '' where the app refused, or where it is the row as a whole."""
    cure: str = ""
    """What a person can do about it."""
    changed: tuple[str, ...] | None = None
    """Own columns whose change waits; None is all of them."""


@dataclass(frozen=True, slots=True)
class Parking:
    """A row that waits for another: `waits_for` names that one."""

    key: Key
    waits_for: str
    reason: str
    row: Mapping[str, Any]
    changed: tuple[str, ...] | None = None
    """As of a `Rejection`."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a piece of work did in one direction; `cleared` are keys that wait no longer."""

    counts: Counts = field(default_factory=Counts)
    rejected: Sequence[Rejection] = ()
    parked: Sequence[Parking] = ()
    cleared: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A held row as stored; `cause` is the rule that rejected it, or what it is parked for."""

    id: int
    kind: Literal["rejected", "parked"]
    map: str
    direction: str
    key: Key
    cause: str
    reason: str
    row: Mapping[str, Any]
    at: datetime
    """When it was last refused or parked."""
    column: str = ""
    cure: str = ""
    changed: tuple[str, ...] | None = None
    """Own columns whose change waits, of all times it was held; None is all of them."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Held rows of one cause."""

    map: str
    direction: str
    kind: Literal["rejected", "parked"]
    cause: str
    reason: str
    """The reason of one of them."""
    rows: int
    column: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row that changed on both sides since they last agreed."""

    key: Key
    """In finops terms."""
    token: str
    """The same conflict, journalled again after a crash, has the same one."""
    kind: Literal["update", "delete"]
    """`delete`: one side deleted what the other changed."""
    policy: str
    outcome: str
    """`finops`, `dataverse`, `merged`, `kept`, or `waits` for a person."""
    rows: Mapping[Side, Mapping[str, Any] | None]
    """What each side had, in its own terms; None where it was deleted."""
    changed: Mapping[Side, tuple[str, ...] | None] = field(default_factory=dict)
    """Own columns that each side had changed; None is all of them."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column to the side that won it."""
    status: ConflictStatus = "settled"


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A conflict as stored."""

    id: int
    map: str
    at: datetime
    settled_at: datetime | None
    """None while it waits."""
    conflict: Conflict


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the activity log."""

    id: int
    at: datetime
    map: str | None
    event: str
    text: str
    detail: Mapping[str, Any] | None = None
