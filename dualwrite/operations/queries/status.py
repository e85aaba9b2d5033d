"""The status of every map, read without SQLAlchemy and Arrow, for it is asked often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dualwrite.errors import no_answer
from dualwrite.journal.lag import Lag
from dualwrite.journal.overview import read_overview
from dualwrite.journal.records import MapRecord
from dualwrite.link import AppNames, Side, load_link
from dualwrite.operations.pending import Pending, count_pending
from dualwrite.operations.results import QueryResult, timestamp


@dataclass(frozen=True, slots=True)
class MapState:
    """One map: its status, and what waits."""

    map: str
    status: str
    """`not running`, `initializing`, `running`, `paused` or `resuming`."""
    pending: Mapping[Side, int]
    """Changes in each app's queue."""
    rejected: int
    parked: int
    conflicts: int
    """Conflicts that wait for a person."""
    last_cycle_at: datetime | None
    lag: Lag | None
    """Seconds from commit to commit, of the last 15 minutes; None where nothing crossed."""
    waits: str | None
    """Why the map carries nothing at present."""
    waits_since: datetime | None
    """Since when it has carried nothing."""
    unseen: tuple[str, ...]
    """How rows can change so that no change crosses, as it was when capture was installed."""


@dataclass(frozen=True, slots=True)
class Silence:
    """An app that gives no answer."""

    since: datetime | None
    """When a worker first had none; None where none has met it."""
    heard: datetime | None
    """The end of the last cycle that it took part in; None where there was none."""
    maps: tuple[str, ...]
    """The maps that wait for it."""
    reason: str
    """What a worker was told first, in one line; empty where none has met it."""


@dataclass(frozen=True, slots=True)
class Status(QueryResult):
    """All maps that have run once."""

    maps: tuple[MapState, ...]
    not_asked: frozenset[Side]
    """Sides that did not answer: their `pending` is as of the end of the last cycle."""
    apps: AppNames
    """How people know the two apps."""
    silent: Mapping[Side, Silence]
    """Sides whose app does not answer."""

    def as_dict(self) -> dict[str, Any]:
        """`maps`: the status of each (design section 10)."""
        not_asked = sorted(side.value for side in self.not_asked)
        return {"maps": [_as_dict(each, not_asked) for each in self.maps]}


def status(project: Path, names: Sequence[str] = ()) -> Status:
    """The status of the maps of a project that are named, or of all that have run once.

    Raises:
        ConfigError: `dualwrite.toml` is missing or wrong.
        UnknownMapError: A name is of no map; where it is of one that has not run, it is left out.
        TransientError, PermanentError: The journal cannot be read.
    """
    link = load_link(project)
    records = _records(link.journal_url)
    if names:
        _refuse_unknown(project, names, {each.name for each in records})
        records = [each for each in records if each.name in names]
    pending = count_pending(link, records)
    states = (
        MapState(
            map=each.name,
            status=each.status.value,
            pending={side: pending.of(each, side) for side in Side},
            rejected=each.rejected,
            parked=each.parked,
            conflicts=each.conflicts,
            last_cycle_at=each.last_cycle_at,
            lag=each.lag,
            waits=each.waits,
            waits_since=each.waits_since,
            unseen=each.unseen,
        )
        for each in records
    )
    silent = _silences(records, pending)
    return Status(tuple(states), pending.not_asked, link.names, silent)


def _silences(records: Sequence[MapRecord], pending: Pending) -> dict[Side, Silence]:
    """The apps that gave no answer now, or to a worker where they are not asked here."""
    found = {}
    for side in Side:
        start = no_answer(side.value)
        waiting = [each for each in records if (each.waits or "").startswith(start)]
        if side in pending.heard or not (waiting or side in pending.silent):
            continue
        known = [each.waits_since for each in waiting if each.waits_since is not None]
        ends = [each.last_cycle_at for each in records if each.last_cycle_at is not None]
        first = (waiting[0].waits or "").partition("\n")[0] if waiting else ""
        found[side] = Silence(
            min(known, default=None),
            max(ends, default=None),
            tuple(each.name for each in waiting),
            first.removeprefix(start).strip(),
        )
    return found


def _refuse_unknown(project: Path, names: Sequence[str], recorded: Set[str]) -> None:
    """Refuse names of no map; the catalogue is looked into only for those that have not run."""
    if not (unrecorded := [name for name in names if name not in recorded]):
        return
    from dualwrite.tablemap.catalogue import Catalogue

    catalogue = Catalogue.load(project / "maps")
    for name in unrecorded:
        catalogue.entry(name)


def _records(journal_url: str) -> Sequence[MapRecord]:
    records = read_overview(journal_url)
    if records is not None:
        return records
    from dualwrite.journal.store import Journal

    with Journal.open(journal_url) as journal:
        return journal.maps.all()


def _as_dict(each: MapState, not_asked: Sequence[str]) -> dict[str, Any]:
    lag = None if each.lag is None else each.lag.as_dict()
    return {
        "map": each.map,
        "status": each.status,
        "pending": {side.value: count for side, count in each.pending.items()},
        "pending_as_of_last_cycle": list(not_asked),
        "rejected": each.rejected,
        "parked": each.parked,
        "conflicts": each.conflicts,
        "last_cycle_at": timestamp(each.last_cycle_at),
        "lag": None if lag is None else {name: round(value, 4) for name, value in lag.items()},
        "waits": each.waits,
        "waits_since": timestamp(each.waits_since),
        "unseen": list(each.unseen),
    }
