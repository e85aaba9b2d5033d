"""Prefect for a person without a server: its own small one, in a folder, and quiet."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_SERVER_LOGGING_LEVEL,
    temporary_settings,
)


@contextmanager
def own_prefect(home: Path) -> Iterator[str]:
    """Use the server that the user has set, or one that lives in `home` for this block.

    Gives where the runs can be seen afterwards, in words.
    """
    _be_quiet()
    if PREFECT_API_URL.value():
        yield f"your Prefect server, {PREFECT_API_URL.value()}"
        return
    home.mkdir(parents=True, exist_ok=True)
    # it tells of what it tries again a moment later, tracebacks and all
    quiet = {PREFECT_HOME: home, PREFECT_SERVER_LOGGING_LEVEL: "CRITICAL"}
    with temporary_settings(quiet):
        yield f"PREFECT_HOME={home} prefect server start"


def _be_quiet() -> None:
    """Log nothing but progress from now on: the server ends noisily with the process."""
    for name in ("prefect", "prefect.flow_runs", "prefect.task_runs", "great_expectations"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("    %(message)s"))
    progress = logging.getLogger("dualwrite.flows")
    progress.handlers, progress.propagate = [handler], False
    progress.setLevel(logging.INFO)
