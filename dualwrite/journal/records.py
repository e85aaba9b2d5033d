"""What the journal holds, as plain data: no database, no Arrow.

A row that waits is *held*: rejected by a rule or by an app, or parked until
another row is there.  A key of one direction is held once; the newest word on it
counts.  All held rows share one sequence of ids, never used twice, so that an id
alone names a row on the command line.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import Any, Literal

Outcome = Literal["done", "failed", "cancelled", "refused"]
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
    mend: str = ""
    """What a person can do about it."""


@dataclass(frozen=True, slots=True)
class Parking:
    """A row that waits for another: `waits_for` names that one."""

    key: Key
    waits_for: str
    reason: str
    row: Mapping[str, Any]


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
    mend: str = ""


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
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the activity log."""

    id: int
    at: datetime
    map: str | None
    event: str
    text: str
    detail: Mapping[str, Any] | None = None
