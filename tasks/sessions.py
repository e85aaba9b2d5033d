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

from dualwrite.operations.gates import Gate
from dualwrite.operations.session import Session, open_session
from dualwrite.operations.steps import cycle as steps
from dualwrite.operations.steps.initial import MapPlan, PhaseWorker

_lock = threading.RLock()
_open = ExitStack()
_sessions: dict[Path, Session] = {}
_workers: dict[tuple[Path, str, int, int, int], PhaseWorker] = {}
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


def worker_of(
    project: Path, plan: MapPlan, run_id: int, epoch: int, phase: int, gate: Gate
) -> PhaseWorker:
    """The worker of a map's initial sync, compiled once for all partitions of a run's phase.

    A run that is taken up again has another epoch: what was compiled before is of no use then.

    Raises:
        NoOpenRunError: The run has ended.
    """
    with _lock:
        asked = (project.resolve(), plan.table_map.name, run_id, epoch, phase)
        if asked not in _workers:
            while len(_workers) >= _KEPT:
                del _workers[next(iter(_workers))]
            _workers[asked] = PhaseWorker(session_of(project), plan, gate)
        return _workers[asked]


def maps_at_work(project: Path) -> list[str]:
    """The maps of the project that run or are being brought to it."""
    return steps.maps_at_work(session_of(project))


def close_sessions() -> None:
    """Close everything; the next task opens it again."""
    with _lock:
        _workers.clear()
        _sessions.clear()
        _open.close()


atexit.register(close_sessions)
