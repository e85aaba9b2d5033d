"""Bars for long work: on a terminal only, on stderr, and not before two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 2.0


class Bars:
    """One bar a map; `step` is what the engine calls, from any thread."""

    def __init__(self, *, shown: bool, unit: str) -> None:
        self._shown, self._unit = shown, unit
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._lock = Lock()

    def step(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` units of `name` are done; `total` is None where it is not known."""
        if not self._shown:
            return
        with self._lock:
            if self._progress is None:
                if time.monotonic() - self._started < PATIENCE:
                    return
                self._progress = _make(self._unit)
                self._progress.start()
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, total=total)
            self._progress.update(self._tasks[name], completed=done, total=total)

    def stop(self) -> None:
        """Remove the bars from the terminal; the next step draws new ones."""
        if self._progress is not None:
            self._progress.stop()
            self._progress, self._tasks = None, {}


@contextmanager
def bars(unit: str = "parts") -> Iterator[Bars]:
    """Bars for the work inside; nothing is drawn when stderr is no terminal."""
    mine = Bars(shown=sys.stderr.isatty(), unit=unit)
    try:
        yield mine
    finally:
        mine.stop()


def _make(unit: str) -> Progress:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from dualwrite.cli.output import console

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
