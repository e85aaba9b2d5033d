"""Runs and their partitions, which are the checkpoints of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from dualwrite.journal.database import Database
from dualwrite.journal.held import record_held
from dualwrite.journal.maps import add_map
from dualwrite.journal.models import PartitionCountModel, PartitionModel, RunModel
from dualwrite.journal.records import (
    COUNTED,
    BatchRecord,
    Counts,
    Partition,
    PartitionPlan,
    Run,
    RunOutcome,
)


class RunStore:
    """The runs of a link's maps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Queries

    def unfinished(self, map_name: str, kind: str | None = None) -> Run | None:
        """The newest run of a map that has not finished: the one to resume."""
        query = select(RunModel.__table__).where(
            RunModel.map == map_name, RunModel.finished_at.is_(None)
        )
        if kind is not None:
            query = query.where(RunModel.kind == kind)
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(RunModel.id.desc()).limit(1)).first()
            return None if row is None else _run(row, _totals(connection, [row.id]))

    def newest(self, map_name: str | None = None, limit: int = 50) -> list[Run]:
        """The newest runs of a map, or of all, the newest first."""
        query = select(RunModel.__table__).order_by(RunModel.id.desc()).limit(limit)
        if map_name is not None:
            query = query.where(RunModel.map == map_name)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            sums = _totals(connection, [row.id for row in rows])
        return [_run(row, sums) for row in rows]

    def totals(self, run_id: int) -> dict[str, Counts]:
        """The counts of a run's finished partitions, by direction."""
        with self._database.reading() as connection:
            return _totals(connection, [run_id]).get(run_id, {})

    def partitions(self, run_id: int, *, pending_only: bool = False) -> list[Partition]:
        """The partitions of a run, by phase, direction and number."""
        with self._database.reading() as connection:
            return _partitions(connection, run_id, pending_only=pending_only)

    # Commands

    def start(self, map_name: str, kind: str, options: Mapping[str, Any]) -> Run:
        """Store a new run.  The caller makes sure that no other run is unfinished."""
        started = datetime.now(UTC)
        new = {"map": map_name, "kind": kind, "options": dict(options), "started_at": started}
        with self._database.writing() as connection:
            add_map(connection, map_name)
            run_id = connection.scalar(insert(RunModel).values(**new).returning(RunModel.id))
        assert run_id is not None
        return Run(run_id, map_name, kind, dict(options), started)

    def resume(self, run_id: int, changed: Mapping[str, Any] | None = None) -> Run:
        """Resume an unfinished run; `changed` options are stored with it.

        Raises:
            LookupError: There is no such run, or it has finished.
        """
        query = select(RunModel.__table__).where(
            RunModel.id == run_id, RunModel.finished_at.is_(None)
        )
        with self._database.writing() as connection:
            row = connection.execute(query.with_for_update()).first()
            if row is None:
                msg = f"there is no unfinished run {run_id}"
                raise LookupError(msg)
            if changed:
                options = {**row.options, **changed}
                connection.execute(
                    update(RunModel).where(RunModel.id == run_id).values(options=options)
                )
                row = connection.execute(query).one()
            return _run(row, _totals(connection, [run_id]))

    def finish(self, run_id: int, outcome: RunOutcome, reason: str | None = None) -> None:
        """Finish a run.  One that has finished keeps its first outcome.

        Raises:
            LookupError: There is no such run.
        """
        unfinished = update(RunModel).where(RunModel.id == run_id, RunModel.finished_at.is_(None))
        with self._database.writing() as connection:
            if connection.scalar(select(RunModel.id).where(RunModel.id == run_id)) is None:
                msg = f"there is no run {run_id}"
                raise LookupError(msg)
            connection.execute(
                unfinished.values(
                    finished_at=datetime.now(UTC), outcome=outcome.value, reason=reason
                )
            )

    def plan_partitions(self, run_id: int, plans: Sequence[PartitionPlan]) -> list[Partition]:
        """Store the partitions of a run's phases; return the stored ones.

        A phase and direction that has partitions already keeps them, so that a resumed run
        continues with the same key ranges, even if the table has changed.

        Raises:
            LookupError: There is no such run.
        """
        with self._database.writing() as connection:
            # Two workers may plan one run at the same time; this lock serialises them.
            locked = select(RunModel.id).where(RunModel.id == run_id).with_for_update()
            if connection.scalar(locked) is None:
                msg = f"there is no run {run_id}"
                raise LookupError(msg)
            stored = _partitions(connection, run_id)
            planned = {(each.plan.direction, each.plan.phase) for each in stored}
            new = [each for each in plans if (each.direction, each.phase) not in planned]
            if new:
                rows = [{"run_id": run_id, **_plan_values(each)} for each in new]
                connection.execute(insert(PartitionModel), rows)
                stored = _partitions(connection, run_id)
        wanted = {(each.direction, each.phase) for each in plans}
        return [each for each in stored if (each.plan.direction, each.plan.phase) in wanted]

    def finish_partition(
        self,
        run_id: int,
        direction: str,
        phase: int,
        number: int,
        batches: Mapping[str, BatchRecord],
    ) -> bool:
        """Finish a partition: store its counts and held rows, by direction, in one transaction.

        Returns:
            False when it was finished before; nothing was changed then.

        Raises:
            LookupError: There is no such partition.
        """
        with self._database.writing() as connection:
            map_name = _mark_done(connection, run_id, direction, phase, number)
            if map_name is None:
                return False
            place = {
                "run_id": run_id,
                "partition_direction": direction,
                "phase": phase,
                "number": number,
            }
            counts = [
                {**place, "direction": written, **batch.counts.as_dict()}
                for written, batch in batches.items()
            ]
            if counts:
                connection.execute(insert(PartitionCountModel), counts)
            record_held(connection, map_name, batches)
            return True


def _mark_done(
    connection: Connection, run_id: int, direction: str, phase: int, number: int
) -> str | None:
    """Mark a partition finished; its map's name, or None when it was finished before."""
    here = (
        (PartitionModel.run_id == run_id)
        & (PartitionModel.direction == direction)
        & (PartitionModel.phase == phase)
        & (PartitionModel.number == number)
    )
    done = connection.execute(
        update(PartitionModel)
        .where(here, PartitionModel.done_at.is_(None))
        .values(done_at=datetime.now(UTC))
    )
    map_name = connection.scalar(
        select(RunModel.map).join(PartitionModel, PartitionModel.run_id == RunModel.id).where(here)
    )
    if map_name is None:
        msg = f"run {run_id} has no partition {number} of phase {phase}, {direction}"
        raise LookupError(msg)
    return map_name if done.rowcount else None


def _run(row: Row[Any], sums: Mapping[int, Mapping[str, Counts]]) -> Run:
    return Run(
        row.id,
        row.map,
        row.kind,
        row.options,
        row.started_at,
        row.finished_at,
        None if row.outcome is None else RunOutcome(row.outcome),
        row.reason,
        sums.get(row.id, {}),
    )


def _totals(connection: Connection, run_ids: Sequence[int]) -> dict[int, dict[str, Counts]]:
    sums = [func.sum(getattr(PartitionCountModel, name)) for name in COUNTED]
    found = connection.execute(
        select(PartitionCountModel.run_id, PartitionCountModel.direction, *sums)
        .where(PartitionCountModel.run_id.in_(run_ids))
        .group_by(PartitionCountModel.run_id, PartitionCountModel.direction)
    )
    by_run: dict[int, dict[str, Counts]] = {}
    for run_id, direction, *numbers in found:
        by_run.setdefault(run_id, {})[direction] = Counts(*map(int, numbers))
    return by_run


def _partitions(
    connection: Connection, run_id: int, *, pending_only: bool = False
) -> list[Partition]:
    query = select(PartitionModel.__table__).where(PartitionModel.run_id == run_id)
    if pending_only:
        query = query.where(PartitionModel.done_at.is_(None))
    ordered = query.order_by(PartitionModel.phase, PartitionModel.direction, PartitionModel.number)
    return [
        Partition(
            PartitionPlan(
                row.direction,
                row.phase,
                row.number,
                tuple(row.columns),
                None if row.low is None else tuple(row.low),
                None if row.high is None else tuple(row.high),
            ),
            row.done_at,
        )
        for row in connection.execute(ordered)
    ]


def _plan_values(plan: PartitionPlan) -> dict[str, Any]:
    return {
        "direction": plan.direction,
        "phase": plan.phase,
        "number": plan.number,
        "columns": list(plan.columns),
        "low": None if plan.low is None else list(plan.low),
        "high": None if plan.high is None else list(plan.high),
    }
