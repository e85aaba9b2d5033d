"""The one way into the journal.

A `Journal` may be used from many threads, and many processes may have one open on
the same database.  Every method is one transaction.  Plain data goes in and out;
SQL and JSON stay here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text

from dualwrite.journal import conflicts as stored
from dualwrite.journal import cycles, held, intents, maps, runs
from dualwrite.journal.database import open_engine, reading, writing
from dualwrite.journal.glance import maps_sql, records
from dualwrite.journal.intents import Intent
from dualwrite.journal.lag import Lags
from dualwrite.journal.lease import Lease, holder, take
from dualwrite.journal.models import ActivityRow, LeaseRow, MapRow, TallyRow
from dualwrite.journal.records import (
    Activity,
    Cause,
    Conflict,
    ConflictRow,
    ConflictStatus,
    Counts,
    HeldRow,
    MapRecord,
    MapStatus,
    Mark,
    Outcome,
    Partition,
    PartitionPlan,
    Run,
    Share,
)
from dualwrite.journal.upgrade import bring_up_to_date
from dualwrite.link import Side


class Journal:
    """Status, runs, partitions, held rows and activity of a link's maps."""

    def __init__(self, engine: Engine, app: str) -> None:
        self._engine, self._app = engine, app

    @classmethod
    def open(cls, url: str, *, app_name: str = "journal") -> Journal:
        """Open the journal at `url`; made, or brought to this release's schema, when needed.

        Raises:
            ConfigError: The url is none, or a newer release wrote this journal.
            AppUnreachableError, AppRefusedError: The database will not have us.
            AppBusyError: Another worker holds it for too long.
            StorageFullError: There is no room for it.
        """
        engine = open_engine(url, app=app_name)
        try:
            bring_up_to_date(engine, app_name)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, app_name)

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Maps

    def status(self, map_name: str) -> MapStatus:
        """Where a map stands; `not running` for one never heard of."""
        with self._reading() as connection:
            status = connection.scalar(select(MapRow.status).where(MapRow.name == map_name))
        return MapStatus.NOT_RUNNING if status is None else MapStatus(status)

    def set_status(self, map_name: str, status: MapStatus, *, reason: str) -> None:
        """Move a map to `status`, and say so in the activity log.  To where it is: nothing."""
        with self._writing() as connection:
            maps.move(connection, map_name, status, reason)

    def move(
        self, map_name: str, status: MapStatus, *, among: Collection[MapStatus], reason: str
    ) -> MapStatus:
        """As `set_status`, for a map that stands among these; where it stood."""
        with self._writing() as connection:
            return maps.move(connection, map_name, status, reason, among)

    def set_last_cycle(self, map_name: str, at: datetime | None = None) -> None:
        """Note when the last cycle of a map ended: now, unless said otherwise."""
        self._set_map(map_name, last_cycle_at=at or datetime.now(UTC))

    def set_queues(self, map_name: str, queues: Mapping[str, str]) -> None:
        """Note in which table each app (by side name) queues the map's dirty keys."""
        self._set_map(map_name, queues=dict(queues))

    def set_marks(self, map_name: str, marks: Mapping[Side, Mark]) -> None:
        """Note what each app should show of a map the next time."""
        self._set_map(map_name, marks=maps.spelled(marks))

    def marks(self, map_name: str) -> dict[Side, Mark]:
        """What each app should show of a map; a side without capture has no mark."""
        with self._reading() as connection:
            return maps.marks(connection, map_name).get(map_name, {})

    def all_marks(self) -> dict[str, dict[Side, Mark]]:
        """What each app should show of each map."""
        with self._reading() as connection:
            return maps.marks(connection, None)

    def advance_marks(self, epochs: Mapping[str, int]) -> None:
        """Note that both apps have seen these epochs, by map."""
        with self._writing() as connection:
            maps.advance(connection, epochs)

    def set_waits(self, map_name: str, reason: str | None) -> None:
        """Note why a map carries nothing now, or that it does.  A new reason is told in the log."""
        with self._writing() as connection:
            maps.set_waits(connection, map_name, reason)

    def _set_map(self, map_name: str, **values: object) -> None:
        with self._writing() as connection:
            maps.change(connection, map_name, **values)

    def maps(self) -> list[MapRecord]:
        """Every map that was ever run, by name."""
        with self._reading() as connection:
            return records(connection.execute(text(maps_sql())))

    # Runs

    def start_run(self, map_name: str, kind: str, options: Mapping[str, Any]) -> Run:
        """Begin a run.  Whether another one is still open is the caller's question."""
        with self._writing() as connection:
            maps.know(connection, map_name)
            return runs.start(connection, map_name, kind, options)

    def open_run(self, map_name: str, kind: str | None = None) -> Run | None:
        """The newest run of a map that has not finished: the one to resume."""
        with self._reading() as connection:
            return runs.unfinished(connection, map_name, kind)

    def continue_run(self, run_id: int, changed: Mapping[str, Any] | None = None) -> Run:
        """Take up a run that was cut off; `changed` options are stored with it.

        Raises:
            LookupError: There is no such run, or it has finished.
        """
        with self._writing() as connection:
            return runs.take_up(connection, run_id, changed or {})

    def finish_run(self, run_id: int, outcome: Outcome, reason: str | None = None) -> None:
        """End a run.  One that has ended keeps its first outcome.

        Raises:
            LookupError: There is no such run.
        """
        with self._writing() as connection:
            runs.finish(connection, run_id, outcome, reason)

    def runs(self, map_name: str | None = None, limit: int = 50) -> list[Run]:
        """Runs, the newest first."""
        with self._reading() as connection:
            return runs.newest(connection, map_name, limit)

    def totals(self, run_id: int) -> dict[str, Counts]:
        """What the finished partitions of a run did, by direction."""
        with self._reading() as connection:
            return runs.totals(connection, [run_id]).get(run_id, {})

    # Partitions

    def plan_partitions(self, run_id: int, plans: Sequence[PartitionPlan]) -> list[Partition]:
        """Store the partitions of a run's phases; give back what is stored.

        A (phase, direction) that is planned already stays as it is, so a resumed run
        goes on with the ranges it began with, whatever the table has become.
        """
        with self._writing() as connection:
            return runs.plan(connection, run_id, plans)

    def partitions(self, run_id: int, *, pending_only: bool = False) -> list[Partition]:
        """The partitions of a run, by phase, direction and number."""
        with self._reading() as connection:
            return runs.partitions(connection, run_id, pending_only=pending_only)

    def finish_partition(
        self, run_id: int, direction: str, phase: int, number: int, shares: Mapping[str, Share]
    ) -> bool:
        """Mark a partition done, with what it did in each direction, in one transaction.

        A second call for the same partition changes nothing, and gives False.

        Raises:
            LookupError: There is no such partition.
        """
        with self._writing() as connection:
            map_name = runs.mark_done(connection, run_id, direction, phase, number)
            if map_name is None:
                return False
            place = {"run_id": run_id, "leg": direction, "phase": phase, "number": number}
            tallies = [
                {**place, "direction": way, **share.counts.as_dict()}
                for way, share in shares.items()
            ]
            if tallies:
                connection.execute(insert(TallyRow), tallies)
            held.settle(connection, map_name, shares)
            return True

    # Held rows

    def record(self, map_name: str, shares: Mapping[str, Share]) -> None:
        """Hold rows and let others go, by direction, in one transaction (a cycle, a retry)."""
        with self._writing() as connection:
            maps.know(connection, map_name)
            held.settle(connection, map_name, shares)

    def held_keys(self, map_name: str, direction: str) -> dict[str, int]:
        """Every held key of a direction (as `key_text` writes it), with its id."""
        with self._reading() as connection:
            return held.held_keys(connection, map_name, direction)

    def rejected(
        self,
        map_name: str | None = None,
        *,
        rule: str | None = None,
        ids: Collection[int] | None = None,
        limit: int | None = None,
    ) -> list[HeldRow]:
        """Rejected rows, oldest id first."""
        with self._reading() as connection:
            return held.held(
                connection, "rejected", map_name=map_name, cause=rule, ids=ids, limit=limit
            )

    def parked(
        self,
        map_name: str | None = None,
        *,
        waits_for: str | None = None,
        ids: Collection[int] | None = None,
        limit: int | None = None,
    ) -> list[HeldRow]:
        """Parked rows, oldest id first."""
        with self._reading() as connection:
            return held.held(
                connection, "parked", map_name=map_name, cause=waits_for, ids=ids, limit=limit
            )

    def maps_with_parked(self) -> frozenset[str]:
        """The maps that have parked rows."""
        with self._reading() as connection:
            return held.maps_with_parked(connection)

    def causes(self, map_name: str | None = None) -> list[Cause]:
        """Held rows, rejected and parked, grouped by cause; the most rows first."""
        with self._reading() as connection:
            return held.causes(connection, map_name)

    def ids_of(self, cause: Cause, *, limit: int | None = None) -> list[int]:
        """The ids of the rows of one cause, oldest first."""
        with self._reading() as connection:
            return held.ids_of(connection, cause, limit)

    def rejected_by_rule(self, map_name: str | None = None) -> list[Cause]:
        """As `causes`, rejected rows only."""
        return [cause for cause in self.causes(map_name) if cause.kind == "rejected"]

    def discard(self, ids: Collection[int]) -> int:
        """Forget held rows for good; how many there were."""
        with self._writing() as connection:
            return held.discard(connection, ids)

    # Cycles

    def note_cycle(
        self,
        map_name: str,
        counts: Mapping[str, Counts],
        lags: Mapping[str, Lags] | None = None,
        *,
        pending: Mapping[Side, int] | None = None,
    ) -> None:
        """Add what a cycle did, by direction, to its minute; it is the map's last one now.

        `lags` count the changes carried, by bucket; `pending` is what each queue still holds.
        """
        with self._writing() as connection:
            known = {side.value: each for side, each in (pending or {}).items()}
            values = {} if pending is None else {"pending": known}
            maps.change(connection, map_name, last_cycle_at=datetime.now(UTC), **values)
            cycles.note(connection, map_name, counts, lags or {}, minute=cycles.this_minute())

    def cycles(self, map_name: str, *, minutes: int = 60) -> dict[str, tuple[Counts, Lags]]:
        """What a map's cycles of the last minutes did, and how late, by direction."""
        with self._reading() as connection:
            return cycles.totals(connection, map_name, since=cycles.this_minute() - minutes)

    # Conflicts

    def note_conflicts(self, map_name: str, conflicts: Sequence[Conflict]) -> None:
        """Store conflicts; one with a token that is stored already takes its place."""
        with self._writing() as connection:
            stored.note(connection, map_name, conflicts)

    def conflicts(
        self,
        map_name: str | None = None,
        *,
        open_only: bool = True,
        ids: Collection[int] | None = None,
        limit: int | None = None,
    ) -> list[ConflictRow]:
        """Conflicts, the newest first: those that wait for a person, or all."""
        with self._reading() as connection:
            return stored.listed(connection, map_name, open_only=open_only, ids=ids, limit=limit)

    def waiting(self, map_name: str) -> tuple[int, int]:
        """How many conflicts of a map wait for a person, and how many rows are held."""
        with self._reading() as connection:
            return stored.waiting(connection, map_name)

    def settle_conflict(
        self, conflict_id: int, outcome: str, status: ConflictStatus = "settled"
    ) -> None:
        """Say what became of a conflict.

        Raises:
            LookupError: There is no such conflict.
        """
        with self._writing() as connection:
            stored.settle(connection, conflict_id, outcome, status)

    # Writes of both apps at once

    def intend(self, name: str, map_name: str) -> None:
        """Note that branches of this name are about to be prepared in both apps."""
        with self._writing() as connection:
            intents.intend(connection, name, map_name)

    def decide(self, name: str, *, commits: bool) -> bool:
        """Decide what becomes of prepared branches, if nobody has; what stands."""
        with self._writing() as connection:
            return intents.decide(connection, name, commits=commits)

    def intents(self) -> list[Intent]:
        """Writes of both apps on their way, or left by a writer that died."""
        with self._reading() as connection:
            return intents.listed(connection)

    def intent_done(self, name: str) -> None:
        """Forget one: no app has a branch of that name any more."""
        with self._writing() as connection:
            intents.done(connection, name)

    # Activity and leases

    def log(
        self,
        map_name: str | None,
        event: str,
        text: str,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line to the activity log."""
        with self._writing() as connection:
            maps.log(connection, map_name, event, text, detail)

    def activity(self, map_name: str | None = None, limit: int = 100) -> list[Activity]:
        """The newest lines of the activity log, the newest first."""
        query = select(ActivityRow.__table__).order_by(ActivityRow.id.desc()).limit(limit)
        if map_name is not None:
            query = query.where(ActivityRow.map == map_name)
        with self._reading() as connection:
            return [
                Activity(row.id, row.at, row.map, row.event, row.text, row.detail)
                for row in connection.execute(query)
            ]

    def lease(self, map_name: str, purpose: str, seconds: float) -> Lease:
        """Take the right to work on a map.

        Raises:
            LeaseHeldError: A living worker has it.
        """
        return take(self._engine, self._app, map_name=map_name, holder=purpose, seconds=seconds)

    def holder(self, map_name: str) -> str | None:
        """What the worker that has a map says it does; None where nobody has it."""
        with self._reading() as connection:
            return holder(connection, map_name)

    def epoch(self, map_name: str) -> int:
        """The epoch of the newest lease of a map; 0 where none was taken."""
        with self._reading() as connection:
            query = select(LeaseRow.epoch).where(LeaseRow.map == map_name)
            return connection.scalar(query) or 0

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine, self._app)

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._app)
