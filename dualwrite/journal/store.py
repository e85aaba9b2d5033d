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

from sqlalchemy import Connection, Engine, insert, select, text, update

from dualwrite.journal import held, runs
from dualwrite.journal.database import open_engine, reading, upsert, writing
from dualwrite.journal.glance import MAPS_SQL, records
from dualwrite.journal.lease import Lease, take
from dualwrite.journal.models import ActivityRow, MapRow, RunRow, TallyRow
from dualwrite.journal.records import (
    Activity,
    Cause,
    Counts,
    HeldRow,
    MapRecord,
    MapStatus,
    Outcome,
    Partition,
    PartitionPlan,
    Run,
    Share,
)
from dualwrite.journal.upgrade import bring_up_to_date


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
            _know(connection, map_name)
            moved = connection.execute(
                update(MapRow)
                .where(MapRow.name == map_name, MapRow.status != status.value)
                .values(status=status.value, since=_now())
            )
            if moved.rowcount:
                _log(connection, map_name, "status", f"{status.value}: {reason}", None)

    def set_last_cycle(self, map_name: str, at: datetime | None = None) -> None:
        """Note when the last cycle of a map ended: now, unless said otherwise."""
        self._set_map(map_name, last_cycle_at=at or _now())

    def set_queues(self, map_name: str, queues: Mapping[str, str]) -> None:
        """Note in which table each app (by side name) queues the map's dirty keys."""
        self._set_map(map_name, queues=dict(queues))

    def _set_map(self, map_name: str, **values: object) -> None:
        with self._writing() as connection:
            _know(connection, map_name)
            connection.execute(update(MapRow).where(MapRow.name == map_name).values(**values))

    def maps(self) -> list[MapRecord]:
        """Every map that was ever run, by name."""
        with self._reading() as connection:
            return records(connection.execute(text(MAPS_SQL)))

    # Runs

    def start_run(self, map_name: str, kind: str, options: Mapping[str, Any]) -> Run:
        """Begin a run.  Whether another one is still open is the caller's question."""
        with self._writing() as connection:
            _know(connection, map_name)
            started = _now()
            run_id = connection.scalar(
                insert(RunRow)
                .values(map=map_name, kind=kind, options=dict(options), started_at=started)
                .returning(RunRow.id)
            )
            assert run_id is not None
        return Run(run_id, map_name, kind, dict(options), started)

    def open_run(self, map_name: str, kind: str | None = None) -> Run | None:
        """The newest run of a map that has not finished: the one to resume."""
        query = select(RunRow.__table__).where(RunRow.map == map_name, RunRow.finished_at.is_(None))
        if kind is not None:
            query = query.where(RunRow.kind == kind)
        with self._reading() as connection:
            row = connection.execute(query.order_by(RunRow.id.desc()).limit(1)).first()
            return None if row is None else runs.run_of(row, runs.totals(connection, [row.id]))

    def continue_run(self, run_id: int, changed: Mapping[str, Any] | None = None) -> Run:
        """Take up a run that was cut off; `changed` options are stored with it.

        Raises:
            LookupError: There is no such run, or it has finished.
        """
        query = select(RunRow.__table__).where(RunRow.id == run_id, RunRow.finished_at.is_(None))
        with self._writing() as connection:
            row = connection.execute(query.with_for_update()).first()
            if row is None:
                msg = f"there is no unfinished run {run_id}"
                raise LookupError(msg)
            if changed:
                options = {**row.options, **changed}
                connection.execute(
                    update(RunRow).where(RunRow.id == run_id).values(options=options)
                )
                row = connection.execute(query).one()
            return runs.run_of(row, runs.totals(connection, [run_id]))

    def finish_run(self, run_id: int, outcome: Outcome, reason: str | None = None) -> None:
        """End a run.  One that has ended keeps its first outcome.

        Raises:
            LookupError: There is no such run.
        """
        with self._writing() as connection:
            known = connection.scalar(select(RunRow.id).where(RunRow.id == run_id))
            if known is None:
                msg = f"there is no run {run_id}"
                raise LookupError(msg)
            connection.execute(
                update(RunRow)
                .where(RunRow.id == run_id, RunRow.finished_at.is_(None))
                .values(finished_at=_now(), outcome=outcome, reason=reason)
            )

    def runs(self, map_name: str | None = None, limit: int = 50) -> list[Run]:
        """Runs, the newest first."""
        query = select(RunRow.__table__).order_by(RunRow.id.desc()).limit(limit)
        if map_name is not None:
            query = query.where(RunRow.map == map_name)
        with self._reading() as connection:
            rows = connection.execute(query).all()
            totals = runs.totals(connection, [row.id for row in rows])
        return [runs.run_of(row, totals) for row in rows]

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
            _know(connection, map_name)
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
            _log(connection, map_name, event, text, detail)

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

    def lease(self, map_name: str, holder: str, seconds: float) -> Lease:
        """Take the right to work on a map; `holder` says what for.

        Raises:
            LeaseHeldError: A living worker has it.
        """
        return take(self._engine, self._app, map_name=map_name, holder=holder, seconds=seconds)

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine, self._app)

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._app)


def _now() -> datetime:
    return datetime.now(UTC)


def _know(connection: Connection, map_name: str) -> None:
    new = {"name": map_name, "status": MapStatus.NOT_RUNNING.value, "since": _now(), "queues": {}}
    connection.execute(upsert(connection, MapRow).values(**new).on_conflict_do_nothing())


def _log(
    connection: Connection,
    map_name: str | None,
    event: str,
    text: str,
    detail: Mapping[str, Any] | None,
) -> None:
    line = {
        "at": _now(),
        "map": map_name,
        "event": event,
        "text": text,
        "detail": None if detail is None else dict(detail),
    }
    connection.execute(insert(ActivityRow).values(**line))
