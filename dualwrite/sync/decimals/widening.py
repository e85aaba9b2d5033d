"""Columns of dataverse get other digits, and the rows that waited for them are tried again.

A worker works with the digits that it read when it took a map's lease.  So the maps over a table
are paused while it is altered: their worker releases them, and takes them again with the new
digits.  The journal records the change before the app has it.  After a crash the maps are still
paused; the next `widen` or `undo` first ends what was begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from dualwrite.apps.capture import Origin
from dualwrite.apps.entries import Op, changed_text
from dualwrite.errors import AppBusyError, PermanentError
from dualwrite.journal.leases import Lease
from dualwrite.journal.records import MapStatus, Run, RunOutcome
from dualwrite.link import Side
from dualwrite.rules import Scale
from dualwrite.sync.batch.results import silent
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.decimals.decimals import (
    KIND,
    Change,
    is_rounded,
    spelled,
    waits_for_digits,
)
from dualwrite.sync.retry import Retried, retry
from dualwrite.sync.routes.reading import batches, only_needed, reading
from dualwrite.sync.routes.route import compile_route
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import PATIENCE, own_lease
from dualwrite.tablemap.catalogue import UnknownMapError
from dualwrite.tablemap.findings import MapError

_Job = dict[str, Any]
"""What the journal records of one map: its table, each column's digits, its status before."""
_CARRIED = (MapStatus.RUNNING, MapStatus.RESUMING)
Progress = Callable[[str, int, int], None]
"""Called with the table, how many tables are done, and how many there are."""


class InitializingError(PermanentError):
    """A map over a table is being copied."""

    def __init__(self, *, map_name: str, table: str) -> None:
        self.map_name, self.table = map_name, table
        super().__init__(
            f"{map_name}: its initial sync has not ended, so the columns of {table} cannot "
            "change now. Nothing was changed.\n"
            f"  Let it end (dualwrite run {map_name}), or give it up: dualwrite stop {map_name}"
        )


@dataclass(frozen=True)
class Redeclared:
    """What was changed, and what became of the rows that waited."""

    changes: tuple[Change, ...]
    retried: tuple[Retried, ...] = ()
    queued: int = 0
    """Rows that had been rounded, and cross with all their digits with the next cycle."""


def redeclare(
    session: Session,
    changes: Sequence[Change],
    *,
    undo: bool = False,
    progress: Progress = silent,
) -> Redeclared:
    """Carry out what `widening` or `narrowing` gave, except what is refused; table by table.

    Raises:
        InitializingError: A map over one of the tables is being copied.
        LeaseHeldError: A worker has not released a map.
        DigitsLostError: A value arrived meanwhile that would lose digits.
        TransientError, PermanentError: From the app.  Tables done before stay done.
    """
    wanted = [change for change in changes if not change.refused]
    tables = list(dict.fromkeys(change.table for change in wanted))
    over = {table: _over(session, table) for table in tables}
    for table, maps in over.items():
        for name, status in maps.items():
            if status is MapStatus.INITIALIZING:
                raise InitializingError(map_name=name, table=table)
    moment = datetime.now(UTC).isoformat()
    jobs: dict[str, _Job] = {}
    for table in tables:
        mine = [change for change in wanted if change.table == table]
        columns = {c.column: [*_digits(c.now), *_digits(c.to)] for c in mine}
        noted = {"change": moment, "undo": undo, "table": table, "columns": columns}
        maps = over[table] or {mine[0].maps[0]: MapStatus.NOT_RUNNING}
        jobs |= {name: {**noted, "status": status.value} for name, status in maps.items()}
    retried: list[Retried] = []
    queued = 0
    # all maps at once, so that their worker releases and takes them only once
    with _set_aside(session, jobs) as leases:
        for number, table in enumerate(tables):
            progress(table, number, len(tables))
            mine = [change for change in wanted if change.table == table]
            session.apps[Side.DATAVERSE].refresh()
            _alter(session, table, {c.column: c.to for c in mine})
            text = ", ".join(f"{c.column} from {spelled(c.now)} to {spelled(c.to)}" for c in mine)
            session.journal.activity.log(None, KIND, f"{table}: {text}", {"undo": undo})
            progress(table, number + 1, len(tables))
        for name in leases:
            _renew_capture(session, name)
        for name, lease in () if undo else leases.items():
            queued += _queue_rounded(session, name, lease, jobs[name]["columns"])
            if MapStatus(jobs[name]["status"]) in _CARRIED:
                retried += _retry(session, name, lease, jobs[name]["columns"])
    return Redeclared(tuple(wanted), tuple(retried), queued)


def finish_begun(session: Session) -> list[str]:
    """End what a crash interrupted: its maps run again; the tables concerned."""
    journal = session.journal
    runs = journal.runs.newest(limit=100_000)
    begun = [run for run in runs if run.kind == KIND and run.finished_at is None]
    for run in begun:
        with own_lease(session, run.map, KIND) as lease:
            done = _is_done(session, run)
            if journal.maps.status(run.map) is not MapStatus.NOT_RUNNING:
                _renew_capture(session, run.map)
                if done and not run.options["undo"]:
                    _queue_rounded(session, run.map, lease, run.options["columns"])
                    _retry(session, run.map, lease, run.options["columns"])
            _resume(session, run)
            journal.runs.finish(run.id, RunOutcome.DONE if done else RunOutcome.FAILED)
    return list(dict.fromkeys(str(run.options["table"]) for run in begun))


def _is_done(session: Session, run: Run) -> bool:
    """Whether the app had altered the table: all columns of it at once, or none."""
    app = session.apps[Side.DATAVERSE]
    app.refresh()
    columns = app.schema(run.options["table"]).columns
    return all(
        name in columns and columns[name].type == pa.decimal128(*digits[2:])
        for name, digits in run.options["columns"].items()
    )


@contextmanager
def _set_aside(session: Session, jobs: Mapping[str, _Job]) -> Iterator[dict[str, Lease]]:
    """Nobody carries these maps until the block ends; then they are as they were."""
    journal = session.journal
    runs = []
    for name, job in jobs.items():
        runs.append(journal.runs.start(name, KIND, job))
        reason = f"the decimals of {job['table']} change"
        journal.maps.change_status(name, MapStatus.PAUSED, among=_CARRIED, reason=reason)
    with ExitStack() as stack:
        try:
            yield {name: stack.enter_context(own_lease(session, name, KIND)) for name in jobs}
        except BaseException:
            for run in runs:
                _resume(session, run)
                # one that is done but for its retries is ended by the next command
                if not _is_done(session, run):
                    journal.runs.finish(run.id, RunOutcome.FAILED)
            raise
        for run in runs:
            _resume(session, run)
            journal.runs.finish(run.id, RunOutcome.DONE)


def _resume(session: Session, run: Run) -> None:
    """The run's map is carried again, if it was before."""
    was, among = MapStatus(run.options["status"]), (MapStatus.PAUSED,)
    if was in _CARRIED:
        reason = "the decimals have changed"
        session.journal.maps.change_status(run.map, was, among=among, reason=reason)


def _over(session: Session, table: str) -> dict[str, MapStatus]:
    """The status of each map at work over a table of dataverse."""
    found = {}
    for record in session.journal.maps.all():
        # a map that cannot be read carries nothing
        with suppress(UnknownMapError, MapError):
            at_work = record.status is not MapStatus.NOT_RUNNING
            if at_work and session.map(record.name).end(Side.DATAVERSE).table == table:
                found[record.name] = record.status
    return found


def _alter(session: Session, table: str, columns: Mapping[str, pa.DataType]) -> None:
    """Alter the table, trying again for a while if an application has it in use."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            session.apps[Side.DATAVERSE].redeclare(table, columns)
        except AppBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _renew_capture(session: Session, name: str) -> None:
    """Install a map's capture again: a queue that keeps images must hold the new digits too."""
    capture = installed(session, session.map(name)).get(Side.DATAVERSE)
    if capture is not None:
        session.apps[Side.DATAVERSE].install(capture)


def _retry(session: Session, name: str, lease: Lease, columns: Collection[str]) -> list[Retried]:
    rows = [row for row in session.journal.held.rejected(name) if waits_for_digits(row, columns)]
    return retry(session, rows, epoch=lease.epoch)


def _queue_rounded(
    session: Session, name: str, lease: Lease, columns: Mapping[str, Sequence[int]]
) -> int:
    """Queue the rows of finops that a map has rounded, where there is room for their digits now.

    Otherwise the other side's rounded value would look like its own, and might come back.
    """
    table_map = session.map(name)
    capture = installed(session, table_map).get(Side.FINOPS)
    route = compile_route(session, table_map, Side.FINOPS)
    rounded = [c for c in route.flow.columns if c.target.column in columns and is_rounded(c)]
    if capture is None or not rounded:
        return 0
    query, queued = reading(session, table_map, Side.FINOPS), 0
    needed = [path for each in rounded for path in each.needs]
    origin = Origin(name, capture.queue, lease.epoch)
    for rows in batches(session, Side.FINOPS, only_needed(query, needed)):
        for each in rounded:
            precision, scale, *_ = columns[each.target.column]
            rule = Scale(column=str(each.source), precision=precision, scale=scale)
            keys = rows.filter(rule.failing(rows)).select([str(path) for path in query.key])
            if not keys.num_rows or each.source is None:
                continue
            changed = changed_text([each.source.column])
            with session.apps[Side.FINOPS].writing(origin) as writing:
                writing.enqueue(capture, keys, op=Op.UPDATE, changed=changed)
            queued += keys.num_rows
    return queued


def _digits(kind: Any) -> list[int]:
    return [kind.precision, kind.scale]
