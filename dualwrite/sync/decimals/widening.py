"""Columns of dataverse get other digits, and the rows that waited for them are tried again.

A worker works with the digits that it found when it took a map into its hands.  So the maps
over a table are paused for the moment in which it is altered: whoever carries them lets go, and
takes them up again with the new digits.  The journal knows of it before the app does.
After a crash the maps are paused still; the next `widen` or `undo` first ends what was begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
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
    WORKING,
    Change,
    is_rounded,
    pages_of,
    spelled,
    waits_for_digits,
)
from dualwrite.sync.retry import Retried, retry
from dualwrite.sync.routes.reading import only_needed, reading
from dualwrite.sync.routes.route import compile_route
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import PATIENCE, own_lease
from dualwrite.tablemap.catalogue import UnknownMapError
from dualwrite.tablemap.findings import MapError

_Job = dict[str, Any]
"""What the journal notes of one map: its table, the digits of each column, its status before."""
_CARRIED = (MapStatus.RUNNING, MapStatus.RESUMING)
Progress = Callable[[str, int, int], None]
"""Told the table, how many tables are done, and how many there are."""


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
    """Carry out what `widening` or `narrowing` gave, but for what is refused; table by table.

    Raises:
        InitializingError: A map over one of the tables is being copied.
        LeaseHeldError: A worker has not let go of a map.
        DigitsLostError: A value came meanwhile that would lose digits.
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
    # all at once: who carries them lets go of them once, and takes them up once
    with _hands_off(session, jobs) as leases:
        for number, table in enumerate(tables):
            progress(table, number, len(tables))
            mine = [change for change in wanted if change.table == table]
            session.apps[Side.DATAVERSE].refresh()
            _patiently(session, table, {c.column: _decimal(c.to) for c in mine})
            told = (f"{c.column} from {spelled(c.now)} to {spelled(c.to)}" for c in mine)
            session.journal.activity.log(None, KIND, f"{table}: {', '.join(told)}", {"undo": undo})
            progress(table, number + 1, len(tables))
        _whole_captures(session, leases)
        for name, lease in leases.items():
            if undo:
                continue
            queued += _queue_rounded(session, name, lease, jobs[name]["columns"])
            if MapStatus(jobs[name]["status"]) in _CARRIED:
                retried += _again(session, name, lease, list(jobs[name]["columns"]))
    return Redeclared(tuple(wanted), tuple(retried), queued)


def finish_begun(session: Session) -> list[str]:
    """End what a crash cut off: its maps run again; the tables concerned."""
    journal = session.journal
    begun = [run for run in journal.runs.newest(limit=100_000) if _is_open(run)]
    for run in begun:
        with own_lease(session, run.map, KIND) as lease:
            done = _is_done(session, run)
            if journal.maps.status(run.map) is not MapStatus.NOT_RUNNING:
                _whole_captures(session, {run.map: lease})
                if done and not run.options["undo"]:
                    _queue_rounded(session, run.map, lease, run.options["columns"])
                    _again(session, run.map, lease, list(run.options["columns"]))
            _let_go(session, run)
            journal.runs.finish(run.id, RunOutcome.DONE if done else RunOutcome.FAILED)
    return list(dict.fromkeys(str(run.options["table"]) for run in begun))


def _is_open(run: Run) -> bool:
    return run.kind == KIND and run.finished_at is None


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
def _hands_off(session: Session, jobs: Mapping[str, _Job]) -> Iterator[dict[str, Lease]]:
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
                _let_go(session, run)
                # one that is done but for its retries is ended by the next command
                if not _is_done(session, run):
                    journal.runs.finish(run.id, RunOutcome.FAILED)
            raise
        for run in runs:
            _let_go(session, run)
            journal.runs.finish(run.id, RunOutcome.DONE)


def _let_go(session: Session, run: Run) -> None:
    """The run's map is carried again, if it was before."""
    was = MapStatus(run.options["status"])
    if was in _CARRIED:
        among = (MapStatus.PAUSED,)
        session.journal.maps.change_status(
            run.map, was, among=among, reason="the decimals have changed"
        )


def _over(session: Session, table: str) -> dict[str, MapStatus]:
    """The maps at work over a table of dataverse, and where they stand."""
    found = {}
    for record in session.journal.maps.all():
        if record.status not in WORKING:
            continue
        try:
            own = session.map(record.name).end(Side.DATAVERSE).table
        except (UnknownMapError, MapError):
            continue  # it carries nothing, as nobody can read it
        if own == table:
            found[record.name] = record.status
    return found


def _patiently(session: Session, table: str, columns: Mapping[str, pa.DataType]) -> None:
    """Alter the table; an application that has it in use is waited for, between short tries."""
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


def _whole_captures(session: Session, leases: Mapping[str, Lease]) -> None:
    """Queues that keep images hold the new digits too."""
    for name in leases:
        capture = installed(session, session.map(name)).get(Side.DATAVERSE)
        if capture is not None:
            session.apps[Side.DATAVERSE].install(capture)


def _again(session: Session, name: str, lease: Lease, columns: Sequence[str]) -> list[Retried]:
    rows = [row for row in session.journal.held.rejected(name) if waits_for_digits(row, columns)]
    return retry(session, rows, epoch=lease.epoch) if rows else []


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
    for rows in pages_of(session, session.apps[Side.FINOPS], only_needed(query, needed)):
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


def _decimal(kind: Any) -> pa.DataType:
    return pa.decimal128(kind.precision, kind.scale)
