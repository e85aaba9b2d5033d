"""Runs and their partitions, inside a caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from dualwrite.journal.models import PartitionRow, RunRow, TallyRow
from dualwrite.journal.records import COUNTED, Counts, Outcome, Partition, PartitionPlan, Run


def start(connection: Connection, map_name: str, kind: str, options: Mapping[str, Any]) -> Run:
    """Store a new run."""
    started = datetime.now(UTC)
    run_id = connection.scalar(
        insert(RunRow)
        .values(map=map_name, kind=kind, options=dict(options), started_at=started)
        .returning(RunRow.id)
    )
    assert run_id is not None
    return Run(run_id, map_name, kind, dict(options), started)


def unfinished(connection: Connection, map_name: str, kind: str | None) -> Run | None:
    """The newest run of a map that has not finished."""
    query = select(RunRow.__table__).where(RunRow.map == map_name, RunRow.finished_at.is_(None))
    if kind is not None:
        query = query.where(RunRow.kind == kind)
    row = connection.execute(query.order_by(RunRow.id.desc()).limit(1)).first()
    return None if row is None else run_of(row, totals(connection, [row.id]))


def take_up(connection: Connection, run_id: int, changed: Mapping[str, Any]) -> Run:
    """An unfinished run, with changed options; see `Journal.continue_run`."""
    query = select(RunRow.__table__).where(RunRow.id == run_id, RunRow.finished_at.is_(None))
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        msg = f"there is no unfinished run {run_id}"
        raise LookupError(msg)
    if changed:
        options = {**row.options, **changed}
        connection.execute(update(RunRow).where(RunRow.id == run_id).values(options=options))
        row = connection.execute(query).one()
    return run_of(row, totals(connection, [run_id]))


def finish(connection: Connection, run_id: int, outcome: Outcome, reason: str | None) -> None:
    """End a run; see `Journal.finish_run`."""
    if connection.scalar(select(RunRow.id).where(RunRow.id == run_id)) is None:
        msg = f"there is no run {run_id}"
        raise LookupError(msg)
    connection.execute(
        update(RunRow)
        .where(RunRow.id == run_id, RunRow.finished_at.is_(None))
        .values(finished_at=datetime.now(UTC), outcome=outcome, reason=reason)
    )


def newest(connection: Connection, map_name: str | None, limit: int) -> list[Run]:
    """Runs, the newest first."""
    query = select(RunRow.__table__).order_by(RunRow.id.desc()).limit(limit)
    if map_name is not None:
        query = query.where(RunRow.map == map_name)
    rows = connection.execute(query).all()
    sums = totals(connection, [row.id for row in rows])
    return [run_of(row, sums) for row in rows]


def plan(connection: Connection, run_id: int, plans: Sequence[PartitionPlan]) -> list[Partition]:
    """Store what is not planned yet; see `Journal.plan_partitions`."""
    # Two workers may plan one run at once; this row's lock makes them take turns.
    locked = select(RunRow.id).where(RunRow.id == run_id).with_for_update()
    if connection.scalar(locked) is None:
        msg = f"there is no run {run_id}"
        raise LookupError(msg)
    stored = partitions(connection, run_id, pending_only=False)
    planned = {(each.plan.direction, each.plan.phase) for each in stored}
    new = [each for each in plans if (each.direction, each.phase) not in planned]
    if new:
        rows = [{"run_id": run_id, **_plan_values(each)} for each in new]
        connection.execute(insert(PartitionRow), rows)
        stored = partitions(connection, run_id, pending_only=False)
    wanted = {(each.direction, each.phase) for each in plans}
    return [each for each in stored if (each.plan.direction, each.plan.phase) in wanted]


def mark_done(
    connection: Connection, run_id: int, direction: str, phase: int, number: int
) -> str | None:
    """Mark a partition done: the name of its map, or None when it was done before."""
    here = (
        (PartitionRow.run_id == run_id)
        & (PartitionRow.direction == direction)
        & (PartitionRow.phase == phase)
        & (PartitionRow.number == number)
    )
    done = connection.execute(
        update(PartitionRow)
        .where(here, PartitionRow.done_at.is_(None))
        .values(done_at=datetime.now(UTC))
    )
    map_name = connection.scalar(
        select(RunRow.map).join(PartitionRow, PartitionRow.run_id == RunRow.id).where(here)
    )
    if map_name is None:
        msg = f"run {run_id} has no partition {number} of phase {phase}, {direction}"
        raise LookupError(msg)
    return map_name if done.rowcount else None


def run_of(row: Row[Any], sums: Mapping[int, Mapping[str, Counts]]) -> Run:
    return Run(
        row.id,
        row.map,
        row.kind,
        row.options,
        row.started_at,
        row.finished_at,
        row.outcome,
        row.reason,
        sums.get(row.id, {}),
    )


def totals(connection: Connection, run_ids: Sequence[int]) -> dict[int, dict[str, Counts]]:
    sums = [func.sum(getattr(TallyRow, name)) for name in COUNTED]
    found = connection.execute(
        select(TallyRow.run_id, TallyRow.direction, *sums)
        .where(TallyRow.run_id.in_(run_ids))
        .group_by(TallyRow.run_id, TallyRow.direction)
    )
    by_run: dict[int, dict[str, Counts]] = {}
    for run_id, direction, *numbers in found:
        by_run.setdefault(run_id, {})[direction] = Counts(*map(int, numbers))
    return by_run


def partitions(connection: Connection, run_id: int, *, pending_only: bool) -> list[Partition]:
    query = select(PartitionRow.__table__).where(PartitionRow.run_id == run_id)
    if pending_only:
        query = query.where(PartitionRow.done_at.is_(None))
    ordered = query.order_by(PartitionRow.phase, PartitionRow.direction, PartitionRow.number)
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
