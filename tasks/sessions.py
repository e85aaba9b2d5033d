"""What a process keeps open between tasks: the project, and each initial sync under way.

A task's arguments are small and travel; connections do not.  So each process opens a
project once, for all its threads, and keeps what it has compiled of a map for the rest
of that phase.  Everything that must outlive the process is in the journal.
"""

from __future__ import annotations

import atexit
import threading
from contextlib import ExitStack
from pathlib import Path

from dualwrite.journal.records import MapStatus
from dualwrite.sync.batch.gate import Gate
from dualwrite.sync.initial.partitions import InitialSync, Options
from dualwrite.sync.initial.take_up import take_up
from dualwrite.sync.routes.plan import MapPlan
from dualwrite.sync.session import Session, open_session

_lock = threading.RLock()
_open = ExitStack()
_sessions: dict[Path, Session] = {}
_syncs: dict[tuple[Path, str, int, int, int], InitialSync] = {}
_KEPT = 4
"""Compiled maps that a process keeps: those being carried, and few before them."""


def session_of(project: Path) -> Session:
    """The project, opened at the first call.

    Raises:
        ConfigError: `dualwrite.toml` is missing or wrong.
        TransientError, PermanentError: The journal cannot be opened.
    """
    with _lock:
        where = project.resolve()
        if where not in _sessions:
            _sessions[where] = _open.enter_context(open_session(where))
        return _sessions[where]


def sync_of(
    project: Path, plan: MapPlan, run_id: int, epoch: int, phase: int, gate: Gate
) -> InitialSync:
    """A map's initial sync, compiled once for all partitions of a run's phase.

    A run that is taken up again has another epoch: what was compiled before is of no use then.

    Raises:
        NoOpenRunError: The run has ended.
    """
    with _lock:
        asked = (project.resolve(), plan.table_map.name, run_id, epoch, phase)
        if asked not in _syncs:
            while len(_syncs) >= _KEPT:
                del _syncs[next(iter(_syncs))]
            _syncs[asked] = take_up(session_of(project), plan, Options(gate=gate))
        return _syncs[asked]


def maps_at_work(project: Path) -> list[str]:
    """The maps of the project that run or are being brought to it."""
    records = session_of(project).journal.maps.all()
    return [each.name for each in records if each.status is not MapStatus.NOT_RUNNING]


def close_sessions() -> None:
    """Close everything; the next task opens it again."""
    with _lock:
        _syncs.clear()
        _sessions.clear()
        _open.close()


atexit.register(close_sessions)
