"""What a process keeps open between tasks: projects, and compiled initial syncs.

The arguments of a task are small data; connections cannot be passed.  So each process opens a
project once for all its threads, and keeps a compiled map for the rest of its phase.  Everything
that must survive the process is in the journal.
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
"""Compiled initial syncs that a process keeps."""


def session_of(project: Path) -> Session:
    """The session of a project, opened at the first call.

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
    """The worker of a map's initial sync, compiled once for all partitions of a phase of a run.

    A resumed run has another epoch, so it is compiled again.

    Raises:
        NoOpenRunError: The run has ended.
    """
    with _lock:
        key = (project.resolve(), plan.table_map.name, run_id, epoch, phase)
        if key not in _workers:
            while len(_workers) >= _KEPT:
                del _workers[next(iter(_workers))]
            _workers[key] = PhaseWorker(session_of(project), plan, gate)
        return _workers[key]


def active_maps(project: Path) -> list[str]:
    """The maps of the project that are not `not running`."""
    return steps.maps_at_work(session_of(project))


def maps_to_run(project: Path) -> list[str]:
    """The active maps; where none is, the project's own."""
    entries = session_of(project).catalogue.entries.values()
    return active_maps(project) or [each.name for each in entries if not each.is_standard]


def close_sessions() -> None:
    """Close all sessions; the next task opens them again."""
    with _lock:
        _workers.clear()
        _sessions.clear()
        _open.close()


atexit.register(close_sessions)
